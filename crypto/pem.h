/* Reading PEM (RFC 7468) that a person configured: what is wrong is said in a sentence. */
#ifndef LEAT_CRYPTO_PEM_H
#define LEAT_CRYPTO_PEM_H
#include "crypto/objects.h"

/* Opens the text; what names it in messages. NULL: message says why. Free with BIO_free. */
BIO *leat_pem_open(leat_span pem, const char *what, char *message);
/* Whether the text contains a word, e.g. of a -----BEGIN line. */
bool leat_pem_contains(leat_span pem, const char *word);
/*
 * Hands every certificate of the text to take, which owns it then and returns false to stop with a
 * message of its own. True: at least one was there and all were taken.
 */
bool leat_pem_each_certificate(leat_span pem, const char *what,
                               bool (*take)(void *user, X509 *certificate, char *message),
                               void *user, char *message);

#endif
