/*
 * X.509 through libcrypto behind a narrow wrapper: chain building, validity, purpose and names. The
 * leaf decides the key that must sign CertificateVerify. Counts and sizes are bounded before
 * libcrypto sees a byte.
 */
#ifndef LEAT_CRYPTO_X509_H
#define LEAT_CRYPTO_X509_H
#include "crypto/signature.h"

/*
 * RFC 8446 §4.4.2 sets no bound: chains longer than this are refused (stops exponential chain
 * building).
 */
#define LEAT_X509_CHAIN_MAX 10
#define LEAT_X509_CERTIFICATE_MAX 65535

typedef enum leat_x509_status {
    LEAT_X509_OK,
    LEAT_X509_MALFORMED,   /* bad_certificate */
    LEAT_X509_UNSUPPORTED, /* unsupported_certificate: key type or curve */
    LEAT_X509_REVOKED,
    LEAT_X509_EXPIRED,    /* certificate_expired: also not yet valid */
    LEAT_X509_UNKNOWN_CA, /* unknown_ca */
    LEAT_X509_NAME,       /* bad_certificate: no name of the leaf matches */
    LEAT_X509_PURPOSE,    /* unsupported_certificate: the extended key usage forbids this role */
    LEAT_X509_INTERNAL,   /* internal_error: memory; always a refusal */
} leat_x509_status;

/*
 * The number of chain certificates of an identity, and the DER of each (borrowed as long as the
 * identity lives).
 */
size_t leat_identity_chain_length(const leat_identity *identity);
leat_span leat_identity_chain_der(const leat_identity *identity, size_t index);

/*
 * Bytes that somebody has made from the chain, to be made once and found again, from any thread:
 * copied, freed with the identity; the first of a kind stay. kept: false when there are none of
 * this kind; they may be empty. keep: false: no memory.
 */
bool leat_identity_keep(leat_identity *identity, uint16_t kind, leat_span bytes);
bool leat_identity_kept(const leat_identity *identity, uint16_t kind, leat_span *bytes);

/*
 * Parses a leaf's DER far enough to give its public key. NULL: malformed or unsupported (*status
 * says which).
 */
leat_public_key *leat_x509_public_key(leat_span der, leat_x509_status *status);
/*
 * Verifies chain[count] (DER, leaf first). host: the DNS name or the IP address as text that must
 * match, NULL when the peer is a client. now: seconds since the epoch. message gets a sentence with
 * what failed. key (may be NULL) gets the leaf's public key when all is well (gives), else NULL.
 */
leat_x509_status leat_trust_verify(const leat_trust *trust, const leat_span *chain, size_t count,
                                   const char *host, bool peer_is_server, int64_t now,
                                   char message[LEAT_MESSAGE_MAX], leat_public_key **key);
/* When a certificate ends, in seconds since the epoch; long ago (0) when that cannot be read. */
int64_t leat_x509_not_after(leat_span der);
/* Whether text is an IPv4 or IPv6 address literal: such names are not sent as SNI (RFC 6066 §3). */
bool leat_host_is_ip(const char *text);

#endif
