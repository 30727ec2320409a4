/* Address validation tokens: quic/packet/token.c. */
#include "crypto/key_epoch.h"
#include "leat_test.h"
#include "quic/packet/token.h"

#define NOW 1700000000
#define BORDER (INT64_C(40000) * LEAT_KEY_EPOCH) /* the first second of an epoch */

static uint64_t seed;
static const uint8_t secret[32] = {1, 2, 3};
static const leat_address client = {
    .family = LEAT_ADDRESS_IPV4, .port = 4433, .ip = {192, 0, 2, 1}};

static leat_random test_source(void) { return (leat_random){test_random, &seed}; }

static leat_token_info retry_info(void) {
    leat_token_info info = {.kind = LEAT_TOKEN_RETRY, .issued = NOW};
    leat_cid_from_span(&info.original_dcid, test_hex("0102030405060708"));
    leat_cid_from_span(&info.retry_scid, test_hex("a1a2a3a4"));
    return info;
}

static leat_token_info new_info(void) {
    return (leat_token_info){.kind = LEAT_TOKEN_NEW, .issued = NOW, .version = 0x6b3343cf};
}

/* Seals and opens under the same secret, as another process of the server would. */
static leat_token_status reopen(leat_token_info sealed, const leat_address *opener, int64_t now,
                                leat_token_info *info) {
    uint8_t token[LEAT_TOKEN_MAX];
    leat_random random = test_source();
    leat_token_keys *sealing = leat_token_keys_new(NULL, secret);
    leat_token_keys *opening = leat_token_keys_new(NULL, secret);
    size_t length = leat_token_seal(sealing, &random, &sealed, &client, token);
    ck_assert_uint_gt(length, 0);
    leat_token_status status =
        leat_token_open(opening, (leat_span){token, length}, opener, now, info);
    leat_token_keys_free(sealing);
    leat_token_keys_free(opening);
    return status;
}

START_TEST(a_retry_token_gives_its_connection_ids_back) {
    leat_token_info info, sealed = retry_info();
    ck_assert_int_eq(reopen(sealed, &client, NOW + 3, &info), LEAT_TOKEN_VALID);
    ck_assert_int_eq(info.kind, LEAT_TOKEN_RETRY);
    ck_assert_int_eq(info.issued, NOW);
    ck_assert(leat_cid_equal(&info.original_dcid, &sealed.original_dcid));
    ck_assert(leat_cid_equal(&info.retry_scid, &sealed.retry_scid));
}
END_TEST

/* TEST RFC 9369 §5 */
START_TEST(a_token_gives_its_version_back) {
    leat_token_info info;
    ck_assert_int_eq(reopen(new_info(), &client, NOW + 3, &info), LEAT_TOKEN_VALID);
    ck_assert_uint_eq(info.version, 0x6b3343cf);
}
END_TEST

START_TEST(the_longest_token_fits) {
    leat_token_info info, sealed = retry_info();
    sealed.original_dcid.length = sealed.retry_scid.length = LEAT_CID_MAX;
    ck_assert_int_eq(reopen(sealed, &client, NOW, &info), LEAT_TOKEN_VALID);
    ck_assert_uint_eq(info.retry_scid.length, LEAT_CID_MAX);
}
END_TEST

/* TEST RFC 9000 §8.1.3: bound to the address; only Retry to the port too. */
START_TEST(tokens_are_bound_to_the_address) {
    leat_token_info info;
    leat_address other_port = client, other_ip = client, other_family = client;
    other_port.port++;
    other_ip.ip[3]++;
    other_family.family = LEAT_ADDRESS_IPV6;
    ck_assert_int_eq(reopen(new_info(), &other_port, NOW, &info), LEAT_TOKEN_VALID);
    ck_assert_int_eq(reopen(new_info(), &other_ip, NOW, &info), LEAT_TOKEN_UNKNOWN);
    ck_assert_int_eq(reopen(new_info(), &other_family, NOW, &info), LEAT_TOKEN_UNKNOWN);
    ck_assert_int_eq(reopen(retry_info(), &other_port, NOW, &info), LEAT_TOKEN_INVALID_RETRY);
    ck_assert_int_eq(reopen(retry_info(), &other_ip, NOW, &info), LEAT_TOKEN_INVALID_RETRY);
}
END_TEST

START_TEST(tokens_expire) {
    leat_token_info info;
    ck_assert_int_eq(reopen(retry_info(), &client, NOW + LEAT_TOKEN_RETRY_LIFETIME, &info),
                     LEAT_TOKEN_VALID);
    ck_assert_int_eq(reopen(retry_info(), &client, NOW + LEAT_TOKEN_RETRY_LIFETIME + 1, &info),
                     LEAT_TOKEN_INVALID_RETRY);
    ck_assert_int_eq(reopen(new_info(), &client, NOW + LEAT_TOKEN_NEW_LIFETIME, &info),
                     LEAT_TOKEN_VALID);
    ck_assert_int_eq(reopen(new_info(), &client, NOW + LEAT_TOKEN_NEW_LIFETIME + 1, &info),
                     LEAT_TOKEN_UNKNOWN);
}
END_TEST

START_TEST(a_token_from_the_future_is_refused) {
    leat_token_info info;
    ck_assert_int_eq(reopen(new_info(), &client, NOW - 2, &info), LEAT_TOKEN_VALID);
    ck_assert_int_eq(reopen(new_info(), &client, NOW - 60, &info), LEAT_TOKEN_UNKNOWN);
}
END_TEST

/* TEST RFC 9000 §8.1: the attack: whatever was not sealed here never validates an address. */
START_TEST(bytes_that_are_no_token_of_ours_are_unknown) {
    leat_token_keys *keys = leat_token_keys_new(NULL, secret);
    leat_token_info info;
    for (size_t length = 0; length <= 200; length++) {
        uint8_t *garbage = malloc(length + (length == 0));
        test_random(&seed, garbage, length);
        ck_assert_int_eq(leat_token_open(keys, (leat_span){garbage, length}, &client, NOW, &info),
                         LEAT_TOKEN_UNKNOWN);
        free(garbage);
    }
    leat_token_keys_free(keys);
}
END_TEST

START_TEST(a_token_cut_or_with_any_bit_flipped_is_unknown) {
    leat_token_keys *keys = leat_token_keys_new(NULL, secret);
    leat_random random = test_source();
    leat_token_info info = retry_info();
    uint8_t token[LEAT_TOKEN_MAX];
    size_t length = leat_token_seal(keys, &random, &info, &client, token);
    for (size_t cut = 0; cut < length; cut++) {
        ck_assert_int_eq(leat_token_open(keys, (leat_span){token, cut}, &client, NOW, &info),
                         LEAT_TOKEN_UNKNOWN);
    }
    for (size_t bit = 0; bit < 8 * length; bit++) {
        token[bit / 8] ^= (uint8_t)(1 << bit % 8);
        ck_assert_int_eq(leat_token_open(keys, (leat_span){token, length}, &client, NOW, &info),
                         LEAT_TOKEN_UNKNOWN);
        token[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    ck_assert_int_eq(leat_token_open(keys, (leat_span){token, length}, &client, NOW, &info),
                     LEAT_TOKEN_VALID);
    leat_token_keys_free(keys);
}
END_TEST

START_TEST(a_token_of_another_key_is_unknown) {
    static const uint8_t other_secret[32] = {1, 2, 4};
    leat_token_keys *keys = leat_token_keys_new(NULL, secret);
    leat_token_keys *other = leat_token_keys_new(NULL, other_secret);
    leat_random random = test_source();
    leat_token_info info = retry_info();
    uint8_t token[LEAT_TOKEN_MAX];
    size_t length = leat_token_seal(keys, &random, &info, &client, token);
    ck_assert_int_eq(leat_token_open(other, (leat_span){token, length}, &client, NOW, &info),
                     LEAT_TOKEN_UNKNOWN);
    leat_token_keys_free(keys);
    leat_token_keys_free(other);
}
END_TEST

START_TEST(two_tokens_of_one_client_have_nothing_in_common) {
    leat_token_keys *keys = leat_token_keys_new(NULL, secret);
    leat_random random = test_source();
    leat_token_info info = new_info();
    uint8_t first[LEAT_TOKEN_MAX], second[LEAT_TOKEN_MAX];
    size_t length = leat_token_seal(keys, &random, &info, &client, first);
    leat_token_seal(keys, &random, &info, &client, second);
    size_t equal = 0;
    for (size_t i = 0; i < length; i++) {
        equal += first[i] == second[i];
    }
    ck_assert_uint_lt(equal, length / 4);
    leat_token_keys_free(keys);
}
END_TEST

/* Issued at `issued`, brought back at `now`. */
static leat_token_status across(int64_t issued, int64_t now) {
    leat_token_info info, sealed = new_info();
    sealed.issued = issued;
    return reopen(sealed, &client, now, &info);
}

START_TEST(a_token_outlives_the_epochs_of_its_key) {
    ck_assert_int_eq(across(BORDER - 1, BORDER), LEAT_TOKEN_VALID);
    ck_assert_int_eq(across(BORDER - 1, BORDER + LEAT_KEY_EPOCH), LEAT_TOKEN_VALID);
    ck_assert_int_eq(across(BORDER - 1, BORDER - 1 + LEAT_TOKEN_NEW_LIFETIME), LEAT_TOKEN_VALID);
    ck_assert_int_eq(across(BORDER - 1, BORDER + LEAT_TOKEN_NEW_LIFETIME), LEAT_TOKEN_UNKNOWN);
}
END_TEST

START_TEST(a_clock_that_steps_back_over_a_border_refuses_tokens) {
    ck_assert_int_eq(across(BORDER, BORDER - 5), LEAT_TOKEN_VALID); /* another server's clock */
    ck_assert_int_eq(across(BORDER, BORDER - 6), LEAT_TOKEN_UNKNOWN);
    ck_assert_int_eq(across(BORDER, BORDER - LEAT_KEY_EPOCH), LEAT_TOKEN_UNKNOWN);
}
END_TEST

/* TEST RFC 9000 §8.1.2: the client waits for nothing else: it must be told. */
START_TEST(a_retry_token_is_known_as_such_however_the_clock_is_set) {
    leat_token_info info, sealed = retry_info();
    static const int64_t steps[] = {1, 2, 3, 100, 10000};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        int64_t step = steps[i] * LEAT_KEY_EPOCH;
        ck_assert_int_eq(reopen(sealed, &client, NOW + step, &info), LEAT_TOKEN_INVALID_RETRY);
        ck_assert_int_eq(reopen(sealed, &client, NOW - step, &info), LEAT_TOKEN_INVALID_RETRY);
    }
}
END_TEST

START_TEST(one_set_of_keys_follows_the_clock_for_days) {
    leat_token_keys *keys = leat_token_keys_new(NULL, secret);
    leat_random random = test_source();
    for (int64_t now = BORDER; now < BORDER + 20 * LEAT_KEY_EPOCH; now += LEAT_KEY_EPOCH) {
        uint8_t token[LEAT_TOKEN_MAX];
        leat_token_info info = {.kind = LEAT_TOKEN_NEW, .issued = now};
        leat_span sealed = {token, leat_token_seal(keys, &random, &info, &client, token)};
        ck_assert_int_eq(leat_token_open(keys, sealed, &client, now, &info), LEAT_TOKEN_VALID);
        ck_assert_int_eq(leat_token_open(keys, sealed, &client, now + LEAT_TOKEN_NEW_LIFETIME,
                                         &info),
                         LEAT_TOKEN_VALID);
    }
    leat_token_keys_free(keys);
}
END_TEST

START_TEST(every_token_has_an_id_of_its_own) {
    leat_token_info first, second;
    reopen(new_info(), &client, NOW, &first);
    reopen(new_info(), &client, NOW, &second);
    ck_assert_uint_ne(first.id, second.id);
}
END_TEST

static bool no_random(void *user, uint8_t *bytes, size_t length) {
    (void)user, (void)bytes, (void)length;
    return false;
}

START_TEST(without_randomness_no_token_is_made) {
    leat_token_keys *keys = leat_token_keys_new(NULL, secret);
    leat_random random = {no_random, NULL};
    leat_token_info info = new_info();
    uint8_t token[LEAT_TOKEN_MAX];
    ck_assert_uint_eq(leat_token_seal(keys, &random, &info, &client, token), 0);
    leat_token_keys_free(keys);
}
END_TEST

START_TEST(keys_tell_when_memory_is_out) {
    test_memory memory;
    test_memory_init(&memory);
    memory.fail_at = 1;
    ck_assert_ptr_null(leat_token_keys_new(&memory.allocator, secret));
    leat_token_keys_free(NULL);
    leat_token_keys_free(leat_token_keys_new(&memory.allocator, secret));
    ck_assert_uint_eq(memory.live, 0);
}
END_TEST

LEAT_TEST_MAIN("quic/packet token", a_retry_token_gives_its_connection_ids_back,
               a_token_gives_its_version_back,
               the_longest_token_fits, tokens_are_bound_to_the_address, tokens_expire,
               a_token_from_the_future_is_refused, bytes_that_are_no_token_of_ours_are_unknown,
               a_token_cut_or_with_any_bit_flipped_is_unknown, a_token_of_another_key_is_unknown,
               two_tokens_of_one_client_have_nothing_in_common, without_randomness_no_token_is_made,
               keys_tell_when_memory_is_out, a_token_outlives_the_epochs_of_its_key,
               a_clock_that_steps_back_over_a_border_refuses_tokens,
               a_retry_token_is_known_as_such_however_the_clock_is_set,
               one_set_of_keys_follows_the_clock_for_days, every_token_has_an_id_of_its_own)
