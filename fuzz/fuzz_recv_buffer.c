/*
 * Reassembly under arbitrary frames, against a plain array. Input: records of 4 bytes: operation,
 * offset (2), length. The byte at an offset depends on the offset and on the record, so that a
 * second copy differs from the first.
 */
#include "quic/stream/recv_buffer.h"

#include <stdlib.h>
#include <string.h>

#define SPAN 8192

typedef struct model {
    leat_recv_buffer buffer;
    uint8_t bytes[SPAN];
    bool held[SPAN];
    uint64_t consumed;
} model;

static void check(bool holds) {
    if (!holds) {
        abort();
    }
}

static void insert(model *m, uint64_t offset, size_t length, bool fin, uint8_t salt) {
    uint8_t data[256];
    memset(data, salt, sizeof data);
    leat_insert_status status = leat_recv_buffer_insert(&m->buffer, offset, data, length, fin);
    check(status != LEAT_INSERT_NOMEM);
    for (size_t i = 0; status == LEAT_INSERT_OK && i < length; i++) {
        if (!m->held[offset + i]) {
            m->held[offset + i] = true;
            m->bytes[offset + i] = salt;
        }
    }
}

static void read_some(model *m, size_t wanted) {
    leat_span span = leat_recv_buffer_readable(&m->buffer);
    size_t length = span.length < wanted ? span.length : wanted;
    for (size_t i = 0; i < length; i++) {
        check(m->held[m->consumed + i] && span.data[i] == m->bytes[m->consumed + i]);
    }
    leat_recv_buffer_consume(&m->buffer, length);
    m->consumed += length;
}

static void check_memory(const model *m) {
    const leat_recv_buffer *buffer = &m->buffer;
    check(buffer->consumed <= buffer->contiguous_end && buffer->contiguous_end <= buffer->highest);
    check(buffer->highest <= buffer->final_size);
    check(buffer->ring.capacity <= 2048 || buffer->ring.capacity <= 2 * SPAN);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static model m;
    memset(&m, 0, sizeof m);
    leat_recv_buffer_init(&m.buffer, NULL, SPAN / 2);
    for (; size >= 4; data += 4, size -= 4) {
        uint64_t offset = (uint64_t)(data[1] << 8 | data[2]) % (SPAN - 256);
        if (data[0] % 4 == 0) {
            read_some(&m, (size_t)data[1] * 8);
        } else {
            insert(&m, offset, data[3], data[0] % 16 == 1, (uint8_t)size);
        }
        check_memory(&m);
    }
    leat_recv_buffer_clear(&m.buffer);
    return 0;
}
