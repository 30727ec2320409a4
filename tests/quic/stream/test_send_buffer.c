/*
 * The send buffer, by example and against a model of one state per byte: quic/stream/send_buffer.c.
 */
#include "base/bytes.h"
#include "leat_test.h"
#include "quic/stream/send_buffer.h"

#define NO_LIMIT LEAT_VARINT_MAX

static uint8_t pattern(uint64_t offset) {
    return (uint8_t)(offset * 31 + (offset >> 8));
}

static size_t append(leat_send_buffer *buffer, size_t length) {
    static uint8_t data[70000];
    ck_assert_uint_le(length, sizeof data);
    for (size_t i = 0; i < length; i++) {
        data[i] = pattern(buffer->end + i);
    }
    size_t taken;
    ck_assert_int_eq(leat_send_buffer_append(buffer, data, length, &taken), LEAT_OK);
    return taken;
}

static void assert_bytes(const leat_send_buffer *buffer, uint64_t offset, size_t length) {
    static uint8_t data[70000];
    leat_send_buffer_copy(buffer, offset, length, data);
    size_t same = 0;
    while (same < length && data[same] == pattern(offset + same)) {
        same++;
    }
    ck_assert_uint_eq(same, length);
}

/* Sends the next range and returns it; fails the test when there is none. */
static leat_send_range send_next(leat_send_buffer *buffer, size_t max_length, uint64_t credit_end) {
    leat_send_range range;
    ck_assert(leat_send_buffer_next(buffer, max_length, credit_end, &range));
    assert_bytes(buffer, range.offset, range.length);
    leat_send_buffer_on_sent(buffer, range.offset, range.length, range.fin);
    return range;
}

static leat_send_buffer make(size_t limit) {
    leat_send_buffer buffer;
    leat_send_buffer_init(&buffer, NULL, limit);
    return buffer;
}

START_TEST(append_takes_what_fits_below_the_limit) {
    leat_send_buffer buffer = make(1000);
    ck_assert_uint_eq(append(&buffer, 600), 600);
    ck_assert_uint_eq(append(&buffer, 600), 400);
    ck_assert_uint_eq(append(&buffer, 600), 0);
    ck_assert_uint_eq(leat_send_buffer_room(&buffer), 0);
    leat_send_buffer_clear(&buffer);
}
END_TEST

START_TEST(acknowledged_bytes_make_room) {
    leat_send_buffer buffer = make(1000);
    append(&buffer, 1000);
    send_next(&buffer, 1000, NO_LIMIT);
    leat_send_buffer_on_acked(&buffer, 0, 300, false);
    ck_assert_uint_eq(leat_send_buffer_room(&buffer), 300);
    ck_assert_uint_eq(append(&buffer, 500), 300);
    assert_bytes(&buffer, 300, 1000);
    leat_send_buffer_clear(&buffer);
}
END_TEST

/* TEST RFC 9000 §4.1-1: new bytes stop at the credit. */
START_TEST(new_bytes_stop_at_the_credit) {
    leat_send_buffer buffer = make(1000);
    append(&buffer, 500);
    leat_send_range range = send_next(&buffer, 1000, 200);
    ck_assert_uint_eq(range.length, 200);
    ck_assert(range.is_new);
    ck_assert(!leat_send_buffer_has_to_send(&buffer, 200));
    ck_assert(leat_send_buffer_is_blocked(&buffer, 200));
    ck_assert(!leat_send_buffer_is_blocked(&buffer, 201));
    leat_send_buffer_clear(&buffer);
}
END_TEST

START_TEST(resent_bytes_need_no_credit_and_do_not_count_as_new) {
    leat_send_buffer buffer = make(1000);
    append(&buffer, 300);
    send_next(&buffer, 300, 300);
    leat_send_buffer_on_lost(&buffer, 100, 50, false);
    leat_send_range range = send_next(&buffer, 1000, 300);
    ck_assert_uint_eq(range.offset, 100);
    ck_assert_uint_eq(range.length, 50);
    ck_assert(!range.is_new);
    leat_send_buffer_clear(&buffer);
}
END_TEST

/* TEST RFC 9000 §13.3-4: lost bytes go before new ones. */
START_TEST(lost_bytes_go_before_new_ones) {
    leat_send_buffer buffer = make(1000);
    append(&buffer, 300);
    send_next(&buffer, 200, NO_LIMIT);
    leat_send_buffer_on_lost(&buffer, 0, 10, false);
    ck_assert_uint_eq(send_next(&buffer, 100, NO_LIMIT).offset, 0);
    ck_assert_uint_eq(send_next(&buffer, 100, NO_LIMIT).offset, 200);
    leat_send_buffer_clear(&buffer);
}
END_TEST

START_TEST(a_lost_range_is_resent_in_pieces_that_fit) {
    leat_send_buffer buffer = make(1000);
    append(&buffer, 300);
    send_next(&buffer, 300, NO_LIMIT);
    leat_send_buffer_on_lost(&buffer, 0, 300, false);
    for (uint64_t offset = 0; offset < 300; offset += 100) {
        ck_assert_uint_eq(send_next(&buffer, 100, NO_LIMIT).offset, offset);
    }
    ck_assert(!leat_send_buffer_has_to_send(&buffer, NO_LIMIT));
    leat_send_buffer_clear(&buffer);
}
END_TEST

/*
 * TEST RFC 9000 §13.3-6: what one copy has delivered is not sent again when another copy is lost.
 */
START_TEST(acknowledged_bytes_are_not_resent_when_another_copy_is_lost) {
    leat_send_buffer buffer = make(1000);
    append(&buffer, 300);
    send_next(&buffer, 300, NO_LIMIT);
    leat_send_buffer_on_acked(&buffer, 100, 100, false);
    leat_send_buffer_on_lost(&buffer, 0, 300, false);
    leat_send_range first = send_next(&buffer, 1000, NO_LIMIT);
    ck_assert_uint_eq(first.offset, 0);
    ck_assert_uint_eq(first.length, 100);
    leat_send_range second = send_next(&buffer, 1000, NO_LIMIT);
    ck_assert_uint_eq(second.offset, 200);
    ck_assert_uint_eq(second.length, 100);
    ck_assert(!leat_send_buffer_has_to_send(&buffer, NO_LIMIT));
    leat_send_buffer_clear(&buffer);
}
END_TEST

START_TEST(a_late_acknowledgment_takes_bytes_off_the_lost_list) {
    leat_send_buffer buffer = make(1000);
    append(&buffer, 300);
    send_next(&buffer, 300, NO_LIMIT);
    leat_send_buffer_on_lost(&buffer, 0, 300, false);
    leat_send_buffer_on_acked(&buffer, 0, 300, false);
    ck_assert(!leat_send_buffer_has_to_send(&buffer, NO_LIMIT));
    leat_send_buffer_clear(&buffer);
}
END_TEST

START_TEST(the_end_rides_on_the_last_bytes) {
    leat_send_buffer buffer = make(1000);
    append(&buffer, 300);
    leat_send_buffer_finish(&buffer);
    ck_assert(!send_next(&buffer, 200, NO_LIMIT).fin);
    leat_send_range last = send_next(&buffer, 200, NO_LIMIT);
    ck_assert(last.fin);
    ck_assert(leat_send_buffer_is_all_sent(&buffer));
    ck_assert(!leat_send_buffer_has_to_send(&buffer, NO_LIMIT));
    leat_send_buffer_clear(&buffer);
}
END_TEST

START_TEST(the_end_alone_is_a_range_of_no_bytes_and_needs_no_credit) {
    leat_send_buffer buffer = make(1000);
    append(&buffer, 100);
    send_next(&buffer, 100, 100);
    leat_send_buffer_finish(&buffer);
    leat_send_range end = send_next(&buffer, 0, 100);
    ck_assert_uint_eq(end.offset, 100);
    ck_assert_uint_eq(end.length, 0);
    ck_assert(end.fin && !end.is_new);
    leat_send_buffer_clear(&buffer);
}
END_TEST

START_TEST(a_lost_end_is_sent_again) {
    leat_send_buffer buffer = make(1000);
    leat_send_buffer_finish(&buffer);
    send_next(&buffer, 10, 0);
    leat_send_buffer_on_lost(&buffer, 0, 0, true);
    ck_assert(send_next(&buffer, 10, 0).fin);
    leat_send_buffer_on_acked(&buffer, 0, 0, true);
    leat_send_buffer_on_lost(&buffer, 0, 0, true);
    ck_assert(!leat_send_buffer_has_to_send(&buffer, 0));
    ck_assert(leat_send_buffer_is_all_acked(&buffer));
    leat_send_buffer_clear(&buffer);
}
END_TEST

START_TEST(all_is_acknowledged_only_with_every_byte_and_the_end) {
    leat_send_buffer buffer = make(1000);
    append(&buffer, 100);
    leat_send_buffer_finish(&buffer);
    send_next(&buffer, 100, NO_LIMIT);
    leat_send_buffer_on_acked(&buffer, 50, 50, true);
    ck_assert(!leat_send_buffer_is_all_acked(&buffer));
    leat_send_buffer_on_acked(&buffer, 0, 50, false);
    ck_assert(leat_send_buffer_is_all_acked(&buffer));
    leat_send_buffer_clear(&buffer);
}
END_TEST

START_TEST(nothing_is_taken_after_the_end) {
    leat_send_buffer buffer = make(1000);
    size_t taken;
    ck_assert_int_eq(leat_send_buffer_finish(&buffer), LEAT_OK);
    ck_assert_int_eq(leat_send_buffer_finish(&buffer), LEAT_ERR_STATE);
    ck_assert_int_eq(
        leat_send_buffer_append(&buffer, (const uint8_t *)"x", 1, &taken), LEAT_ERR_STATE);
    ck_assert_uint_eq(taken, 0);
    leat_send_buffer_clear(&buffer);
}
END_TEST

START_TEST(after_discard_nothing_is_sent_and_late_verdicts_do_nothing) {
    leat_send_buffer buffer = make(1000);
    append(&buffer, 300);
    leat_send_buffer_finish(&buffer);
    send_next(&buffer, 300, NO_LIMIT);
    leat_send_buffer_on_lost(&buffer, 0, 100, false);
    leat_send_buffer_discard(&buffer);
    leat_send_buffer_on_lost(&buffer, 0, 300, true);
    leat_send_buffer_on_acked(&buffer, 0, 200, false);
    ck_assert(!leat_send_buffer_has_to_send(&buffer, NO_LIMIT));
    ck_assert_uint_eq(buffer.sent_end, 300);
    leat_send_buffer_clear(&buffer);
}
END_TEST

START_TEST(a_drained_buffer_holds_little_memory) {
    test_memory memory;
    test_memory_init(&memory);
    leat_send_buffer buffer;
    leat_send_buffer_init(&buffer, &memory.allocator, 65536);
    append(&buffer, 60000);
    send_next(&buffer, 60000, NO_LIMIT);
    leat_send_buffer_on_acked(&buffer, 0, 60000, false);
    ck_assert_uint_le(memory.bytes_live, 512);
    leat_send_buffer_clear(&buffer);
    ck_assert_uint_eq(memory.live, 0);
}
END_TEST

/*
 * The peer acknowledges every other byte, far more ranges than the bookkeeping holds: all still
 * gets through.
 */
START_TEST(more_ranges_than_the_bound_only_cost_resending) {
    leat_send_buffer buffer = make(10000);
    append(&buffer, 6 * LEAT_SEND_RANGES_MAX);
    leat_send_buffer_finish(&buffer);
    send_next(&buffer, 10000, NO_LIMIT);
    for (uint64_t offset = 1; offset < buffer.end; offset += 2) {
        leat_send_buffer_on_acked(&buffer, offset, 1, false);
    }
    for (uint64_t offset = 0; offset < buffer.end; offset += 2) {
        leat_send_buffer_on_lost(&buffer, offset, 1, false);
    }
    ck_assert_uint_le(buffer.acked.count, LEAT_SEND_RANGES_MAX);
    ck_assert_uint_le(buffer.lost.count, LEAT_SEND_RANGES_MAX);
    leat_send_range range;
    for (size_t steps = 0; leat_send_buffer_next(&buffer, 100, NO_LIMIT, &range); steps++) {
        ck_assert_uint_lt(steps, 10000);
        leat_send_buffer_on_sent(&buffer, range.offset, range.length, range.fin);
        leat_send_buffer_on_acked(&buffer, range.offset, range.length, range.fin);
    }
    ck_assert(leat_send_buffer_is_all_acked(&buffer));
    leat_send_buffer_clear(&buffer);
}
END_TEST

/* ---- the model ---- */

#define MODEL_BYTES 3000
#define IN_FLIGHT_MAX 64
typedef enum byte_state { UNSENT, FLYING, LOST, ACKED } byte_state;

typedef struct model {
    uint64_t seed;
    leat_send_buffer buffer;
    uint8_t bytes[MODEL_BYTES];
    leat_send_range flying[IN_FLIGHT_MAX];
    size_t flying_count;
    uint64_t credit;
} model;

static size_t below(model *m, size_t bound) {
    uint32_t value;
    test_random(&m->seed, (uint8_t *)&value, sizeof value);
    return bound == 0 ? 0 : value % bound;
}

static void model_send(model *m) {
    leat_send_range range;
    if (m->flying_count == IN_FLIGHT_MAX ||
        !leat_send_buffer_next(&m->buffer, 1 + below(m, 200), m->credit, &range)) {
        return;
    }
    for (uint64_t at = range.offset; at < range.offset + range.length; at++) {
        ck_assert_int_eq(m->bytes[at], range.is_new ? UNSENT : LOST);
        m->bytes[at] = FLYING;
    }
    ck_assert(!range.is_new || range.offset + range.length <= m->credit);
    assert_bytes(&m->buffer, range.offset, range.length);
    leat_send_buffer_on_sent(&m->buffer, range.offset, range.length, range.fin);
    m->flying[m->flying_count++] = range;
}

/* A probe repeats what is in flight, whatever became of parts of it. */
static void model_probe(model *m) {
    if (m->flying_count == 0 || m->flying_count == IN_FLIGHT_MAX) {
        return;
    }
    leat_send_range range = m->flying[below(m, m->flying_count)];
    for (uint64_t at = range.offset; at < range.offset + range.length; at++) {
        m->bytes[at] = m->bytes[at] == ACKED ? ACKED : FLYING;
    }
    leat_send_buffer_on_sent(&m->buffer, range.offset, range.length, range.fin);
    m->flying[m->flying_count++] = range;
}

static void model_verdict(model *m, bool acked) {
    if (m->flying_count == 0) {
        return;
    }
    size_t chosen = below(m, m->flying_count);
    leat_send_range range = m->flying[chosen];
    for (uint64_t at = range.offset; at < range.offset + range.length; at++) {
        if (acked) {
            m->bytes[at] = ACKED;
        } else if (m->bytes[at] != ACKED) {
            m->bytes[at] = LOST;
        }
    }
    m->flying[chosen] = m->flying[--m->flying_count];
    if (acked) {
        leat_send_buffer_on_acked(&m->buffer, range.offset, range.length, range.fin);
    } else {
        leat_send_buffer_on_lost(&m->buffer, range.offset, range.length, range.fin);
    }
}

static void model_step(model *m) {
    size_t what = below(m, 10);
    if (what < 2) {
        size_t wanted = below(m, 300);
        append(&m->buffer,
            wanted < MODEL_BYTES - m->buffer.end ? wanted : MODEL_BYTES - (size_t)m->buffer.end);
    } else if (what < 6) {
        model_send(m);
    } else if (what < 7) {
        m->credit += below(m, 200);
        model_probe(m);
    } else {
        model_verdict(m, what != 7);
    }
    uint64_t base = 0;
    while (base < MODEL_BYTES && m->bytes[base] == ACKED) {
        base++;
    }
    ck_assert_uint_eq(m->buffer.base, base);
}

START_TEST(it_agrees_with_a_model_of_one_state_per_byte) {
    for (uint64_t seed = 1; seed <= 300; seed++) {
        model m = {.seed = seed};
        leat_send_buffer_init(&m.buffer, NULL, 700);
        for (size_t step = 0; step < 600; step++) {
            model_step(&m);
        }
        append(&m.buffer, 100 < MODEL_BYTES - m.buffer.end ? 100 : 0);
        leat_send_buffer_finish(&m.buffer);
        m.credit = NO_LIMIT;
        for (size_t step = 0; step < 5000 && !leat_send_buffer_is_all_acked(&m.buffer); step++) {
            model_send(&m);
            model_verdict(&m, below(&m, 10) != 0);
        }
        ck_assert_msg(leat_send_buffer_is_all_acked(&m.buffer), "seed %d", (int)seed);
        leat_send_buffer_clear(&m.buffer);
    }
}
END_TEST

/*
 * V6: whichever allocation fails, append says so, verdicts go on, and all bytes arrive in the end.
 */
START_TEST(each_failing_allocation_leaves_a_buffer_that_still_delivers) {
    for (size_t fail_at = 1; fail_at <= 12; fail_at++) {
        test_memory memory;
        test_memory_init(&memory);
        leat_send_buffer buffer;
        leat_send_buffer_init(&buffer, &memory.allocator, 4096);
        memory.fail_at = fail_at;
        uint8_t data[1000] = {0};
        for (size_t given = 0; given < 3000;) {
            size_t taken;
            int err = leat_send_buffer_append(&buffer, data, sizeof data, &taken);
            ck_assert(err == LEAT_OK || (err == LEAT_ERR_NOMEM && taken == 0));
            given += taken;
        }
        leat_send_buffer_finish(&buffer);
        leat_send_range range;
        while (leat_send_buffer_next(&buffer, 100, NO_LIMIT, &range)) {
            leat_send_buffer_on_sent(&buffer, range.offset, range.length, range.fin);
        }
        for (uint64_t offset = 100; offset < 3000; offset += 200) {
            leat_send_buffer_on_acked(&buffer, offset, 100, offset == 2900);
        }
        for (uint64_t offset = 0; offset < 3000; offset += 200) {
            leat_send_buffer_on_lost(&buffer, offset, 100, false);
        }
        while (leat_send_buffer_next(&buffer, 100, NO_LIMIT, &range)) {
            leat_send_buffer_on_sent(&buffer, range.offset, range.length, range.fin);
            leat_send_buffer_on_acked(&buffer, range.offset, range.length, range.fin);
        }
        ck_assert_msg(leat_send_buffer_is_all_acked(&buffer), "allocation %zu", fail_at);
        leat_send_buffer_clear(&buffer);
        ck_assert_uint_eq(memory.live, 0);
    }
}
END_TEST

LEAT_TEST_MAIN("quic/stream send_buffer", append_takes_what_fits_below_the_limit,
    acknowledged_bytes_make_room, new_bytes_stop_at_the_credit,
    resent_bytes_need_no_credit_and_do_not_count_as_new, lost_bytes_go_before_new_ones,
    a_lost_range_is_resent_in_pieces_that_fit,
    acknowledged_bytes_are_not_resent_when_another_copy_is_lost,
    a_late_acknowledgment_takes_bytes_off_the_lost_list, the_end_rides_on_the_last_bytes,
    the_end_alone_is_a_range_of_no_bytes_and_needs_no_credit, a_lost_end_is_sent_again,
    all_is_acknowledged_only_with_every_byte_and_the_end, nothing_is_taken_after_the_end,
    after_discard_nothing_is_sent_and_late_verdicts_do_nothing,
    a_drained_buffer_holds_little_memory, more_ranges_than_the_bound_only_cost_resending,
    it_agrees_with_a_model_of_one_state_per_byte,
    each_failing_allocation_leaves_a_buffer_that_still_delivers)
