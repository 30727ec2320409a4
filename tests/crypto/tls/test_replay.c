/* TEST RFC 8446 §8.2: the register of early data that was seen: no copy passes, whatever the clock
 * and the load do. */
#include "crypto/tls/replay.h"
#include "leat_test.h"

#define BEGIN 1800000000

START_TEST(a_value_passes_once) {
    leat_replay_register *seen = leat_replay_register_new(false);
    ck_assert(leat_replay_register_take(seen, 7, BEGIN));
    ck_assert(!leat_replay_register_take(seen, 7, BEGIN));
    ck_assert(leat_replay_register_take(seen, 8, BEGIN));
    leat_replay_register_free(seen);
}
END_TEST

START_TEST(a_value_is_known_for_a_whole_period_whenever_it_came) {
    for (int64_t came = BEGIN; came < BEGIN + 3 * LEAT_REPLAY_PERIOD; came++) {
        leat_replay_register *seen = leat_replay_register_new(false);
        ck_assert(leat_replay_register_take(seen, 1, BEGIN));
        ck_assert(leat_replay_register_take(seen, 7, came));
        for (int64_t now = came; now < came + LEAT_REPLAY_PERIOD; now++) {
            ck_assert(!leat_replay_register_take(seen, 7, now));
        }
        leat_replay_register_free(seen);
    }
}
END_TEST

START_TEST(old_values_are_forgotten) {
    leat_replay_register *seen = leat_replay_register_new(false);
    ck_assert(leat_replay_register_take(seen, 7, BEGIN));
    ck_assert(leat_replay_register_take(seen, 7, BEGIN + 2 * LEAT_REPLAY_PERIOD));
    leat_replay_register_free(seen);
}
END_TEST

START_TEST(a_full_register_says_no_and_forgets_nothing) {
    leat_replay_register *seen = leat_replay_register_new(false);
    for (uint64_t value = 1; value <= LEAT_REPLAY_NOTED_MAX; value++) {
        ck_assert(leat_replay_register_take(seen, value, BEGIN));
    }
    ck_assert(!leat_replay_register_take(seen, LEAT_REPLAY_NOTED_MAX + 1, BEGIN));
    ck_assert(!leat_replay_register_take(seen, 1, BEGIN));
    int64_t next = BEGIN + LEAT_REPLAY_PERIOD;
    ck_assert(leat_replay_register_take(seen, LEAT_REPLAY_NOTED_MAX + 1, next));
    ck_assert(!leat_replay_register_take(seen, 1, next));
    leat_replay_register_free(seen);
}
END_TEST

START_TEST(values_made_to_collide_find_no_place) {
    leat_replay_register *seen = leat_replay_register_new(false);
    for (uint64_t i = 1; i <= LEAT_REPLAY_PROBES_MAX; i++) {
        ck_assert(leat_replay_register_take(seen, i * LEAT_REPLAY_SLOTS, BEGIN));
    }
    uint64_t next = (LEAT_REPLAY_PROBES_MAX + 1) * (uint64_t)LEAT_REPLAY_SLOTS;
    ck_assert(!leat_replay_register_take(seen, next, BEGIN));
    ck_assert(leat_replay_register_take(seen, LEAT_REPLAY_SLOTS / 2, BEGIN));
    leat_replay_register_free(seen);
}
END_TEST

START_TEST(nothing_passes_while_older_keys_may_have_been_used_before) {
    leat_replay_register *seen = leat_replay_register_new(true);
    leat_replay_register_start(seen, BEGIN);
    ck_assert(!leat_replay_register_take(seen, 7, BEGIN + LEAT_REPLAY_PERIOD - 1));
    ck_assert(leat_replay_register_take(seen, 7, BEGIN + LEAT_REPLAY_PERIOD));
    leat_replay_register_free(seen);
}
END_TEST

START_TEST(a_clock_set_back_closes_the_register_for_a_period) {
    leat_replay_register *seen = leat_replay_register_new(false);
    ck_assert(leat_replay_register_take(seen, 7, BEGIN));
    ck_assert(!leat_replay_register_take(seen, 8, BEGIN - 100));
    ck_assert(!leat_replay_register_take(seen, 8, BEGIN - 100 + LEAT_REPLAY_PERIOD - 1));
    ck_assert(leat_replay_register_take(seen, 8, BEGIN - 100 + LEAT_REPLAY_PERIOD));
    leat_replay_register_free(seen);
}
END_TEST

LEAT_TEST_MAIN("crypto/tls replay", a_value_passes_once,
               a_value_is_known_for_a_whole_period_whenever_it_came, old_values_are_forgotten,
               a_full_register_says_no_and_forgets_nothing, values_made_to_collide_find_no_place,
               nothing_passes_while_older_keys_may_have_been_used_before,
               a_clock_set_back_closes_the_register_for_a_period)
