/* The streams that live as long as the connection: control (RFC 9114 §6.2.1), QPACK encoder and
 * decoder (RFC 9204 §4.2). */
#ifndef LEAT_H3_CRITICAL_STREAMS_H
#define LEAT_H3_CRITICAL_STREAMS_H

#include "h3/connection.h"

extern const leat_h3_stream_role leat_h3_critical_roles[LEAT_H3_CRITICAL_COUNT];

/* Opens ours as far as the peer lets us, and sends what is due on them. 0, LEAT_ERR_NOMEM or
 * another leat_err. */
int leat_h3_flush(leat_h3 *h3);
bool leat_h3_is_local_critical(const leat_h3 *h3, uint64_t stream_id);

#endif
