/*
 * The decoder of RFC 9204 §2.2: its life, the streams that wait for table entries, and the decoder
 * stream (§4.4). What is decoded where: see qpack_decoder.h.
 */
#include "h3/qpack_decoder.h"

#include "base/alloc.h"


/* The two integers of an Insert with Literal Name and a little more. */
#define INSTRUCTION_OVERHEAD 32

leat_qpack_decoder *leat_qpack_decoder_new(const leat_allocator *allocator,
    uint64_t max_table_capacity, uint64_t max_blocked_streams, size_t max_field_section_size) {
    if (max_table_capacity > LEAT_QPACK_CAPACITY_MAX) {
        return NULL;
    }
    leat_qpack_decoder *decoder = leat_alloc(allocator, sizeof *decoder);
    if (decoder == NULL) {
        return NULL;
    }
    decoder->allocator = allocator;
    decoder->max_table_capacity = max_table_capacity;
    decoder->max_blocked_streams = max_blocked_streams;
    decoder->max_field_section_size = max_field_section_size;
    leat_qpack_table_init(&decoder->table, allocator, max_table_capacity);
    /* Two strings, neither of which may be longer than the table: see qpack_encoder_stream.c. */
    size_t longest_instruction = 2 * (size_t)max_table_capacity + INSTRUCTION_OVERHEAD;
    leat_buffer_init(&decoder->instruction, allocator, longest_instruction);
    leat_buffer_init(&decoder->output, allocator, LEAT_QPACK_DECODER_OUTPUT_MAX);
    return decoder;
}

void leat_qpack_decoder_free(leat_qpack_decoder *decoder) {
    if (decoder == NULL) {
        return;
    }
    const leat_allocator *allocator = decoder->allocator;
    leat_qpack_table_clear(&decoder->table);
    leat_buffer_clear(&decoder->instruction);
    leat_buffer_clear(&decoder->output);
    leat_qpack_text_clear(decoder);
    leat_free(allocator, decoder->blocked);
    leat_free(allocator, decoder->headers);
    leat_free(allocator, decoder);
}

uint64_t leat_qpack_decoder_insert_count(const leat_qpack_decoder *decoder) {
    return decoder->table.insert_count;
}

bool leat_qpack_decoder_is_unblocked(
    const leat_qpack_decoder *decoder, uint64_t required_insert_count) {
    return required_insert_count <= decoder->table.insert_count;
}

/* Streams that wait now; those that are unblocked but not decoded yet are in the list as well. */
static uint64_t waiting_streams(const leat_qpack_decoder *decoder) {
    uint64_t waiting = 0;
    for (size_t i = 0; i < decoder->blocked_count; i++) {
        uint64_t required = decoder->blocked[i].required_insert_count;
        waiting += leat_qpack_decoder_is_unblocked(decoder, required) ? 0 : 1;
    }
    return waiting;
}

static leat_qpack_blocked *new_blocked(leat_qpack_decoder *decoder) {
    if (decoder->blocked_count == decoder->blocked_room) {
        size_t room = decoder->blocked_room == 0 ? 4 : 2 * decoder->blocked_room;
        leat_qpack_blocked *blocked =
            leat_realloc(decoder->allocator, decoder->blocked, room * sizeof *blocked);
        if (blocked == NULL) {
            return NULL;
        }
        decoder->blocked = blocked;
        decoder->blocked_room = room;
    }
    return &decoder->blocked[decoder->blocked_count++];
}

int leat_qpack_decoder_block(
    leat_qpack_decoder *decoder, uint64_t stream_id, uint64_t required_insert_count) {
    leat_qpack_decoder_unblock(decoder, stream_id);
    /* RFC 9204 §2.1.2-2: more blocked streams than promised. */
    if (waiting_streams(decoder) >= decoder->max_blocked_streams) {
        return LEAT_QPACK_DECOMPRESSION_FAILED;
    }
    leat_qpack_blocked *blocked = new_blocked(decoder);
    if (blocked == NULL) {
        return LEAT_ERR_NOMEM;
    }
    *blocked = (leat_qpack_blocked){stream_id, required_insert_count};
    return LEAT_QPACK_BLOCKED;
}

static void remove_blocked(leat_qpack_decoder *decoder, size_t place) {
    decoder->blocked[place] = decoder->blocked[--decoder->blocked_count];
}

void leat_qpack_decoder_unblock(leat_qpack_decoder *decoder, uint64_t stream_id) {
    for (size_t i = 0; i < decoder->blocked_count; i++) {
        if (decoder->blocked[i].stream_id == stream_id) {
            remove_blocked(decoder, i);
            return;
        }
    }
}

bool leat_qpack_decoder_next_unblocked(leat_qpack_decoder *decoder, uint64_t *stream_id) {
    for (size_t i = 0; i < decoder->blocked_count; i++) {
        uint64_t required = decoder->blocked[i].required_insert_count;
        if (leat_qpack_decoder_is_unblocked(decoder, required)) {
            *stream_id = decoder->blocked[i].stream_id;
            remove_blocked(decoder, i);
            return true;
        }
    }
    return false;
}

static int put_instruction(
    leat_qpack_decoder *decoder, uint8_t pattern, unsigned prefix, uint64_t value) {
    uint8_t bytes[LEAT_QPACK_INTEGER_MAX];
    leat_writer writer = leat_writer_make(bytes, sizeof bytes);
    leat_qpack_write_integer(&writer, pattern, prefix, value);
    int result = leat_buffer_append(&decoder->output, bytes, leat_writer_length(&writer));
    return result == LEAT_ERR_TOO_LARGE ? LEAT_ERR_FULL : result;
}

int leat_qpack_decoder_acknowledge(
    leat_qpack_decoder *decoder, uint64_t stream_id, uint64_t required_insert_count) {
    /* RFC 9204 §2.1.4: the acknowledgment counts for the entries as well. */
    if (required_insert_count > decoder->known_received_count) {
        decoder->known_received_count = required_insert_count;
    }
    return put_instruction(decoder, 0x80, 7, stream_id);
}

int leat_qpack_decoder_cancel_stream(leat_qpack_decoder *decoder, uint64_t stream_id) {
    leat_qpack_decoder_unblock(decoder, stream_id);
    /* RFC 9204 §2.2.2.2: without a table there are no references to release. */
    if (decoder->max_table_capacity == 0) {
        return 0;
    }
    return put_instruction(decoder, 0x40, 6, stream_id);
}

leat_span leat_qpack_decoder_output(leat_qpack_decoder *decoder) {
    /* RFC 9204 §2.2.2.3: told as late as possible, so that section acknowledgments replace it. */
    uint64_t increment = decoder->table.insert_count - decoder->known_received_count;
    if (increment > 0 && put_instruction(decoder, 0x00, 6, increment) == 0) {
        decoder->known_received_count = decoder->table.insert_count;
    }
    return (leat_span){decoder->output.data, decoder->output.length};
}

void leat_qpack_decoder_consume(leat_qpack_decoder *decoder, size_t length) {
    leat_buffer_consume(&decoder->output, length);
}
