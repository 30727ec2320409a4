/* The Huffman code of RFC 7541 §5.2 and Appendix B, which QPACK takes over (RFC 9204 §4.1.2). */
#ifndef LEAT_H3_QPACK_HUFFMAN_H
#define LEAT_H3_QPACK_HUFFMAN_H

#include "base/bytes.h"

/* The length of a text when encoded. */
size_t leat_huffman_size(leat_span text);
/* Writes exactly leat_huffman_size bytes. */
void leat_huffman_write(leat_span text, uint8_t *out);

/* No text is longer than this, for an encoding of that many bytes: the shortest code has 5 bits. */
static inline size_t leat_huffman_text_bound(size_t encoded) {
    return encoded / 5 * 8 + encoded % 5 * 8 / 5;
}

typedef enum leat_huffman_result {
    LEAT_HUFFMAN_OK,
    LEAT_HUFFMAN_BAD,       /* EOS, or the padding is too long or not all ones */
    LEAT_HUFFMAN_TOO_LARGE, /* the text does not fit in `room` */
} leat_huffman_result;

leat_huffman_result leat_huffman_read(
    leat_span encoded, uint8_t *text, size_t room, size_t *text_length);

/* The tables, see qpack_huffman_table.c. */
typedef struct leat_huffman_code {
    uint32_t code;
    uint8_t bits;
} leat_huffman_code;

typedef struct leat_huffman_short {
    uint8_t symbol;
    uint8_t bits;
} leat_huffman_short;

typedef struct leat_huffman_length {
    uint8_t bits;
    uint8_t first_symbol; /* place in leat_huffman_long_symbols */
    uint32_t first_code;
    uint32_t last_window; /* the largest 32 bits that begin with a code of this length */
} leat_huffman_length;

#define LEAT_HUFFMAN_EOS 256
#define LEAT_HUFFMAN_LONG_LENGTHS 17
#define LEAT_HUFFMAN_LONG_SYMBOLS 183

extern const leat_huffman_code leat_huffman_codes[256];
extern const leat_huffman_short leat_huffman_shorts[256];
extern const uint16_t leat_huffman_long_symbols[LEAT_HUFFMAN_LONG_SYMBOLS];
extern const leat_huffman_length leat_huffman_long_codes[LEAT_HUFFMAN_LONG_LENGTHS];

#endif
