/* The intrusive list: base/list.h. */
#include "base/list.h"
#include "leat_test.h"

typedef struct item {
    int number;
    leat_list link;
} item;

static int digits_of(leat_list *head) {
    int digits = 0;
    LEAT_LIST_FOR_EACH(node, following, head) {
        digits = digits * 10 + LEAT_CONTAINER_OF(node, item, link)->number;
    }
    return digits;
}

START_TEST(nodes_come_in_the_order_of_their_pushes) {
    leat_list head;
    leat_list_init(&head);
    ck_assert(leat_list_is_empty(&head));
    ck_assert_ptr_null(LEAT_LIST_FIRST(&head, item, link));
    item items[3] = {{.number = 1}, {.number = 2}, {.number = 3}};
    leat_list_push_back(&head, &items[1].link);
    leat_list_push_back(&head, &items[2].link);
    leat_list_push_front(&head, &items[0].link);
    ck_assert_int_eq(digits_of(&head), 123);
    ck_assert_ptr_eq(LEAT_LIST_FIRST(&head, item, link), &items[0]);
}
END_TEST

START_TEST(the_current_node_may_leave_during_a_walk) {
    leat_list head;
    leat_list_init(&head);
    item items[5];
    for (int i = 0; i < 5; i++) {
        items[i].number = i + 1;
        leat_list_push_back(&head, &items[i].link);
    }
    LEAT_LIST_FOR_EACH(node, following, &head) {
        if (LEAT_CONTAINER_OF(node, item, link)->number % 2 == 0) {
            leat_list_remove(node);
        }
    }
    ck_assert_int_eq(digits_of(&head), 135);
    ck_assert(!leat_list_is_linked(&items[1].link));
    ck_assert(leat_list_is_linked(&items[0].link));
}
END_TEST

START_TEST(removing_an_unlinked_node_does_nothing) {
    item one = {.number = 1};
    ck_assert(!leat_list_is_linked(&one.link));
    leat_list_init(&one.link);
    leat_list_remove(&one.link);
    leat_list_remove(&one.link);
    ck_assert(!leat_list_is_linked(&one.link));
}
END_TEST

LEAT_TEST_MAIN("base/list", nodes_come_in_the_order_of_their_pushes,
               the_current_node_may_leave_during_a_walk, removing_an_unlinked_node_does_nothing)
