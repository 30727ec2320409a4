/* The static table of RFC 9204 §3.1: rows by index, and rows by content for the encoder. */
#ifndef LEAT_H3_QPACK_STATIC_TABLE_H
#define LEAT_H3_QPACK_STATIC_TABLE_H

#include "base/bytes.h"

#define LEAT_QPACK_STATIC_COUNT 99

typedef struct leat_qpack_line {
    leat_span name;
    leat_span value;
} leat_qpack_line;

/* NULL past the end. */
const leat_qpack_line *leat_qpack_static_line(uint64_t index);

typedef enum leat_qpack_match {
    LEAT_QPACK_MATCH_NONE,
    LEAT_QPACK_MATCH_NAME, /* index is the first row of that name */
    LEAT_QPACK_MATCH_LINE,
} leat_qpack_match;

leat_qpack_match leat_qpack_static_find(leat_span name, leat_span value, uint64_t *index);

#endif
