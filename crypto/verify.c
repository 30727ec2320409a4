/*
 * Verifies a peer's chain against a trust. Chain building, signatures, validity and purpose are
 * libcrypto's (RFC 5280 §6); the bounds, the name check (RFC 9525) and pinned hashes are here.
 */
/* RFC 5280 §6.3: NOT IMPLEMENTED: revocation needs a network; short-lived certificates do not. */
#include "crypto/trust.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

/* W3C WebTransport, custom certificate requirements: at most two weeks from begin to end. */
#define PIN_SECONDS_MAX (14 * INT64_C(86400))
/* libcrypto's level 2: 112 bits, which excludes RSA under 2048 bits and SHA-1 in the chain. */
#define SECURITY_LEVEL 2
#define SUBJECT_MAX 96

/* A chain once its bounds are checked and its DER is parsed. */
typedef struct parsed_chain {
    X509 *leaf;
    STACK_OF(X509) *others; /* owned; what the peer offers for building the chain */
} parsed_chain;

typedef struct failure_row {
    int error; /* of libcrypto */
    leat_x509_status status;
    const char *advice;
} failure_row;

#define CHECK_CLOCK "renew it, or check this machine's clock"
#define ADD_CA "give the CA that signed it as trusted, or send the missing intermediates"
#define NEW_KEY "issue it anew with ECDSA P-256 or RSA 2048 and SHA-256"

static const failure_row failure_rows[] = {
    {X509_V_ERR_CERT_HAS_EXPIRED, LEAT_X509_EXPIRED, CHECK_CLOCK},
    {X509_V_ERR_CERT_NOT_YET_VALID, LEAT_X509_EXPIRED, CHECK_CLOCK},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, LEAT_X509_UNKNOWN_CA, ADD_CA},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, LEAT_X509_UNKNOWN_CA, ADD_CA},
    {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, LEAT_X509_UNKNOWN_CA, ADD_CA},
    {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, LEAT_X509_UNKNOWN_CA, "give it as trusted, or pin its hash"},
    {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, LEAT_X509_UNKNOWN_CA, "give that CA as trusted"},
    {X509_V_ERR_CERT_UNTRUSTED, LEAT_X509_UNKNOWN_CA, ADD_CA},
    {X509_V_ERR_CERT_REJECTED, LEAT_X509_UNKNOWN_CA, ADD_CA},
    {X509_V_ERR_INVALID_CA, LEAT_X509_UNKNOWN_CA, "its issuer may not issue certificates"},
    {X509_V_ERR_PATH_LENGTH_EXCEEDED, LEAT_X509_UNKNOWN_CA, "a CA in the chain may not have this many below it"},
    {X509_V_ERR_CERT_CHAIN_TOO_LONG, LEAT_X509_UNKNOWN_CA, "send a shorter chain"},
    {X509_V_ERR_INVALID_PURPOSE, LEAT_X509_PURPOSE, "its extended key usage must allow this role"},
    {X509_V_ERR_CERT_REVOKED, LEAT_X509_REVOKED, "issue it anew"},
    {X509_V_ERR_EE_KEY_TOO_SMALL, LEAT_X509_UNSUPPORTED, NEW_KEY},
    {X509_V_ERR_CA_KEY_TOO_SMALL, LEAT_X509_UNSUPPORTED, NEW_KEY},
    {X509_V_ERR_CA_MD_TOO_WEAK, LEAT_X509_UNSUPPORTED, NEW_KEY},
    {X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION, LEAT_X509_UNSUPPORTED, "it has a critical extension nobody here knows"},
    {X509_V_ERR_OUT_OF_MEM, LEAT_X509_INTERNAL, "memory is out"},
    {X509_V_ERR_UNSPECIFIED, LEAT_X509_INTERNAL, "memory may be out"},
};

static const failure_row *find_failure(int error) {
    /* What is left is a damaged certificate: a bad signature, time or extension. */
    static const failure_row damaged = {0, LEAT_X509_MALFORMED,
                                        "it is damaged; send the certificate as it was issued"};
    for (size_t i = 0; i < sizeof failure_rows / sizeof failure_rows[0]; i++) {
        if (failure_rows[i].error == error) {
            return &failure_rows[i];
        }
    }
    return &damaged;
}

static leat_x509_status explain_failure(X509_STORE_CTX *context, char *message) {
    char subject[SUBJECT_MAX] = "";
    int error = X509_STORE_CTX_get_error(context);
    const failure_row *row = find_failure(error);
    X509 *certificate = X509_STORE_CTX_get_current_cert(context);
    if (certificate != NULL) {
        X509_NAME_oneline(X509_get_subject_name(certificate), subject, sizeof subject);
    }
    leat_message_set(message, "certificate %d of the chain (%s): %s: %s",
                     X509_STORE_CTX_get_error_depth(context) + 1, subject,
                     X509_verify_cert_error_string(error), row->advice);
    return row->status;
}

static bool set_rules(X509_STORE_CTX *context, bool peer_is_server, int64_t now) {
    X509_VERIFY_PARAM *rules = X509_STORE_CTX_get0_param(context);
    X509_VERIFY_PARAM_set_time(rules, (time_t)now);
    X509_VERIFY_PARAM_set_depth(rules, LEAT_X509_CHAIN_MAX);
    X509_VERIFY_PARAM_set_auth_level(rules, SECURITY_LEVEL);
    return X509_VERIFY_PARAM_set_purpose(rules, peer_is_server ? X509_PURPOSE_SSL_SERVER
                                                               : X509_PURPOSE_SSL_CLIENT) == 1;
}

static leat_x509_status verify_roots(const leat_trust *trust, const parsed_chain *chain,
                                     bool peer_is_server, int64_t now, char *message) {
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    leat_x509_status status = LEAT_X509_INTERNAL;
    if (context == NULL ||
        X509_STORE_CTX_init(context, trust->roots, chain->leaf, chain->others) != 1 ||
        !set_rules(context, peer_is_server, now)) {
        leat_message_set(message, "the certificate cannot be verified: memory is out");
    } else {
        /* A value below 0 is an internal failure and, like 0, never a success. */
        status = X509_verify_cert(context) == 1 ? LEAT_X509_OK : explain_failure(context, message);
    }
    X509_STORE_CTX_free(context);
    return status;
}

/* RFC 8446 §4.4.2.2: the key signs the handshake, so a key usage must allow signatures. */
static leat_x509_status check_key_usage(X509 *leaf, char *message) {
    if ((X509_get_key_usage(leaf) & X509v3_KU_DIGITAL_SIGNATURE) != 0) {
        return LEAT_X509_OK;
    }
    leat_message_set(
        message,
        "the certificate's key usage forbids signatures: issue it anew with digitalSignature");
    return LEAT_X509_PURPOSE;
}

static leat_x509_status check_name(X509 *leaf, const char *host, bool peer_is_server,
                                   char *message) {
    /* RFC 9525 §6.1: without a name to compare, any certificate of any site would do. */
    if (host == NULL && peer_is_server) {
        leat_message_set(message, "there is no server name to compare the certificate with");
        return LEAT_X509_NAME;
    }
    if (host == NULL || leat_x509_matches(leaf, host)) {
        return LEAT_X509_OK;
    }
    leat_message_set(message,
                     "no name of the certificate matches %s: connect to a name in its "
                     "subjectAltName, or issue it anew with this one",
                     host);
    return LEAT_X509_NAME;
}

static bool has_pin(const leat_trust *trust, const X509 *leaf) {
    uint8_t hash[32];
    bool found = false;
    if (!leat_x509_hash(leaf, hash)) {
        return false;
    }
    for (size_t i = 0; i < trust->hash_count; i++) {
        found = found || memcmp(hash, trust->hashes[i], sizeof hash) == 0;
    }
    return found;
}

/* The rules of W3C WebTransport for serverCertificateHashes: neither chain nor name matters. */
static leat_x509_status verify_pin(const leat_trust *trust, X509 *leaf, int64_t now,
                                   char *message) {
    int64_t not_before, not_after;
    EVP_PKEY *key = X509_get0_pubkey(leaf);
    if (!has_pin(trust, leaf)) {
        leat_message_set(message, "the hash of the certificate is not among the pinned ones: pin "
                                  "the server's present one");
        return LEAT_X509_UNKNOWN_CA;
    }
    if (key == NULL || EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "RSA-PSS") ||
        leat_key_objection(key) != NULL) {
        leat_message_set(
            message, "a pinned certificate must not have an RSA key: make one with ECDSA P-256");
        return LEAT_X509_UNSUPPORTED;
    }
    if (!leat_x509_seconds(X509_get0_notBefore(leaf), &not_before) ||
        !leat_x509_seconds(X509_get0_notAfter(leaf), &not_after)) {
        leat_message_set(message, "the certificate's validity cannot be read");
        return LEAT_X509_MALFORMED;
    }
    if (not_after - not_before > PIN_SECONDS_MAX) {
        leat_message_set(
            message,
            "a pinned certificate must not be valid for more than 14 days: make a shorter one");
        return LEAT_X509_EXPIRED;
    }
    if (now < not_before || now > not_after) {
        leat_message_set(message, "the pinned certificate %s: " CHECK_CLOCK,
                         now < not_before ? "is not yet valid" : "has expired");
        return LEAT_X509_EXPIRED;
    }
    return LEAT_X509_OK;
}

static leat_x509_status verify_parsed(const leat_trust *trust, const parsed_chain *chain,
                                      const char *host, bool peer_is_server, int64_t now,
                                      char *message) {
    leat_x509_status status = LEAT_X509_OK;
    switch (trust->kind) {
    case LEAT_TRUST_HASHES:
        return verify_pin(trust, chain->leaf, now, message);
    case LEAT_TRUST_ANYTHING:
        return LEAT_X509_OK;
    case LEAT_TRUST_ROOTS:
        status = verify_roots(trust, chain, peer_is_server, now, message);
        break;
    }
    status = status == LEAT_X509_OK ? check_key_usage(chain->leaf, message) : status;
    return status == LEAT_X509_OK ? check_name(chain->leaf, host, peer_is_server, message) : status;
}

static void chain_end(parsed_chain *chain) {
    X509_free(chain->leaf);
    sk_X509_pop_free(chain->others, X509_free);
}

static leat_x509_status parse_chain(parsed_chain *parsed, const leat_span *chain, size_t count,
                                    char *message) {
    *parsed = (parsed_chain){.others = sk_X509_new_null()};
    if (parsed->others == NULL) {
        leat_message_set(message, "memory is out");
        return LEAT_X509_INTERNAL;
    }
    for (size_t i = 0; i < count; i++) {
        X509 *certificate = leat_x509_parse(chain[i]);
        if (certificate == NULL) {
            leat_message_set(message,
                             "certificate %zu of the chain is not valid DER: the peer sent garbage",
                             i + 1);
            return LEAT_X509_MALFORMED;
        }
        if (i == 0) {
            parsed->leaf = certificate;
        } else if (sk_X509_push(parsed->others, certificate) == 0) {
            X509_free(certificate);
            leat_message_set(message, "memory is out");
            return LEAT_X509_INTERNAL;
        }
    }
    return LEAT_X509_OK;
}

/* The key comes before the verdict: one that nobody can use is the more telling fault. */
static leat_x509_status take_key(const parsed_chain *chain, leat_public_key **key, char *message) {
    leat_x509_status status;
    *key = leat_x509_key(chain->leaf, &status);
    if (*key == NULL) {
        leat_message_set(message, "the certificate has no usable key: " NEW_KEY);
    }
    return status;
}

leat_x509_status leat_trust_verify(const leat_trust *trust, const leat_span *chain, size_t count,
                                   const char *host, bool peer_is_server, int64_t now,
                                   char message[LEAT_MESSAGE_MAX], leat_public_key **key) {
    parsed_chain parsed;
    leat_public_key *leaf_key = NULL;
    leat_message_set(message, "%s", "");
    if (count == 0 || count > LEAT_X509_CHAIN_MAX) {
        leat_message_set(message, "the chain has %zu certificates: between 1 and %d are accepted",
                         count, LEAT_X509_CHAIN_MAX);
        return LEAT_X509_MALFORMED;
    }
    ERR_set_mark();
    leat_x509_status status = parse_chain(&parsed, chain, count, message);
    if (status == LEAT_X509_OK && key != NULL) {
        status = take_key(&parsed, &leaf_key, message);
    }
    if (status == LEAT_X509_OK) {
        status = verify_parsed(trust, &parsed, host, peer_is_server, now, message);
    }
    if (status != LEAT_X509_OK) {
        leat_public_key_free(leaf_key);
        leaf_key = NULL;
    }
    if (key != NULL) {
        *key = leaf_key;
    }
    chain_end(&parsed);
    ERR_pop_to_mark();
    return status;
}
