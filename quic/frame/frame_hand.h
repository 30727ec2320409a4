/* The hand-written codecs behind frame_codec.c: the hot frames and the one with a loop. */
#ifndef LEAT_QUIC_FRAME_FRAME_HAND_H
#define LEAT_QUIC_FRAME_FRAME_HAND_H

#include "quic/frame/frame_codec.h"

/* The reader stands behind the frame type. 0 or a transport error code; a failed reader is judged by the caller. */
uint64_t leat_ack_frame_parse(leat_reader *reader, leat_frame *frame);
uint64_t leat_stream_frame_parse(leat_reader *reader, leat_frame *frame);
uint64_t leat_datagram_frame_parse(leat_reader *reader, leat_frame *frame);
/* The whole frame, type included. */
void leat_ack_frame_write(leat_writer *writer, const leat_frame *frame);
void leat_stream_frame_write(leat_writer *writer, const leat_frame *frame);

#endif
