/*
 * One resumable reader for everything in HTTP/3 that is type, length, value: frames (RFC 9114 §7.1)
 * and capsules (RFC 9297 §3.2). Input may be cut anywhere; the reader keeps at most the bytes of
 * one unfinished varint. It knows no types: which may stand where is said by the rows of frames.c
 * and capsule.c.
 *
 *     while (leat_tlv_read_head(&reader, &input)) {            type and length are known
 *         value = leat_tlv_read_value(&reader, &input);        as much of the value as there is
 *         if (reader.left == 0) { leat_tlv_next(&reader); }
 *     }
 */
#ifndef LEAT_H3_STREAM_READER_H
#define LEAT_H3_STREAM_READER_H

#include "base/bytes.h"

typedef enum leat_tlv_part { LEAT_TLV_TYPE, LEAT_TLV_LENGTH, LEAT_TLV_VALUE } leat_tlv_part;

typedef struct leat_tlv_reader {
    uint64_t type, length; /* known in LEAT_TLV_VALUE */
    uint64_t left;         /* bytes of the value that have not been read */
    uint8_t part;          /* leat_tlv_part */
    uint8_t partial_length;
    uint8_t partial[8]; /* the beginning of an unfinished varint */
} leat_tlv_reader;

/* One varint; false: the input ended inside it, what was there is kept. */
bool leat_tlv_read_varint(leat_tlv_reader *reader, leat_span *input, uint64_t *value);
/* True in LEAT_TLV_VALUE, at once or after reading the head to its end. */
bool leat_tlv_read_head(leat_tlv_reader *reader, leat_span *input);
/* What the input holds of the value, in place. */
leat_span leat_tlv_read_value(leat_tlv_reader *reader, leat_span *input);
/* The first `length` bytes of the input, or all of it. */
leat_span leat_span_take(leat_span *input, uint64_t length);

static inline void leat_tlv_next(leat_tlv_reader *reader) { reader->part = LEAT_TLV_TYPE; }
/* Nothing has begun that is not complete: the stream may end here. */
static inline bool leat_tlv_is_between(const leat_tlv_reader *reader) {
    return reader->part == LEAT_TLV_TYPE && reader->partial_length == 0;
}

#endif
