/* Classes of ASCII characters, for the grammars of field values. Never the C library's: those
 * follow a locale. */
#ifndef LEAT_H3_CHARACTERS_H
#define LEAT_H3_CHARACTERS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static inline bool leat_is_digit(uint8_t c) { return c >= '0' && c <= '9'; }
static inline bool leat_is_lower(uint8_t c) { return c >= 'a' && c <= 'z'; }
static inline bool leat_is_letter(uint8_t c) { return leat_is_lower(c) || (c >= 'A' && c <= 'Z'); }
static inline bool leat_is_in(uint8_t c, const char *set) {
    return c != 0 && strchr(set, c) != NULL;
}

#endif
