/* Request streams: HEADERS and DATA become events, faults of a message end its stream. */
#ifndef LEAT_H3_REQUEST_H
#define LEAT_H3_REQUEST_H

#include "h3/connection.h"

extern const leat_h3_stream_role leat_h3_request_role;

/* A stream error: RESET_STREAM and STOP_SENDING, and RequestRefusedMalformed. */
bool leat_h3_refuse_message(leat_h3 *h3, leat_h3_stream *stream, uint64_t error_code,
    const char *message, leat_h3_event *event);

#endif
