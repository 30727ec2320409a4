/* qlog's names of error codes; NULL when there is none. */
#ifndef LEAT_QLOG_ERROR_NAMES_H
#define LEAT_QLOG_ERROR_NAMES_H

#include <stdint.h>

const char *leat_qlog_transport_error(uint64_t code); /* draft-ietf-quic-qlog-quic-events-13 §8.13.24 */
const char *leat_qlog_http3_error(uint64_t code);     /* draft-ietf-quic-qlog-h3-events-13 §4.3 */

#endif
