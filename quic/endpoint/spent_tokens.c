/* The register of spent tokens: a set of random numbers per epoch. */
#include "quic/endpoint/spent_tokens.h"

#include "base/alloc.h"

#define FIRST_CAPACITY 64 /* a power of two, as all of them */

void leat_spent_tokens_init(leat_spent_tokens *spent, const leat_allocator *allocator) {
    *spent = (leat_spent_tokens){.allocator = allocator};
}

void leat_spent_tokens_clear(leat_spent_tokens *spent) {
    for (size_t i = 0; i < LEAT_TOKEN_EPOCHS; i++) {
        leat_free(spent->allocator, spent->slices[i].ids);
    }
    leat_spent_tokens_init(spent, spent->allocator);
}

/*
 * Where id stands or would stand. Only what this server sealed comes here, with random ids that
 * nobody chose: their own bits are the hash. At most half of the places are taken.
 */
static uint64_t *place_of(uint64_t *ids, size_t capacity, uint64_t id) {
    size_t place = (size_t)id & (capacity - 1);
    while (ids[place] != 0 && ids[place] != id) {
        place = (place + 1) & (capacity - 1);
    }
    return &ids[place];
}

static bool grow(leat_spent_tokens *spent, leat_spent_slice *slice) {
    size_t capacity = slice->capacity == 0 ? FIRST_CAPACITY : 2 * slice->capacity;
    uint64_t *ids = leat_alloc_array(spent->allocator, capacity, sizeof *ids);
    if (ids == NULL) {
        return false;
    }
    for (size_t i = 0; i < slice->capacity; i++) {
        if (slice->ids[i] != 0) {
            *place_of(ids, capacity, slice->ids[i]) = slice->ids[i];
        }
    }
    leat_free(spent->allocator, slice->ids);
    slice->ids = ids;
    slice->capacity = capacity;
    return true;
}

/* NULL: the clock stepped back, and this slice belongs to a later epoch. */
static leat_spent_slice *slice_of(leat_spent_tokens *spent, uint32_t epoch) {
    leat_spent_slice *slice = &spent->slices[epoch % LEAT_TOKEN_EPOCHS];
    if (slice->epoch < epoch) {
        leat_free(spent->allocator, slice->ids);
        *slice = (leat_spent_slice){.epoch = epoch};
    }
    return slice->epoch == epoch ? slice : NULL;
}

bool leat_spent_tokens_add(leat_spent_tokens *spent, uint32_t epoch, uint64_t id) {
    leat_spent_slice *slice = slice_of(spent, epoch);
    id = id == 0 ? 1 : id;
    if (slice == NULL ||
        (2 * slice->count >= slice->capacity && slice->count < LEAT_SPENT_TOKENS_MAX &&
         !grow(spent, slice))) {
        return false;
    }
    uint64_t *place = place_of(slice->ids, slice->capacity, id);
    if (*place == id || slice->count == LEAT_SPENT_TOKENS_MAX) {
        return false;
    }
    *place = id;
    slice->count++;
    return true;
}
