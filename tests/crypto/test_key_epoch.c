/* Keys that rotate with the wall clock: crypto/key_epoch.c. */
#include "crypto/key_epoch.h"
#include "leat_test.h"

#define HOUR 3600
#define DAY (24 * HOUR)
#define BORDER (INT64_C(40000) * LEAT_KEY_EPOCH) /* the first second of epoch 40000 */

static const uint8_t secret[LEAT_KEY_EPOCH_SECRET] = {1, 2, 3};

START_TEST(an_epoch_is_twelve_hours) {
    ck_assert_uint_eq(leat_key_epoch(BORDER - 1), 39999);
    ck_assert_uint_eq(leat_key_epoch(BORDER), 40000);
    ck_assert_uint_eq(leat_key_epoch(BORDER + 12 * HOUR - 1), 40000);
    ck_assert_uint_eq(leat_key_epoch(BORDER + 12 * HOUR), 40001);
}
END_TEST

START_TEST(a_clock_before_1970_has_an_epoch_too) {
    ck_assert_uint_eq(leat_key_epoch(-1), 0);
    ck_assert(leat_key_epoch_is_live(0, -5, DAY, 0));
}
END_TEST

START_TEST(epochs_live_as_long_as_what_they_sealed_last) {
    /* What is sealed in the last second of epoch 39999 lives for a day from then. */
    ck_assert(leat_key_epoch_is_live(39999, BORDER - 1 + DAY, DAY, 0));
    ck_assert(!leat_key_epoch_is_live(39999, BORDER + DAY, DAY, 0));
    ck_assert(leat_key_epoch_is_live(40000, BORDER + DAY, DAY, 0));
}
END_TEST

START_TEST(future_epochs_live_only_within_the_skew) {
    ck_assert(!leat_key_epoch_is_live(40000, BORDER - 1, DAY, 0));
    ck_assert(leat_key_epoch_is_live(40000, BORDER - 5, DAY, 5));
    ck_assert(!leat_key_epoch_is_live(40000, BORDER - 6, DAY, 5));
    ck_assert(!leat_key_epoch_is_live(UINT32_MAX, BORDER, DAY, 5));
}
END_TEST

static void derive(const char *purpose, uint32_t epoch, const char *salt, uint8_t key[32]) {
    leat_span bytes = {(const uint8_t *)salt, strlen(salt)};
    ck_assert(leat_key_epoch_derive(secret, purpose, epoch, bytes, key, 32));
}

START_TEST(purpose_epoch_and_salt_each_make_another_key) {
    uint8_t first[32], again[32], other[32];
    derive("one", 7, "salt", first);
    derive("one", 7, "salt", again);
    ck_assert_mem_eq(first, again, 32);
    derive("two", 7, "salt", other);
    ck_assert_mem_ne(first, other, 32);
    derive("one", 8, "salt", other);
    ck_assert_mem_ne(first, other, 32);
    derive("one", 7, "tlas", other);
    ck_assert_mem_ne(first, other, 32);
}
END_TEST

START_TEST(a_salt_that_does_not_fit_gives_no_key) {
    uint8_t key[32], salt[128] = {0};
    ck_assert(!leat_key_epoch_derive(secret, "one", 7, (leat_span){salt, sizeof salt}, key, 32));
}
END_TEST

LEAT_TEST_MAIN("crypto key_epoch", an_epoch_is_twelve_hours, a_clock_before_1970_has_an_epoch_too,
               epochs_live_as_long_as_what_they_sealed_last,
               future_epochs_live_only_within_the_skew,
               purpose_epoch_and_salt_each_make_another_key, a_salt_that_does_not_fit_gives_no_key)
