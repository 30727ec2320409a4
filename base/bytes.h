/*
 * Byte cursors. Both are sticky: after the first read past the end or write past the room, `failed` is set,
 * every later read yields 0 and every later write does nothing, so that a parser reads its fields straight
 * through, like the figure in the RFC, and tests `failed` once. Integers are big endian; varints are those of
 * RFC 9000 §16. A reader never owns bytes.
 */
#ifndef LEAT_BASE_BYTES_H
#define LEAT_BASE_BYTES_H

#include <leat/base.h>
#include <string.h>

static inline bool leat_span_equal(leat_span a, leat_span b) {
    return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

typedef struct leat_reader {
    const uint8_t *next;
    const uint8_t *end;
    bool failed;
} leat_reader;

static inline leat_reader leat_reader_make(const uint8_t *data, size_t length) {
    leat_reader reader = {data, length > 0 ? data + length : data, false};
    return reader;
}

static inline size_t leat_reader_left(const leat_reader *reader) {
    return reader->failed ? 0 : (size_t)(reader->end - reader->next);
}

static inline bool leat_reader_at_end(const leat_reader *reader) {
    return !reader->failed && reader->next == reader->end;
}

uint8_t leat_read_u8(leat_reader *reader);
uint16_t leat_read_u16(leat_reader *reader);
uint32_t leat_read_u24(leat_reader *reader);
uint32_t leat_read_u32(leat_reader *reader);
uint64_t leat_read_u64(leat_reader *reader);
uint64_t leat_read_varint(leat_reader *reader);
/* `length` bytes in place, or an empty span and failed. */
leat_span leat_read_bytes(leat_reader *reader, uint64_t length);
void leat_read_copy(leat_reader *reader, uint8_t *out, size_t length);
/* A vector with a length prefix of 1, 2 or 3 bytes, or a varint: TLS and QUIC vectors. */
leat_span leat_read_vector8(leat_reader *reader);
leat_span leat_read_vector16(leat_reader *reader);
leat_span leat_read_vector24(leat_reader *reader);
leat_span leat_read_vector_varint(leat_reader *reader);
/* The rest of the input. */
leat_span leat_read_rest(leat_reader *reader);

static inline leat_reader leat_reader_of(leat_span span) { return leat_reader_make(span.data, span.length); }

typedef struct leat_writer {
    uint8_t *start;
    uint8_t *next;
    uint8_t *end;
    bool failed;
} leat_writer;

static inline leat_writer leat_writer_make(uint8_t *data, size_t room) {
    leat_writer writer = {data, data, data + room, false};
    return writer;
}

static inline size_t leat_writer_length(const leat_writer *writer) { return (size_t)(writer->next - writer->start); }
static inline size_t leat_writer_room(const leat_writer *writer) {
    return writer->failed ? 0 : (size_t)(writer->end - writer->next);
}

void leat_write_u8(leat_writer *writer, uint8_t value);
void leat_write_u16(leat_writer *writer, uint16_t value);
void leat_write_u24(leat_writer *writer, uint32_t value);
void leat_write_u32(leat_writer *writer, uint32_t value);
void leat_write_u64(leat_writer *writer, uint64_t value);
void leat_write_varint(leat_writer *writer, uint64_t value);
/* A varint in exactly `size` bytes (1, 2, 4 or 8); fails when the value does not fit. */
void leat_write_varint_sized(leat_writer *writer, uint64_t value, size_t size);
void leat_write_bytes(leat_writer *writer, const void *bytes, size_t length);
void leat_write_zeros(leat_writer *writer, size_t length);
/* Vectors whose length is known only afterwards: begin returns the mark that end needs; prefix of 1, 2 or 3 bytes. */
size_t leat_write_vector_begin(leat_writer *writer, size_t prefix);
void leat_write_vector_end(leat_writer *writer, size_t mark, size_t prefix);

#define LEAT_VARINT_MAX ((UINT64_C(1) << 62) - 1)
size_t leat_varint_size(uint64_t value); /* 1, 2, 4 or 8; 0 above LEAT_VARINT_MAX */

/* A growing array of bytes with a named bound. */
typedef struct leat_buffer {
    const leat_allocator *allocator;
    uint8_t *data;
    size_t length, capacity;
    size_t limit; /* never grows past this */
} leat_buffer;

void leat_buffer_init(leat_buffer *buffer, const leat_allocator *allocator, size_t limit);
/* Appends; LEAT_ERR_TOO_LARGE past the limit, LEAT_ERR_NOMEM. */
int leat_buffer_append(leat_buffer *buffer, const void *bytes, size_t length);
/* Room for `length` more bytes at data + length, without counting them yet. */
int leat_buffer_reserve(leat_buffer *buffer, size_t length);
void leat_buffer_consume(leat_buffer *buffer, size_t length); /* drops bytes at the front */
void leat_buffer_clear(leat_buffer *buffer);                  /* frees */

#endif
