/*
 * The allocator hook: every allocation of the library passes through here, so that an embedder can
 * count, limit or fail it. A NULL allocator is libc's. Zero-sized requests are rounded up to one
 * byte, so that NULL always means that memory is out.
 */
#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

void *leat_alloc(const leat_allocator *allocator, size_t size) {
    if (size == 0) {
        size = 1;
    }
    if (allocator == NULL) {
        return calloc(1, size);
    }
    void *pointer = allocator->alloc(allocator->user, size);
    if (pointer != NULL) {
        memset(pointer, 0, size);
    }
    return pointer;
}

void *leat_alloc_array(const leat_allocator *allocator, size_t count, size_t size) {
    if (size != 0 && count > SIZE_MAX / size) {
        return NULL;
    }
    return leat_alloc(allocator, count * size);
}

void *leat_realloc(const leat_allocator *allocator, void *pointer, size_t size) {
    if (size == 0) {
        size = 1;
    }
    return allocator == NULL ? realloc(pointer, size)
                             : allocator->realloc(allocator->user, pointer, size);
}

void leat_free(const leat_allocator *allocator, void *pointer) {
    if (allocator == NULL) {
        free(pointer);
    } else if (pointer != NULL) {
        allocator->free(allocator->user, pointer);
    }
}

char *leat_strdup(const leat_allocator *allocator, const char *text) {
    size_t size = strlen(text) + 1;
    char *copy = leat_alloc(allocator, size);
    if (copy != NULL) {
        memcpy(copy, text, size);
    }
    return copy;
}

/* A kept object holds the link to the next one in its first bytes. */
void leat_slab_init(leat_slab *slab, const leat_allocator *allocator, size_t object_size,
                    size_t keep_max) {
    *slab = (leat_slab){.allocator = allocator, .keep_max = keep_max};
    slab->object_size = object_size < sizeof(void *) ? sizeof(void *) : object_size;
}

void *leat_slab_take(leat_slab *slab) {
    void *object = slab->free_list;
    if (object == NULL) {
        return leat_alloc(slab->allocator, slab->object_size);
    }
    memcpy(&slab->free_list, object, sizeof(void *));
    slab->kept--;
    memset(object, 0, slab->object_size);
    return object;
}

void leat_slab_give(leat_slab *slab, void *object) {
    if (object == NULL) {
        return;
    }
    if (slab->kept == slab->keep_max) {
        leat_free(slab->allocator, object);
        return;
    }
    memcpy(object, &slab->free_list, sizeof(void *));
    slab->free_list = object;
    slab->kept++;
}

void leat_slab_clear(leat_slab *slab) {
    while (slab->free_list != NULL) {
        void *object = slab->free_list;
        memcpy(&slab->free_list, object, sizeof(void *));
        leat_free(slab->allocator, object);
    }
    slab->kept = 0;
}
