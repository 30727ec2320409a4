/*
 * Building bounded lines of text: for events, traces and messages. Always NUL-terminated, cut at
 * the room, never failing. Strings are escaped as JSON does it (RFC 8259 §7).
 */
#ifndef LEAT_BASE_TEXT_H
#define LEAT_BASE_TEXT_H

#include "base/bytes.h"

typedef struct leat_text {
    char *start, *next, *end; /* end: the place of the last possible NUL */
} leat_text;

leat_text leat_text_make(char *buffer, size_t room); /* room at least 1 */
void leat_text_printf(leat_text *text, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 2, 3)))
#endif
    ;
/* In double quotes. Bytes that are not UTF-8 become U+FFFD, so that the line is always valid. */
void leat_text_json(leat_text *text, leat_span string);
/* In double quotes when it is UTF-8 without control characters, else 0x and hex. */
void leat_text_bytes(leat_text *text, leat_span bytes);

bool leat_utf8_is_valid(leat_span bytes);

static inline leat_span leat_span_of(const char *string) {
    leat_span span = {(const uint8_t *)string, 0};
    while (string != NULL && string[span.length] != '\0') {
        span.length++;
    }
    return span;
}
static inline bool leat_span_is(leat_span a, const char *string) { return leat_span_equal(a, leat_span_of(string)); }

#endif
