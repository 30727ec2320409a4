/* Reassembly, by example and against a model of one flag per byte: quic/stream/recv_buffer.c. */
#include "base/bytes.h"
#include "leat_test.h"
#include "quic/stream/recv_buffer.h"

static leat_recv_buffer make(uint64_t limit) {
    leat_recv_buffer buffer;
    leat_recv_buffer_init(&buffer, NULL, limit);
    return buffer;
}

static leat_insert_status insert(
    leat_recv_buffer *buffer, uint64_t offset, const char *text, bool fin) {
    return leat_recv_buffer_insert(buffer, offset, (const uint8_t *)text, strlen(text), fin);
}

/* Takes everything readable and compares it with `text`. */
static void assert_read(leat_recv_buffer *buffer, const char *text) {
    char got[4096];
    size_t length = 0;
    for (leat_span span; (span = leat_recv_buffer_readable(buffer)).length > 0;) {
        memcpy(got + length, span.data, span.length);
        length += span.length;
        leat_recv_buffer_consume(buffer, span.length);
    }
    got[length] = '\0';
    ck_assert_str_eq(got, text);
}

START_TEST(bytes_in_order_are_readable_at_once) {
    leat_recv_buffer buffer = make(1000);
    ck_assert_int_eq(insert(&buffer, 0, "hello ", false), LEAT_INSERT_OK);
    ck_assert_int_eq(insert(&buffer, 6, "world", false), LEAT_INSERT_OK);
    assert_read(&buffer, "hello world");
    leat_recv_buffer_clear(&buffer);
}
END_TEST

/* TEST RFC 9000 §2.2-1: delivered in order whatever the order of arrival. */
START_TEST(bytes_out_of_order_wait_for_the_gap_to_close) {
    leat_recv_buffer buffer = make(1000);
    insert(&buffer, 6, "world", false);
    ck_assert_uint_eq(leat_recv_buffer_readable(&buffer).length, 0);
    insert(&buffer, 0, "hello ", false);
    assert_read(&buffer, "hello world");
    leat_recv_buffer_clear(&buffer);
}
END_TEST

/* E3: the first copy of a byte wins, at the front, in the middle and at the end. */
START_TEST(overlapping_bytes_do_not_replace_what_came_first) {
    leat_recv_buffer buffer = make(1000);
    insert(&buffer, 0, "ab", false);
    insert(&buffer, 4, "ef", false);
    insert(&buffer, 8, "ij", false);
    insert(&buffer, 0, "XXcdXXghXXkl", false);
    assert_read(&buffer, "abcdefghijkl");
    leat_recv_buffer_clear(&buffer);
}
END_TEST

START_TEST(bytes_already_consumed_are_ignored) {
    leat_recv_buffer buffer = make(1000);
    insert(&buffer, 0, "abc", false);
    assert_read(&buffer, "abc");
    ck_assert_int_eq(insert(&buffer, 1, "XXde", false), LEAT_INSERT_OK);
    assert_read(&buffer, "de");
    leat_recv_buffer_clear(&buffer);
}
END_TEST

START_TEST(the_end_comes_after_the_last_byte_is_consumed) {
    leat_recv_buffer buffer = make(1000);
    insert(&buffer, 3, "def", true);
    ck_assert(leat_recv_buffer_is_size_known(&buffer));
    ck_assert(!leat_recv_buffer_is_complete(&buffer));
    insert(&buffer, 0, "abc", false);
    ck_assert(leat_recv_buffer_is_complete(&buffer));
    ck_assert(!leat_recv_buffer_is_at_end(&buffer));
    assert_read(&buffer, "abcdef");
    ck_assert(leat_recv_buffer_is_at_end(&buffer));
    leat_recv_buffer_clear(&buffer);
}
END_TEST

START_TEST(an_empty_frame_can_end_the_stream) {
    leat_recv_buffer buffer = make(1000);
    insert(&buffer, 0, "abc", false);
    ck_assert_int_eq(insert(&buffer, 3, "", true), LEAT_INSERT_OK);
    assert_read(&buffer, "abc");
    ck_assert(leat_recv_buffer_is_at_end(&buffer));
    leat_recv_buffer_clear(&buffer);
}
END_TEST

/* TEST RFC 9000 §4.5-3: another final size, higher or lower, is an error. */
START_TEST(the_final_size_cannot_change) {
    leat_recv_buffer buffer = make(1000);
    insert(&buffer, 0, "abc", true);
    ck_assert_int_eq(insert(&buffer, 0, "abcd", true), LEAT_INSERT_FINAL_SIZE);
    ck_assert_int_eq(insert(&buffer, 0, "ab", true), LEAT_INSERT_FINAL_SIZE);
    ck_assert_int_eq(insert(&buffer, 0, "abc", true), LEAT_INSERT_OK);
    leat_recv_buffer_clear(&buffer);
}
END_TEST

/* TEST RFC 9000 §4.5-3: a final size below what has arrived is an error. */
START_TEST(the_final_size_is_not_below_what_has_arrived) {
    leat_recv_buffer buffer = make(1000);
    insert(&buffer, 5, "f", false);
    ck_assert_int_eq(insert(&buffer, 0, "abc", true), LEAT_INSERT_FINAL_SIZE);
    ck_assert_int_eq(leat_recv_buffer_reset(&buffer, 5), LEAT_INSERT_FINAL_SIZE);
    leat_recv_buffer_clear(&buffer);
}
END_TEST

/* TEST RFC 9000 §4.5-4: bytes beyond the final size are an error, also after all was read. */
START_TEST(bytes_beyond_the_final_size_are_an_error_even_after_the_end) {
    leat_recv_buffer buffer = make(1000);
    insert(&buffer, 0, "abc", true);
    assert_read(&buffer, "abc");
    ck_assert_int_eq(insert(&buffer, 3, "d", false), LEAT_INSERT_FINAL_SIZE);
    ck_assert_int_eq(insert(&buffer, 3, "", false), LEAT_INSERT_OK);
    leat_recv_buffer_clear(&buffer);
}
END_TEST

START_TEST(a_reset_fixes_the_size_and_keeps_the_bytes_until_they_are_dropped) {
    leat_recv_buffer buffer = make(1000);
    insert(&buffer, 0, "abc", false);
    ck_assert_int_eq(leat_recv_buffer_reset(&buffer, 10), LEAT_INSERT_OK);
    ck_assert_uint_eq(leat_recv_buffer_readable(&buffer).length, 3);
    ck_assert_uint_eq(buffer.highest, 10);
    leat_recv_buffer_discard(&buffer);
    ck_assert_int_eq(leat_recv_buffer_reset(&buffer, 11), LEAT_INSERT_FINAL_SIZE);
    ck_assert_int_eq(leat_recv_buffer_reset(&buffer, 10), LEAT_INSERT_OK);
    ck_assert_int_eq(insert(&buffer, 5, "f", false), LEAT_INSERT_OK);
    ck_assert_uint_eq(leat_recv_buffer_readable(&buffer).length, 0);
    leat_recv_buffer_clear(&buffer);
}
END_TEST

START_TEST(a_discarded_buffer_keeps_checking_offsets_and_ends_with_its_size) {
    leat_recv_buffer buffer = make(1000);
    insert(&buffer, 0, "abc", false);
    leat_recv_buffer_discard(&buffer);
    insert(&buffer, 10, "klm", false);
    ck_assert_uint_eq(leat_recv_buffer_readable(&buffer).length, 0);
    ck_assert(!leat_recv_buffer_is_at_end(&buffer));
    ck_assert_int_eq(insert(&buffer, 0, "abc", true), LEAT_INSERT_FINAL_SIZE);
    ck_assert_int_eq(insert(&buffer, 13, "", true), LEAT_INSERT_OK);
    ck_assert(leat_recv_buffer_is_at_end(&buffer));
    leat_recv_buffer_clear(&buffer);
}
END_TEST

START_TEST(growth_counts_only_bytes_above_the_highest) {
    leat_recv_buffer buffer = make(1000);
    insert(&buffer, 10, "klm", false);
    ck_assert_uint_eq(leat_recv_buffer_growth(&buffer, 0, 13), 0);
    ck_assert_uint_eq(leat_recv_buffer_growth(&buffer, 12, 5), 4);
    ck_assert_uint_eq(leat_recv_buffer_growth(&buffer, 20, 5), 12);
    leat_recv_buffer_clear(&buffer);
}
END_TEST

/* RFC 9000 §7.5: what CRYPTO streams need. */
START_TEST(bytes_too_far_ahead_are_refused_and_change_nothing) {
    leat_recv_buffer buffer = make(10);
    ck_assert_int_eq(insert(&buffer, 8, "ij", false), LEAT_INSERT_OK);
    ck_assert_int_eq(insert(&buffer, 9, "XX", false), LEAT_INSERT_TOO_FAR);
    ck_assert_uint_eq(buffer.highest, 10);
    insert(&buffer, 0, "abcdefgh", false);
    assert_read(&buffer, "abcdefghij");
    ck_assert_int_eq(insert(&buffer, 10, "klmnopqrst", false), LEAT_INSERT_OK);
    leat_recv_buffer_clear(&buffer);
}
END_TEST

/*
 * E1, TEST RFC 9000 §2.2-1: every other byte of the window, from above and below: memory stays
 * within twice the span.
 */
static void send_every_other_byte(leat_recv_buffer *buffer, bool descending, size_t span) {
    for (size_t i = 0; i < span / 2; i++) {
        uint64_t offset = 2 * (descending ? span / 2 - 1 - i : i) + 1;
        leat_insert_status status = insert(buffer, offset, "x", false);
        ck_assert(status == LEAT_INSERT_OK || status == LEAT_INSERT_TOO_SPARSE);
    }
}

START_TEST(sparse_bytes_are_bounded_in_ranges_and_memory) {
    for (int descending = 0; descending < 2; descending++) {
        test_memory memory;
        test_memory_init(&memory);
        leat_recv_buffer buffer;
        leat_recv_buffer_init(&buffer, &memory.allocator, 65536);
        send_every_other_byte(&buffer, descending != 0, 65536);
        ck_assert_uint_eq(buffer.ahead.count, LEAT_RECV_RANGES_MAX);
        ck_assert_uint_le(memory.bytes_live, 2 * 65536);
        leat_recv_buffer_clear(&buffer);
        ck_assert_uint_eq(memory.live, 0);
    }
}
END_TEST

START_TEST(a_sparse_range_that_is_refused_leaves_the_bytes_before_it_intact) {
    leat_recv_buffer buffer = make(65536);
    send_every_other_byte(&buffer, false, 65536);
    ck_assert_int_eq(insert(&buffer, 60001, "y", false), LEAT_INSERT_TOO_SPARSE);
    insert(&buffer, 0, "abcd", false);
    assert_read(&buffer, "axcx");
    leat_recv_buffer_clear(&buffer);
}
END_TEST

/* E14: empty frames hold nothing. */
START_TEST(empty_frames_allocate_nothing) {
    test_memory memory;
    test_memory_init(&memory);
    leat_recv_buffer buffer;
    leat_recv_buffer_init(&buffer, &memory.allocator, 1000);
    for (size_t i = 0; i < 1000; i++) {
        ck_assert_int_eq(insert(&buffer, i % 7, "", false), LEAT_INSERT_OK);
    }
    ck_assert_uint_eq(memory.allocations, 0);
    leat_recv_buffer_clear(&buffer);
}
END_TEST

START_TEST(a_drained_buffer_holds_little_and_an_ended_one_nothing) {
    test_memory memory;
    test_memory_init(&memory);
    leat_recv_buffer buffer;
    leat_recv_buffer_init(&buffer, &memory.allocator, 100000);
    static const uint8_t zeros[60000];
    leat_recv_buffer_insert(&buffer, 0, zeros, sizeof zeros, false);
    leat_recv_buffer_consume(&buffer, sizeof zeros);
    ck_assert_uint_le(memory.bytes_live, 2048);
    leat_recv_buffer_insert(&buffer, sizeof zeros, zeros, 100, true);
    leat_recv_buffer_consume(&buffer, 100);
    ck_assert_uint_eq(memory.bytes_live, 0);
    leat_recv_buffer_clear(&buffer);
}
END_TEST

START_TEST(offsets_near_two_to_the_62_do_not_wrap) {
    leat_recv_buffer buffer = make(1000);
    ck_assert_int_eq(insert(&buffer, LEAT_VARINT_MAX - 3, "abc", false), LEAT_INSERT_TOO_FAR);
    leat_recv_buffer_clear(&buffer);
    buffer = make(LEAT_VARINT_MAX);
    buffer.consumed = buffer.contiguous_end = LEAT_VARINT_MAX - 3;
    ck_assert_int_eq(insert(&buffer, LEAT_VARINT_MAX - 3, "abc", true), LEAT_INSERT_OK);
    assert_read(&buffer, "abc");
    leat_recv_buffer_clear(&buffer);
}
END_TEST

START_TEST(without_memory_an_insert_changes_nothing) {
    for (size_t fail_at = 1; fail_at <= 4; fail_at++) {
        test_memory memory;
        test_memory_init(&memory);
        leat_recv_buffer buffer;
        leat_recv_buffer_init(&buffer, &memory.allocator, 100000);
        memory.fail_at = fail_at;
        static const uint8_t letters[] = "0123456789";
        for (uint64_t offset = 0; offset < 3000; offset += 10) {
            uint64_t at = 2990 - offset; /* backwards, so that the range set is used as well */
            leat_insert_status status = leat_recv_buffer_insert(&buffer, at, letters, 10, false);
            if (status == LEAT_INSERT_NOMEM) {
                status = leat_recv_buffer_insert(&buffer, at, letters, 10, false);
            }
            ck_assert_int_eq(status, LEAT_INSERT_OK);
        }
        ck_assert_uint_eq(leat_recv_buffer_readable_total(&buffer), 3000);
        leat_recv_buffer_clear(&buffer);
        ck_assert_uint_eq(memory.live, 0);
    }
}
END_TEST

/* ---- the model ---- */

#define MODEL_BYTES 4000

typedef struct model {
    uint64_t seed;
    leat_recv_buffer buffer;
    bool held[MODEL_BYTES];
    uint8_t bytes[MODEL_BYTES];
    uint64_t consumed;
} model;

static size_t below(model *m, size_t bound) {
    uint32_t value;
    test_random(&m->seed, (uint8_t *)&value, sizeof value);
    return value % bound;
}

static void model_insert(model *m) {
    uint8_t data[300];
    size_t length = below(m, sizeof data);
    uint64_t offset = below(m, MODEL_BYTES - length);
    test_random(&m->seed, data, length);
    ck_assert_int_eq(
        leat_recv_buffer_insert(&m->buffer, offset, data, length, false), LEAT_INSERT_OK);
    for (size_t i = 0; i < length; i++) {
        m->bytes[offset + i] = m->held[offset + i] ? m->bytes[offset + i] : data[i];
        m->held[offset + i] = true;
    }
}

static void model_read(model *m) {
    leat_span span = leat_recv_buffer_readable(&m->buffer);
    size_t length = span.length == 0 ? 0 : below(m, span.length + 1);
    ck_assert(length == 0 || memcmp(span.data, m->bytes + m->consumed, length) == 0);
    leat_recv_buffer_consume(&m->buffer, length);
    m->consumed += length;
}

START_TEST(it_agrees_with_a_model_of_one_flag_per_byte) {
    for (uint64_t seed = 1; seed <= 300; seed++) {
        model m = {.seed = seed};
        leat_recv_buffer_init(&m.buffer, NULL, MODEL_BYTES);
        for (size_t step = 0; step < 200; step++) {
            model_insert(&m);
            model_read(&m);
            uint64_t contiguous = m.consumed;
            while (contiguous < MODEL_BYTES && m.held[contiguous]) {
                contiguous++;
            }
            ck_assert_msg(
                m.buffer.contiguous_end == contiguous, "seed %d step %zu", (int)seed, step);
        }
        leat_recv_buffer_clear(&m.buffer);
    }
}
END_TEST

LEAT_TEST_MAIN("quic/stream recv_buffer", bytes_in_order_are_readable_at_once,
    bytes_out_of_order_wait_for_the_gap_to_close, overlapping_bytes_do_not_replace_what_came_first,
    bytes_already_consumed_are_ignored, the_end_comes_after_the_last_byte_is_consumed,
    an_empty_frame_can_end_the_stream, the_final_size_cannot_change,
    the_final_size_is_not_below_what_has_arrived,
    bytes_beyond_the_final_size_are_an_error_even_after_the_end,
    a_reset_fixes_the_size_and_keeps_the_bytes_until_they_are_dropped,
    a_discarded_buffer_keeps_checking_offsets_and_ends_with_its_size,
    growth_counts_only_bytes_above_the_highest, bytes_too_far_ahead_are_refused_and_change_nothing,
    sparse_bytes_are_bounded_in_ranges_and_memory,
    a_sparse_range_that_is_refused_leaves_the_bytes_before_it_intact, empty_frames_allocate_nothing,
    a_drained_buffer_holds_little_and_an_ended_one_nothing, offsets_near_two_to_the_62_do_not_wrap,
    without_memory_an_insert_changes_nothing, it_agrees_with_a_model_of_one_flag_per_byte)
