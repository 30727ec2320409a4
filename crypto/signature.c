/*
 * Signature schemes: a table by TLS SignatureScheme (RFC 8446 §4.2.3). A scheme fixes the kind of
 * key, the curve, the hash and the padding, so that a key is never used with a scheme it was not
 * made for.
 */
#include "crypto/signature.h"

#include "base/alloc.h"
#include "crypto/objects.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

/* Smaller keys are within reach of factoring. */
#define RSA_BITS_MIN 2048
/* Larger keys keep a verifier busy, and their signatures exceed LEAT_SIGNATURE_MAX. */
#define RSA_BITS_MAX 8192

typedef struct scheme_row {
    uint16_t scheme;
    const char *type;            /* of the key, as libcrypto calls it */
    const char *group;           /* for EC: the only curve that fits */
    const EVP_MD *(*hash)(void); /* NULL: the scheme hashes by itself */
    int padding;                 /* for RSA */
} scheme_row;

static const scheme_row scheme_rows[] = {
    {.scheme = LEAT_SIG_ECDSA_P256_SHA256, .type = "EC", .group = "prime256v1", .hash = EVP_sha256},
    {.scheme = LEAT_SIG_ECDSA_P384_SHA384, .type = "EC", .group = "secp384r1", .hash = EVP_sha384},
    {.scheme = LEAT_SIG_ED25519, .type = "ED25519"},
    {.scheme = LEAT_SIG_RSA_PSS_RSAE_SHA256, .type = "RSA", .hash = EVP_sha256, .padding = RSA_PKCS1_PSS_PADDING},
    {.scheme = LEAT_SIG_RSA_PSS_RSAE_SHA384, .type = "RSA", .hash = EVP_sha384, .padding = RSA_PKCS1_PSS_PADDING},
    {.scheme = LEAT_SIG_RSA_PSS_RSAE_SHA512, .type = "RSA", .hash = EVP_sha512, .padding = RSA_PKCS1_PSS_PADDING},
    {.scheme = LEAT_SIG_RSA_PSS_PSS_SHA256, .type = "RSA-PSS", .hash = EVP_sha256, .padding = RSA_PKCS1_PSS_PADDING},
    {.scheme = LEAT_SIG_RSA_PSS_PSS_SHA384, .type = "RSA-PSS", .hash = EVP_sha384, .padding = RSA_PKCS1_PSS_PADDING},
    {.scheme = LEAT_SIG_RSA_PSS_PSS_SHA512, .type = "RSA-PSS", .hash = EVP_sha512, .padding = RSA_PKCS1_PSS_PADDING},
    {.scheme = LEAT_SIG_RSA_PKCS1_SHA256, .type = "RSA", .hash = EVP_sha256, .padding = RSA_PKCS1_PADDING},
    {.scheme = LEAT_SIG_RSA_PKCS1_SHA384, .type = "RSA", .hash = EVP_sha384, .padding = RSA_PKCS1_PADDING},
    {.scheme = LEAT_SIG_RSA_PKCS1_SHA512, .type = "RSA", .hash = EVP_sha512, .padding = RSA_PKCS1_PADDING},
};

/* RFC 8446 §4.2.3: PKCS #1 v1.5 stands in certificates only; those three come last. */
static const uint16_t schemes[] = {
    LEAT_SIG_ECDSA_P256_SHA256,   LEAT_SIG_ED25519,
    LEAT_SIG_ECDSA_P384_SHA384,   LEAT_SIG_RSA_PSS_RSAE_SHA256,
    LEAT_SIG_RSA_PSS_RSAE_SHA384, LEAT_SIG_RSA_PSS_RSAE_SHA512,
    LEAT_SIG_RSA_PSS_PSS_SHA256,  LEAT_SIG_RSA_PSS_PSS_SHA384,
    LEAT_SIG_RSA_PSS_PSS_SHA512,  LEAT_SIG_RSA_PKCS1_SHA256,
    LEAT_SIG_RSA_PKCS1_SHA384,    LEAT_SIG_RSA_PKCS1_SHA512,
};
#define CERTIFICATE_ONLY 3

const uint16_t *leat_signature_schemes(size_t *count) {
    *count = sizeof schemes / sizeof schemes[0] - CERTIFICATE_ONLY;
    return schemes;
}

const uint16_t *leat_signature_cert_schemes(size_t *count) {
    *count = sizeof schemes / sizeof schemes[0];
    return schemes;
}

static const scheme_row *find_row(uint16_t scheme) {
    for (size_t i = 0; i < sizeof scheme_rows / sizeof scheme_rows[0]; i++) {
        if (scheme_rows[i].scheme == scheme) {
            return &scheme_rows[i];
        }
    }
    return NULL;
}

static bool is_rsa(EVP_PKEY *key) {
    return EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "RSA-PSS");
}

static bool has_group(EVP_PKEY *key, const char *group) {
    char name[32];
    return EVP_PKEY_get_group_name(key, name, sizeof name, NULL) == 1 && strcmp(name, group) == 0;
}

static bool row_fits(const scheme_row *row, EVP_PKEY *key) {
    return EVP_PKEY_is_a(key, row->type) && (row->group == NULL || has_group(key, row->group));
}

const char *leat_key_objection(EVP_PKEY *key) {
    int bits = EVP_PKEY_get_bits(key);
    if (is_rsa(key)) {
        return bits < RSA_BITS_MIN
                   ? "is RSA with fewer than 2048 bits: make a larger one or use ECDSA P-256"
               : bits > RSA_BITS_MAX
                   ? "is RSA with more than 8192 bits: use a smaller one or ECDSA P-256"
                   : NULL;
    }
    for (size_t i = 0; i < sizeof scheme_rows / sizeof scheme_rows[0]; i++) {
        if (row_fits(&scheme_rows[i], key)) {
            return NULL;
        }
    }
    return "is of a kind that is not supported: use ECDSA P-256, P-384, Ed25519 or RSA";
}

/* RFC 8446 §4.2.3: the salt of RSASSA-PSS is as long as the hash. */
static bool set_padding(EVP_PKEY_CTX *context, const scheme_row *row) {
    if (row->padding == 0) {
        return true;
    }
    return EVP_PKEY_CTX_set_rsa_padding(context, row->padding) == 1 &&
           (row->padding != RSA_PKCS1_PSS_PADDING ||
            EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1);
}

static const EVP_MD *row_hash(const scheme_row *row) {
    return row->hash == NULL ? NULL : row->hash();
}

uint16_t leat_identity_choose_scheme(const leat_identity *identity, const uint16_t *peer_schemes,
                                     size_t count) {
    size_t own_count;
    const uint16_t *own = leat_signature_schemes(&own_count);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < own_count; j++) {
            if (own[j] == peer_schemes[i] && row_fits(find_row(own[j]), identity->key)) {
                return own[j];
            }
        }
    }
    return 0;
}

bool leat_identity_sign(const leat_identity *identity, uint16_t scheme, leat_span message,
                        uint8_t *signature, size_t *signature_length) {
    const scheme_row *row = find_row(scheme);
    if (row == NULL || !row_fits(row, identity->key)) {
        return false;
    }
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *key_context = NULL;
    *signature_length = LEAT_SIGNATURE_MAX;
    bool done =
        context != NULL &&
        EVP_DigestSignInit(context, &key_context, row_hash(row), NULL, identity->key) == 1 &&
        set_padding(key_context, row) &&
        EVP_DigestSign(context, signature, signature_length, message.data, message.length) == 1;
    EVP_MD_CTX_free(context);
    return done;
}

leat_public_key *leat_public_key_new(EVP_PKEY *key) {
    leat_public_key *public_key = leat_alloc(NULL, sizeof *public_key);
    if (public_key == NULL) {
        EVP_PKEY_free(key);
        return NULL;
    }
    public_key->key = key;
    return public_key;
}

leat_public_key *leat_public_key_from_spki(leat_span der) {
    const uint8_t *next = der.data;
    if (der.length > LEAT_X509_CERTIFICATE_MAX) {
        return NULL;
    }
    ERR_set_mark();
    EVP_PKEY *key = d2i_PUBKEY(NULL, &next, (long)der.length);
    ERR_pop_to_mark();
    if (key == NULL || next != der.data + der.length || leat_key_objection(key) != NULL) {
        EVP_PKEY_free(key);
        return NULL;
    }
    return leat_public_key_new(key);
}

void leat_public_key_free(leat_public_key *key) {
    if (key != NULL) {
        EVP_PKEY_free(key->key);
        leat_free(NULL, key);
    }
}

bool leat_public_key_fits(const leat_public_key *key, uint16_t scheme) {
    const scheme_row *row = find_row(scheme);
    return row != NULL && row_fits(row, key->key);
}

bool leat_public_key_verify(const leat_public_key *key, uint16_t scheme, leat_span message,
                            leat_span signature) {
    const scheme_row *row = find_row(scheme);
    if (row == NULL || !row_fits(row, key->key)) {
        return false;
    }
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *key_context = NULL;
    ERR_set_mark();
    bool good = context != NULL &&
                EVP_DigestVerifyInit(context, &key_context, row_hash(row), NULL, key->key) == 1 &&
                set_padding(key_context, row) &&
                EVP_DigestVerify(context, signature.data, signature.length, message.data,
                                 message.length) == 1;
    ERR_pop_to_mark();
    EVP_MD_CTX_free(context);
    return good;
}
