/*
 * The decoder's side of the encoder stream: the instructions of RFC 9204 §4.3. An instruction is
 * carried out when it is complete; the beginning of an incomplete one is kept. A bad reference or
 * length is refused as soon as it is read, so that what is kept has a bound.
 */
#include "h3/qpack_decoder.h"

typedef struct instruction_form {
    uint8_t mask, pattern;
    uint8_t prefix;
    /* Reads the rest and, when that is complete, acts. */
    int (*read)(leat_qpack_decoder *decoder, leat_qpack_reader *reader, unsigned prefix);
} instruction_form;

/*
 * RFC 9204 §7.4-1: NOT IMPLEMENTED: Huffman codes that make a string longer than the whole table,
 * although its text would fit; nobody gains from sending one, and this bounds what is kept.
 */
static leat_qpack_string read_string(
    leat_qpack_decoder *decoder, leat_qpack_reader *reader, unsigned prefix) {
    return leat_qpack_read_string(reader, prefix, decoder->max_table_capacity);
}

static int insert(leat_qpack_decoder *decoder, const leat_qpack_reader *reader,
    leat_qpack_string name, leat_qpack_string value) {
    if (!leat_qpack_reader_is_ok(reader)) {
        return 0;
    }
    /* RFC 9204 §3.2.2-2: an entry larger than the table is an error, and so is a bad string. */
    int result = leat_qpack_table_insert(&decoder->table, name, value);
    return result == 0 || result == LEAT_ERR_NOMEM ? result : LEAT_QPACK_ENCODER_STREAM_ERROR;
}

/* RFC 9204 §3.2.5: in instructions 0 is the entry inserted last. False: no such entry. */
static bool find_relative(
    const leat_qpack_decoder *decoder, uint64_t index, leat_qpack_line *line) {
    const leat_qpack_table *table = &decoder->table;
    if (index >= table->entries.count) {
        return false;
    }
    *line = leat_qpack_table_line(
        table, leat_qpack_table_entry(table, table->insert_count - 1 - index));
    return true;
}

static bool find_static(uint64_t index, leat_qpack_line *line) {
    const leat_qpack_line *row = leat_qpack_static_line(index);
    if (row != NULL) {
        *line = *row;
    }
    return row != NULL;
}

static int insert_with_name_reference(
    leat_qpack_decoder *decoder, leat_qpack_reader *reader, unsigned prefix) {
    bool is_static = (leat_qpack_peek(reader) & 0x40) != 0;
    uint64_t index = leat_qpack_read_integer(reader, prefix);
    leat_qpack_line line = {{NULL, 0}, {NULL, 0}};
    if (!leat_qpack_reader_is_ok(reader)) {
        return 0;
    }
    /* RFC 9204 §2.2.3-2, RFC 9204 §3.1-2: the reference has to exist. */
    if (is_static ? !find_static(index, &line) : !find_relative(decoder, index, &line)) {
        return LEAT_QPACK_ENCODER_STREAM_ERROR;
    }
    leat_qpack_string name = {line.name, false};
    leat_qpack_string value = read_string(decoder, reader, 8);
    return insert(decoder, reader, name, value);
}

static int insert_with_literal_name(
    leat_qpack_decoder *decoder, leat_qpack_reader *reader, unsigned prefix) {
    leat_qpack_string name = read_string(decoder, reader, prefix);
    leat_qpack_string value = read_string(decoder, reader, 8);
    return insert(decoder, reader, name, value);
}

static int duplicate(leat_qpack_decoder *decoder, leat_qpack_reader *reader, unsigned prefix) {
    uint64_t index = leat_qpack_read_integer(reader, prefix);
    leat_qpack_line line = {{NULL, 0}, {NULL, 0}};
    if (!leat_qpack_reader_is_ok(reader)) {
        return 0;
    }
    if (!find_relative(decoder, index, &line)) {
        return LEAT_QPACK_ENCODER_STREAM_ERROR;
    }
    /* RFC 9204 §3.2-1: two entries with one content are as good as any. */
    leat_qpack_string name = {line.name, false};
    leat_qpack_string value = {line.value, false};
    return insert(decoder, reader, name, value);
}

static int set_capacity(leat_qpack_decoder *decoder, leat_qpack_reader *reader, unsigned prefix) {
    uint64_t capacity = leat_qpack_read_integer(reader, prefix);
    if (!leat_qpack_reader_is_ok(reader)) {
        return 0;
    }
    /* RFC 9204 §4.3.1-2: never above what SETTINGS allowed. */
    if (capacity > decoder->max_table_capacity) {
        return LEAT_QPACK_ENCODER_STREAM_ERROR;
    }
    leat_qpack_table_set_capacity(&decoder->table, capacity);
    return 0;
}

/* Every byte matches one row. */
static const instruction_form forms[] = {
    {.mask = 0x80, .pattern = 0x80, .prefix = 6, .read = insert_with_name_reference},
    {.mask = 0xc0, .pattern = 0x40, .prefix = 6, .read = insert_with_literal_name},
    {.mask = 0xe0, .pattern = 0x20, .prefix = 5, .read = set_capacity},
    {.mask = 0xe0, .pattern = 0x00, .prefix = 5, .read = duplicate},
};

static int read_instruction(leat_qpack_decoder *decoder, leat_qpack_reader *reader) {
    uint8_t first = leat_qpack_peek(reader);
    const instruction_form *form = forms;
    while ((first & form->mask) != form->pattern) {
        form++;
    }
    int result = form->read(decoder, reader, form->prefix);
    return reader->malformed ? LEAT_QPACK_ENCODER_STREAM_ERROR : result;
}

/* Carries out all complete instructions; `length` is how many bytes these had. */
static int read_instructions(leat_qpack_decoder *decoder, leat_span bytes, size_t *length) {
    leat_qpack_reader reader = {leat_reader_of(bytes), false};
    int result = 0;
    *length = 0;
    while (result == 0 && leat_reader_left(&reader.bytes) > 0) {
        result = read_instruction(decoder, &reader);
        if (!reader.bytes.failed) {
            *length = bytes.length - leat_reader_left(&reader.bytes);
        }
    }
    return result;
}

/* Adds as many bytes as the longest instruction leaves room for. */
static int continue_instruction(leat_qpack_decoder *decoder, leat_span *bytes) {
    leat_buffer *instruction = &decoder->instruction;
    size_t room = instruction->limit - instruction->length;
    size_t piece = bytes->length < room ? bytes->length : room;
    int result = leat_buffer_append(instruction, bytes->data, piece);
    if (result != 0) {
        return result;
    }
    *bytes = (leat_span){bytes->data + piece, bytes->length - piece};
    size_t used;
    result = read_instructions(
        decoder, (leat_span){instruction->data, instruction->length}, &used);
    leat_buffer_consume(instruction, used);
    /* A full buffer that holds no whole instruction would never hold one. */
    bool is_stuck = instruction->length == instruction->limit;
    return result == 0 && is_stuck ? LEAT_QPACK_ENCODER_STREAM_ERROR : result;
}

int leat_qpack_decoder_read_encoder_stream(leat_qpack_decoder *decoder, leat_span bytes) {
    int result = 0;
    if (decoder->instruction.length == 0 && bytes.length > 0) {
        size_t used;
        result = read_instructions(decoder, bytes, &used);
        bytes = (leat_span){bytes.data + used, bytes.length - used};
    }
    while (result == 0 && bytes.length > 0) {
        result = continue_instruction(decoder, &bytes);
    }
    return result;
}
