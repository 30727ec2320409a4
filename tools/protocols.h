/* Application protocols of WebTransport in HTTP fields: lists of strings (RFC 8941 §3.1, §3.3.3). */
#ifndef LEAT_TOOLS_PROTOCOLS_H
#define LEAT_TOOLS_PROTOCOLS_H

#include <leat/base.h>

#define PROTOCOL_MAX 256

/* The value of wt-available-protocols; to be given back with leat_free. NULL: out of memory. */
char *protocols_format(const char *const *values, size_t count);
/*
 * Takes the next string off the list at *rest, which is a field value. False: there is none, or
 * what stands there is not a string of less than PROTOCOL_MAX bytes.
 */
bool protocols_next(leat_span *rest, char protocol[PROTOCOL_MAX]);

#endif
