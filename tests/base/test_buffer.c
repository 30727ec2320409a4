/* The growing buffer: base/bytes.c. */
#include "base/bytes.h"
#include "leat_test.h"

START_TEST(appended_bytes_stay_in_order) {
    leat_buffer buffer;
    leat_buffer_init(&buffer, NULL, 10000);
    for (unsigned i = 0; i < 1000; i++) {
        uint8_t pair[2] = {(uint8_t)(i >> 8), (uint8_t)i};
        ck_assert_int_eq(leat_buffer_append(&buffer, pair, 2), LEAT_OK);
    }
    ck_assert_uint_eq(buffer.length, 2000);
    for (unsigned i = 0; i < 1000; i++) {
        ck_assert_uint_eq((unsigned)buffer.data[2 * i] << 8 | buffer.data[2 * i + 1], i);
    }
    leat_buffer_clear(&buffer);
    ck_assert_uint_eq(buffer.length, 0);
}
END_TEST

START_TEST(nothing_grows_past_the_limit) {
    test_memory memory;
    test_memory_init(&memory);
    leat_buffer buffer;
    leat_buffer_init(&buffer, &memory.allocator, 100);
    uint8_t bytes[101] = {0};
    ck_assert_int_eq(leat_buffer_append(&buffer, bytes, 101), LEAT_ERR_TOO_LARGE);
    ck_assert_int_eq(leat_buffer_append(&buffer, bytes, 60), LEAT_OK);
    ck_assert_int_eq(leat_buffer_append(&buffer, bytes, 41), LEAT_ERR_TOO_LARGE);
    ck_assert_int_eq(leat_buffer_append(&buffer, bytes, SIZE_MAX), LEAT_ERR_TOO_LARGE);
    ck_assert_int_eq(leat_buffer_append(&buffer, bytes, 40), LEAT_OK);
    ck_assert_uint_eq(buffer.length, 100);
    ck_assert_uint_le(memory.bytes_live, 100);
    leat_buffer_clear(&buffer);
    ck_assert_uint_eq(memory.live, 0);
}
END_TEST

START_TEST(consuming_drops_the_front) {
    leat_buffer buffer;
    leat_buffer_init(&buffer, NULL, 100);
    ck_assert_int_eq(leat_buffer_append(&buffer, "abcdef", 6), LEAT_OK);
    leat_buffer_consume(&buffer, 2);
    ck_assert_mem_eq(buffer.data, "cdef", 4);
    ck_assert_uint_eq(buffer.length, 4);
    leat_buffer_consume(&buffer, 99);
    ck_assert_uint_eq(buffer.length, 0);
    leat_buffer_clear(&buffer);
}
END_TEST

START_TEST(failing_memory_leaves_the_content) {
    test_memory memory;
    test_memory_init(&memory);
    leat_buffer buffer;
    leat_buffer_init(&buffer, &memory.allocator, 100000);
    ck_assert_int_eq(leat_buffer_append(&buffer, "abc", 3), LEAT_OK);
    memory.fail_at = memory.allocations + 1;
    ck_assert_int_eq(leat_buffer_reserve(&buffer, 1000), LEAT_ERR_NOMEM);
    ck_assert_mem_eq(buffer.data, "abc", 3);
    leat_buffer_clear(&buffer);
    ck_assert_uint_eq(memory.live, 0);
}
END_TEST

LEAT_TEST_MAIN("base/buffer", appended_bytes_stay_in_order, nothing_grows_past_the_limit,
               consuming_drops_the_front, failing_memory_leaves_the_content)
