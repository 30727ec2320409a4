/* The allocator hook and the slab: base/alloc.c. */
#include "base/alloc.h"
#include "leat_test.h"

START_TEST(without_an_allocator_libc_serves) {
    uint8_t *bytes = leat_alloc(NULL, 100);
    for (size_t i = 0; i < 100; i++) {
        ck_assert_uint_eq(bytes[i], 0);
    }
    bytes = leat_realloc(NULL, bytes, 1000);
    ck_assert_ptr_nonnull(bytes);
    leat_free(NULL, bytes);
    leat_free(NULL, NULL);
}
END_TEST

START_TEST(memory_from_the_hook_is_zeroed) {
    test_memory memory;
    test_memory_init(&memory);
    for (int round = 0; round < 2; round++) {
        uint8_t *bytes = leat_alloc(&memory.allocator, 200);
        for (size_t i = 0; i < 200; i++) {
            ck_assert_uint_eq(bytes[i], 0);
        }
        memset(bytes, 0xff, 200);
        leat_free(&memory.allocator, bytes);
    }
    ck_assert_uint_eq(memory.live, 0);
}
END_TEST

START_TEST(an_array_whose_size_overflows_is_refused) {
    ck_assert_ptr_null(leat_alloc_array(NULL, SIZE_MAX / 2, 3));
    ck_assert_ptr_null(leat_alloc_array(NULL, SIZE_MAX, SIZE_MAX));
}
END_TEST

START_TEST(a_size_of_zero_still_gives_memory) {
    void *pointer = leat_alloc(NULL, 0);
    ck_assert_ptr_nonnull(pointer);
    leat_free(NULL, pointer);
}
END_TEST

START_TEST(strdup_copies_text_and_tells_when_memory_is_out) {
    test_memory memory;
    test_memory_init(&memory);
    char *copy = leat_strdup(&memory.allocator, "leat");
    ck_assert_str_eq(copy, "leat");
    leat_free(&memory.allocator, copy);
    memory.fail_at = memory.allocations + 1;
    ck_assert_ptr_null(leat_strdup(&memory.allocator, "leat"));
}
END_TEST

START_TEST(a_slab_gives_its_kept_objects_again_and_zeroed) {
    test_memory memory;
    test_memory_init(&memory);
    leat_slab slab;
    leat_slab_init(&slab, &memory.allocator, 40, 8);
    uint8_t *first = leat_slab_take(&slab);
    memset(first, 0xaa, 40);
    leat_slab_give(&slab, first);
    uint8_t *second = leat_slab_take(&slab);
    ck_assert_ptr_eq(first, second);
    for (size_t i = 0; i < 40; i++) {
        ck_assert_uint_eq(second[i], 0);
    }
    ck_assert_uint_eq(memory.allocations, 1);
    leat_slab_give(&slab, second);
    leat_slab_clear(&slab);
    ck_assert_uint_eq(memory.live, 0);
}
END_TEST

START_TEST(a_slab_keeps_no_more_than_its_bound) {
    test_memory memory;
    test_memory_init(&memory);
    leat_slab slab;
    leat_slab_init(&slab, &memory.allocator, 1, 3);
    void *objects[10];
    for (size_t i = 0; i < 10; i++) {
        objects[i] = leat_slab_take(&slab);
    }
    for (size_t i = 0; i < 10; i++) {
        leat_slab_give(&slab, objects[i]);
    }
    ck_assert_uint_eq(slab.kept, 3);
    ck_assert_uint_eq(memory.live, 3);
    leat_slab_clear(&slab);
    ck_assert_uint_eq(memory.live, 0);
    ck_assert_uint_eq(slab.kept, 0);
}
END_TEST

START_TEST(a_slab_tells_when_memory_is_out) {
    test_memory memory;
    test_memory_init(&memory);
    memory.fail_at = 1;
    leat_slab slab;
    leat_slab_init(&slab, &memory.allocator, 16, 3);
    ck_assert_ptr_null(leat_slab_take(&slab));
    leat_slab_give(&slab, NULL);
    ck_assert_uint_eq(slab.kept, 0);
}
END_TEST

LEAT_TEST_MAIN("base/alloc", without_an_allocator_libc_serves, memory_from_the_hook_is_zeroed,
               an_array_whose_size_overflows_is_refused, a_size_of_zero_still_gives_memory,
               strdup_copies_text_and_tells_when_memory_is_out,
               a_slab_gives_its_kept_objects_again_and_zeroed, a_slab_keeps_no_more_than_its_bound,
               a_slab_tells_when_memory_is_out)
