/* Streams of WebTransport sessions (draft-ietf-webtrans-http3 §4): a signal or type, the session
 * id, then raw bytes. */
#ifndef LEAT_H3_WEBTRANSPORT_STREAM_H
#define LEAT_H3_WEBTRANSPORT_STREAM_H

#include "h3/connection.h"

#define LEAT_H3_STREAM_TYPE_WEBTRANSPORT 0x54

/* The session id comes next. */
extern const leat_h3_stream_role leat_h3_webtransport_opening;

#endif
