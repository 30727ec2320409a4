/*
 * A set of integers as sorted, disjoint, non-adjacent half-open ranges [start, end). Used for received packet
 * numbers (newest matter), stream bytes and acknowledged bytes. A small array; grows on demand to a bound.
 */
#ifndef LEAT_BASE_RANGE_SET_H
#define LEAT_BASE_RANGE_SET_H

#include <leat/base.h>

typedef struct leat_range {
    uint64_t start, end;
} leat_range;

typedef struct leat_range_set {
    const leat_allocator *allocator;
    leat_range *ranges; /* ascending */
    size_t count, capacity;
    size_t limit;       /* at most this many ranges */
} leat_range_set;

void leat_range_set_init(leat_range_set *set, const leat_allocator *allocator, size_t limit);
void leat_range_set_clear(leat_range_set *set);
/* Adds [start, end). At the limit: LEAT_ERR_FULL and the set is unchanged. */
int leat_range_set_add(leat_range_set *set, uint64_t start, uint64_t end);
/* The same, but at the limit the lowest range is forgotten to make room: for packet numbers (RFC 9000 §13.2.3).
 * When the new range would itself be the lowest it is the one forgotten: LEAT_OK, the set is unchanged. */
int leat_range_set_add_dropping_lowest(leat_range_set *set, uint64_t start, uint64_t end);
/* Removes [start, end). Splitting may need one range more: LEAT_ERR_FULL or LEAT_ERR_NOMEM, unchanged. */
int leat_range_set_remove(leat_range_set *set, uint64_t start, uint64_t end);
bool leat_range_set_contains(const leat_range_set *set, uint64_t value);
bool leat_range_set_covers(const leat_range_set *set, uint64_t start, uint64_t end);
/* Forgets all values below `value`. */
void leat_range_set_trim_below(leat_range_set *set, uint64_t value);

#endif
