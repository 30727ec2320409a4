/* Bounded text, JSON escapes and UTF-8 (RFC 3629). */
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>

leat_text leat_text_make(char *buffer, size_t room) {
    leat_text text = {buffer, buffer, buffer + room - 1};
    *buffer = '\0';
    return text;
}

void leat_text_printf(leat_text *text, const char *format, ...) {
    size_t room = (size_t)(text->end - text->next);
    va_list arguments;
    va_start(arguments, format);
    int written = vsnprintf(text->next, room + 1, format, arguments);
    va_end(arguments);
    if (written > 0) {
        text->next += (size_t)written < room ? (size_t)written : room;
    }
}

/* The length of the well-formed sequence at the start of bytes, or 0. RFC 3629 §4. */
static size_t utf8_sequence(leat_span bytes) {
    const uint8_t *b = bytes.data;
    size_t length = b[0] < 0x80                   ? 1
                    : b[0] >= 0xc2 && b[0] < 0xe0 ? 2
                    : b[0] >= 0xe0 && b[0] < 0xf0 ? 3
                    : b[0] >= 0xf0 && b[0] < 0xf5 ? 4
                                                  : 0;
    if (length == 0 || length > bytes.length) {
        return 0;
    }
    for (size_t i = 1; i < length; i++) {
        if ((b[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    /* Overlong forms, surrogates and values above U+10FFFF differ in the second byte. */
    bool ok = length < 3 || (b[0] == 0xe0      ? b[1] >= 0xa0
                                : b[0] == 0xed ? b[1] < 0xa0
                                : b[0] == 0xf0 ? b[1] >= 0x90
                                : b[0] == 0xf4 ? b[1] < 0x90
                                               : true);
    return ok ? length : 0;
}

bool leat_utf8_is_valid(leat_span bytes) {
    while (bytes.length > 0) {
        size_t length = utf8_sequence(bytes);
        if (length == 0) {
            return false;
        }
        bytes.data += length;
        bytes.length -= length;
    }
    return true;
}

static void put_escaped(leat_text *text, leat_span sequence) {
    static const char short_escapes[] = "\bb\ff\nn\rr\tt\"\"\\\\";
    uint8_t first = sequence.data[0];
    for (const char *escape = short_escapes; *escape != '\0'; escape += 2) {
        if (first == (uint8_t)escape[0]) {
            leat_text_printf(text, "\\%c", escape[1]);
            return;
        }
    }
    if (first < 0x20 || first == 0x7f) {
        leat_text_printf(text, "\\u%04x", first);
    } else if ((size_t)(text->end - text->next) >= sequence.length) {
        leat_text_printf(text, "%.*s", (int)sequence.length, (const char *)sequence.data);
    }
}

void leat_text_json(leat_text *text, leat_span string) {
    leat_text_printf(text, "\"");
    while (string.length > 0) {
        size_t length = utf8_sequence(string);
        if (length == 0) {
            leat_text_printf(text, "\\ufffd");
            length = 1;
        } else {
            put_escaped(text, (leat_span){string.data, length});
        }
        string.data += length;
        string.length -= length;
    }
    leat_text_printf(text, "\"");
}

static bool is_plain(leat_span bytes) {
    for (size_t i = 0; i < bytes.length; i++) {
        if (bytes.data[i] < 0x20 || bytes.data[i] == 0x7f) {
            return false;
        }
    }
    return leat_utf8_is_valid(bytes);
}

void leat_text_bytes(leat_text *text, leat_span bytes) {
    if (is_plain(bytes)) {
        leat_text_json(text, bytes);
        return;
    }
    leat_text_printf(text, "0x");
    for (size_t i = 0; i < bytes.length && text->next < text->end; i++) {
        leat_text_printf(text, "%02x", bytes.data[i]);
    }
}
