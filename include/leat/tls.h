/*
 * leat/tls.h: certificates, keys and trust: what a configuration of leat/quic.h points at.
 * Objects here are counted: new/load gives one reference, *_ref adds one, *_free drops one. They are immutable
 * after loading, so many connections of one thread share them.
 */
#ifndef LEAT_TLS_H
#define LEAT_TLS_H

#include <leat/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Room for a clear sentence about what failed and what to do. */
#define LEAT_MESSAGE_MAX 256

/*
 * A certificate chain (leaf first) with its private key. A server has one or more: an exact or wildcard match for the
 * name that the client asks for, with a key whose signatures the client can check; so several with keys of several
 * kinds may serve one name, the first that fits wins. Without a match the first of all serves: unrecognized_name is
 * never sent, the client judges names itself (RFC 6066 §3). A client shows the first that can sign as the server wants.
 */
typedef struct leat_identity leat_identity;

/*
 * Loads PEM. key_pem may be empty when the key stands in the certificate's text. password may be NULL.
 * Returns NULL and writes the reason into message.
 */
LEAT_API leat_identity *leat_identity_from_pem(leat_span certificate_pem, leat_span key_pem, const char *password,
                                               char message[LEAT_MESSAGE_MAX]);
/* Makes an ECDSA P-256 key and a self-signed certificate for the names (DNS names or IP addresses as text). */
LEAT_API leat_identity *leat_identity_self_signed(const char *const *names, size_t name_count, int64_t not_before,
                                                  int64_t not_after, char message[LEAT_MESSAGE_MAX]);
/* PEM of the chain followed by the key (PKCS #8). Writes at most capacity bytes with a NUL;
 * returns the length needed. */
LEAT_API size_t leat_identity_to_pem(const leat_identity *identity, char *text, size_t capacity);
/* SHA-256 of the leaf's DER: what serverCertificateHashes wants. */
LEAT_API void leat_identity_hash(const leat_identity *identity, uint8_t hash[32]);
LEAT_API int64_t leat_identity_not_before(const leat_identity *identity);
LEAT_API int64_t leat_identity_not_after(const leat_identity *identity);
/* Whether the leaf is valid for this host name (RFC 9525 rules; wildcards in the left-most label only). */
LEAT_API bool leat_identity_matches(const leat_identity *identity, const char *host);
LEAT_API leat_identity *leat_identity_ref(leat_identity *identity);
LEAT_API void leat_identity_free(leat_identity *identity);

/* Whom to trust: the roots for verifying a peer, or pinned hashes. */
typedef struct leat_trust leat_trust;

/*
 * Whether a server asks its clients for a certificate (RFC 8446 §4.3.2), during the handshake only: QUIC has no
 * authentication after it. A client that has none answers with an empty chain. A session that is resumed keeps the
 * client's identity, at most until its certificate expires: so servers that share ticket keys must agree on whom they
 * trust. The server's handshake is complete after the client's proof; the client's is before the server has judged it.
 */
typedef enum leat_client_auth {
    LEAT_CLIENT_AUTH_NONE,    /* never; the default */
    LEAT_CLIENT_AUTH_REQUEST, /* asks, and goes on without one; one that is shown must be good */
    LEAT_CLIENT_AUTH_REQUIRE, /* ends the connection with certificate_required without one */
} leat_client_auth;

/*
 * Called once the trust has accepted a peer's chain (DER, leaf first, valid for the call), not for a resumed session.
 * False refuses it: the connection ends with access_denied.
 */
typedef bool (*leat_verify_peer_fn)(void *user, const leat_span *chain, size_t count);

LEAT_API leat_trust *leat_trust_system(char message[LEAT_MESSAGE_MAX]); /* the system's store */
LEAT_API leat_trust *leat_trust_from_pem(leat_span ca_pem, char message[LEAT_MESSAGE_MAX]);
/*
 * Pins as W3C WebTransport's serverCertificateHashes does: the leaf's SHA-256 must be one of the
 * hashes, it must be valid now, for at most 14 days in all, and not RSA. No chain and no name is
 * checked then. hashes: count times 32 bytes.
 */
LEAT_API leat_trust *leat_trust_from_hashes(const uint8_t *hashes, size_t count);
/* Accepts every certificate. For experiments; a name that is hard to overlook. */
LEAT_API leat_trust *leat_trust_insecure_accept_anything(void);
LEAT_API leat_trust *leat_trust_ref(leat_trust *trust);
LEAT_API void leat_trust_free(leat_trust *trust);

#ifdef __cplusplus
}
#endif
#endif
