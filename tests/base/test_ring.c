/* The ring: base/ring.c. */
#include "base/ring.h"
#include "leat_test.h"

START_TEST(elements_leave_in_the_order_they_came) {
    leat_ring ring;
    leat_ring_init(&ring, NULL, sizeof(uint32_t), 1000);
    uint32_t pushed = 0, popped = 0;
    uint64_t seed = 7;
    for (int step = 0; step < 20000; step++) {
        uint8_t choice;
        test_random(&seed, &choice, 1);
        bool filling = step % 4000 < 2000;
        if (choice < (filling ? 160 : 96)) {
            uint32_t *element = leat_ring_push(&ring);
            if (ring.count == 1000 && element == NULL) {
                continue;
            }
            ck_assert_ptr_nonnull(element);
            ck_assert_uint_eq(*element, 0);
            *element = ++pushed;
        } else if (ring.count > 0) {
            ck_assert_uint_eq(*(uint32_t *)leat_ring_front(&ring), ++popped);
            leat_ring_pop(&ring);
        }
        ck_assert_uint_eq(ring.count, pushed - popped);
        if (ring.count > 0) {
            ck_assert_uint_eq(*(uint32_t *)leat_ring_back(&ring), pushed);
            ck_assert_uint_eq(*(uint32_t *)leat_ring_at(&ring, ring.count / 2),
                              popped + 1 + ring.count / 2);
        }
    }
    leat_ring_clear(&ring);
}
END_TEST

START_TEST(a_ring_stops_at_its_limit) {
    leat_ring ring;
    leat_ring_init(&ring, NULL, 1, 5);
    for (int i = 0; i < 5; i++) {
        ck_assert_ptr_nonnull(leat_ring_push(&ring));
    }
    ck_assert_ptr_null(leat_ring_push(&ring));
    leat_ring_pop(&ring);
    ck_assert_ptr_nonnull(leat_ring_push(&ring));
    leat_ring_clear(&ring);
    ck_assert_ptr_null(leat_ring_front(&ring));
    ck_assert_ptr_null(leat_ring_back(&ring));
}
END_TEST

START_TEST(failing_memory_leaves_the_elements) {
    test_memory memory;
    test_memory_init(&memory);
    leat_ring ring;
    leat_ring_init(&ring, &memory.allocator, 8, 100);
    do {
        memory.fail_at = ring.count == 4 ? memory.allocations + 1 : 0;
    } while (leat_ring_push(&ring) != NULL);
    ck_assert_uint_eq(ring.count, 4);
    memory.fail_at = 0;
    ck_assert_ptr_nonnull(leat_ring_push(&ring));
    leat_ring_clear(&ring);
    ck_assert_uint_eq(memory.live, 0);
}
END_TEST

LEAT_TEST_MAIN("base/ring", elements_leave_in_the_order_they_came, a_ring_stops_at_its_limit,
               failing_memory_leaves_the_elements)
