/* The order of stream bytes on the wire: RFC 9218 §10, by what the trace says of frames sent. */
#include "../pair.h"

enum { STREAMS = 3, SIZE = 60000 };

static struct {
    char turns[4096];      /* IDs in the order of their frames, repetitions left out */
    uint64_t last;
    uint64_t sent[12];     /* bytes by ID */
    uint64_t widest;       /* the largest lead of a stream over another, while all had data */
} wire;

static uint64_t integer_of(const leat_trace_record *record, const char *name) {
    for (size_t i = 0; i < record->field_count; i++) {
        if (strcmp(record->fields[i].name, name) == 0) {
            return record->fields[i].integer;
        }
    }
    return 0;
}

static void note_lead(void) {
    const uint64_t sent[STREAMS] = {wire.sent[2], wire.sent[6], wire.sent[10]};
    uint64_t least = sent[0], most = sent[0];
    for (unsigned i = 1; i < STREAMS; i++) {
        least = sent[i] < least ? sent[i] : least;
        most = sent[i] > most ? sent[i] : most;
    }
    if (most < SIZE && most - least > wire.widest) {
        wire.widest = most - least;
    }
}

static void on_record(void *user, const leat_trace_record *record) {
    (void)user;
    if (strcmp(record->name, "frame_created") != 0 ||
        strncmp((const char *)record->fields[0].bytes.data, "stream", 6) != 0 ||
        record->fields[0].bytes.length != 6) {
        return;
    }
    uint64_t id = integer_of(record, "stream_id");
    wire.sent[id % 12] += integer_of(record, "length");
    note_lead();
    if (id != wire.last) {
        size_t used = strlen(wire.turns);
        snprintf(wire.turns + used, sizeof wire.turns - used, "%llu ", (unsigned long long)id);
        wire.last = id;
    }
}

static const leat_trace_sink sink = {.on_record = on_record};

/* Streams 2, 6 and 10 of the client with SIZE bytes each, the highest ID filled first. */
static pair *begin(const uint8_t urgency[STREAMS], bool incremental) {
    static uint8_t bytes[SIZE];
    pair *p = pair_new();
    p->ends[PAIR_CLIENT].config.trace = &sink;
    p->link.delay = 10 * LEAT_MILLISECOND;
    pair_handshake(p);
    leat_conn *client = pair_conn(p, PAIR_CLIENT);
    uint64_t ids[STREAMS];
    for (unsigned i = 0; i < STREAMS; i++) {
        ck_assert_int_eq(leat_conn_open_stream(client, true, &ids[i]), LEAT_OK);
        leat_conn_set_stream_priority(client, ids[i], urgency[i], incremental);
    }
    memset(&wire, 0, sizeof wire);
    for (unsigned i = STREAMS; i-- > 0;) {
        leat_conn_send_stream_data(client, ids[i], bytes, SIZE, true);
    }
    return p;
}

START_TEST(an_urgent_stream_keeps_the_others_waiting) {
    pair *p = begin((const uint8_t[]){7, 3, 0}, false);
    pair_run_for(p, 10 * LEAT_SECOND);
    ck_assert_str_eq(wire.turns, "10 6 2 ");
    pair_free(p);
    p = begin((const uint8_t[]){7, 3, 0}, true);
    pair_run_for(p, 10 * LEAT_SECOND);
    ck_assert_str_eq(wire.turns, "10 6 2 ");
    pair_free(p);
}
END_TEST

START_TEST(streams_that_are_not_incremental_finish_one_by_one) {
    pair *p = begin((const uint8_t[]){3, 3, 3}, false);
    pair_run_for(p, 10 * LEAT_SECOND);
    ck_assert_str_eq(wire.turns, "2 6 10 ");
    pair_free(p);
}
END_TEST

START_TEST(incremental_streams_get_equal_shares) {
    pair *p = begin((const uint8_t[]){3, 3, 3}, true);
    pair_run_for(p, 10 * LEAT_SECOND);
    ck_assert_uint_gt(strlen(wire.turns), 100);
    ck_assert_uint_le(wire.widest, 2 * 1252);
    pair_free(p);
}
END_TEST

START_TEST(a_priority_may_change_in_flight) {
    pair *p = begin((const uint8_t[]){3, 3, 3}, false);
    pair_run_for(p, 15 * LEAT_MILLISECOND);
    ck_assert_str_eq(wire.turns, "2 ");
    leat_conn *client = pair_conn(p, PAIR_CLIENT);
    ck_assert_int_eq(leat_conn_set_stream_priority(client, 10, 1, false), LEAT_OK);
    pair_run_for(p, 10 * LEAT_SECOND);
    ck_assert_str_eq(wire.turns, "2 10 2 6 ");
    pair_free(p);
}
END_TEST

/* Lost bytes go before new ones of their stream, and wait for more urgent streams as those do. */
START_TEST(lost_bytes_have_the_priority_of_their_stream) {
    pair *p = begin((const uint8_t[]){3, 3, 0}, false);
    p->link.loss = 10;
    pair_run_for(p, 20 * LEAT_SECOND);
    for (unsigned id = 2; id <= 10; id += 4) {
        ck_assert(pair_stream_of(p, PAIR_SERVER, id)->ended);
    }
    const char *first_of_2 = strstr(wire.turns, "2 "), *first_of_6 = strstr(wire.turns, "6 ");
    ck_assert(strncmp(wire.turns, "10 ", 3) == 0 && first_of_2 < first_of_6);
    pair_free(p);
}
END_TEST

LEAT_TEST_MAIN("quic/conn/priorities", an_urgent_stream_keeps_the_others_waiting,
               streams_that_are_not_incremental_finish_one_by_one,
               incremental_streams_get_equal_shares, a_priority_may_change_in_flight,
               lost_bytes_have_the_priority_of_their_stream)
