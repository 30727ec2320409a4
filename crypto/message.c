/*
 * Messages for people: bounded, and free of control characters whatever a certificate has put into
 * its names.
 */
#include "crypto/objects.h"

#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>

void leat_message_set(char *message, const char *format, ...) {
    if (message == NULL) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, LEAT_MESSAGE_MAX, format, arguments);
    va_end(arguments);
    for (char *c = message; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ' || (unsigned char)*c > '~') {
            *c = '?';
        }
    }
}

const char *leat_message_reason(void) {
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    return reason == NULL ? "no reason given" : reason;
}
