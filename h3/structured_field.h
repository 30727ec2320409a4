/*
 * Structured field values (RFC 9651 §4.2), as far as reading a dictionary goes: members one by one,
 * values of the kinds that somebody asks for, everything else checked and passed over. No
 * recursion: inner lists do not nest.
 */
#ifndef LEAT_H3_STRUCTURED_FIELD_H
#define LEAT_H3_STRUCTURED_FIELD_H

#include "base/bytes.h"

typedef enum leat_sf_type {
    LEAT_SF_INTEGER,
    LEAT_SF_BOOLEAN,
    LEAT_SF_TOKEN,
    LEAT_SF_STRING,
    LEAT_SF_OTHER
} leat_sf_type;

typedef struct leat_sf_member {
    leat_span key;
    leat_sf_type type;
    int64_t integer; /* INTEGER; BOOLEAN: 0 or 1 */
    leat_span text;  /* TOKEN; STRING: between the quotes, escapes as they are */
} leat_sf_member;

typedef struct leat_sf_parser {
    const uint8_t *next, *end;
    bool failed;   /* not a dictionary: nothing of it counts */
    bool is_first;
} leat_sf_parser;

leat_sf_parser leat_sf_parser_make(leat_span value);
/* False at the end, or when failed. */
bool leat_sf_next_member(leat_sf_parser *parser, leat_sf_member *member);

#endif
