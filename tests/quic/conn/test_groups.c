/*
 * The group of the key exchange between two connections: RFC 8446 §4.1.4, §4.2.7,
 * draft-ietf-tls-ecdhe-mlkem. Where libcrypto has no ML-KEM, a stand-in with its sizes is behind
 * the seam, so that both sides run on every system.
 */
#include "../pair.h"

#include "crypto/key_exchange.h"
#include "stand_in_kem.h"

#define X25519 LEAT_GROUP_X25519
#define HYBRID LEAT_GROUP_X25519MLKEM768

typedef struct group_list {
    uint16_t groups[3];
    size_t count;
} group_list;

static void set_groups(pair *p, pair_side side, const group_list *list) {
    p->ends[side].config.groups = list->groups;
    p->ends[side].config.group_count = list->count;
}

/* A whole handshake and data in both directions, with this group on both sides. */
static void expect_group(pair *p, uint16_t group, bool retried) {
    pair_handshake(p);
    for (pair_side side = PAIR_CLIENT; side <= PAIR_SERVER; side++) {
        ck_assert_uint_eq(leat_conn_group(pair_conn(p, side)), group);
        ck_assert_str_eq(leat_conn_group_name(pair_conn(p, side)), leat_group_name(group));
        ck_assert(leat_conn_was_retried(pair_conn(p, side)) == retried);
    }
    uint64_t id = pair_send_text(p, PAIR_CLIENT, false, "both have the keys", true);
    pair_settle(p);
    ck_assert_str_eq((char *)pair_stream_of(p, PAIR_SERVER, id)->bytes, "both have the keys");
}

static void expect_default_group(uint16_t group) {
    pair *p = pair_new();
    expect_group(p, group, false);
    pair_free(p);
}

static void expect_chosen_group(group_list client, group_list server, uint16_t group,
                                bool retried) {
    pair *p = pair_new();
    set_groups(p, PAIR_CLIENT, &client);
    set_groups(p, PAIR_SERVER, &server);
    expect_group(p, group, retried);
    pair_free(p);
}

static void provide_ml_kem(void) {
    if (!leat_group_is_available(HYBRID)) {
        leat_key_exchange_set_test_kem(&stand_in_kem);
    }
}

static void withdraw_ml_kem(void) { leat_key_exchange_set_test_kem(NULL); }

START_TEST(x25519mlkem768_of_libcrypto_is_negotiated_by_default) {
    if (!leat_group_is_available(HYBRID)) {
        printf("# SKIP this libcrypto has no ML-KEM\n");
        return;
    }
    expect_default_group(HYBRID);
}
END_TEST

START_TEST(x25519_is_negotiated_by_default_without_ml_kem) {
    if (leat_group_is_available(HYBRID)) {
        printf("# SKIP this libcrypto has ML-KEM\n");
        return;
    }
    expect_default_group(X25519);
}
END_TEST

/* A ClientHello of 1216 bytes of share needs two datagrams. */
START_TEST(the_hybrid_is_negotiated_by_default) {
    provide_ml_kem();
    expect_default_group(HYBRID);
    withdraw_ml_kem();
}
END_TEST

START_TEST(a_client_with_a_share_of_x25519_is_asked_for_the_hybrid) {
    provide_ml_kem();
    expect_chosen_group((group_list){{X25519, HYBRID}, 2}, (group_list){{HYBRID}, 1}, HYBRID, true);
    withdraw_ml_kem();
}
END_TEST

START_TEST(a_client_with_a_share_of_the_hybrid_is_asked_for_x25519) {
    provide_ml_kem();
    expect_chosen_group((group_list){{HYBRID, LEAT_GROUP_P256, X25519}, 3},
                        (group_list){{X25519}, 1}, X25519, true);
    withdraw_ml_kem();
}
END_TEST

/* A round trip saved is worth more than the better group. */
START_TEST(a_server_that_prefers_the_hybrid_takes_the_share_that_is_there) {
    provide_ml_kem();
    expect_chosen_group((group_list){{X25519, HYBRID}, 2}, (group_list){{HYBRID, X25519}, 2},
                        X25519, false);
    withdraw_ml_kem();
}
END_TEST

START_TEST(a_client_that_offers_both_gets_x25519_from_a_server_without_the_hybrid) {
    provide_ml_kem();
    expect_chosen_group((group_list){{HYBRID, X25519}, 2}, (group_list){{X25519}, 1}, X25519,
                        false);
    withdraw_ml_kem();
}
END_TEST

/* The two datagrams of the ClientHello may come in any order and more than once. */
START_TEST(the_hybrid_survives_a_bad_network) {
    provide_ml_kem();
    for (uint64_t seed = 1; seed <= 20; seed++) {
        pair *p = pair_new();
        p->seed = seed;
        p->link.loss = 20;
        p->link.duplication = p->link.reorder = 30;
        group_list client = {{X25519, HYBRID}, 2}, server = {{HYBRID}, 1};
        if (seed % 2 == 0) {
            set_groups(p, PAIR_CLIENT, &client);
            set_groups(p, PAIR_SERVER, &server);
        }
        expect_group(p, HYBRID, seed % 2 == 0);
        pair_free(p);
    }
    withdraw_ml_kem();
}
END_TEST

LEAT_TEST_MAIN("quic/conn/groups", x25519mlkem768_of_libcrypto_is_negotiated_by_default,
               x25519_is_negotiated_by_default_without_ml_kem, the_hybrid_is_negotiated_by_default,
               a_client_with_a_share_of_x25519_is_asked_for_the_hybrid,
                   a_client_with_a_share_of_the_hybrid_is_asked_for_x25519,
               a_server_that_prefers_the_hybrid_takes_the_share_that_is_there,
               a_client_that_offers_both_gets_x25519_from_a_server_without_the_hybrid,
                   the_hybrid_survives_a_bad_network)
