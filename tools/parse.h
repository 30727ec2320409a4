/* Digits as several commands read them. */
#ifndef LEAT_TOOLS_PARSE_H
#define LEAT_TOOLS_PARSE_H

#include <leat/base.h>

/* -1: not a hex digit. */
int parse_hex_digit(int c);
/* Decimal digits only, and at least one. False: something else, or beyond 64 bits. */
bool parse_decimal(leat_span text, uint64_t *number);

#endif
