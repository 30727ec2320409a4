/*
 * Byte cursors and the growing buffer. Every length is compared with what is left by subtraction
 * before it is used, so that no length a peer can write overflows a pointer. Varints are those of
 * RFC 9000 §16.
 */
#include "base/bytes.h"

#include "base/alloc.h"

#define BUFFER_FIRST_CAPACITY 64

/* The next `length` bytes, or NULL and failed. */
static const uint8_t *take(leat_reader *reader, uint64_t length) {
    if (reader->failed || length > (uint64_t)(reader->end - reader->next)) {
        reader->failed = true;
        return NULL;
    }
    const uint8_t *bytes = reader->next;
    if (length > 0) {
        reader->next += length;
    }
    return bytes;
}

static uint64_t read_integer(leat_reader *reader, size_t size) {
    const uint8_t *bytes = take(reader, size);
    uint64_t value = 0;
    for (size_t i = 0; bytes != NULL && i < size; i++) {
        value = value << 8 | bytes[i];
    }
    return value;
}

uint8_t leat_read_u8(leat_reader *reader) {
    const uint8_t *bytes = take(reader, 1);
    return bytes != NULL ? *bytes : 0;
}

uint16_t leat_read_u16(leat_reader *reader) { return (uint16_t)read_integer(reader, 2); }
uint32_t leat_read_u24(leat_reader *reader) { return (uint32_t)read_integer(reader, 3); }
uint32_t leat_read_u32(leat_reader *reader) { return (uint32_t)read_integer(reader, 4); }
uint64_t leat_read_u64(leat_reader *reader) { return read_integer(reader, 8); }

uint64_t leat_read_varint(leat_reader *reader) {
    /* RFC 9000 §16: the two high bits of the first byte are the base 2 logarithm of the size. */
    uint8_t first = leat_read_u8(reader);
    size_t rest = ((size_t)1 << (first >> 6)) - 1;
    uint64_t value = first & 0x3f;
    if (rest > 0) {
        value = value << (8 * rest) | read_integer(reader, rest);
    }
    return reader->failed ? 0 : value;
}

leat_span leat_read_bytes(leat_reader *reader, uint64_t length) {
    const uint8_t *bytes = take(reader, length);
    return bytes != NULL ? (leat_span){bytes, (size_t)length} : (leat_span){NULL, 0};
}

void leat_read_copy(leat_reader *reader, uint8_t *out, size_t length) {
    const uint8_t *bytes = take(reader, length);
    if (length == 0) {
        return;
    }
    if (bytes != NULL) {
        memcpy(out, bytes, length);
    } else {
        memset(out, 0, length);
    }
}

leat_span leat_read_vector8(leat_reader *reader) {
    return leat_read_bytes(reader, read_integer(reader, 1));
}
leat_span leat_read_vector16(leat_reader *reader) {
    return leat_read_bytes(reader, read_integer(reader, 2));
}
leat_span leat_read_vector24(leat_reader *reader) {
    return leat_read_bytes(reader, read_integer(reader, 3));
}
leat_span leat_read_vector_varint(leat_reader *reader) {
    return leat_read_bytes(reader, leat_read_varint(reader));
}
leat_span leat_read_rest(leat_reader *reader) {
    return leat_read_bytes(reader, leat_reader_left(reader));
}

/* Room for `length` bytes, already counted, or NULL and failed. */
static uint8_t *claim(leat_writer *writer, size_t length) {
    if (writer->failed || length > (size_t)(writer->end - writer->next)) {
        writer->failed = true;
        return NULL;
    }
    uint8_t *bytes = writer->next;
    if (length > 0) {
        writer->next += length;
    }
    return bytes;
}

static void store_integer(uint8_t *bytes, uint64_t value, size_t size) {
    for (size_t i = size; i-- > 0; value >>= 8) {
        bytes[i] = (uint8_t)value;
    }
}

static void write_integer(leat_writer *writer, uint64_t value, size_t size) {
    uint8_t *bytes = claim(writer, size);
    if (bytes != NULL) {
        store_integer(bytes, value, size);
    }
}

void leat_write_u8(leat_writer *writer, uint8_t value) { write_integer(writer, value, 1); }
void leat_write_u16(leat_writer *writer, uint16_t value) { write_integer(writer, value, 2); }
void leat_write_u24(leat_writer *writer, uint32_t value) { write_integer(writer, value, 3); }
void leat_write_u32(leat_writer *writer, uint32_t value) { write_integer(writer, value, 4); }
void leat_write_u64(leat_writer *writer, uint64_t value) { write_integer(writer, value, 8); }

size_t leat_varint_size(uint64_t value) {
    if (value < 0x4000) {
        return value < 0x40 ? 1 : 2;
    }
    if (value <= LEAT_VARINT_MAX) {
        return value < 0x40000000 ? 4 : 8;
    }
    return 0;
}

void leat_write_varint(leat_writer *writer, uint64_t value) {
    leat_write_varint_sized(writer, value, leat_varint_size(value));
}

void leat_write_varint_sized(leat_writer *writer, uint64_t value, size_t size) {
    size_t needed = leat_varint_size(value);
    if (needed == 0 || size < needed) {
        writer->failed = true;
        return;
    }
    unsigned prefix = size == 1 ? 0 : size == 2 ? 1 : size == 4 ? 2 : 3;
    write_integer(writer, value | (uint64_t)prefix << (8 * size - 2), size);
}

void leat_write_bytes(leat_writer *writer, const void *bytes, size_t length) {
    uint8_t *room = claim(writer, length);
    if (room != NULL && length > 0) {
        memcpy(room, bytes, length);
    }
}

void leat_write_zeros(leat_writer *writer, size_t length) {
    uint8_t *room = claim(writer, length);
    if (room != NULL && length > 0) {
        memset(room, 0, length);
    }
}

size_t leat_write_vector_begin(leat_writer *writer, size_t prefix) {
    size_t mark = leat_writer_length(writer);
    leat_write_zeros(writer, prefix);
    return mark;
}

void leat_write_vector_end(leat_writer *writer, size_t mark, size_t prefix) {
    if (writer->failed) {
        return;
    }
    size_t length = leat_writer_length(writer) - mark - prefix;
    if (length >> (8 * prefix) != 0) {
        writer->failed = true;
        return;
    }
    store_integer(writer->start + mark, length, prefix);
}

void leat_buffer_init(leat_buffer *buffer, const leat_allocator *allocator, size_t limit) {
    *buffer = (leat_buffer){.allocator = allocator, .limit = limit};
}

int leat_buffer_reserve(leat_buffer *buffer, size_t length) {
    if (length > buffer->limit - buffer->length) {
        return LEAT_ERR_TOO_LARGE;
    }
    size_t needed = buffer->length + length;
    if (needed <= buffer->capacity) {
        return LEAT_OK;
    }
    size_t capacity =
        buffer->capacity < BUFFER_FIRST_CAPACITY ? BUFFER_FIRST_CAPACITY : buffer->capacity;
    while (capacity < needed) {
        capacity = capacity > buffer->limit / 2 ? buffer->limit : capacity * 2;
    }
    capacity = capacity > buffer->limit ? buffer->limit : capacity;
    uint8_t *data = leat_realloc(buffer->allocator, buffer->data, capacity);
    if (data == NULL) {
        return LEAT_ERR_NOMEM;
    }
    buffer->data = data;
    buffer->capacity = capacity;
    return LEAT_OK;
}

int leat_buffer_append(leat_buffer *buffer, const void *bytes, size_t length) {
    int err = leat_buffer_reserve(buffer, length);
    if (err == LEAT_OK && length > 0) {
        memcpy(buffer->data + buffer->length, bytes, length);
        buffer->length += length;
    }
    return err;
}

void leat_buffer_consume(leat_buffer *buffer, size_t length) {
    if (length >= buffer->length) {
        buffer->length = 0;
    } else if (length > 0) {
        buffer->length -= length;
        memmove(buffer->data, buffer->data + length, buffer->length);
    }
}

void leat_buffer_clear(leat_buffer *buffer) {
    leat_free(buffer->allocator, buffer->data);
    buffer->data = NULL;
    buffer->length = buffer->capacity = 0;
}
