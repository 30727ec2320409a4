/*
 * The encoder of RFC 9204 §2.1: its life and limits, what is outstanding, and the decoder stream
 * (§4.4) that releases it. Encoding itself: see qpack_encoder.h.
 */
#include "h3/qpack_encoder.h"

#include "base/alloc.h"

leat_qpack_encoder *leat_qpack_encoder_new(
    const leat_allocator *allocator, uint64_t max_capacity) {
    leat_qpack_encoder *encoder = leat_alloc(allocator, sizeof *encoder);
    if (encoder == NULL) {
        return NULL;
    }
    encoder->allocator = allocator;
    encoder->max_capacity =
        max_capacity < LEAT_QPACK_CAPACITY_MAX ? max_capacity : LEAT_QPACK_CAPACITY_MAX;
    encoder->stream_room = UINT64_MAX;
    leat_qpack_table_init(&encoder->table, allocator, encoder->max_capacity);
    leat_ring_init(&encoder->outstanding, allocator, sizeof(leat_qpack_outstanding),
        LEAT_QPACK_OUTSTANDING_MAX);
    leat_buffer_init(&encoder->output, allocator, LEAT_QPACK_ENCODER_OUTPUT_MAX);
    return encoder;
}

void leat_qpack_encoder_free(leat_qpack_encoder *encoder) {
    if (encoder == NULL) {
        return;
    }
    leat_qpack_table_clear(&encoder->table);
    leat_ring_clear(&encoder->outstanding);
    leat_buffer_clear(&encoder->output);
    leat_free(encoder->allocator, encoder);
}

int leat_qpack_encoder_set_peer_limits(
    leat_qpack_encoder *encoder, uint64_t max_table_capacity, uint64_t max_blocked_streams) {
    uint64_t before = encoder->peer_max_capacity;
    /* RFC 9204 §3.2.3-2: what was remembered for 0-RTT holds. */
    if ((before != 0 && before != max_table_capacity) ||
        max_blocked_streams < encoder->peer_max_blocked) {
        return LEAT_ERR_STATE;
    }
    encoder->peer_max_capacity = max_table_capacity;
    encoder->peer_max_blocked = max_blocked_streams;
    /* RFC 9204 §3.2.3-1, RFC 9204 §4.3.1-1: not above the peer's maximum; less is our choice.
     * RFC 9204 §4.3.1-3: and it is never lowered afterwards, so nothing is evicted by it. */
    uint64_t capacity = encoder->max_capacity;
    capacity = capacity < max_table_capacity ? capacity : max_table_capacity;
    leat_qpack_table_set_capacity(&encoder->table, capacity);
    return 0;
}

void leat_qpack_encoder_set_stream_room(leat_qpack_encoder *encoder, uint64_t room) {
    encoder->stream_room = room;
}

leat_span leat_qpack_encoder_output(leat_qpack_encoder *encoder) {
    return (leat_span){encoder->output.data, encoder->output.length};
}

void leat_qpack_encoder_consume(leat_qpack_encoder *encoder, size_t length) {
    leat_buffer_consume(&encoder->output, length);
    if (encoder->stream_room != UINT64_MAX) {
        encoder->stream_room -= length < encoder->stream_room ? length : encoder->stream_room;
    }
}

static leat_qpack_outstanding *outstanding_at(const leat_qpack_encoder *encoder, size_t place) {
    return leat_ring_at(&encoder->outstanding, place);
}

bool leat_qpack_may_block(const leat_qpack_encoder *encoder, uint64_t stream_id) {
    uint64_t at_risk = 0;
    for (size_t i = 0; i < encoder->outstanding.count; i++) {
        const leat_qpack_outstanding *section = outstanding_at(encoder, i);
        if (section->required_insert_count > encoder->known_received_count) {
            if (section->stream_id == stream_id) {
                return encoder->peer_max_blocked > 0;
            }
            /* Two sections of one stream count twice: fewer streams than allowed, never more. */
            at_risk++;
        }
    }
    return at_risk < encoder->peer_max_blocked;
}

int leat_qpack_hold(leat_qpack_encoder *encoder, const leat_qpack_draft *draft) {
    leat_qpack_outstanding *section = leat_ring_push(&encoder->outstanding);
    if (section == NULL) {
        return LEAT_ERR_NOMEM;
    }
    *section = (leat_qpack_outstanding){
        draft->stream_id, draft->required_insert_count, draft->lowest};
    leat_qpack_table_entry(&encoder->table, draft->lowest)->references++;
    encoder->can_unsend = true;
    return 0;
}

/* The place of the stream's oldest outstanding section, or the count of all. */
static size_t find_outstanding(const leat_qpack_encoder *encoder, uint64_t stream_id) {
    size_t place = 0;
    while (place < encoder->outstanding.count &&
           outstanding_at(encoder, place)->stream_id != stream_id) {
        place++;
    }
    return place;
}

/* Sections are mostly acknowledged in order, so that the ones before are the few to move. */
static void release(leat_qpack_encoder *encoder, size_t place) {
    uint64_t lowest = outstanding_at(encoder, place)->lowest;
    leat_qpack_table_entry(&encoder->table, lowest)->references--;
    for (; place > 0; place--) {
        *outstanding_at(encoder, place) = *outstanding_at(encoder, place - 1);
    }
    leat_ring_pop(&encoder->outstanding);
}

void leat_qpack_encoder_unsend(leat_qpack_encoder *encoder) {
    if (encoder->can_unsend) {
        release(encoder, encoder->outstanding.count - 1);
        encoder->can_unsend = false;
    }
}

static int on_section_acknowledgment(leat_qpack_encoder *encoder, uint64_t stream_id) {
    size_t place = find_outstanding(encoder, stream_id);
    /* RFC 9204 §4.4.1-1: nothing is left to acknowledge on this stream. */
    if (place == encoder->outstanding.count) {
        return LEAT_QPACK_DECODER_STREAM_ERROR;
    }
    uint64_t required = outstanding_at(encoder, place)->required_insert_count;
    if (required > encoder->known_received_count) {
        encoder->known_received_count = required;
    }
    release(encoder, place);
    return 0;
}

static int on_stream_cancellation(leat_qpack_encoder *encoder, uint64_t stream_id) {
    size_t place;
    while ((place = find_outstanding(encoder, stream_id)) < encoder->outstanding.count) {
        release(encoder, place);
    }
    return 0;
}

static int on_insert_count_increment(leat_qpack_encoder *encoder, uint64_t increment) {
    /* RFC 9204 §4.4.3-1: zero, or more than was inserted. */
    uint64_t unknown = encoder->table.insert_count - encoder->known_received_count;
    if (increment == 0 || increment > unknown) {
        return LEAT_QPACK_DECODER_STREAM_ERROR;
    }
    encoder->known_received_count += increment;
    return 0;
}

typedef struct instruction_form {
    uint8_t mask, pattern;
    uint8_t prefix;
    int (*on_instruction)(leat_qpack_encoder *encoder, uint64_t value);
} instruction_form;

/* RFC 9204 §4.4. Every byte matches one row. */
static const instruction_form forms[] = {
    {.mask = 0x80, .pattern = 0x80, .prefix = 7, .on_instruction = on_section_acknowledgment},
    {.mask = 0xc0, .pattern = 0x40, .prefix = 6, .on_instruction = on_stream_cancellation},
    {.mask = 0xc0, .pattern = 0x00, .prefix = 6, .on_instruction = on_insert_count_increment},
};

/* Does nothing when the instruction is incomplete: reader.bytes has failed then. */
static int read_instruction(leat_qpack_encoder *encoder, leat_qpack_reader *reader) {
    uint8_t first = leat_qpack_peek(reader);
    const instruction_form *form = forms;
    while ((first & form->mask) != form->pattern) {
        form++;
    }
    uint64_t value = leat_qpack_read_integer(reader, form->prefix);
    if (reader->malformed) {
        return LEAT_QPACK_DECODER_STREAM_ERROR;
    }
    return reader->bytes.failed ? 0 : form->on_instruction(encoder, value);
}

/* One byte more for the instruction that was cut; integers end before the array does. */
static int continue_instruction(leat_qpack_encoder *encoder, uint8_t byte) {
    encoder->instruction[encoder->instruction_length++] = byte;
    leat_qpack_reader reader = {
        leat_reader_make(encoder->instruction, encoder->instruction_length), false};
    int result = read_instruction(encoder, &reader);
    if (!reader.bytes.failed) {
        encoder->instruction_length = 0;
    }
    return result;
}

int leat_qpack_encoder_read_decoder_stream(leat_qpack_encoder *encoder, leat_span bytes) {
    leat_qpack_reader reader = {leat_reader_of(bytes), false};
    int result = 0;
    encoder->can_unsend = false;
    while (result == 0 && leat_reader_left(&reader.bytes) > 0) {
        if (encoder->instruction_length > 0) {
            result = continue_instruction(encoder, leat_read_u8(&reader.bytes));
            continue;
        }
        leat_reader rest = reader.bytes;
        result = read_instruction(encoder, &reader);
        if (result == 0 && reader.bytes.failed) {
            encoder->instruction_length = leat_reader_left(&rest);
            leat_read_copy(&rest, encoder->instruction, encoder->instruction_length);
        }
    }
    return result;
}
