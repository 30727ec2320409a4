/* The hash map against a model with one place per key, and SipHash-2-4: base/map.c. */
#include "base/map.h"
#include "leat_test.h"

#define KEYS 500

static const uint8_t hash_key[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

START_TEST(siphash_agrees_with_the_reference_vectors) {
    test_vectors *vectors = test_vectors_load("vectors/base/siphash-2-4.vec");
    uint8_t input[64];
    for (size_t length = 0; length < 64; length++) {
        input[length] = (uint8_t)length;
        char section[8];
        snprintf(section, sizeof section, "%u", (unsigned)length);
        uint64_t hash = leat_siphash(hash_key, input, length);
        uint8_t output[8];
        for (size_t i = 0; i < 8; i++) {
            output[i] = (uint8_t)(hash >> (8 * i));
        }
        leat_span expected = test_vector_bytes(vectors, section, "output");
        ck_assert_uint_eq(expected.length, 8);
        ck_assert_mem_eq(output, expected.data, 8);
    }
    test_vectors_free(vectors);
}
END_TEST

/* A key of 0 to LEAT_MAP_KEY_MAX bytes that is different for each number. */
static size_t make_key(unsigned number, uint8_t key[LEAT_MAP_KEY_MAX]) {
    memset(key, 0xaa, LEAT_MAP_KEY_MAX);
    key[0] = (uint8_t)number;
    key[1] = (uint8_t)(number >> 8);
    return number == 0 ? 0 : 2 + number % (LEAT_MAP_KEY_MAX - 1);
}

static void assert_equals_model(const leat_map *map, int *const *model) {
    size_t count = 0, walked = 0, cursor = 0;
    for (unsigned i = 0; i < KEYS; i++) {
        uint8_t key[LEAT_MAP_KEY_MAX];
        size_t length = make_key(i, key);
        ck_assert_ptr_eq(leat_map_get(map, key, length), model[i]);
        count += model[i] != NULL;
    }
    while (leat_map_next(map, &cursor) != NULL) {
        walked++;
    }
    ck_assert_uint_eq(map->count, count);
    ck_assert_uint_eq(walked, count);
}

static void run_against_the_model(uint64_t seed) {
    leat_map map;
    leat_map_init(&map, NULL, hash_key);
    int values[8];
    int *model[KEYS] = {NULL};
    for (int step = 0; step < 20000; step++) {
        uint8_t random[4], key[LEAT_MAP_KEY_MAX];
        test_random(&seed, random, sizeof random);
        unsigned number = (unsigned)(random[0] << 8 | random[1]) % KEYS;
        size_t length = make_key(number, key);
        bool filling = step % 8000 < 4000;
        if (random[2] < (filling ? 192 : 64)) {
            model[number] = &values[random[3] % 8];
            ck_assert_int_eq(leat_map_set(&map, key, length, model[number]), LEAT_OK);
        } else {
            ck_assert_ptr_eq(leat_map_remove(&map, key, length), model[number]);
            model[number] = NULL;
        }
        if (step % 200 == 0) {
            assert_equals_model(&map, model);
        }
    }
    assert_equals_model(&map, model);
    leat_map_clear(&map);
}

START_TEST(random_changes_agree_with_a_model) {
    for (uint64_t seed = 1; seed <= 10; seed++) {
        run_against_the_model(seed);
    }
}
END_TEST

START_TEST(an_empty_map_finds_nothing) {
    leat_map map;
    leat_map_init(&map, NULL, hash_key);
    size_t cursor = 0;
    ck_assert_ptr_null(leat_map_get(&map, "a", 1));
    ck_assert_ptr_null(leat_map_remove(&map, "a", 1));
    ck_assert_ptr_null(leat_map_next(&map, &cursor));
    leat_map_clear(&map);
}
END_TEST

START_TEST(keys_that_are_too_long_and_null_values_are_refused) {
    leat_map map;
    leat_map_init(&map, NULL, hash_key);
    uint8_t key[LEAT_MAP_KEY_MAX + 1] = {0};
    ck_assert_int_eq(leat_map_set(&map, key, sizeof key, &map), LEAT_ERR_INVALID);
    ck_assert_int_eq(leat_map_set(&map, key, 1, NULL), LEAT_ERR_INVALID);
    ck_assert_ptr_null(leat_map_get(&map, key, sizeof key));
    ck_assert_uint_eq(map.count, 0);
}
END_TEST

START_TEST(the_table_shrinks_when_it_empties) {
    leat_map map;
    leat_map_init(&map, NULL, hash_key);
    for (uint64_t i = 0; i < 1000; i++) {
        ck_assert_int_eq(leat_map_set_u64(&map, i, &map), LEAT_OK);
    }
    ck_assert_uint_ge(map.capacity, 1024);
    for (uint64_t i = 0; i < 1000; i++) {
        ck_assert_ptr_eq(leat_map_remove_u64(&map, i), &map);
    }
    ck_assert_uint_le(map.capacity, 16);
    leat_map_clear(&map);
}
END_TEST

START_TEST(failing_memory_leaves_the_map) {
    test_memory memory;
    test_memory_init(&memory);
    leat_map map;
    leat_map_init(&map, &memory.allocator, hash_key);
    uint64_t added = 0;
    int err;
    do {
        memory.fail_at = added >= 6 ? memory.allocations + 1 : 0;
        err = leat_map_set_u64(&map, added, &map);
        added += err == LEAT_OK;
    } while (err == LEAT_OK);
    ck_assert_int_eq(err, LEAT_ERR_NOMEM);
    for (uint64_t i = 0; i < added; i++) {
        ck_assert_ptr_eq(leat_map_get_u64(&map, i), &map);
    }
    ck_assert_ptr_null(leat_map_get_u64(&map, added));
    leat_map_clear(&map);
    ck_assert_uint_eq(memory.live, 0);
}
END_TEST

LEAT_TEST_MAIN("base/map", siphash_agrees_with_the_reference_vectors,
               random_changes_agree_with_a_model, an_empty_map_finds_nothing,
               keys_that_are_too_long_and_null_values_are_refused,
               the_table_shrinks_when_it_empties, failing_memory_leaves_the_map)
