/*
 * What every unit test shares: check, hex helpers, vector files, and main().
 *
 *     START_TEST(a_sentence_about_one_behaviour) { ... } END_TEST
 *     LEAT_TEST_MAIN("quic/recovery rtt", a_sentence_about_one_behaviour, another_sentence)
 *
 * At most 60 tests per LEAT_TEST_MAIN; no forks, so that sanitizers see everything. Prints TAP.
 */
#ifndef LEAT_TEST_H
#define LEAT_TEST_H

#include <check.h>
#include <leat/base.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Parses spaced hex into bytes; the result is one of a few rotating static buffers of 64 KiB. */
leat_span test_hex(const char *hex);
/* Bytes as lower-case hex without spaces, rotating static buffers. */
const char *test_to_hex(const void *bytes, size_t length);
#define ck_assert_bytes(actual, actual_length, hex_text) \
    do { \
        leat_span expected_ = test_hex(hex_text); \
        ck_assert_str_eq(test_to_hex(actual, actual_length), test_to_hex(expected_.data, expected_.length)); \
    } while (0)

/* A whole file below tests/ as a malloc'ed, NUL-terminated text; fails the test when missing. */
uint8_t *test_read_file(const char *path_below_tests, size_t *length);

/* NAME.vec files: `[section]` heads and `name = 0x.. | "text" | 123` lines. */
typedef struct test_vectors test_vectors;
test_vectors *test_vectors_load(const char *path_below_tests);
void test_vectors_free(test_vectors *vectors);
/* A value of a section; fails the test when missing. The bytes live as long as the vectors. */
leat_span test_vector_bytes(const test_vectors *vectors, const char *section, const char *name);
uint64_t test_vector_number(const test_vectors *vectors, const char *section, const char *name);
const char *test_vector_text(const test_vectors *vectors, const char *section, const char *name);
bool test_vector_has(const test_vectors *vectors, const char *section, const char *name);
/* The name of section number index, or NULL past the end. */
const char *test_vector_section(const test_vectors *vectors, size_t index);

/* A deterministic random source: the same seed, the same bytes. Signature of leat_random_fn with
 * a uint64_t state as user. */
bool test_random(void *state, uint8_t *bytes, size_t length);

/*
 * An allocator that counts and can fail: `fail_at` is the number of the allocation that fails (1-based, 0 = never);
 * `live` is what has not been freed.
 */
typedef struct test_memory {
    size_t allocations, live, bytes_live, fail_at;
    leat_allocator allocator;
} test_memory;
void test_memory_init(test_memory *memory);

int test_run(const char *suite, const TTest *const *tests, size_t count);

#define LEAT_TEST_MAIN(suite, ...) \
    int main(void) { \
        const TTest *const tests_[] = {__VA_ARGS__}; \
        return test_run(suite, tests_, sizeof tests_ / sizeof tests_[0]); \
    }

#endif
