/* An allocator that knows how much is live: what both endpoints of a run allocate from. */
#include <stdlib.h>

#include "sim/world.h"

/* Before each block stands its size, in the room of the strictest alignment. */
#define HEAD (sizeof(max_align_t) > sizeof(size_t) ? sizeof(max_align_t) : sizeof(size_t))

static void account(memory *m, size_t before, size_t after) {
    m->live_bytes += after;
    m->live_bytes -= before;
    m->peak = m->live_bytes > m->peak ? m->live_bytes : m->peak;
}

static void *resize(void *user, void *pointer, size_t size) {
    memory *m = user;
    size_t *head = pointer != NULL ? (void *)((char *)pointer - HEAD) : NULL;
    size_t before = head != NULL ? *head : 0;
    size_t *moved = realloc(head, HEAD + size);
    if (moved == NULL) {
        return NULL;
    }
    m->allocations++;
    m->live_blocks += pointer == NULL ? 1 : 0;
    account(m, before, size);
    *moved = size;
    return (char *)moved + HEAD;
}

static void *allocate(void *user, size_t size) { return resize(user, NULL, size); }

static void release(void *user, void *pointer) {
    memory *m = user;
    if (pointer != NULL) {
        size_t *head = (void *)((char *)pointer - HEAD);
        account(m, *head, 0);
        m->live_blocks--;
        free(head);
    }
}

void memory_init(memory *m) {
    *m = (memory){.allocator = {allocate, resize, release, m}};
}
