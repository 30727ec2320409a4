/* One frame as text, "reset_stream stream_id=4 error_code=7 final_size=10": for traces and
 * decoders. Bounded by room. */
#ifndef LEAT_QUIC_FRAME_FRAME_PRINT_H
#define LEAT_QUIC_FRAME_FRAME_PRINT_H

#include "quic/frame/frame_codec.h"

/* Always NUL-terminated; returns the length written. */
size_t leat_frame_print(const leat_frame *frame, char *text, size_t room);

#endif
