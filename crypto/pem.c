/* See pem.h. Base64 and ASN.1 are libcrypto's; here are the bounds and the words. */
#include "crypto/pem.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

/* Stops a mistaken path to something huge; the system's whole list of roots is a quarter of it. */
#define PEM_MAX (1 << 20)

bool leat_pem_contains(leat_span pem, const char *word) {
    size_t length = strlen(word);
    for (size_t i = 0; i + length <= pem.length; i++) {
        if (memcmp(pem.data + i, word, length) == 0) {
            return true;
        }
    }
    return false;
}

BIO *leat_pem_open(leat_span pem, const char *what, char *message) {
    if (pem.length == 0) {
        leat_message_set(message, "the %s is empty", what);
    } else if (pem.length > PEM_MAX) {
        leat_message_set(message, "the %s is larger than 1 MiB: is it the right file?", what);
    } else if (!leat_pem_contains(pem, "-----BEGIN ")) {
        leat_message_set(message,
                         "the %s is not PEM: no line says -----BEGIN (openssl x509 or openssl pkey "
                         "with -inform DER "
                         "convert DER)",
                         what);
    } else {
        leat_message_set(message, "memory is out");
        return BIO_new_mem_buf(pem.data, (int)pem.length);
    }
    return NULL;
}

/* libcrypto ends a list by failing to find one more beginning. */
static bool is_at_end(void) {
    unsigned long error = ERR_peek_last_error();
    return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

static bool take_all(BIO *in, const char *what,
                     bool (*take)(void *user, X509 *certificate, char *message), void *user,
                     char *message) {
    size_t count = 0;
    for (X509 *certificate; (certificate = PEM_read_bio_X509(in, NULL, NULL, NULL)) != NULL;
         count++) {
        if (!take(user, certificate, message)) {
            return false;
        }
    }
    if (!is_at_end()) {
        leat_message_set(message, "certificate %zu of the %s is damaged: %s", count + 1, what,
                         leat_message_reason());
        return false;
    }
    if (count == 0) {
        leat_message_set(
            message, "the %s holds no certificate: no line says -----BEGIN CERTIFICATE-----", what);
    }
    return count > 0;
}

bool leat_pem_each_certificate(leat_span pem, const char *what,
                               bool (*take)(void *user, X509 *certificate, char *message),
                               void *user, char *message) {
    ERR_set_mark();
    BIO *in = leat_pem_open(pem, what, message);
    bool done = in != NULL && take_all(in, what, take, user, message);
    BIO_free(in);
    ERR_pop_to_mark();
    return done;
}
