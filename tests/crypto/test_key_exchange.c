/* Key exchange between a client and a server of ours; foreign keys are tested with Wycheproof. */
#include "crypto/key_exchange.h"
#include "leat_test.h"
#include "stand_in_kem.h"

static const uint16_t curves[] = {LEAT_GROUP_X25519, LEAT_GROUP_P256, LEAT_GROUP_P384};

typedef struct exchange_run {
    uint8_t client_share[LEAT_KEY_SHARE_MAX], server_share[LEAT_KEY_SHARE_MAX];
    uint8_t client_secret[LEAT_SHARED_SECRET_MAX], server_secret[LEAT_SHARED_SECRET_MAX];
    size_t client_length, server_length;
} exchange_run;

static bool respond(exchange_run *run, uint16_t group, size_t share_length) {
    return leat_key_exchange_respond(group, (leat_span){run->client_share, share_length},
                                     run->server_share, run->server_secret, &run->server_length);
}

static bool finish(exchange_run *run, leat_key_exchange *client, size_t share_length) {
    return leat_key_exchange_finish(client, (leat_span){run->server_share, share_length},
                                    run->client_secret, &run->client_length);
}

static void check_agreement(uint16_t group, size_t secret_length) {
    exchange_run run;
    leat_key_exchange *client = leat_key_exchange_new(group, run.client_share);
    ck_assert_ptr_nonnull(client);
    ck_assert(respond(&run, group, leat_group_client_share_size(group)));
    ck_assert(finish(&run, client, leat_group_server_share_size(group)));
    ck_assert_uint_eq(run.client_length, secret_length);
    ck_assert_uint_eq(run.server_length, secret_length);
    ck_assert_mem_eq(run.client_secret, run.server_secret, secret_length);
    leat_key_exchange_free(client);
}

START_TEST(both_ends_agree_on_every_curve) {
    check_agreement(LEAT_GROUP_X25519, 32);
    check_agreement(LEAT_GROUP_P256, 32);
    check_agreement(LEAT_GROUP_P384, 48);
}
END_TEST

START_TEST(shares_of_any_other_length_are_refused) {
    for (size_t i = 0; i < 3; i++) {
        exchange_run run;
        leat_key_exchange *client = leat_key_exchange_new(curves[i], run.client_share);
        size_t size = leat_group_client_share_size(curves[i]);
        ck_assert(respond(&run, curves[i], size));
        for (size_t length = 0; length < size + 4; length++) {
            ck_assert(length == size || !finish(&run, client, length));
            ck_assert(length == size || !respond(&run, curves[i], length));
        }
        leat_key_exchange_free(client);
    }
}
END_TEST

START_TEST(a_zero_x25519_secret_is_refused_by_both_ends) {
    /* TEST RFC 8446 §7.4.2: points of small order. */
    exchange_run run;
    leat_key_exchange *client = leat_key_exchange_new(LEAT_GROUP_X25519, run.client_share);
    memset(run.server_share, 0, 32);
    ck_assert(!finish(&run, client, 32));
    run.server_share[0] = 1;
    ck_assert(!finish(&run, client, 32));
    memset(run.client_share, 0, 32);
    ck_assert(!respond(&run, LEAT_GROUP_X25519, 32));
    leat_key_exchange_free(client);
}
END_TEST

START_TEST(a_point_off_the_curve_is_refused) {
    /* TEST RFC 8446 §4.2.8.2: the coordinates must satisfy the equation. */
    exchange_run run;
    leat_key_exchange_free(leat_key_exchange_new(LEAT_GROUP_P256, run.client_share));
    run.client_share[64] ^= 1;
    ck_assert(!respond(&run, LEAT_GROUP_P256, 65));
}
END_TEST

START_TEST(points_must_be_uncompressed) {
    /* TEST RFC 8446 §4.2.8.2: the hybrid form 06 | 07 has the right length and is still refused. */
    exchange_run run;
    leat_key_exchange_free(leat_key_exchange_new(LEAT_GROUP_P256, run.client_share));
    run.client_share[0] = (uint8_t)(6 | (run.client_share[64] & 1));
    ck_assert(!respond(&run, LEAT_GROUP_P256, 65));
    run.client_share[0] = (uint8_t)(2 | (run.client_share[64] & 1));
    ck_assert(!respond(&run, LEAT_GROUP_P256, 33));
}
END_TEST

START_TEST(every_exchange_has_a_fresh_key) {
    uint8_t one[32], other[32];
    leat_key_exchange_free(leat_key_exchange_new(LEAT_GROUP_X25519, one));
    leat_key_exchange_free(leat_key_exchange_new(LEAT_GROUP_X25519, other));
    ck_assert_mem_ne(one, other, 32);
}
END_TEST

START_TEST(an_unknown_group_is_not_available) {
    uint8_t share[LEAT_KEY_SHARE_MAX];
    ck_assert(!leat_group_is_available(0x11eb));
    ck_assert_uint_eq(leat_group_client_share_size(0x11eb), 0);
    ck_assert_ptr_null(leat_key_exchange_new(0x11eb, share));
    for (size_t i = 0; i < 3; i++) {
        ck_assert(leat_group_is_available(curves[i]));
    }
}
END_TEST

START_TEST(the_hybrid_has_the_sizes_of_its_draft) {
    /* TEST draft-ietf-tls-ecdhe-mlkem §4.1: 1216 and 1120 bytes. */
    ck_assert_uint_eq(leat_group_client_share_size(LEAT_GROUP_X25519MLKEM768), 1216);
    ck_assert_uint_eq(leat_group_server_share_size(LEAT_GROUP_X25519MLKEM768), 1120);
}
END_TEST

START_TEST(the_hybrid_agrees_with_a_stand_in_kem) {
    leat_key_exchange_set_test_kem(&stand_in_kem);
    ck_assert(leat_group_is_available(LEAT_GROUP_X25519MLKEM768));
    check_agreement(LEAT_GROUP_X25519MLKEM768, 64);
    leat_key_exchange_set_test_kem(NULL);
}
END_TEST

START_TEST(the_hybrid_agrees_with_the_kem_of_libcrypto) {
    if (leat_group_is_available(LEAT_GROUP_X25519MLKEM768)) {
        check_agreement(LEAT_GROUP_X25519MLKEM768, 64);
    } else {
        uint8_t share[LEAT_KEY_SHARE_MAX];
        ck_assert_ptr_null(leat_key_exchange_new(LEAT_GROUP_X25519MLKEM768, share));
    }
}
END_TEST

START_TEST(the_ml_kem_part_stands_in_front) {
    /* TEST draft-ietf-tls-ecdhe-mlkem §4.1: the order of shares and secrets. */
    exchange_run run;
    leat_key_exchange_set_test_kem(&stand_in_kem);
    leat_key_exchange *client = leat_key_exchange_new(LEAT_GROUP_X25519MLKEM768, run.client_share);
    ck_assert(respond(&run, LEAT_GROUP_X25519MLKEM768, 1216));
    uint8_t kem_secret[32];
    void *key = malloc(1184);
    memcpy(key, run.client_share, 1184);
    ck_assert(stand_in_kem.decapsulate(key, run.server_share, kem_secret));
    ck_assert_mem_eq(run.server_secret, kem_secret, 32);
    free(key);
    leat_key_exchange_free(client);
    leat_key_exchange_set_test_kem(NULL);
}
END_TEST

START_TEST(the_hybrid_refuses_a_zero_x25519_part) {
    /* TEST draft-ietf-tls-ecdhe-mlkem §4.3: the check of X25519 holds in the hybrid as well. */
    exchange_run run;
    leat_key_exchange_set_test_kem(&stand_in_kem);
    leat_key_exchange *client = leat_key_exchange_new(LEAT_GROUP_X25519MLKEM768, run.client_share);
    ck_assert(respond(&run, LEAT_GROUP_X25519MLKEM768, 1216));
    memset(run.server_share + 1088, 0, 32);
    ck_assert(!finish(&run, client, 1120));
    memset(run.client_share + 1184, 0, 32);
    ck_assert(!respond(&run, LEAT_GROUP_X25519MLKEM768, 1216));
    leat_key_exchange_free(client);
    leat_key_exchange_set_test_kem(NULL);
}
END_TEST

LEAT_TEST_MAIN("crypto key_exchange", both_ends_agree_on_every_curve,
               shares_of_any_other_length_are_refused, a_zero_x25519_secret_is_refused_by_both_ends,
               a_point_off_the_curve_is_refused, points_must_be_uncompressed,
               every_exchange_has_a_fresh_key, an_unknown_group_is_not_available,
               the_hybrid_has_the_sizes_of_its_draft, the_hybrid_agrees_with_a_stand_in_kem,
               the_hybrid_agrees_with_the_kem_of_libcrypto, the_ml_kem_part_stands_in_front,
               the_hybrid_refuses_a_zero_x25519_part)
