/*
 * The sending part's bytes: see send_buffer.h. Every byte of [base, sent_end) is in one of three
 * conditions: in `acked`, in `lost` (or lost_hull), or in flight. What cannot be noted as
 * acknowledged for lack of room is noted as lost, which at worst sends it again: the bytes are
 * still in the ring, because the ring starts at base.
 */
#include "quic/stream/send_buffer.h"

#include "base/bytes.h"

#include <assert.h>
#include <string.h>

/*
 * A drained ring up to this size is kept, so that small messages one by one do not allocate each
 * time.
 */
#define KEPT_CAPACITY 512

void leat_send_buffer_init(
    leat_send_buffer *buffer, const leat_allocator *allocator, size_t limit) {
    *buffer = (leat_send_buffer){
        .ring = {.allocator = allocator}, .limit = limit, .reliable_end = LEAT_NOT_CUT};
    leat_range_set_init(&buffer->acked, allocator, LEAT_SEND_RANGES_MAX);
    leat_range_set_init(&buffer->lost, allocator, LEAT_SEND_RANGES_MAX);
}

void leat_send_buffer_clear(leat_send_buffer *buffer) {
    leat_byte_ring_free(&buffer->ring);
    leat_range_set_clear(&buffer->acked);
    leat_range_set_clear(&buffer->lost);
}

void leat_send_buffer_trim(leat_send_buffer *buffer) {
    if (buffer->base == buffer->end) {
        leat_byte_ring_free(&buffer->ring);
        leat_range_set_clear(&buffer->acked);
        leat_range_set_clear(&buffer->lost);
    }
}

void leat_send_buffer_discard(leat_send_buffer *buffer) {
    leat_send_buffer_clear(buffer);
    buffer->lost_hull = (leat_range){0, 0};
    buffer->base = buffer->end = buffer->sent_end;
    buffer->is_discarded = true;
}

size_t leat_send_buffer_room(const leat_send_buffer *buffer) {
    if (leat_send_buffer_is_ended(buffer)) {
        return 0;
    }
    size_t held = (size_t)(buffer->end - buffer->base);
    size_t room = buffer->limit > held ? buffer->limit - held : 0;
    /* RFC 9000 §19.8: no offset passes 2^62 - 1. */
    uint64_t offsets = LEAT_VARINT_MAX - buffer->end;
    return room < offsets ? room : (size_t)offsets;
}

size_t leat_send_buffer_spans(
    const leat_send_buffer *buffer, uint64_t offset, size_t length, leat_span parts[2]) {
    assert(offset >= buffer->base && offset <= buffer->end && length <= buffer->end - offset);
    return leat_byte_ring_spans(&buffer->ring, offset, length, parts);
}

void leat_send_buffer_copy(
    const leat_send_buffer *buffer, uint64_t offset, size_t length, uint8_t *out) {
    leat_span parts[2];
    size_t count = leat_send_buffer_spans(buffer, offset, length, parts);
    for (size_t i = 0; i < count; i++) {
        memcpy(out, parts[i].data, parts[i].length);
        out += parts[i].length;
    }
}

int leat_send_buffer_append(
    leat_send_buffer *buffer, const uint8_t *data, size_t length, size_t *taken) {
    *taken = 0;
    if (leat_send_buffer_is_ended(buffer)) {
        return LEAT_ERR_STATE;
    }
    size_t room = leat_send_buffer_room(buffer);
    length = length < room ? length : room;
    if (length == 0) {
        return LEAT_OK;
    }
    if (leat_byte_ring_reserve(&buffer->ring, buffer->base, buffer->end, buffer->end + length) !=
        LEAT_OK) {
        return LEAT_ERR_NOMEM;
    }
    leat_byte_ring_write(&buffer->ring, buffer->end, data, length);
    buffer->end += length;
    *taken = length;
    return LEAT_OK;
}

int leat_send_buffer_finish(leat_send_buffer *buffer) {
    if (leat_send_buffer_is_ended(buffer)) {
        return LEAT_ERR_STATE;
    }
    buffer->fin_queued = true;
    return LEAT_OK;
}

/* ---- what to send ---- */

/* The lowest lost range; false when none is lost. */
static bool first_lost(const leat_send_buffer *buffer, leat_range *range) {
    bool has_hull = buffer->lost_hull.start < buffer->lost_hull.end;
    bool has_exact = buffer->lost.count > 0;
    if (has_exact && (!has_hull || buffer->lost.ranges[0].start <= buffer->lost_hull.start)) {
        *range = buffer->lost.ranges[0];
    } else {
        *range = buffer->lost_hull;
    }
    return has_exact || has_hull;
}

static bool fin_is_missing(const leat_send_buffer *buffer) {
    return buffer->fin_queued && !buffer->is_discarded && !buffer->fin_acked &&
           (!buffer->fin_sent || buffer->fin_lost);
}

bool leat_send_buffer_next(const leat_send_buffer *buffer, size_t max_length, uint64_t credit_end,
    leat_send_range *range) {
    leat_range from;
    bool is_new = !first_lost(buffer, &from);
    if (is_new) {
        from.start = buffer->sent_end;
        from.end = buffer->end < credit_end ? buffer->end : credit_end;
        from.end = from.end < from.start ? from.start : from.end;
    }
    uint64_t length = from.end - from.start;
    length = length < max_length ? length : max_length;
    bool reaches_end = from.start + length == buffer->end;
    bool has_bytes = length > 0;
    if (!has_bytes && !(reaches_end && fin_is_missing(buffer))) {
        return false;
    }
    *range = (leat_send_range){
        .offset = from.start,
        .length = (size_t)length,
        .fin = reaches_end && buffer->fin_queued,
        .is_new = is_new && has_bytes,
    };
    return true;
}

bool leat_send_buffer_has_to_send(const leat_send_buffer *buffer, uint64_t credit_end) {
    leat_send_range range;
    return leat_send_buffer_next(buffer, SIZE_MAX, credit_end, &range);
}

bool leat_send_buffer_is_blocked(const leat_send_buffer *buffer, uint64_t credit_end) {
    return buffer->sent_end < buffer->end && buffer->sent_end >= credit_end;
}

static void forget_lost(leat_send_buffer *buffer, uint64_t start, uint64_t end) {
    /* A split that finds no room leaves the range lost: it is sent again, needlessly. */
    (void)leat_range_set_remove(&buffer->lost, start, end);
    leat_range *hull = &buffer->lost_hull;
    if (start <= hull->start && end > hull->start) {
        hull->start = end < hull->end ? end : hull->end;
    } else if (end >= hull->end && start < hull->end && start > hull->start) {
        hull->end = start;
    }
}

void leat_send_buffer_on_sent(leat_send_buffer *buffer, uint64_t offset, size_t length, bool fin) {
    uint64_t end = offset + length;
    assert(offset <= buffer->sent_end && end <= buffer->end);
    forget_lost(buffer, offset, end);
    buffer->sent_end = end > buffer->sent_end ? end : buffer->sent_end;
    if (fin) {
        buffer->fin_sent = true;
        buffer->fin_lost = false;
    }
}

/* ---- verdicts ---- */

static void note_lost(leat_send_buffer *buffer, uint64_t start, uint64_t end) {
    end = end < buffer->reliable_end ? end : buffer->reliable_end;
    if (start >= end || leat_range_set_add(&buffer->lost, start, end) == LEAT_OK) {
        return;
    }
    leat_range *hull = &buffer->lost_hull;
    if (hull->start >= hull->end) {
        *hull = (leat_range){start, end};
        return;
    }
    hull->start = start < hull->start ? start : hull->start;
    hull->end = end > hull->end ? end : hull->end;
}

static void advance_base(leat_send_buffer *buffer, uint64_t base) {
    buffer->base = base;
    leat_range_set_trim_below(&buffer->acked, base);
    if (buffer->acked.count > 0 && buffer->acked.ranges[0].start == base) {
        buffer->base = buffer->acked.ranges[0].end;
        leat_range_set_trim_below(&buffer->acked, buffer->base);
    }
    leat_range_set_trim_below(&buffer->lost, buffer->base);
    forget_lost(buffer, 0, buffer->base);
    if (buffer->base == buffer->end && buffer->fin_queued) {
        leat_byte_ring_free(&buffer->ring);
    } else if (buffer->base == buffer->end) {
        leat_byte_ring_on_drained(&buffer->ring, KEPT_CAPACITY);
    }
}

void leat_send_buffer_on_acked(leat_send_buffer *buffer, uint64_t offset, size_t length, bool fin) {
    if (fin) {
        buffer->fin_acked = true;
        buffer->fin_lost = false;
    }
    uint64_t start = offset > buffer->base ? offset : buffer->base;
    uint64_t end = offset + length < buffer->sent_end ? offset + length : buffer->sent_end;
    if (start >= end) {
        return;
    }
    if (start == buffer->base) {
        advance_base(buffer, end);
    } else if (leat_range_set_add(&buffer->acked, start, end) == LEAT_OK) {
        forget_lost(buffer, start, end);
    } else {
        note_lost(buffer, start, end);
    }
}

void leat_send_buffer_on_lost(leat_send_buffer *buffer, uint64_t offset, size_t length, bool fin) {
    if (fin && !buffer->fin_acked && buffer->fin_sent && !leat_send_buffer_is_cut(buffer)) {
        buffer->fin_lost = true;
    }
    uint64_t start = offset > buffer->base ? offset : buffer->base;
    uint64_t end = offset + length < buffer->sent_end ? offset + length : buffer->sent_end;
    /* RFC 9000 §13.3-6: what another copy has delivered is not sent again. */
    for (size_t i = 0; i < buffer->acked.count && start < end; i++) {
        const leat_range *acked = &buffer->acked.ranges[i];
        if (acked->end <= start) {
            continue;
        }
        note_lost(buffer, start, acked->start < end ? acked->start : end);
        start = acked->end;
    }
    note_lost(buffer, start, end);
}

bool leat_send_buffer_is_all_acked(const leat_send_buffer *buffer) {
    return buffer->fin_acked && buffer->base == buffer->end && !buffer->is_discarded;
}

bool leat_send_buffer_is_all_sent(const leat_send_buffer *buffer) {
    return buffer->fin_sent && buffer->sent_end == buffer->end;
}

/* ---- RESET_STREAM_AT ---- */

void leat_send_buffer_cut(leat_send_buffer *buffer, uint64_t reliable_end) {
    assert(reliable_end <= buffer->end && reliable_end <= buffer->reliable_end);
    buffer->reliable_end = reliable_end;
    buffer->end = reliable_end > buffer->sent_end ? reliable_end : buffer->sent_end;
    /* draft-ietf-quic-reliable-stream-reset-10 §5: what lies beyond is not sent again, and a FIN
     * would only say once more what the reset says. */
    buffer->fin_queued = false;
    (void)leat_range_set_remove(&buffer->lost, reliable_end, UINT64_MAX);
    leat_range *hull = &buffer->lost_hull;
    hull->end = hull->end < reliable_end ? hull->end : reliable_end;
    hull->start = hull->start < hull->end ? hull->start : hull->end;
}

bool leat_send_buffer_is_reliable_sent(const leat_send_buffer *buffer) {
    return leat_send_buffer_is_cut(buffer) && buffer->sent_end >= buffer->reliable_end;
}

bool leat_send_buffer_is_reliable_acked(const leat_send_buffer *buffer) {
    return leat_send_buffer_is_cut(buffer) && buffer->base >= buffer->reliable_end;
}
