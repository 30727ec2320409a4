/*
 * What `leat decode` prints: one line per field, indented by what it belongs to, with the section
 * that defines it; or one JSON object per line with the same content.
 */
#ifndef LEAT_TOOLS_DECODE_OUTPUT_H
#define LEAT_TOOLS_DECODE_OUTPUT_H

#include "base/bytes.h"

#include <stdio.h>

/* The most of one field that is shown: a header of megabytes is no help to a reader. */
#define SHOWN_MAX 4096

typedef struct output {
    FILE *file; /* NULL: all is formatted, nothing is written */
    bool is_json;
    unsigned depth;
    uint64_t data_shown; /* bytes of content (STREAM, CRYPTO, DATA) that are shown, at most SHOWN_MAX */
} output;

/* section NULL: nothing to cite. */
void show(output *out, const char *name, const char *section, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 4, 5)))
#endif
    ;
void show_number(output *out, const char *name, const char *section, uint64_t value);
/* "0x1301 (TLS_AES_128_GCM_SHA256)"; `digits` of hex; the meaning may be NULL. */
void show_code(output *out, const char *name, const char *section, uint64_t value, int digits, const char *meaning);
void show_hex(output *out, const char *name, const char *section, leat_span bytes);
/* In quotes where it is text. */
void show_text(output *out, const char *name, const char *section, leat_span bytes);
/* A name and its value, both in quotes. */
void show_pair(output *out, const char *name, const char *section, leat_span first, leat_span second);
/* Content: its length, and its beginning. */
void show_data(output *out, const char *name, const char *section, leat_span bytes);

static inline void show_inner(output *out) { out->depth++; }
static inline void show_outer(output *out) { out->depth--; }

#endif
