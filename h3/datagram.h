/* HTTP datagrams in QUIC DATAGRAM frames (RFC 9297 §2.1). */
#ifndef LEAT_H3_DATAGRAM_H
#define LEAT_H3_DATAGRAM_H

#include "h3/connection.h"

/* True: the event is filled in. */
bool leat_h3_read_datagram(leat_h3 *h3, leat_span payload, leat_h3_event *event);

#endif
