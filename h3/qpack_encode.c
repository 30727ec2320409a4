/*
 * Encoding of field sections, RFC 9204 §4.5, in one pass: the Base is the insert count at the
 * start, so entries inserted on the way are referred to by post-Base indices. The prefix, known
 * only at the end, is written in front of the lines then.
 */
#include "h3/qpack_encoder.h"

/* Required Insert Count and Delta Base. */
#define PREFIX_MAX (2 * LEAT_QPACK_INTEGER_MAX)

/* RFC 9204 §7.1.3: what must not be guessed at through the table, if shorter than `below`. */
typedef struct sensitive_field {
    const char *name;
    size_t below;
} sensitive_field;

static const sensitive_field sensitive_fields[] = {
    {"authorization", SIZE_MAX},
    {"proxy-authorization", SIZE_MAX},
    {"cookie", 20}, /* a longer one is too much to guess, and much to save */
    {"set-cookie", 20},
};

static bool is_sensitive(const leat_h3_header *header) {
    for (size_t i = 0; i < sizeof sensitive_fields / sizeof sensitive_fields[0]; i++) {
        const sensitive_field *field = &sensitive_fields[i];
        leat_span name = {(const uint8_t *)field->name, strlen(field->name)};
        if (header->value.length < field->below && leat_span_equal(header->name, name)) {
            return true;
        }
    }
    /* RFC 9204 §4.5.4-2, RFC 9204 §7.1.3-1: as it was received, or as the caller wishes. */
    return header->never_index;
}

static void note_reference(leat_qpack_draft *draft, uint64_t index) {
    if (index >= draft->required_insert_count) {
        draft->required_insert_count = index + 1;
    }
    if (index < draft->lowest) {
        draft->lowest = index;
    }
}

/* RFC 9204 §4.5.2, RFC 9204 §4.5.3. */
static void write_indexed(leat_writer *writer, leat_qpack_draft *draft, uint64_t index) {
    note_reference(draft, index);
    if (index < draft->base) {
        leat_qpack_write_integer(writer, 0x80, 6, draft->base - 1 - index);
    } else {
        leat_qpack_write_integer(writer, 0x10, 4, index - draft->base);
    }
}

/* RFC 9204 §4.5.4, RFC 9204 §4.5.5: without the value. */
static void write_name_reference(
    leat_writer *writer, leat_qpack_draft *draft, uint64_t index, bool never_index) {
    note_reference(draft, index);
    if (index < draft->base) {
        uint8_t pattern = never_index ? 0x60 : 0x40;
        leat_qpack_write_integer(writer, pattern, 4, draft->base - 1 - index);
    } else {
        uint8_t pattern = never_index ? 0x08 : 0x00;
        leat_qpack_write_integer(writer, pattern, 3, index - draft->base);
    }
}

/* RFC 9204 §4.5.4 to §4.5.6: the shortest form of the name, and the value as a literal. */
static void write_literal(leat_qpack_encoder *encoder, leat_qpack_draft *draft,
    const leat_h3_header *header, uint64_t static_name, bool never_index, leat_writer *writer) {
    uint64_t dynamic_name = LEAT_QPACK_NO_INDEX;
    if (static_name == LEAT_QPACK_NO_INDEX && draft->uses_table) {
        dynamic_name = leat_qpack_use_name(encoder, draft, header->name);
    }
    if (static_name != LEAT_QPACK_NO_INDEX) {
        leat_qpack_write_integer(writer, never_index ? 0x70 : 0x50, 4, static_name);
    } else if (dynamic_name != LEAT_QPACK_NO_INDEX) {
        write_name_reference(writer, draft, dynamic_name, never_index);
    } else {
        leat_qpack_write_string(writer, never_index ? 0x30 : 0x20, 4, header->name);
    }
    leat_qpack_write_string(writer, 0x00, 8, header->value);
}

static void write_line(leat_qpack_encoder *encoder, leat_qpack_draft *draft,
    const leat_h3_header *header, leat_writer *writer) {
    uint64_t row = LEAT_QPACK_NO_INDEX;
    leat_qpack_match match = leat_qpack_static_find(header->name, header->value, &row);
    /* RFC 9204 §4.5.4-1, RFC 9204 §7.1.3-2: never indexed means a literal, whatever a table has. */
    bool never_index = is_sensitive(header);
    if (match == LEAT_QPACK_MATCH_LINE && !never_index) {
        leat_qpack_write_integer(writer, 0xc0, 6, row);
        return;
    }
    if (draft->uses_table && !never_index) {
        leat_qpack_line line = {header->name, header->value};
        uint64_t index = leat_qpack_use_line(encoder, draft, &line, row);
        if (index != LEAT_QPACK_NO_INDEX) {
            write_indexed(writer, draft, index);
            return;
        }
    }
    write_literal(encoder, draft, header, row, never_index, writer);
}

/* RFC 9204 §2.1-1: in the order of the caller. */
static int write_lines(leat_qpack_encoder *encoder, leat_qpack_draft *draft,
    const leat_h3_header *headers, size_t count, leat_buffer *out) {
    for (size_t i = 0; i < count; i++) {
        size_t bound = headers[i].name.length + headers[i].value.length +
                       2 * LEAT_QPACK_INTEGER_MAX;
        int result = leat_buffer_reserve(out, bound);
        if (result != 0) {
            return result;
        }
        leat_writer writer = leat_writer_make(out->data + out->length, bound);
        write_line(encoder, draft, &headers[i], &writer);
        out->length += leat_writer_length(&writer);
    }
    return 0;
}

/* RFC 9204 §4.5.1. */
static void write_prefix(
    const leat_qpack_encoder *encoder, const leat_qpack_draft *draft, leat_writer *writer) {
    uint64_t required = draft->required_insert_count;
    if (required == 0) {
        leat_write_zeros(writer, 2);
        return;
    }
    uint64_t max_entries = encoder->peer_max_capacity / LEAT_QPACK_ENTRY_OVERHEAD;
    leat_qpack_write_integer(writer, 0x00, 8, required % (2 * max_entries) + 1);
    if (draft->base >= required) {
        leat_qpack_write_integer(writer, 0x00, 7, draft->base - required);
    } else {
        leat_qpack_write_integer(writer, 0x80, 7, required - draft->base - 1);
    }
}

/* Puts the prefix in front of the lines, which begin PREFIX_MAX bytes after `start`. */
static void finish(const leat_qpack_encoder *encoder, const leat_qpack_draft *draft,
    leat_buffer *out, size_t start) {
    leat_writer writer = leat_writer_make(out->data + start, PREFIX_MAX);
    write_prefix(encoder, draft, &writer);
    size_t lines_length = out->length - start - PREFIX_MAX;
    memmove(writer.next, out->data + start + PREFIX_MAX, lines_length);
    out->length = start + leat_writer_length(&writer) + lines_length;
}

static leat_qpack_draft begin(const leat_qpack_encoder *encoder, uint64_t stream_id) {
    leat_qpack_draft draft = {.stream_id = stream_id, .lowest = LEAT_QPACK_NO_INDEX};
    /* RFC 9204 §4.5.1.2-1: a count of inserts is not negative. */
    draft.base = encoder->table.insert_count;
    /* RFC 9204 §3.2.3-3: without a table of the peer there is nothing to insert into. */
    draft.uses_table = encoder->table.capacity >= LEAT_QPACK_ENTRY_OVERHEAD &&
                       encoder->outstanding.count < LEAT_QPACK_OUTSTANDING_MAX;
    draft.may_block = draft.uses_table && leat_qpack_may_block(encoder, stream_id);
    return draft;
}

int leat_qpack_encode(leat_qpack_encoder *encoder, uint64_t stream_id,
    const leat_h3_header *headers, size_t count, leat_buffer *out) {
    size_t start = out->length;
    encoder->can_unsend = false;
    int result = leat_buffer_reserve(out, PREFIX_MAX);
    if (result != 0) {
        return result;
    }
    out->length += PREFIX_MAX;
    leat_qpack_draft draft = begin(encoder, stream_id);
    result = write_lines(encoder, &draft, headers, count, out);
    if (result == 0 && draft.required_insert_count > 0) {
        result = leat_qpack_hold(encoder, &draft);
    }
    if (result != 0) {
        out->length = start;
        return result;
    }
    finish(encoder, &draft, out, start);
    return 0;
}
