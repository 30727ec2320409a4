/*
 * The two primitives of RFC 9204 §4.1: prefixed integers and string literals. The reader is sticky
 * in two ways, because the encoder stream may end anywhere: `bytes.failed` says that more is
 * needed, `malformed` that no continuation can be right. After either every read yields 0.
 */
#ifndef LEAT_H3_QPACK_LITERAL_H
#define LEAT_H3_QPACK_LITERAL_H

#include "base/bytes.h"

typedef struct leat_qpack_reader {
    leat_reader bytes;
    bool malformed;
} leat_qpack_reader;

/* A string as it stands in the input, or text of our own when `huffman` is false. */
typedef struct leat_qpack_string {
    leat_span bytes;
    bool huffman;
} leat_qpack_string;

static inline bool leat_qpack_reader_is_ok(const leat_qpack_reader *reader) {
    return !reader->malformed && !reader->bytes.failed;
}

/* The byte that the next integer or string begins in; 0 at the end, without failing. */
uint8_t leat_qpack_peek(const leat_qpack_reader *reader);
/* The value in the low `prefix` bits of the next byte and what follows; at most 62 bits. */
uint64_t leat_qpack_read_integer(leat_qpack_reader *reader, unsigned prefix);
/* `prefix` counts the Huffman bit, as the RFC does. Malformed when longer than `limit` bytes. */
leat_qpack_string leat_qpack_read_string(
    leat_qpack_reader *reader, unsigned prefix, uint64_t limit);

/* How many bytes the text of a string can need, and its text, in that order of calls. */
size_t leat_qpack_text_bound(leat_qpack_string string);

typedef enum leat_qpack_text_result {
    LEAT_QPACK_TEXT_OK,
    LEAT_QPACK_TEXT_MALFORMED,
    LEAT_QPACK_TEXT_TOO_LARGE, /* does not fit in `room` */
} leat_qpack_text_result;

leat_qpack_text_result leat_qpack_copy_text(
    leat_qpack_string string, uint8_t *text, size_t room, size_t *length);

/* The longest prefixed integer that is written or accepted: 62 bits. */
#define LEAT_QPACK_INTEGER_MAX 10

/* `pattern` is the bits above the prefix. */
void leat_qpack_write_integer(
    leat_writer *writer, uint8_t pattern, unsigned prefix, uint64_t value);
/* Huffman when that is shorter; needs at most LEAT_QPACK_INTEGER_MAX + text.length bytes. */
void leat_qpack_write_string(
    leat_writer *writer, uint8_t pattern, unsigned prefix, leat_span text);

#endif
