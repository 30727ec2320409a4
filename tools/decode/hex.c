/*
 * Datagrams as text for `leat decode`: hex digits, spaces between them ignored; an empty line ends
 * a datagram, as does the end of the text.
 */
#include "decode.h"
#include "parse.h"

#include <stdlib.h>

/* RFC 9000 §14: the largest UDP payload. */
#define DATAGRAM_BYTES 65535

/* Digits of one datagram; a byte may be cut by a line break. */
typedef struct hex_input {
    leat_buffer bytes;
    int high; /* the first digit of a byte, or -1 */
    bool is_line_empty;
} hex_input;

static bool take_digit(hex_input *input, int c) {
    int digit = parse_hex_digit(c);
    if (digit < 0) {
        return false;
    }
    input->is_line_empty = false;
    if (input->high < 0) {
        input->high = digit;
        return true;
    }
    uint8_t byte = (uint8_t)(input->high << 4 | digit);
    input->high = -1;
    return leat_buffer_append(&input->bytes, &byte, 1) == 0;
}

static bool is_space(int c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

bool decode_hex_digits(const char *text, leat_buffer *bytes) {
    hex_input input = {.bytes = *bytes, .high = -1};
    bool ok = true;
    text += strncmp(text, "0x", 2) == 0 ? 2 : 0;
    for (; ok && *text != '\0'; text++) {
        ok = is_space(*text) || take_digit(&input, *text);
    }
    *bytes = input.bytes;
    return ok && input.high < 0;
}

static int fail(const char *name, const char *what) {
    fprintf(stderr, "leat decode: %s: %s\n", name, what);
    return 1;
}

/* What was collected is a datagram. */
static bool finish(decode_state *decoder, hex_input *input) {
    const leat_path nowhere = {.local = {.family = LEAT_ADDRESS_NONE}};
    if (input->high >= 0) {
        return false;
    }
    if (input->bytes.length > 0) {
        decode_datagram(decoder, &nowhere, input->bytes.data, input->bytes.length);
    }
    input->bytes.length = 0;
    return true;
}

int decode_hex(decode_state *decoder, FILE *file, const char *name) {
    hex_input input = {.high = -1, .is_line_empty = true};
    const char *fault = NULL;
    leat_buffer_init(&input.bytes, decoder->allocator, DATAGRAM_BYTES);
    for (int c = fgetc(file); c != EOF && fault == NULL; c = fgetc(file)) {
        if (c == '\n') {
            if (input.is_line_empty && !finish(decoder, &input)) {
                fault = "half a byte at the end of a datagram";
            }
            input.is_line_empty = true;
        } else if (!is_space(c) && !take_digit(&input, c)) {
            fault = "neither a pcap file nor datagrams as hex";
        }
    }
    if (fault == NULL && !finish(decoder, &input)) {
        fault = "half a byte at the end of a datagram";
    }
    leat_buffer_clear(&input.bytes);
    return fault == NULL ? 0 : fail(name, fault);
}
