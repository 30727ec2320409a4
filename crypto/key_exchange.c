/*
 * The key exchange groups: a table of rows, each a curve, one of them with ML-KEM-768 in front of
 * it. RFC 8446 §4.2.8 and draft-ietf-tls-ecdhe-mlkem §4: in X25519MLKEM768 shares and secrets are
 * the concatenation of the ML-KEM part and the X25519 part, in this order.
 */
#include "crypto/key_exchange.h"

#include "base/alloc.h"
#include "crypto/ecdh.h"
#include "crypto/kem.h"
#include "crypto/secret.h"

typedef struct group_row {
    uint16_t group;
    const char *name;
    const leat_curve *curve;
    /* Sizes of what the KEM puts in front; zero in a row without one. */
    size_t kem_client, kem_server, kem_secret;
} group_row;

static const group_row group_rows[] = {
    {.group = LEAT_GROUP_X25519, .name = "X25519", .curve = &leat_curve_x25519},
    {.group = LEAT_GROUP_P256, .name = "P-256", .curve = &leat_curve_p256},
    {.group = LEAT_GROUP_P384, .name = "P-384", .curve = &leat_curve_p384},
    {.group = LEAT_GROUP_X25519MLKEM768, .name = "X25519MLKEM768", .curve = &leat_curve_x25519,
     .kem_client = LEAT_KEM_ENCAPSULATION_KEY, .kem_server = LEAT_KEM_CIPHERTEXT, .kem_secret = LEAT_KEM_SECRET},
};

struct leat_key_exchange {
    const group_row *row;
    EVP_PKEY *ecdh;
    const leat_kem *kem;
    void *kem_key;
};

static const group_row *find_row(uint16_t group) {
    for (size_t i = 0; i < sizeof group_rows / sizeof group_rows[0]; i++) {
        if (group_rows[i].group == group) {
            return &group_rows[i];
        }
    }
    return NULL;
}

static bool has_kem(const group_row *row) { return row->kem_secret > 0; }

bool leat_group_is_available(uint16_t group) {
    const group_row *row = find_row(group);
    return row != NULL && (!has_kem(row) || leat_kem_find() != NULL);
}

const char *leat_group_name(uint16_t group) {
    const group_row *row = find_row(group);
    return row == NULL ? NULL : row->name;
}

size_t leat_group_client_share_size(uint16_t group) {
    const group_row *row = find_row(group);
    return row == NULL ? 0 : row->kem_client + row->curve->share_size;
}

size_t leat_group_server_share_size(uint16_t group) {
    const group_row *row = find_row(group);
    return row == NULL ? 0 : row->kem_server + row->curve->share_size;
}

static leat_span skip(leat_span span, size_t length) {
    return (leat_span){span.data + length, span.length - length};
}

static bool make_keys(leat_key_exchange *exchange, uint8_t *share) {
    const group_row *row = exchange->row;
    if (has_kem(row)) {
        exchange->kem = leat_kem_find();
        exchange->kem_key = exchange->kem == NULL ? NULL : exchange->kem->keygen(share);
        if (exchange->kem_key == NULL) {
            return false;
        }
    }
    exchange->ecdh = leat_ecdh_generate(row->curve);
    return exchange->ecdh != NULL &&
           leat_ecdh_write_share(row->curve, exchange->ecdh, share + row->kem_client);
}

leat_key_exchange *leat_key_exchange_new(uint16_t group, uint8_t *share) {
    const group_row *row = find_row(group);
    leat_key_exchange *exchange = row == NULL ? NULL : leat_alloc(NULL, sizeof *exchange);
    if (exchange == NULL) {
        return NULL;
    }
    exchange->row = row;
    if (!make_keys(exchange, share)) {
        leat_key_exchange_free(exchange);
        return NULL;
    }
    return exchange;
}

bool leat_key_exchange_finish(leat_key_exchange *exchange, leat_span server_share, uint8_t *secret,
                              size_t *secret_length) {
    const group_row *row = exchange->row;
    if (server_share.length != row->kem_server + row->curve->share_size) {
        return false;
    }
    *secret_length = row->kem_secret + row->curve->secret_size;
    return (!has_kem(row) ||
            exchange->kem->decapsulate(exchange->kem_key, server_share.data, secret)) &&
           leat_ecdh_derive(row->curve, exchange->ecdh, skip(server_share, row->kem_server),
                            secret + row->kem_secret);
}

void leat_key_exchange_free(leat_key_exchange *exchange) {
    if (exchange != NULL) {
        if (exchange->kem_key != NULL) {
            exchange->kem->free(exchange->kem_key);
        }
        EVP_PKEY_free(exchange->ecdh);
        leat_free(NULL, exchange);
    }
}

static bool respond_with_kem(const group_row *row, leat_span client_share, uint8_t *server_share,
                             uint8_t *secret) {
    const leat_kem *kem = has_kem(row) ? leat_kem_find() : NULL;
    return !has_kem(row) ||
           (kem != NULL && kem->encapsulate(client_share.data, server_share, secret));
}

bool leat_key_exchange_respond(uint16_t group, leat_span client_share, uint8_t *server_share,
                               uint8_t *secret, size_t *secret_length) {
    const group_row *row = find_row(group);
    if (row == NULL || client_share.length != row->kem_client + row->curve->share_size) {
        return false;
    }
    *secret_length = row->kem_secret + row->curve->secret_size;
    EVP_PKEY *key = leat_ecdh_generate(row->curve);
    bool done = key != NULL &&
                leat_ecdh_write_share(row->curve, key, server_share + row->kem_server) &&
                leat_ecdh_derive(row->curve, key, skip(client_share, row->kem_client),
                                 secret + row->kem_secret) &&
                respond_with_kem(row, client_share, server_share, secret);
    EVP_PKEY_free(key);
    if (!done) {
        leat_wipe(secret, *secret_length);
    }
    return done;
}

bool leat_key_exchange_vector(uint16_t group, leat_span private_key, leat_span peer_share,
                              uint8_t *secret, size_t *secret_length) {
    const group_row *row = find_row(group);
    if (row == NULL || has_kem(row)) {
        return false;
    }
    *secret_length = row->curve->secret_size;
    EVP_PKEY *key = leat_ecdh_from_private(row->curve, private_key);
    bool done = key != NULL && leat_ecdh_derive(row->curve, key, peer_share, secret);
    EVP_PKEY_free(key);
    return done;
}
