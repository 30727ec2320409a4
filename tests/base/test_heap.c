/* The timer heap against a naive model: base/heap.c. */
#include "base/heap.h"
#include "leat_test.h"

#define NODES 200
#define STEPS 20000

static void assert_is_a_heap(const leat_heap *heap) {
    for (size_t i = 0; i < heap->count; i++) {
        ck_assert_uint_eq(heap->nodes[i]->place, i + 1);
        ck_assert(i == 0 || heap->nodes[(i + 1) / 2 - 1]->due <= heap->nodes[i]->due);
    }
}

static leat_time earliest(const leat_heap_node *nodes) {
    leat_time due = LEAT_TIME_NEVER;
    for (size_t i = 0; i < NODES; i++) {
        due = nodes[i].place != 0 && nodes[i].due < due ? nodes[i].due : due;
    }
    return due;
}

static uint16_t random_u16(uint64_t *seed) {
    uint8_t bytes[2];
    test_random(seed, bytes, 2);
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

START_TEST(the_first_node_is_always_the_earliest) {
    leat_heap heap;
    leat_heap_init(&heap, NULL);
    leat_heap_node nodes[NODES] = {{0, 0}};
    uint64_t seed = 1;
    for (int step = 0; step < STEPS; step++) {
        leat_heap_node *node = &nodes[random_u16(&seed) % NODES];
        uint16_t choice = random_u16(&seed);
        if (choice % 5 == 0) {
            leat_heap_remove(&heap, node);
        } else {
            leat_time due = choice % 7 == 0 ? LEAT_TIME_NEVER : random_u16(&seed) % 1000;
            ck_assert_int_eq(leat_heap_set(&heap, node, due), LEAT_OK);
        }
        ck_assert_uint_eq(leat_heap_first(&heap) == NULL ? LEAT_TIME_NEVER
                                                         : leat_heap_first(&heap)->due,
                          earliest(nodes));
        if (step % 100 == 0) {
            assert_is_a_heap(&heap);
        }
    }
    leat_heap_clear(&heap);
    ck_assert_uint_eq(earliest(nodes), LEAT_TIME_NEVER);
}
END_TEST

START_TEST(never_removes_a_node) {
    leat_heap heap;
    leat_heap_init(&heap, NULL);
    leat_heap_node node = {0, 0};
    ck_assert_int_eq(leat_heap_set(&heap, &node, 5), LEAT_OK);
    ck_assert_ptr_eq(leat_heap_first(&heap), &node);
    ck_assert_int_eq(leat_heap_set(&heap, &node, LEAT_TIME_NEVER), LEAT_OK);
    ck_assert_ptr_null(leat_heap_first(&heap));
    ck_assert_uint_eq(node.place, 0);
    leat_heap_clear(&heap);
}
END_TEST

START_TEST(after_reserve_setting_needs_no_memory) {
    test_memory memory;
    test_memory_init(&memory);
    leat_heap heap;
    leat_heap_init(&heap, &memory.allocator);
    ck_assert_int_eq(leat_heap_reserve(&heap, NODES), LEAT_OK);
    memory.fail_at = memory.allocations + 1;
    leat_heap_node nodes[NODES + 1] = {{0, 0}};
    for (size_t i = 0; i < NODES; i++) {
        ck_assert_int_eq(leat_heap_set(&heap, &nodes[i], i), LEAT_OK);
    }
    ck_assert_int_eq(leat_heap_set(&heap, &nodes[NODES], 1), LEAT_ERR_NOMEM);
    ck_assert_uint_eq(nodes[NODES].place, 0);
    assert_is_a_heap(&heap);
    leat_heap_clear(&heap);
    ck_assert_uint_eq(memory.live, 0);
}
END_TEST

LEAT_TEST_MAIN("base/heap", the_first_node_is_always_the_earliest, never_removes_a_node,
               after_reserve_setting_needs_no_memory)
