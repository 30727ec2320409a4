/* An intrusive doubly linked list: the head is a node that points at itself when the list is empty. */
#ifndef LEAT_BASE_LIST_H
#define LEAT_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

typedef struct leat_list {
    struct leat_list *prev, *next;
} leat_list;

static inline void leat_list_init(leat_list *node) { node->prev = node->next = node; }
static inline bool leat_list_is_empty(const leat_list *head) { return head->next == head; }
static inline bool leat_list_is_linked(const leat_list *node) { return node->next != NULL && node->next != node; }

static inline void leat_list_push_back(leat_list *head, leat_list *node) {
    node->prev = head->prev;
    node->next = head;
    head->prev->next = node;
    head->prev = node;
}

static inline void leat_list_push_front(leat_list *head, leat_list *node) { leat_list_push_back(head->next, node); }

/* Unlinking an unlinked (initialised) node does nothing. */
static inline void leat_list_remove(leat_list *node) {
    node->prev->next = node->next;
    node->next->prev = node->prev;
    leat_list_init(node);
}

#define LEAT_CONTAINER_OF(pointer, type, member) ((type *)(void *)((char *)(pointer) - offsetof(type, member)))
/* The container of the first node, or NULL. */
#define LEAT_LIST_FIRST(head, type, member) \
    (leat_list_is_empty(head) ? NULL : LEAT_CONTAINER_OF((head)->next, type, member))
/* Iterates safely against removal of the current node. */
#define LEAT_LIST_FOR_EACH(node, following, head) \
    for (leat_list *node = (head)->next, *following = node->next; node != (head); \
         node = following, following = node->next)

#endif
