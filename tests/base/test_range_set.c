/* The range set against a model of one flag per number: base/range_set.c. */
#include "base/range_set.h"
#include "leat_test.h"

#define UNIVERSE 256

static void assert_is_normal(const leat_range_set *set) {
    ck_assert_uint_le(set->count, set->limit);
    for (size_t i = 0; i < set->count; i++) {
        ck_assert_uint_lt(set->ranges[i].start, set->ranges[i].end);
        ck_assert(i == 0 || set->ranges[i - 1].end < set->ranges[i].start);
    }
}

static void assert_ranges(const leat_range_set *set, const char *expected) {
    char text[256] = "";
    size_t length = 0;
    for (size_t i = 0; i < set->count; i++) {
        length += (size_t)snprintf(text + length, sizeof text - length, "%s%llu-%llu",
                                   i > 0 ? " " : "", (unsigned long long)set->ranges[i].start,
                                   (unsigned long long)set->ranges[i].end);
    }
    ck_assert_str_eq(text, expected);
}

static size_t model_ranges(const bool *model) {
    size_t count = 0;
    for (size_t i = 0; i < UNIVERSE; i++) {
        count += model[i] && (i == 0 || !model[i - 1]);
    }
    return count;
}

static bool model_covers(const bool *model, size_t start, size_t end) {
    for (size_t i = start; i < end; i++) {
        if (!model[i]) {
            return false;
        }
    }
    return true;
}

static void drop_lowest_of_model(bool *model) {
    size_t i = 0;
    while (!model[i]) {
        i++;
    }
    while (i < UNIVERSE && model[i]) {
        model[i++] = false;
    }
}

/* One random change to both; what the set refuses at its limit the model does not do either. */
static void step_both(leat_range_set *set, bool *model, const uint8_t *random) {
    size_t start = random[1], length = random[2] % 24;
    size_t end = start + length > UNIVERSE ? UNIVERSE : start + length;
    bool wanted[UNIVERSE];
    memcpy(wanted, model, sizeof wanted);
    if (random[0] < 8) {
        memset(wanted, false, end);
        leat_range_set_trim_below(set, end);
    } else if (random[0] < 100) {
        memset(wanted + start, false, end - start);
        bool full = model_ranges(wanted) > set->limit;
        ck_assert_int_eq(leat_range_set_remove(set, start, end), full ? LEAT_ERR_FULL : LEAT_OK);
        memcpy(wanted, full ? model : wanted, sizeof wanted);
    } else {
        memset(wanted + start, true, end - start);
        bool full = model_ranges(wanted) > set->limit, dropping = random[0] % 2 == 0;
        if (dropping) {
            ck_assert_int_eq(leat_range_set_add_dropping_lowest(set, start, end), LEAT_OK);
        } else {
            ck_assert_int_eq(leat_range_set_add(set, start, end), full ? LEAT_ERR_FULL : LEAT_OK);
        }
        if (full && dropping) {
            drop_lowest_of_model(wanted);
        } else if (full) {
            memcpy(wanted, model, sizeof wanted);
        }
    }
    memcpy(model, wanted, sizeof wanted);
}

static void run_against_the_model(uint64_t seed, size_t limit) {
    leat_range_set set;
    leat_range_set_init(&set, NULL, limit);
    bool model[UNIVERSE] = {false};
    for (int step = 0; step < 3000; step++) {
        uint8_t random[5];
        test_random(&seed, random, sizeof random);
        step_both(&set, model, random);
        assert_is_normal(&set);
        ck_assert_uint_eq(set.count, model_ranges(model));
        for (size_t i = 0; i < UNIVERSE; i++) {
            ck_assert_int_eq(leat_range_set_contains(&set, i), model[i]);
        }
        size_t low = random[3] < random[4] ? random[3] : random[4],
               high = random[3] < random[4] ? random[4] : random[3];
        ck_assert_int_eq(leat_range_set_covers(&set, low, high), model_covers(model, low, high));
    }
    leat_range_set_clear(&set);
}

START_TEST(random_changes_agree_with_a_model) {
    for (uint64_t seed = 1; seed <= 20; seed++) {
        run_against_the_model(seed, seed % 2 == 0 ? 1000 : 1 + seed);
    }
}
END_TEST

START_TEST(adjacent_and_overlapping_ranges_become_one) {
    leat_range_set set;
    leat_range_set_init(&set, NULL, 10);
    leat_range_set_add(&set, 10, 20);
    leat_range_set_add(&set, 30, 40);
    leat_range_set_add(&set, 50, 60);
    assert_ranges(&set, "10-20 30-40 50-60");
    leat_range_set_add(&set, 20, 30);
    assert_ranges(&set, "10-40 50-60");
    leat_range_set_add(&set, 5, 70);
    assert_ranges(&set, "5-70");
    leat_range_set_clear(&set);
}
END_TEST

START_TEST(removing_from_the_middle_splits) {
    leat_range_set set;
    leat_range_set_init(&set, NULL, 2);
    leat_range_set_add(&set, 0, 100);
    ck_assert_int_eq(leat_range_set_remove(&set, 40, 60), LEAT_OK);
    assert_ranges(&set, "0-40 60-100");
    ck_assert_int_eq(leat_range_set_remove(&set, 10, 20), LEAT_ERR_FULL);
    assert_ranges(&set, "0-40 60-100");
    ck_assert_int_eq(leat_range_set_remove(&set, 30, 70), LEAT_OK);
    assert_ranges(&set, "0-30 70-100");
    leat_range_set_clear(&set);
}
END_TEST

START_TEST(at_the_limit_the_lowest_range_gives_way) {
    leat_range_set set;
    leat_range_set_init(&set, NULL, 2);
    leat_range_set_add(&set, 10, 11);
    leat_range_set_add(&set, 20, 21);
    ck_assert_int_eq(leat_range_set_add(&set, 30, 31), LEAT_ERR_FULL);
    ck_assert_int_eq(leat_range_set_add_dropping_lowest(&set, 30, 31), LEAT_OK);
    assert_ranges(&set, "20-21 30-31");
    ck_assert_int_eq(leat_range_set_add_dropping_lowest(&set, 1, 2), LEAT_OK);
    assert_ranges(&set, "20-21 30-31");
    leat_range_set_clear(&set);
}
END_TEST

START_TEST(a_backward_range_is_refused_and_an_empty_one_does_nothing) {
    leat_range_set set;
    leat_range_set_init(&set, NULL, 2);
    ck_assert_int_eq(leat_range_set_add(&set, 5, 4), LEAT_ERR_INVALID);
    ck_assert_int_eq(leat_range_set_remove(&set, 5, 4), LEAT_ERR_INVALID);
    ck_assert_int_eq(leat_range_set_add(&set, 5, 5), LEAT_OK);
    ck_assert_uint_eq(set.count, 0);
    ck_assert(!leat_range_set_covers(&set, 5, 4));
    ck_assert(leat_range_set_covers(&set, 5, 5));
}
END_TEST

START_TEST(the_highest_numbers_do_not_overflow) {
    leat_range_set set;
    leat_range_set_init(&set, NULL, 2);
    leat_range_set_add(&set, UINT64_MAX - 1, UINT64_MAX);
    ck_assert(leat_range_set_contains(&set, UINT64_MAX - 1));
    ck_assert(!leat_range_set_contains(&set, UINT64_MAX));
    leat_range_set_clear(&set);
}
END_TEST

START_TEST(failing_memory_leaves_the_set) {
    test_memory memory;
    test_memory_init(&memory);
    leat_range_set set;
    leat_range_set_init(&set, &memory.allocator, 100);
    for (uint64_t i = 0; i < 4; i++) {
        ck_assert_int_eq(leat_range_set_add(&set, 10 * i, 10 * i + 5), LEAT_OK);
    }
    memory.fail_at = memory.allocations + 1;
    ck_assert_int_eq(leat_range_set_add(&set, 100, 101), LEAT_ERR_NOMEM);
    memory.fail_at = memory.allocations + 1;
    ck_assert_int_eq(leat_range_set_remove(&set, 2, 3), LEAT_ERR_NOMEM);
    assert_ranges(&set, "0-5 10-15 20-25 30-35");
    leat_range_set_clear(&set);
    ck_assert_uint_eq(memory.live, 0);
}
END_TEST

LEAT_TEST_MAIN("base/range_set", random_changes_agree_with_a_model,
               adjacent_and_overlapping_ranges_become_one, removing_from_the_middle_splits,
               at_the_limit_the_lowest_range_gives_way,
               a_backward_range_is_refused_and_an_empty_one_does_nothing,
               the_highest_numbers_do_not_overflow, failing_memory_leaves_the_set)
