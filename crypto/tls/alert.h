/*
 * How a fault of the peer travels inside crypto/tls: a function that finds one returns
 * leat_fault(why, alert, reason); everybody above passes the alert on. The reason ends up in
 * leat_tls_error_message.
 */
#ifndef LEAT_CRYPTO_TLS_ALERT_H
#define LEAT_CRYPTO_TLS_ALERT_H

#include "crypto/tls/tls.h"

static inline int leat_fault(const char **why, int alert, const char *reason) {
    *why = reason;
    return alert;
}

/* The two faults that every parser and every writer has. */
static inline int leat_fault_decode(const char **why, const char *reason) {
    return leat_fault(why, LEAT_ALERT_DECODE_ERROR, reason);
}
static inline int leat_fault_memory(const char **why) {
    return leat_fault(why, LEAT_ALERT_INTERNAL_ERROR, "out of memory or libcrypto failed");
}

int leat_alert_of_x509(leat_x509_status status);

#endif
