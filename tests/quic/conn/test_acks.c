/* ACK frames of the peer, as a sender takes them: RFC 9000 §19.3. */
#include "../pair.h"

#define PACKETS 700

static uint64_t lost(pair *p) {
    leat_stats stats = {.size = sizeof stats};
    leat_conn_get_stats(pair_conn(p, PAIR_SERVER), &stats);
    return stats.packets_lost;
}

/* A server with PACKETS packets in flight that nobody received; returns the number of the last. */
static uint64_t fly(pair *p) {
    leat_conn *server = pair_conn(p, PAIR_SERVER);
    leat_conn_space *space = server->spaces[LEAT_SPACE_APPLICATION];
    p->link.black_hole[PAIR_CLIENT] = true;
    space->skip_pn = UINT64_MAX; /* each number is sent */
    for (unsigned i = 0; i < PACKETS; i++) {
        server->liveness.ping_due = true;
        server->send.is_dirty = true;
        pair_flush(p, PAIR_SERVER);
    }
    return space->next_pn - 1;
}

/* Acknowledges every second packet from `largest` downwards, in so many ranges. */
static void acknowledge_every_second(pair *p, uint64_t largest, unsigned ranges) {
    static uint8_t bytes[4096];
    leat_writer writer = leat_writer_make(bytes, sizeof bytes);
    leat_write_u8(&writer, 0x02);
    leat_write_varint(&writer, largest);
    leat_write_varint(&writer, 0);
    leat_write_varint(&writer, ranges - 1);
    leat_write_varint(&writer, 0);
    for (unsigned i = 1; i < ranges; i++) {
        leat_write_varint(&writer, 0);
        leat_write_varint(&writer, 0);
    }
    const leat_span frames = {bytes, leat_writer_length(&writer)};
    pair_raw_bytes(p, PAIR_CLIENT, LEAT_SPACE_APPLICATION, frames);
}

/* What is left out of 700 is lost, but for the one right below the largest (RFC 9002 §6.1.1). */
static void expect_used(unsigned ranges, unsigned used) {
    pair *p = pair_new();
    pair_handshake(p);
    uint64_t before = lost(p), largest = fly(p);
    acknowledge_every_second(p, largest, ranges);
    ck_assert(leat_conn_is_open(pair_conn(p, PAIR_SERVER)));
    ck_assert_uint_eq(lost(p) - before, PACKETS - used - 1);
    size_t sent = p->ends[PAIR_SERVER].datagrams_out;
    pair_send_text(p, PAIR_SERVER, true, "it goes on", true);
    pair_run_for(p, LEAT_SECOND);
    ck_assert_uint_gt(p->ends[PAIR_SERVER].datagrams_out, sent);
    pair_free(p);
}

START_TEST(as_many_ranges_as_there_is_room_for_are_used) { expect_used(256, 256); }
END_TEST

/* The older ones count as lost, which repeats their frames and loses nothing. */
START_TEST(of_more_ranges_the_newest_are_used) { expect_used(300, 256); }
END_TEST

LEAT_TEST_MAIN("quic/conn/acks", as_many_ranges_as_there_is_room_for_are_used,
               of_more_ranges_the_newest_are_used)
