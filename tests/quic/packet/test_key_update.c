/* Key update: quic/packet/key_update.c. */
#include "key_pair.h"

static void send_ok(leat_keys *from, leat_keys *to, uint64_t pn) {
    leat_opened opened;
    ck_assert_int_eq(key_pair_send(from, to, pn, &opened), LEAT_OPEN_OK);
    ck_assert_uint_eq(opened.pn, pn);
}

/* Both ends with a packet sent, received and acknowledged in the first phase. */
static void make_used_pair(key_pair *pair) {
    key_pair_make(pair, 0x1301);
    send_ok(&pair->client, &pair->server, 0);
    send_ok(&pair->server, &pair->client, 0);
    leat_keys_on_acked(&pair->client, 0);
    leat_keys_on_acked(&pair->server, 0);
}

static void check_next_secret(uint32_t version, const char *file) {
    test_vectors *vectors = test_vectors_load(file);
    const char *section = "chacha20_short_header";
    const uint8_t *secret = test_vector_bytes(vectors, section, "secret").data;
    leat_keys keys = {.suite = NULL};
    const leat_cipher_suite *suite = leat_cipher_suite_find(0x1303);
    ck_assert(leat_keys_install(&keys, version, true, suite, secret));
    ck_assert(leat_keys_install(&keys, version, false, suite, secret));
    ck_assert(leat_keys_make_updatable(&keys));
    keys.phase_confirmed = true;
    ck_assert(leat_keys_update(&keys));
    leat_span ku = test_vector_bytes(vectors, section, "ku");
    ck_assert_mem_eq(keys.write_secret, ku.data, 32);
    ck_assert_mem_eq(keys.read_secret, ku.data, 32);
    leat_keys_discard(&keys);
    test_vectors_free(vectors);
}

/* TEST RFC 9001 §A.5: the secret after "quic ku". */
/* TEST RFC 9369 §A.5: and after "quicv2 ku". */
START_TEST(the_next_secret_agrees_with_the_rfc) {
    check_next_secret(LEAT_VERSION_1, "vectors/quic/rfc9001-appendix-a.vec");
    check_next_secret(LEAT_VERSION_2, "vectors/quic/rfc9369-appendix-a.vec");
}
END_TEST

/* TEST RFC 9001 §6.1-2. */
START_TEST(an_update_needs_an_acknowledgment_of_the_current_phase) {
    key_pair pair;
    key_pair_make(&pair, 0x1301);
    ck_assert(!leat_keys_update(&pair.client));
    send_ok(&pair.client, &pair.server, 5);
    ck_assert(!leat_keys_update(&pair.client));
    leat_keys_on_acked(&pair.client, 4);
    ck_assert(!leat_keys_update(&pair.client));
    leat_keys_on_acked(&pair.client, 5);
    ck_assert(leat_keys_update(&pair.client));
    ck_assert(pair.client.phase);
    ck_assert_uint_eq(pair.client.sealed, 0);
    key_pair_free(&pair);
}
END_TEST

/* TEST RFC 9001 §6.2-1: the answer is sealed under the new keys too. */
START_TEST(the_peer_follows_an_update) {
    for (size_t i = 0; i < 3; i++) {
        key_pair pair;
        key_pair_make(&pair, key_pair_suites[i]);
        send_ok(&pair.client, &pair.server, 0);
        send_ok(&pair.server, &pair.client, 0);
        leat_keys_on_acked(&pair.client, 0);
        ck_assert(leat_keys_update(&pair.client));
        leat_opened opened;
        ck_assert_int_eq(key_pair_send(&pair.client, &pair.server, 1, &opened), LEAT_OPEN_OK);
        ck_assert(opened.key_updated);
        ck_assert(opened.key_phase);
        ck_assert(pair.server.phase);
        ck_assert_int_eq(key_pair_send(&pair.server, &pair.client, 1, &opened), LEAT_OPEN_OK);
        ck_assert(!opened.key_updated);
        key_pair_free(&pair);
    }
}
END_TEST

START_TEST(many_updates_alternate_the_phase) {
    key_pair pair;
    key_pair_make(&pair, 0x1301);
    for (uint64_t round = 0; round < 20; round++) {
        uint64_t pn = 2 * round;
        leat_keys *one = round % 3 == 0 ? &pair.server : &pair.client;
        leat_keys *other = one == &pair.client ? &pair.server : &pair.client;
        send_ok(one, other, pn);
        send_ok(other, one, pn);
        leat_keys_on_acked(one, pn);
        leat_keys_discard_previous(one);
        leat_keys_discard_previous(other);
        ck_assert(leat_keys_update(one));
        ck_assert_int_eq(one->phase, round % 2 == 0);
        send_ok(one, other, pn + 1);
        send_ok(other, one, pn + 1);
    }
    key_pair_free(&pair);
}
END_TEST

/* TEST RFC 9001 §6.1-4, §6.5: reordered packets of the old phase still open. */
START_TEST(a_reordered_packet_of_the_old_phase_opens) {
    key_pair pair;
    make_used_pair(&pair);
    uint8_t late[64];
    size_t late_size = key_pair_seal(&pair.client, 1, late);
    ck_assert(leat_keys_update(&pair.client));
    send_ok(&pair.client, &pair.server, 2);
    leat_opened opened;
    ck_assert_int_eq(key_pair_open(&pair.server, late, late_size, 2, &opened), LEAT_OPEN_OK);
    ck_assert(!opened.key_updated);
    ck_assert(pair.server.phase);
    leat_keys_discard_previous(&pair.server);
    ck_assert_int_eq(key_pair_open(&pair.server, late, late_size, 2, &opened),
                     LEAT_OPEN_AUTHENTICATION);
    key_pair_free(&pair);
}
END_TEST

START_TEST(after_our_update_the_peer_may_still_use_the_old_keys) {
    key_pair pair;
    make_used_pair(&pair);
    ck_assert(leat_keys_update(&pair.client));
    send_ok(&pair.server, &pair.client, 1);
    send_ok(&pair.server, &pair.client, 2);
    ck_assert_uint_eq(pair.client.phase_first_received, LEAT_PN_NONE);
    send_ok(&pair.client, &pair.server, 1);
    send_ok(&pair.server, &pair.client, 3);
    ck_assert_uint_eq(pair.client.phase_first_received, 3);
    key_pair_free(&pair);
}
END_TEST

/* TEST RFC 9001 §6.1-3. */
START_TEST(the_old_key_stays_until_the_new_one_was_used) {
    key_pair pair;
    make_used_pair(&pair);
    ck_assert(leat_keys_update(&pair.client));
    leat_keys_discard_previous(&pair.client);
    send_ok(&pair.server, &pair.client, 1);
    key_pair_free(&pair);
}
END_TEST

/* TEST RFC 9001 §6.5-1: not again before the previous key is gone. */
START_TEST(a_second_update_waits_for_the_end_of_the_previous_key) {
    key_pair pair;
    make_used_pair(&pair);
    ck_assert(leat_keys_update(&pair.client));
    send_ok(&pair.client, &pair.server, 1);
    send_ok(&pair.server, &pair.client, 1);
    leat_keys_on_acked(&pair.client, 1);
    ck_assert(!leat_keys_can_update(&pair.client));
    leat_keys_discard_previous(&pair.client);
    ck_assert(leat_keys_can_update(&pair.client));
    key_pair_free(&pair);
}
END_TEST

START_TEST(both_ends_may_update_at_once) {
    key_pair pair;
    make_used_pair(&pair);
    ck_assert(leat_keys_update(&pair.client));
    ck_assert(leat_keys_update(&pair.server));
    send_ok(&pair.client, &pair.server, 1);
    send_ok(&pair.server, &pair.client, 1);
    ck_assert(pair.client.phase && pair.server.phase);
    key_pair_free(&pair);
}
END_TEST

/* TEST RFC 9001 §5.5-2: what looks like an update but is a forgery changes nothing. */
START_TEST(a_forged_phase_bit_changes_no_keys) {
    key_pair pair;
    make_used_pair(&pair);
    uint8_t packet[64];
    leat_opened opened;
    pair.client.phase = true; /* sealed under the keys of the old phase, marked as the new one */
    size_t size = key_pair_seal(&pair.client, 1, packet);
    pair.client.phase = false;
    ck_assert_int_eq(key_pair_open(&pair.server, packet, size, 0, &opened),
                     LEAT_OPEN_AUTHENTICATION);
    ck_assert(!pair.server.phase);
    ck_assert_uint_eq(pair.server.failed_opens, 1);
    send_ok(&pair.client, &pair.server, 2);
    key_pair_free(&pair);
}
END_TEST

/* TEST RFC 9001 §6.2: a second update without an acknowledgment of the first is an error of the
 * peer. */
START_TEST(an_update_before_anything_was_acknowledged_is_a_key_update_error) {
    key_pair pair;
    make_used_pair(&pair);
    ck_assert(leat_keys_update(&pair.client));
    send_ok(&pair.client, &pair.server, 1);
    /* The server has sent nothing in this phase, so the client cannot have its acknowledgment. */
    pair.client.phase_confirmed = true;
    pair.client.phase_first_received = 0;
    leat_keys_discard_previous(&pair.client);
    ck_assert(leat_keys_update(&pair.client));
    leat_opened opened;
    ck_assert_int_eq(key_pair_send(&pair.client, &pair.server, 2, &opened), LEAT_OPEN_KEY_UPDATE);
    key_pair_free(&pair);
}
END_TEST

/* TEST RFC 9001 §6.4-2: newer keys on a lower number. */
START_TEST(newer_keys_on_an_older_number_are_a_key_update_error) {
    key_pair pair;
    make_used_pair(&pair);
    send_ok(&pair.client, &pair.server, 10);
    pair.server.phase_first_received = 10;
    ck_assert(leat_keys_update(&pair.client));
    leat_opened opened;
    ck_assert_int_eq(key_pair_send(&pair.client, &pair.server, 9, &opened), LEAT_OPEN_KEY_UPDATE);
    key_pair_free(&pair);
}
END_TEST

START_TEST(keys_of_one_direction_are_not_updatable) {
    leat_keys keys = {.suite = NULL};
    uint8_t secret[LEAT_HASH_MAX] = {1};
    ck_assert(
        leat_keys_install(&keys, LEAT_VERSION_1, true, leat_cipher_suite_find(0x1301), secret));
    ck_assert(!leat_keys_make_updatable(&keys));
    ck_assert(!leat_keys_update(&keys));
    ck_assert(!leat_keys_needs_update(&keys));
    leat_keys_discard(&keys);
}
END_TEST

START_TEST(installing_the_other_direction_keeps_what_was_sent) {
    leat_keys keys = {.suite = NULL};
    uint8_t secret[LEAT_HASH_MAX] = {1}, packet[64];
    const leat_cipher_suite *suite = leat_cipher_suite_find(0x1301);
    ck_assert(leat_keys_install(&keys, LEAT_VERSION_1, true, suite, secret));
    ck_assert_uint_gt(key_pair_seal(&keys, 7, packet), 0);
    ck_assert(leat_keys_install(&keys, LEAT_VERSION_1, false, suite, secret));
    ck_assert_uint_eq(keys.phase_first_sent, 7);
    ck_assert_uint_eq(keys.phase_first_received, LEAT_PN_NONE);
    leat_keys_discard(&keys);
}
END_TEST

LEAT_TEST_MAIN("quic/packet key_update", the_next_secret_agrees_with_the_rfc,
               an_update_needs_an_acknowledgment_of_the_current_phase, the_peer_follows_an_update,
               many_updates_alternate_the_phase, a_reordered_packet_of_the_old_phase_opens,
               after_our_update_the_peer_may_still_use_the_old_keys,
               the_old_key_stays_until_the_new_one_was_used,
               a_second_update_waits_for_the_end_of_the_previous_key, both_ends_may_update_at_once,
               a_forged_phase_bit_changes_no_keys,
               an_update_before_anything_was_acknowledged_is_a_key_update_error,
               newer_keys_on_an_older_number_are_a_key_update_error,
               keys_of_one_direction_are_not_updatable,
               installing_the_other_direction_keeps_what_was_sent)
