/* X25519 and the NIST curves through libcrypto: RFC 8446 §4.2.8.2 (shares), §7.4.2 (secret). */
#include "crypto/ecdh.h"

#include "crypto/key_exchange.h"
#include "crypto/secret.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>

#define UNCOMPRESSED_POINT 4

const leat_curve leat_curve_x25519 = {.type = "X25519", .share_size = 32, .secret_size = 32};
const leat_curve leat_curve_p256 = {
    .type = "EC", .name = "P-256", .share_size = 65, .secret_size = 32};
const leat_curve leat_curve_p384 = {
    .type = "EC", .name = "P-384", .share_size = 97, .secret_size = 48};

EVP_PKEY *leat_ecdh_generate(const leat_curve *curve) {
    return EVP_PKEY_Q_keygen(NULL, NULL, curve->type, curve->name);
}

static EVP_PKEY *key_from_parameters(const char *type, OSSL_PARAM *parameters) {
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    if (context != NULL && parameters != NULL && EVP_PKEY_fromdata_init(context) == 1) {
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, parameters);
    }
    EVP_PKEY_CTX_free(context);
    return key;
}

static EVP_PKEY *key_from_scalar(const leat_curve *curve, leat_span scalar) {
    EVP_PKEY *key = NULL;
    BIGNUM *number = BN_bin2bn(scalar.data, (int)scalar.length, NULL);
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    if (number != NULL && builder != NULL &&
        OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, curve->name, 0) == 1 &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_PRIV_KEY, number) == 1) {
        OSSL_PARAM *parameters = OSSL_PARAM_BLD_to_param(builder);
        key = key_from_parameters(curve->type, parameters);
        OSSL_PARAM_free(parameters);
    }
    OSSL_PARAM_BLD_free(builder);
    BN_clear_free(number);
    return key;
}

EVP_PKEY *leat_ecdh_from_private(const leat_curve *curve, leat_span private_key) {
    return curve->name == NULL ? EVP_PKEY_new_raw_private_key_ex(
                                     NULL, curve->type, NULL, private_key.data, private_key.length)
                               : key_from_scalar(curve, private_key);
}

bool leat_ecdh_write_share(const leat_curve *curve, EVP_PKEY *key, uint8_t *share) {
    size_t written = 0;
    return EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, share,
                                           curve->share_size, &written) == 1 &&
           written == curve->share_size;
}

static EVP_PKEY *read_share(const leat_curve *curve, const EVP_PKEY *own_key, leat_span share) {
    /* RFC 8446 §4.2.8.2: points are uncompressed, but libcrypto reads other forms too. */
    if (share.length != curve->share_size ||
        (curve->name != NULL && share.data[0] != UNCOMPRESSED_POINT)) {
        return NULL;
    }
    if (curve->name == NULL) {
        return EVP_PKEY_new_raw_public_key_ex(NULL, curve->type, NULL, share.data, share.length);
    }
    EVP_PKEY *peer = EVP_PKEY_new();
    /* Reading an encoded point checks that it lies on the curve. */
    if (peer != NULL && (EVP_PKEY_copy_parameters(peer, own_key) != 1 ||
                         EVP_PKEY_set1_encoded_public_key(peer, share.data, share.length) != 1)) {
        EVP_PKEY_free(peer);
        return NULL;
    }
    return peer;
}

static bool is_zero(const uint8_t *secret, size_t length) {
    static const uint8_t zeros[LEAT_SHARED_SECRET_MAX] = {0};
    return leat_constant_time_equal(secret, zeros, length);
}

bool leat_ecdh_derive(const leat_curve *curve, EVP_PKEY *key, leat_span peer_share,
                      uint8_t *secret) {
    size_t length = curve->secret_size;
    ERR_set_mark();
    EVP_PKEY *peer = read_share(curve, key, peer_share);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    /*
     * The full check of the peer's key is left out: these curves have cofactor 1, so a point on the
     * curve is enough.
     */
    bool derived = peer != NULL && context != NULL && EVP_PKEY_derive_init(context) == 1 &&
                   EVP_PKEY_derive_set_peer_ex(context, peer, 0) == 1 &&
                   EVP_PKEY_derive(context, secret, &length) == 1 && length == curve->secret_size;
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(peer);
    ERR_pop_to_mark();
    /* RFC 8446 §7.4.2: a point of small order makes X25519 zero, a secret anybody knows. */
    return derived && !is_zero(secret, length);
}
