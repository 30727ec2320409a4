/*
 * Decoding of field sections, RFC 9204 §4.5. The size of RFC 9114 §4.2.2 is counted while decoding,
 * and nothing is stored past the limit, so that a few bytes of references cannot grow into
 * megabytes. A section over the limit is still read to its end: it is checked and acknowledged.
 */
#include "base/alloc.h"
#include "h3/qpack_decoder.h"

#define HEADERS_FIRST_ROOM 16

/* RFC 9204 §4.5.2 to §4.5.6 as rows. */
typedef struct line_form {
    uint8_t mask, pattern;
    uint8_t prefix;     /* of the index or the literal name */
    uint8_t static_bit; /* set: the index is one of the static table */
    uint8_t never_bit;  /* set: never to be indexed, here and on later hops */
    bool is_post_base;
    bool has_literal_name, has_literal_value;
} line_form;

/* Every byte matches one row. */
static const line_form forms[] = {
    {.mask = 0x80, .pattern = 0x80, .prefix = 6, .static_bit = 0x40},
    {.mask = 0xc0, .pattern = 0x40, .prefix = 4, .static_bit = 0x10, .never_bit = 0x20,
        .has_literal_value = true},
    {.mask = 0xe0, .pattern = 0x20, .prefix = 4, .never_bit = 0x10,
        .has_literal_name = true, .has_literal_value = true},
    {.mask = 0xf0, .pattern = 0x10, .prefix = 4, .is_post_base = true},
    {.mask = 0xf0, .pattern = 0x00, .prefix = 3, .never_bit = 0x08, .is_post_base = true,
        .has_literal_value = true},
};

/* A section while it is decoded. */
typedef struct decoding {
    leat_qpack_decoder *decoder;
    leat_qpack_reader reader;
    uint64_t required_insert_count, base;
    size_t count;
    size_t size;
    bool is_too_large;
} decoding;

/* One line before it is stored: text that lives elsewhere, and whether it has to be copied. */
typedef struct found_line {
    leat_qpack_string name, value;
    bool is_static_name, is_static_value;
    bool never_index;
} found_line;

/* RFC 9204 §4.5.1.1: undoes the wrapping of the Required Insert Count. False: impossible value. */
static bool unwrap_insert_count(
    const leat_qpack_decoder *decoder, uint64_t encoded, uint64_t *required_insert_count) {
    uint64_t max_entries = decoder->max_table_capacity / LEAT_QPACK_ENTRY_OVERHEAD;
    uint64_t full_range = 2 * max_entries;
    *required_insert_count = 0;
    if (encoded == 0) {
        return true;
    }
    if (encoded > full_range) {
        return false;
    }
    uint64_t max_value = decoder->table.insert_count + max_entries;
    uint64_t max_wrapped = max_value / full_range * full_range;
    uint64_t value = max_wrapped + encoded - 1;
    if (value > max_value) {
        if (value <= full_range) {
            return false;
        }
        value -= full_range;
    }
    *required_insert_count = value;
    return value != 0;
}

static bool read_prefix(decoding *section) {
    leat_qpack_reader *reader = &section->reader;
    uint64_t encoded = leat_qpack_read_integer(reader, 8);
    bool sign = (leat_qpack_peek(reader) & 0x80) != 0;
    uint64_t delta_base = leat_qpack_read_integer(reader, 7);
    uint64_t required;
    /* RFC 9204 §4.5.1.1-1. */
    if (!leat_qpack_reader_is_ok(reader) ||
        !unwrap_insert_count(section->decoder, encoded, &required)) {
        return false;
    }
    /* RFC 9204 §4.5.1.2-2: a negative Base. */
    if (sign && required <= delta_base) {
        return false;
    }
    section->required_insert_count = required;
    section->base = sign ? required - delta_base - 1 : required + delta_base;
    return true;
}

/* RFC 9204 §3.2.5, RFC 9204 §3.2.6: relative indices count down from the Base, others up. */
static const leat_qpack_entry *find_entry(
    const decoding *section, bool is_post_base, uint64_t index) {
    uint64_t base = section->base;
    if (is_post_base ? index > UINT64_MAX - base : index >= base) {
        return NULL;
    }
    uint64_t absolute_index = is_post_base ? base + index : base - 1 - index;
    /* RFC 9204 §2.2.3-1, RFC 9204 §2.2.1-2: nothing beyond what the section declared. */
    if (absolute_index >= section->required_insert_count) {
        return NULL;
    }
    return leat_qpack_table_entry(&section->decoder->table, absolute_index);
}

static bool resolve(const decoding *section, const line_form *form, uint8_t first, uint64_t index,
    found_line *found) {
    bool is_static = (first & form->static_bit) != 0;
    leat_qpack_line line;
    if (is_static) {
        /* RFC 9204 §3.1-1. */
        const leat_qpack_line *row = leat_qpack_static_line(index);
        if (row == NULL) {
            return false;
        }
        line = *row;
    } else {
        const leat_qpack_entry *entry = find_entry(section, form->is_post_base, index);
        if (entry == NULL) {
            return false;
        }
        line = leat_qpack_table_line(&section->decoder->table, entry);
    }
    found->name = (leat_qpack_string){line.name, false};
    found->value = (leat_qpack_string){line.value, false};
    found->is_static_name = is_static;
    found->is_static_value = is_static && !form->has_literal_value;
    return true;
}

static bool read_line(decoding *section, found_line *found) {
    leat_qpack_reader *reader = &section->reader;
    uint8_t first = leat_qpack_peek(reader);
    const line_form *form = forms;
    while ((first & form->mask) != form->pattern) {
        form++;
    }
    *found = (found_line){.never_index = (first & form->never_bit) != 0};
    if (form->has_literal_name) {
        found->name = leat_qpack_read_string(reader, form->prefix, UINT64_MAX);
    } else {
        uint64_t index = leat_qpack_read_integer(reader, form->prefix);
        if (!leat_qpack_reader_is_ok(reader) || !resolve(section, form, first, index, found)) {
            return false;
        }
    }
    if (form->has_literal_value) {
        found->value = leat_qpack_read_string(reader, 8, UINT64_MAX);
    }
    return leat_qpack_reader_is_ok(reader);
}

/* Copies text into the decoder's own memory, unless it is constant, and counts it. */
static int store_text(
    decoding *section, leat_qpack_string string, bool is_static, leat_span *text) {
    size_t left = section->decoder->max_field_section_size - section->size;
    size_t bound = leat_qpack_text_bound(string);
    size_t room = bound < left ? bound : left;
    if (is_static) {
        *text = string.bytes;
        section->size += room;
        return bound <= left ? 0 : LEAT_QPACK_TOO_LARGE;
    }
    uint8_t *copy = leat_qpack_text_take(section->decoder, room);
    if (copy == NULL) {
        return LEAT_ERR_NOMEM;
    }
    size_t length;
    leat_qpack_text_result result = leat_qpack_copy_text(string, copy, room, &length);
    if (result != LEAT_QPACK_TEXT_OK) {
        return result == LEAT_QPACK_TEXT_TOO_LARGE ? LEAT_QPACK_TOO_LARGE
                                                   : LEAT_QPACK_DECOMPRESSION_FAILED;
    }
    leat_qpack_text_give_back(section->decoder, room - length);
    section->size += length;
    *text = (leat_span){copy, length};
    return 0;
}

static leat_h3_header *new_header(decoding *section) {
    leat_qpack_decoder *decoder = section->decoder;
    if (section->count == decoder->headers_room) {
        size_t room = decoder->headers_room == 0 ? HEADERS_FIRST_ROOM : 2 * decoder->headers_room;
        leat_h3_header *headers =
            leat_realloc(decoder->allocator, decoder->headers, room * sizeof *headers);
        if (headers == NULL) {
            return NULL;
        }
        decoder->headers = headers;
        decoder->headers_room = room;
    }
    return &decoder->headers[section->count++];
}

static int store_line(decoding *section, const found_line *found) {
    /* RFC 9114 §4.2.2: 32 bytes of overhead per line count as well. */
    if (section->decoder->max_field_section_size - section->size < LEAT_QPACK_ENTRY_OVERHEAD) {
        return LEAT_QPACK_TOO_LARGE;
    }
    section->size += LEAT_QPACK_ENTRY_OVERHEAD;
    leat_h3_header *header = new_header(section);
    if (header == NULL) {
        return LEAT_ERR_NOMEM;
    }
    header->never_index = found->never_index;
    int result = store_text(section, found->name, found->is_static_name, &header->name);
    if (result == 0) {
        result = store_text(section, found->value, found->is_static_value, &header->value);
    }
    return result;
}

/* RFC 9204 §2.2-1: in the order of the representations. */
static int read_lines(decoding *section) {
    while (leat_reader_left(&section->reader.bytes) > 0) {
        found_line found;
        if (!read_line(section, &found)) {
            return LEAT_QPACK_DECOMPRESSION_FAILED;
        }
        int result = section->is_too_large ? 0 : store_line(section, &found);
        if (result == LEAT_QPACK_TOO_LARGE) {
            section->is_too_large = true;
        } else if (result != 0) {
            return result;
        }
    }
    return 0;
}

int leat_qpack_decode(leat_qpack_decoder *decoder, uint64_t stream_id, leat_span bytes,
    leat_qpack_section *section) {
    decoding state = {.decoder = decoder, .reader = {leat_reader_of(bytes), false}};
    *section = (leat_qpack_section){0};
    leat_qpack_text_reset(decoder);
    if (!read_prefix(&state)) {
        return LEAT_QPACK_DECOMPRESSION_FAILED;
    }
    uint64_t required = state.required_insert_count;
    section->required_insert_count = required;
    if (!leat_qpack_decoder_is_unblocked(decoder, required)) {
        return leat_qpack_decoder_block(decoder, stream_id, required);
    }
    leat_qpack_decoder_unblock(decoder, stream_id);
    int result = read_lines(&state);
    /* RFC 9204 §2.2.2.1-1: also when it was too large, because its references are released. */
    if (result == 0 && required > 0) {
        result = leat_qpack_decoder_acknowledge(decoder, stream_id, required);
    }
    if (result == 0 && !state.is_too_large) {
        section->headers = decoder->headers;
        section->count = state.count;
        section->size = state.size;
    }
    return result == 0 && state.is_too_large ? LEAT_QPACK_TOO_LARGE : result;
}
