/* Handling of secret bytes and the random source. */
#include "crypto/random.h"
#include "crypto/secret.h"
#include "leat_test.h"

START_TEST(comparison_sees_every_byte_and_nothing_beyond) {
    uint8_t a[32] = {0}, b[32] = {0};
    ck_assert(leat_constant_time_equal(a, b, sizeof a));
    for (size_t i = 0; i < sizeof a; i++) {
        b[i] = 0x80;
        ck_assert(!leat_constant_time_equal(a, b, sizeof a));
        ck_assert(leat_constant_time_equal(a, b, i));
        b[i] = 0;
    }
}
END_TEST

START_TEST(wiping_leaves_zeros) {
    uint8_t secret[4] = {1, 2, 3, 4};
    leat_wipe(secret, 3);
    ck_assert_bytes(secret, 4, "00 00 00 04");
}
END_TEST

START_TEST(the_system_source_gives_different_bytes_each_time) {
    uint8_t one[32] = {0}, other[32] = {0};
    leat_random system = {NULL, NULL};
    ck_assert(leat_random_bytes(&system, one, sizeof one));
    ck_assert(leat_random_bytes(NULL, other, sizeof other));
    ck_assert_mem_ne(one, other, sizeof one);
}
END_TEST

START_TEST(a_hook_replaces_the_system_source) {
    uint64_t seed = 1, same_seed = 1;
    uint8_t one[16], other[16];
    leat_random hook = {test_random, &seed};
    ck_assert(leat_random_bytes(&hook, one, sizeof one));
    ck_assert(test_random(&same_seed, other, sizeof other));
    ck_assert_mem_eq(one, other, sizeof one);
}
END_TEST

static bool fill_half_and_fail(void *user, uint8_t *bytes, size_t length) {
    (void)user;
    memset(bytes, 0xaa, length / 2);
    return false;
}

START_TEST(a_failing_hook_fails_closed) {
    uint8_t bytes[8] = {0};
    leat_random hook = {fill_half_and_fail, NULL};
    ck_assert(!leat_random_bytes(&hook, bytes, sizeof bytes));
    ck_assert_bytes(bytes, 8, "00 00 00 00 00 00 00 00");
}
END_TEST

LEAT_TEST_MAIN("crypto secret and random", comparison_sees_every_byte_and_nothing_beyond,
               wiping_leaves_zeros, the_system_source_gives_different_bytes_each_time,
               a_hook_replaces_the_system_source, a_failing_hook_fails_closed)
