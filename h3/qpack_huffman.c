/*
 * Huffman strings, RFC 7541 §5.2. Both directions keep a window of bits, left aligned in 64 bits.
 * The reader looks at the first byte of the window: most symbols end within it; the rest are found
 * by their length. The caller bounds the text, so that a string cannot grow past what is allowed.
 */
#include "h3/qpack_huffman.h"

#define LONGEST_CODE 30

size_t leat_huffman_size(leat_span text) {
    uint64_t bits = 0;
    for (size_t i = 0; i < text.length; i++) {
        bits += leat_huffman_codes[text.data[i]].bits;
    }
    return (size_t)((bits + 7) / 8);
}

void leat_huffman_write(leat_span text, uint8_t *out) {
    uint64_t window = 0;
    unsigned held = 0;
    for (size_t i = 0; i < text.length; i++) {
        leat_huffman_code row = leat_huffman_codes[text.data[i]];
        window |= (uint64_t)row.code << (64 - held - row.bits);
        held += row.bits;
        while (held >= 8) {
            *out++ = (uint8_t)(window >> 56);
            window <<= 8;
            held -= 8;
        }
    }
    if (held > 0) {
        /* RFC 7541 §5.2: padding is the beginning of EOS, all ones. */
        *out = (uint8_t)((window >> 56) | (0xffu >> held));
    }
}

typedef struct bit_window {
    const uint8_t *next, *end;
    uint64_t bits; /* left aligned, zeros after the last bit held */
    unsigned held;
} bit_window;

static void refill(bit_window *window) {
    while (window->held <= 56 && window->next < window->end) {
        window->bits |= (uint64_t)*window->next++ << (56 - window->held);
        window->held += 8;
    }
}

static leat_huffman_code long_symbol(uint32_t window) {
    const leat_huffman_length *row = leat_huffman_long_codes;
    while (window > row->last_window) {
        row++;
    }
    uint32_t place = row->first_symbol + ((window >> (32 - row->bits)) - row->first_code);
    return (leat_huffman_code){leat_huffman_long_symbols[place], row->bits};
}

/* The symbol (in `code`) at the start of the window and its length in bits. */
static leat_huffman_code next_symbol(const bit_window *window) {
    leat_huffman_short row = leat_huffman_shorts[window->bits >> 56];
    if (row.bits > 0) {
        return (leat_huffman_code){row.symbol, row.bits};
    }
    return long_symbol((uint32_t)(window->bits >> 32));
}

static bool is_padding(const bit_window *window) {
    /* RFC 7541 §5.2: padding of a whole byte or more, or of anything but ones, is an error. */
    return window->held < 8 && window->bits >> 56 == (0xff00u >> window->held & 0xff);
}

leat_huffman_result leat_huffman_read(
    leat_span encoded, uint8_t *text, size_t room, size_t *text_length) {
    const uint8_t *end = encoded.length > 0 ? encoded.data + encoded.length : encoded.data;
    bit_window window = {encoded.data, end, 0, 0};
    *text_length = 0;
    for (;;) {
        if (window.held < LONGEST_CODE) {
            refill(&window);
        }
        leat_huffman_code symbol = next_symbol(&window);
        if (symbol.bits > window.held) {
            return is_padding(&window) ? LEAT_HUFFMAN_OK : LEAT_HUFFMAN_BAD;
        }
        if (symbol.code == LEAT_HUFFMAN_EOS) {
            /* RFC 7541 §5.2: a string that holds EOS is an error. */
            return LEAT_HUFFMAN_BAD;
        }
        if (*text_length == room) {
            return LEAT_HUFFMAN_TOO_LARGE;
        }
        text[(*text_length)++] = (uint8_t)symbol.code;
        window.bits <<= symbol.bits;
        window.held -= symbol.bits;
    }
}
