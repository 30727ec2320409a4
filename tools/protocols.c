/* Strings of structured fields, as far as WebTransport's protocols need them: RFC 8941 §3.3.3,
 * §4.2.5. Parameters are not read: a list that has any ends there. */
#include "protocols.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

char *protocols_format(const char *const *values, size_t count) {
    size_t room = 1;
    for (size_t i = 0; i < count; i++) {
        room += 2 * strlen(values[i]) + 4;
    }
    char *text = leat_alloc(NULL, room);
    char *next = text;
    for (size_t i = 0; text != NULL && i < count; i++) {
        next += snprintf(next, 4, "%s\"", i == 0 ? "" : ", ");
        for (const char *c = values[i]; *c != '\0'; c++) {
            if (*c == '"' || *c == '\\') {
                *next++ = '\\';
            }
            *next++ = *c;
        }
        *next++ = '"';
    }
    return text;
}

static void skip(leat_span *rest, const char *characters) {
    while (rest->length > 0 && rest->data[0] != '\0' && strchr(characters, rest->data[0])) {
        rest->data++;
        rest->length--;
    }
}

bool protocols_next(leat_span *rest, char protocol[PROTOCOL_MAX]) {
    size_t length = 0, place = 1;
    skip(rest, " \t,");
    if (rest->length == 0 || rest->data[0] != '"') {
        return false;
    }
    for (; place < rest->length && rest->data[place] != '"'; place++) {
        place += rest->data[place] == '\\';
        if (place >= rest->length || length + 1 >= PROTOCOL_MAX) {
            return false;
        }
        protocol[length++] = (char)rest->data[place];
    }
    if (place >= rest->length) {
        return false;
    }
    protocol[length] = '\0';
    rest->data += place + 1;
    rest->length -= place + 1;
    return true;
}
