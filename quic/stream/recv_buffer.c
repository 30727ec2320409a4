/*
 * The receiving part's bytes: see recv_buffer.h. Bytes in order only move contiguous_end; the range
 * set is touched only while something is missing. A byte is written once, into the gap it fills.
 */
#include "quic/stream/recv_buffer.h"

#include "base/bytes.h"

#include <assert.h>

/*
 * A drained ring up to this size is kept while more may come; an idle stream holds no more than
 * this.
 */
#define KEPT_CAPACITY 2048

void leat_recv_buffer_init(
    leat_recv_buffer *buffer, const leat_allocator *allocator, uint64_t limit) {
    *buffer = (leat_recv_buffer){
        .ring = {.allocator = allocator}, .limit = limit, .final_size = LEAT_FINAL_SIZE_UNKNOWN};
    leat_range_set_init(&buffer->ahead, allocator, LEAT_RECV_RANGES_MAX);
}

void leat_recv_buffer_clear(leat_recv_buffer *buffer) {
    leat_byte_ring_free(&buffer->ring);
    leat_range_set_clear(&buffer->ahead);
}

leat_insert_status leat_recv_buffer_check(
    const leat_recv_buffer *buffer, uint64_t offset, uint64_t length, bool fin) {
    uint64_t end = offset + length;
    /* RFC 9000 §4.5-3: the final size never changes and is never below what has arrived. */
    if (fin && (end < buffer->highest ||
                   (leat_recv_buffer_is_size_known(buffer) && end != buffer->final_size))) {
        return LEAT_INSERT_FINAL_SIZE;
    }
    /* RFC 9000 §4.5-4: nothing at or beyond the final size. */
    return end > buffer->final_size ? LEAT_INSERT_FINAL_SIZE : LEAT_INSERT_OK;
}

uint64_t leat_recv_buffer_growth(const leat_recv_buffer *buffer, uint64_t offset, uint64_t length) {
    uint64_t end = offset + length;
    return end > buffer->highest ? end - buffer->highest : 0;
}

/* The first range that ends above `value`. */
static size_t first_ending_above(const leat_range_set *set, uint64_t value) {
    size_t low = 0, high = set->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (set->ranges[middle].end <= value) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Writes only what is missing of [start, end), so that the first copy of each byte wins. */
static void fill_gaps(leat_recv_buffer *buffer, uint64_t start, uint64_t end, const uint8_t *data) {
    uint64_t at = start;
    for (size_t i = first_ending_above(&buffer->ahead, start); i < buffer->ahead.count && at < end;
         i++) {
        const leat_range *held = &buffer->ahead.ranges[i];
        if (held->start > at) {
            uint64_t until = held->start < end ? held->start : end;
            leat_byte_ring_write(&buffer->ring, at, data + (at - start), (size_t)(until - at));
        }
        at = held->end;
    }
    if (at < end) {
        leat_byte_ring_write(&buffer->ring, at, data + (at - start), (size_t)(end - at));
    }
}

/* contiguous_end has moved to `end`: takes in the ranges that it now touches. */
static void advance_contiguous(leat_recv_buffer *buffer, uint64_t end) {
    buffer->contiguous_end = end;
    leat_range_set *ahead = &buffer->ahead;
    for (size_t i = 0; i < ahead->count && ahead->ranges[i].start <= buffer->contiguous_end; i++) {
        if (ahead->ranges[i].end > buffer->contiguous_end) {
            buffer->contiguous_end = ahead->ranges[i].end;
        }
    }
    leat_range_set_trim_below(ahead, buffer->contiguous_end);
    if (ahead->count == 0 && ahead->capacity > 0) {
        leat_range_set_clear(ahead);
    }
}

static leat_insert_status store(
    leat_recv_buffer *buffer, uint64_t start, uint64_t end, const uint8_t *data) {
    /* A byte ahead of the window of `limit` is not accepted, whoever computed the credit. */
    if (end - buffer->consumed > buffer->limit) {
        return LEAT_INSERT_TOO_FAR;
    }
    uint64_t held_end = buffer->contiguous_end;
    if (buffer->ahead.count > 0) {
        held_end = buffer->ahead.ranges[buffer->ahead.count - 1].end;
    }
    uint64_t needed = end > held_end ? end : held_end;
    if (leat_byte_ring_reserve(&buffer->ring, buffer->consumed, held_end, needed) != LEAT_OK) {
        return LEAT_INSERT_NOMEM;
    }
    /*
     * Gaps are filled before the range is noted: if it cannot be noted, bytes in gaps mean nothing.
     */
    fill_gaps(buffer, start, end, data);
    if (start == buffer->contiguous_end) {
        advance_contiguous(buffer, end);
        return LEAT_INSERT_OK;
    }
    int err = leat_range_set_add(&buffer->ahead, start, end);
    return err == LEAT_OK         ? LEAT_INSERT_OK
           : err == LEAT_ERR_FULL ? LEAT_INSERT_TOO_SPARSE
                                  : LEAT_INSERT_NOMEM;
}

/*
 * Nobody waits for bytes that are thrown away: the part is at its end as soon as its size is known.
 */
static void skip_discarded(leat_recv_buffer *buffer) {
    if (buffer->is_discarded && leat_recv_buffer_is_size_known(buffer)) {
        buffer->consumed = buffer->contiguous_end = buffer->final_size;
    }
}

leat_insert_status leat_recv_buffer_insert(
    leat_recv_buffer *buffer, uint64_t offset, const uint8_t *data, size_t length, bool fin) {
    assert(offset <= LEAT_VARINT_MAX && length <= LEAT_VARINT_MAX - offset);
    uint64_t end = offset + length;
    leat_insert_status status = leat_recv_buffer_check(buffer, offset, length, fin);
    if (status != LEAT_INSERT_OK) {
        return status;
    }
    uint64_t start = offset > buffer->contiguous_end ? offset : buffer->contiguous_end;
    if (start < end && !buffer->is_discarded) {
        status = store(buffer, start, end, data + (start - offset));
        if (status != LEAT_INSERT_OK) {
            return status;
        }
    }
    buffer->highest = end > buffer->highest ? end : buffer->highest;
    if (fin) {
        buffer->final_size = end;
        skip_discarded(buffer);
    }
    return LEAT_INSERT_OK;
}

void leat_recv_buffer_discard(leat_recv_buffer *buffer) {
    leat_recv_buffer_clear(buffer);
    buffer->is_discarded = true;
    buffer->contiguous_end = buffer->consumed;
    skip_discarded(buffer);
}

leat_insert_status leat_recv_buffer_reset(leat_recv_buffer *buffer, uint64_t final_size) {
    if (final_size < buffer->highest) {
        return LEAT_INSERT_FINAL_SIZE;
    }
    leat_insert_status status = leat_recv_buffer_check(buffer, final_size, 0, true);
    if (status == LEAT_INSERT_OK) {
        buffer->final_size = buffer->highest = final_size;
        skip_discarded(buffer);
    }
    return status;
}

leat_span leat_recv_buffer_readable(const leat_recv_buffer *buffer) {
    leat_span parts[2] = {{NULL, 0}, {NULL, 0}};
    uint64_t length = buffer->contiguous_end - buffer->consumed;
    leat_byte_ring_spans(&buffer->ring, buffer->consumed, (size_t)length, parts);
    return parts[0];
}

void leat_recv_buffer_consume(leat_recv_buffer *buffer, size_t length) {
    assert(length <= leat_recv_buffer_readable_total(buffer));
    buffer->consumed += length;
    bool is_drained = buffer->consumed == buffer->contiguous_end && buffer->ahead.count == 0;
    if (leat_recv_buffer_is_at_end(buffer)) {
        leat_byte_ring_free(&buffer->ring);
    } else if (is_drained) {
        leat_byte_ring_on_drained(&buffer->ring, KEPT_CAPACITY);
    }
}

void leat_recv_buffer_trim(leat_recv_buffer *buffer) {
    if (leat_recv_buffer_readable_total(buffer) == 0 && buffer->ahead.count == 0) {
        leat_byte_ring_free(&buffer->ring);
    }
}
