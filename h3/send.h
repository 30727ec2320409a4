/* Sending: frames on request streams and on the control stream. Public calls: leat/h3.h. */
#ifndef LEAT_H3_SEND_H
#define LEAT_H3_SEND_H

#include "h3/connection.h"

/* What a frame could not place in the QUIC stream goes out first. 0, LEAT_ERR_FULL while there is
 * some left, or another error. */
int leat_h3_flush_unsent(leat_h3 *h3, leat_h3_stream *stream);
/* A short response of this layer's own: :status and a `details` field in words. */
int leat_h3_answer(
    leat_h3 *h3, leat_h3_stream *stream, const char *status, const char *details, bool end_stream);
/* Whole frames for the control stream. LEAT_ERR_FULL when the peer gives no credit for it. */
int leat_h3_send_control(leat_h3 *h3, leat_span frames);

#endif
