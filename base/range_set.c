/*
 * A set of integers as a sorted array of disjoint, non-adjacent half-open ranges. Lookups are
 * binary searches; changes move the tail of the array, which is short because every set has a
 * limit. Packet numbers arrive nearly in order, so that almost every addition extends the last
 * range.
 */
#include "base/range_set.h"

#include "base/alloc.h"

#include <string.h>

#define FIRST_CAPACITY 4

void leat_range_set_init(leat_range_set *set, const leat_allocator *allocator, size_t limit) {
    *set = (leat_range_set){.allocator = allocator, .limit = limit};
}

void leat_range_set_clear(leat_range_set *set) {
    leat_free(set->allocator, set->ranges);
    leat_range_set_init(set, set->allocator, set->limit);
}

/* The first range whose end is at or above `value`; set->count when there is none. */
static size_t find_ending_from(const leat_range_set *set, uint64_t value) {
    size_t low = 0, high = set->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (set->ranges[middle].end < value) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static int reserve_one(leat_range_set *set) {
    if (set->count >= set->limit) {
        return LEAT_ERR_FULL;
    }
    if (set->count < set->capacity) {
        return LEAT_OK;
    }
    size_t capacity = set->capacity == 0 ? FIRST_CAPACITY : set->capacity * 2;
    capacity = capacity > set->limit ? set->limit : capacity;
    if (capacity > SIZE_MAX / sizeof(leat_range)) {
        return LEAT_ERR_NOMEM;
    }
    leat_range *ranges = leat_realloc(set->allocator, set->ranges, capacity * sizeof(leat_range));
    if (ranges == NULL) {
        return LEAT_ERR_NOMEM;
    }
    set->ranges = ranges;
    set->capacity = capacity;
    return LEAT_OK;
}

static int insert_at(leat_range_set *set, size_t index, leat_range range) {
    int err = reserve_one(set);
    if (err != LEAT_OK) {
        return err;
    }
    memmove(&set->ranges[index + 1], &set->ranges[index],
            (set->count - index) * sizeof(leat_range));
    set->ranges[index] = range;
    set->count++;
    return LEAT_OK;
}

static void remove_at(leat_range_set *set, size_t index, size_t count) {
    if (count > 0) {
        size_t tail = set->count - index - count;
        memmove(&set->ranges[index], &set->ranges[index + count], tail * sizeof(leat_range));
        set->count -= count;
    }
}

int leat_range_set_add(leat_range_set *set, uint64_t start, uint64_t end) {
    if (start >= end) {
        return start == end ? LEAT_OK : LEAT_ERR_INVALID;
    }
    size_t first = find_ending_from(set, start);
    size_t past = first;
    while (past < set->count && set->ranges[past].start <= end) {
        past++;
    }
    if (past == first) {
        return insert_at(set, first, (leat_range){start, end});
    }
    leat_range *merged = &set->ranges[first];
    uint64_t last_end = set->ranges[past - 1].end;
    merged->start = start < merged->start ? start : merged->start;
    merged->end = end > last_end ? end : last_end;
    remove_at(set, first + 1, past - first - 1);
    return LEAT_OK;
}

int leat_range_set_add_dropping_lowest(leat_range_set *set, uint64_t start, uint64_t end) {
    int err = leat_range_set_add(set, start, end);
    if (err != LEAT_ERR_FULL) {
        return err;
    }
    if (set->count == 0 || end < set->ranges[0].start) {
        return LEAT_OK; /* the new range would itself be the lowest */
    }
    remove_at(set, 0, 1);
    return leat_range_set_add(set, start, end);
}

int leat_range_set_remove(leat_range_set *set, uint64_t start, uint64_t end) {
    if (start >= end) {
        return start == end ? LEAT_OK : LEAT_ERR_INVALID;
    }
    size_t first = find_ending_from(set, start);
    if (first < set->count && set->ranges[first].start < start && set->ranges[first].end > end) {
        int err = insert_at(set, first + 1, (leat_range){end, set->ranges[first].end});
        if (err == LEAT_OK) {
            set->ranges[first].end = start;
        }
        return err;
    }
    if (first < set->count && set->ranges[first].start < start) {
        leat_range *cut = &set->ranges[first++];
        cut->end = cut->end > start ? start : cut->end;
    }
    size_t past = first;
    while (past < set->count && set->ranges[past].end <= end) {
        past++;
    }
    if (past < set->count && set->ranges[past].start < end) {
        set->ranges[past].start = end;
    }
    remove_at(set, first, past - first);
    return LEAT_OK;
}

bool leat_range_set_covers(const leat_range_set *set, uint64_t start, uint64_t end) {
    if (start >= end) {
        return start == end;
    }
    size_t index = find_ending_from(set, end);
    return index < set->count && set->ranges[index].start <= start;
}

bool leat_range_set_contains(const leat_range_set *set, uint64_t value) {
    return value != UINT64_MAX && leat_range_set_covers(set, value, value + 1);
}

void leat_range_set_trim_below(leat_range_set *set, uint64_t value) {
    (void)leat_range_set_remove(set, 0, value); /* cutting at the front never splits */
}
