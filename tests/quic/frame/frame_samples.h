/* One frame of every kind (and of every form of the hot ones): wire bytes and the text they print
 * as. */
#ifndef LEAT_TESTS_FRAME_SAMPLES_H
#define LEAT_TESTS_FRAME_SAMPLES_H

#include "leat_test.h"
#include "quic/frame/frame_codec.h"

typedef struct frame_sample {
    leat_frame_kind kind;
    const char *hex;
    const char *text;
    bool ends_with_packet; /* cutting it gives another valid frame */
} frame_sample;

extern const frame_sample frame_samples[];
extern const size_t frame_sample_count;

/* Parses one frame that must be all of the bytes; returns the error code. The bytes end where their
 * memory ends. */
uint64_t frame_parse_exactly(leat_span bytes, leat_frame *frame);
uint64_t frame_parse_hex(const char *hex, leat_frame *frame);
/* A type beyond RFC 9000 that has a row. */
bool frame_is_extension(uint64_t type);
void frame_assert_error(const char *hex, uint64_t expected);

#endif
