/*
 * What lies behind the opaque types of certificates and keys, for the files of crypto/ alone, and
 * the small calls they share. A message is always a whole sentence that says what to do.
 */
#ifndef LEAT_CRYPTO_OBJECTS_H
#define LEAT_CRYPTO_OBJECTS_H
#include "crypto/x509.h"

#include <openssl/x509.h>
#include <stdatomic.h>

typedef struct leat_identity_kept_bytes leat_identity_kept_bytes;
struct leat_identity_kept_bytes {
    leat_identity_kept_bytes *next;
    uint16_t kind;
    size_t length;
    uint8_t bytes[];
};

struct leat_identity {
    atomic_size_t references; /* connections of several threads share it */
    EVP_PKEY *key;
    X509 *chain[LEAT_X509_CHAIN_MAX]; /* leaf first */
    leat_span der[LEAT_X509_CHAIN_MAX];
    size_t chain_length;
    _Atomic(leat_identity_kept_bytes *) kept; /* only ever grows: see leat_identity_keep */
};

struct leat_public_key {
    EVP_PKEY *key;
};

/* Without key and chain; one reference. NULL: memory. */
leat_identity *leat_identity_new(void);
/* Appends to the chain; takes the certificate in any case. False: too many, too large, memory. */
bool leat_identity_add(leat_identity *identity, X509 *certificate);

/* NULL when the key is one we accept, else what is wrong with it, to be put after "the key". */
const char *leat_key_objection(EVP_PKEY *key);
/* Takes key. NULL: memory. */
leat_public_key *leat_public_key_new(EVP_PKEY *key);
/* The key of a parsed certificate if it is one that we accept; *status says why it is NULL. */
leat_public_key *leat_x509_key(X509 *certificate, leat_x509_status *status);

/* RFC 9525 §6: whether a SAN of the certificate is this DNS name or IP address. */
bool leat_x509_matches(X509 *certificate, const char *host);
/* Parses exactly one certificate. NULL: malformed, or larger than LEAT_X509_CERTIFICATE_MAX. */
X509 *leat_x509_parse(leat_span der);
/* SHA-256 of the DER. */
bool leat_x509_hash(const X509 *certificate, uint8_t hash[32]);
/* Seconds since the epoch. False: not a time. */
bool leat_x509_seconds(const ASN1_TIME *time, int64_t *seconds);

/* Formats into a message, cutting what does not fit. message may be NULL. */
void leat_message_set(char *message, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* libcrypto's newest error as text, for the end of a message. */
const char *leat_message_reason(void);

#endif
