/* The allocator hook as the layers use it. A NULL allocator is libc's. */
#ifndef LEAT_BASE_ALLOC_H
#define LEAT_BASE_ALLOC_H

#include <leat/base.h>

/* leat_alloc zeroes what it returns; leat_alloc_array also checks count * size. NULL when memory is out. */
void *leat_alloc(const leat_allocator *allocator, size_t size);
void *leat_alloc_array(const leat_allocator *allocator, size_t count, size_t size);
/* As C's realloc; new bytes are not zeroed. */
void *leat_realloc(const leat_allocator *allocator, void *pointer, size_t size);
void leat_free(const leat_allocator *allocator, void *pointer);
/* A NUL-terminated copy. */
char *leat_strdup(const leat_allocator *allocator, const char *text);

/* A run of objects of one size, kept for reuse: what a connection allocates and frees all day. */
typedef struct leat_slab {
    const leat_allocator *allocator;
    size_t object_size;
    size_t kept, keep_max; /* free objects kept at most; more go back to the allocator */
    void *free_list;
} leat_slab;

void leat_slab_init(leat_slab *slab, const leat_allocator *allocator, size_t object_size, size_t keep_max);
void *leat_slab_take(leat_slab *slab); /* zeroed, or NULL */
void leat_slab_give(leat_slab *slab, void *object);
void leat_slab_clear(leat_slab *slab);

#endif
