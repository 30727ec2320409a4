/* The ring of sent packets: quic/recovery/sent_packets.c. */
#include "leat_test.h"
#include "quic/recovery/sent_packets.h"

typedef struct fixture {
    test_memory memory;
    leat_slab slab;
    leat_sent_packets sent;
} fixture;

static void set_up(fixture *f) {
    test_memory_init(&f->memory);
    leat_slab_init(
        &f->slab, &f->memory.allocator, sizeof(leat_frame_record), LEAT_FRAME_RECORDS_KEPT);
    leat_sent_packets_init(&f->sent, &f->memory.allocator, &f->slab);
}

static void tear_down(fixture *f) {
    leat_sent_packets_clear(&f->sent);
    leat_slab_clear(&f->slab);
    ck_assert_uint_eq(f->memory.live, 0);
}

static size_t pop_all(fixture *f) {
    leat_sent_packet settled;
    size_t count = 0;
    while (leat_sent_packets_pop_settled(&f->sent, &settled)) {
        count++;
    }
    return count;
}

START_TEST(a_packet_is_found_by_its_number) {
    fixture f;
    set_up(&f);
    for (uint64_t pn = 0; pn < 100; pn++) {
        leat_sent_packets_append(&f.sent, pn)->sent_bytes = (uint32_t)pn;
    }
    for (uint64_t pn = 0; pn < 100; pn++) {
        ck_assert_uint_eq(leat_sent_packets_find(&f.sent, pn)->pn, pn);
        ck_assert_uint_eq(leat_sent_packets_find(&f.sent, pn)->sent_bytes, pn);
    }
    ck_assert_ptr_null(leat_sent_packets_find(&f.sent, 100));
    tear_down(&f);
}
END_TEST

START_TEST(numbers_left_out_are_skipped) {
    fixture f;
    set_up(&f);
    leat_sent_packets_append(&f.sent, 0);
    leat_sent_packets_append(&f.sent, 3);
    ck_assert_int_eq(leat_sent_packets_find(&f.sent, 2)->state, LEAT_SENT_SKIPPED);
    ck_assert(leat_sent_packets_has_unsent(&f.sent, 0, 4));
    ck_assert(leat_sent_packets_has_unsent(&f.sent, 2, 3));
    ck_assert(!leat_sent_packets_has_unsent(&f.sent, 3, 4));
    ck_assert(!leat_sent_packets_has_unsent(&f.sent, 0, 1));
    ck_assert(leat_sent_packets_has_unsent(&f.sent, 3, 5));
    tear_down(&f);
}
END_TEST

START_TEST(a_skipped_number_is_remembered_after_it_left_the_ring) {
    fixture f;
    set_up(&f);
    leat_sent_packets_append(&f.sent, 1);
    leat_sent_packets_settle(&f.sent, leat_sent_packets_find(&f.sent, 1), LEAT_SENT_ACKED);
    ck_assert_uint_eq(pop_all(&f), 2);
    leat_sent_packets_append(&f.sent, 2);
    ck_assert(leat_sent_packets_has_unsent(&f.sent, 0, 3));
    ck_assert(!leat_sent_packets_has_unsent(&f.sent, 1, 3));
    tear_down(&f);
}
END_TEST

START_TEST(settled_packets_leave_in_order_of_numbers) {
    fixture f;
    set_up(&f);
    for (uint64_t pn = 0; pn < 3; pn++) {
        leat_sent_packets_append(&f.sent, pn);
    }
    leat_sent_packets_settle(&f.sent, leat_sent_packets_find(&f.sent, 1), LEAT_SENT_ACKED);
    ck_assert_uint_eq(pop_all(&f), 0);
    leat_sent_packets_settle(&f.sent, leat_sent_packets_find(&f.sent, 0), LEAT_SENT_LOST);
    ck_assert_uint_eq(pop_all(&f), 2);
    ck_assert_ptr_null(leat_sent_packets_find(&f.sent, 1));
    ck_assert_uint_eq(leat_sent_packets_find(&f.sent, 2)->pn, 2);
    tear_down(&f);
}
END_TEST

START_TEST(records_keep_their_order_and_go_back_when_settled) {
    fixture f;
    set_up(&f);
    leat_frame_records records = {NULL, NULL};
    for (uint8_t kind = 1; kind <= 3; kind++) {
        ck_assert(leat_frame_records_add(&records, &f.slab, kind, 7, kind * 10u, 2, 3));
    }
    leat_sent_packet *packet = leat_sent_packets_append(&f.sent, 0);
    packet->records = records.first;
    uint8_t kind = 1;
    for (const leat_frame_record *record = packet->records; record != NULL; record = record->next) {
        ck_assert_uint_eq(record->a, kind * 10u);
        ck_assert_uint_eq(record->kind, kind++);
    }
    ck_assert_uint_eq(kind, 4);
    leat_sent_packets_settle(&f.sent, packet, LEAT_SENT_ACKED);
    ck_assert_uint_eq(f.slab.kept, 3);
    tear_down(&f);
}
END_TEST

START_TEST(dropped_records_go_back) {
    fixture f;
    set_up(&f);
    leat_frame_records records = {NULL, NULL};
    leat_frame_records_add(&records, &f.slab, 1, 0, 0, 0, 0);
    leat_frame_records_drop(&records, &f.slab);
    ck_assert_ptr_null(records.first);
    ck_assert_uint_eq(f.slab.kept, 1);
    tear_down(&f);
}
END_TEST

/*
 * Performance: a long stream of packets, acknowledged behind, allocates nothing once it is under
 * way.
 */
START_TEST(steady_traffic_allocates_nothing) {
    fixture f;
    set_up(&f);
    size_t allocations = 0;
    for (uint64_t pn = 0; pn < 10000; pn++) {
        leat_frame_records records = {NULL, NULL};
        leat_frame_records_add(&records, &f.slab, 1, 0, pn, 0, 0);
        leat_sent_packets_append(&f.sent, pn)->records = records.first;
        if (pn >= 50) {
            leat_sent_packets_settle(
                &f.sent, leat_sent_packets_find(&f.sent, pn - 50), LEAT_SENT_ACKED);
            pop_all(&f);
        }
        allocations = pn == 1000 ? f.memory.allocations : allocations;
    }
    ck_assert_uint_eq(f.memory.allocations, allocations);
    tear_down(&f);
}
END_TEST

/*
 * D4: a peer that acknowledges nothing: packets that nobody waits for make room, packets in flight
 * do not.
 */
START_TEST(at_the_bound_only_packets_out_of_flight_are_forgotten) {
    fixture f;
    set_up(&f);
    for (uint64_t pn = 0; pn < LEAT_SENT_PACKETS_MAX + 100; pn++) {
        leat_sent_packet *packet = leat_sent_packets_append(&f.sent, pn);
        ck_assert_ptr_nonnull(packet);
        packet->in_flight = packet->ack_eliciting = pn == 150;
        f.sent.ack_eliciting_outstanding += pn == 150;
    }
    ck_assert_uint_eq(f.sent.first_pn, 100);
    ck_assert(!leat_sent_packets_has_unsent(&f.sent, 50, 60));
    for (uint64_t pn = 0; pn < 50; pn++) {
        ck_assert_ptr_nonnull(leat_sent_packets_append(&f.sent, f.sent.next_pn));
    }
    ck_assert_ptr_null(leat_sent_packets_append(&f.sent, f.sent.next_pn));
    ck_assert_uint_eq(f.sent.ack_eliciting_outstanding, 1);
    tear_down(&f);
}
END_TEST

START_TEST(an_empty_ring_gives_its_memory_back_when_asked) {
    fixture f;
    set_up(&f);
    for (uint64_t pn = 0; pn < 1000; pn++) {
        leat_sent_packets_settle(&f.sent, leat_sent_packets_append(&f.sent, pn), LEAT_SENT_ACKED);
    }
    pop_all(&f);
    leat_sent_packets_append(&f.sent, 1000); /* an ACK */
    leat_sent_packets_trim(&f.sent);
    ck_assert_uint_eq(f.memory.live, 0);
    leat_sent_packets_append(&f.sent, 1001)->in_flight = true;
    leat_sent_packets_trim(&f.sent);
    ck_assert_uint_eq(leat_sent_packets_find(&f.sent, 1001)->pn, 1001);
    tear_down(&f);
}
END_TEST

START_TEST(without_memory_an_append_fails_and_the_number_is_skipped_later) {
    fixture f;
    set_up(&f);
    f.memory.fail_at = 1;
    ck_assert_ptr_null(leat_sent_packets_append(&f.sent, 0));
    ck_assert_ptr_nonnull(leat_sent_packets_append(&f.sent, 1));
    ck_assert(leat_sent_packets_has_unsent(&f.sent, 0, 1));
    ck_assert(!leat_sent_packets_has_unsent(&f.sent, 1, 2));
    tear_down(&f);
}
END_TEST

LEAT_TEST_MAIN("quic/recovery sent_packets", a_packet_is_found_by_its_number,
    numbers_left_out_are_skipped, a_skipped_number_is_remembered_after_it_left_the_ring,
    settled_packets_leave_in_order_of_numbers, records_keep_their_order_and_go_back_when_settled,
    dropped_records_go_back, steady_traffic_allocates_nothing,
    at_the_bound_only_packets_out_of_flight_are_forgotten,
    an_empty_ring_gives_its_memory_back_when_asked,
    without_memory_an_append_fails_and_the_number_is_skipped_later)
