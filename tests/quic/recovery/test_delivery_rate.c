/* Rates of flights by hand: delivery_rate.c, and what a controller is told after an ACK. */
#include "sender.h"

typedef struct witness {
    leat_rate_sample last;
    unsigned samples, losses;
} witness;

static void init(void *state, size_t max_datagram_size) {
    (void)state, (void)max_datagram_size;
}
static void on_acked(void *state, const leat_congestion_ack *ack) {
    (void)state, (void)ack;
}
static void on_lost(void *state, const leat_congestion_loss *loss) {
    witness *w = state;
    w->losses++;
    ck_assert_uint_eq(loss->lost, w->losses * UINT64_C(1200));
}
static void on_ack_end(void *state, const leat_rate_sample *sample) {
    witness *w = state;
    w->last = *sample;
    w->samples++;
}
static void on_congestion_event(void *state, const leat_congestion_event *event) {
    (void)state, (void)event;
}
static void on_persistent_congestion(void *state) {
    (void)state;
}
static uint64_t window(const void *state) {
    (void)state;
    return 1000000;
}

/* Only what must be there, and two listeners. */
static const leat_congestion_ops witness_ops = {
    .size = sizeof(leat_congestion_ops),
    .name = "witness",
    .state_size = sizeof(witness),
    .init = init,
    .on_acked = on_acked,
    .on_lost = on_lost,
    .on_ack_end = on_ack_end,
    .on_congestion_event = on_congestion_event,
    .on_persistent_congestion = on_persistent_congestion,
    .on_datagram_size = init,
    .window = window,
};

static const witness *seen(const sender *s) {
    return s->path.congestion.state;
}

START_TEST(a_table_with_what_must_be_there_is_complete) {
    ck_assert(leat_congestion_is_complete(&witness_ops));
    leat_congestion_ops lacking = witness_ops;
    lacking.window = NULL;
    ck_assert(!leat_congestion_is_complete(&lacking));
    lacking = witness_ops;
    lacking.size--;
    ck_assert(!leat_congestion_is_complete(&lacking));
}
END_TEST

START_TEST(what_a_controller_does_not_say_has_a_default) {
    sender s;
    sender_set_up_with(&s, &witness_ops, NULL);
    ck_assert_str_eq(leat_congestion_state_name(&s.path.congestion), "witness");
    ck_assert_uint_eq(leat_congestion_slow_start_threshold(&s.path.congestion), UINT64_MAX);
    sender_tear_down(&s);
}
END_TEST

/* Ten packets in 100 ms: 120 kB/s. */
START_TEST(a_flight_of_one_round_trip_is_a_rate) {
    sender s;
    sender_set_up_with(&s, &witness_ops, NULL);
    sender_send_many(&s, APP, 0, 9);
    s.now += 100 * MS;
    sender_ack(&s, APP, 0, 9);
    ck_assert_uint_eq(seen(&s)->samples, 1);
    ck_assert_uint_eq(seen(&s)->last.delivery_rate, 10 * MTU * 10);
    ck_assert_uint_eq(seen(&s)->last.newly_acked, 10 * MTU);
    ck_assert_uint_eq(seen(&s)->last.delivered, 10 * MTU);
    ck_assert_uint_eq(seen(&s)->last.prior_delivered, 0);
    ck_assert_uint_eq(seen(&s)->last.tx_in_flight, 10 * MTU);
    ck_assert_uint_eq(seen(&s)->last.rtt, 100 * MS);
    ck_assert_uint_eq(seen(&s)->last.bytes_in_flight, 0);
    sender_tear_down(&s);
}
END_TEST

/* Sent over 200 ms, acknowledged in one burst: the sending was no faster. */
START_TEST(bunched_acks_do_not_look_like_bandwidth) {
    sender s;
    sender_set_up_with(&s, &witness_ops, NULL);
    for (uint64_t pn = 0; pn < 11; pn++) {
        sender_send(&s, APP, pn);
        s.now += 20 * MS;
    }
    s.now += 80 * MS; /* the first one is 300 ms old, the last one 100 */
    sender_ack(&s, APP, 0, 10);
    ck_assert_uint_eq(seen(&s)->last.delivery_rate, UINT64_C(11) * MTU * 1000 / 300);
    sender_tear_down(&s);
}
END_TEST

/* The last packet left 300 ms after the one before it in the sample; its ACK came 180 ms later. */
START_TEST(nothing_is_delivered_faster_than_it_was_sent) {
    sender s;
    sender_set_up_with(&s, &witness_ops, NULL);
    for (uint64_t pn = 0; pn < 11; pn++) {
        s.now = START + pn * 20 * MS;
        sender_send(&s, APP, pn);
    }
    s.now = START + 300 * MS;
    sender_ack(&s, APP, 0, 4);
    s.now = START + 380 * MS;
    sender_send(&s, APP, 11);
    s.now = START + 480 * MS;
    sender_ack(&s, APP, 5, 11);
    ck_assert_uint_eq(seen(&s)->last.delivery_rate, UINT64_C(7) * MTU * 1000 / 300);
    sender_tear_down(&s);
}
END_TEST

START_TEST(idle_time_between_flights_does_not_count) {
    sender s;
    sender_set_up_with(&s, &witness_ops, NULL);
    sender_measure_rtt(&s, 0, 100 * MS);
    s.now += 10000 * MS;
    sender_send_many(&s, APP, 1, 10);
    s.now += 100 * MS;
    sender_ack(&s, APP, 1, 10);
    ck_assert_uint_eq(seen(&s)->last.delivery_rate, 10 * MTU * 10);
    ck_assert_uint_eq(seen(&s)->last.prior_delivered, MTU);
    sender_tear_down(&s);
}
END_TEST

START_TEST(losses_are_told_one_by_one_and_in_the_sample) {
    sender s;
    sender_set_up_with(&s, &witness_ops, NULL);
    sender_send_many(&s, APP, 0, 9);
    s.now += 100 * MS;
    sender_ack(&s, APP, 4, 9);
    ck_assert_uint_eq(seen(&s)->losses, 4);
    ck_assert_uint_eq(seen(&s)->last.newly_lost, 4 * MTU);
    ck_assert_uint_eq(seen(&s)->last.lost, 4 * MTU);
    ck_assert_uint_eq(seen(&s)->last.newly_acked, 6 * MTU);
    sender_tear_down(&s);
}
END_TEST

START_TEST(samples_are_app_limited_until_the_flight_of_the_gap_is_acknowledged) {
    sender s;
    sender_set_up_with(&s, &witness_ops, NULL);
    sender_send_many(&s, APP, 0, 1);
    leat_recovery_set_app_limited(&s.path, true);
    sender_send_many(&s, APP, 2, 3);
    s.now += 100 * MS;
    sender_ack(&s, APP, 0, 1);
    ck_assert(!seen(&s)->last.is_app_limited);
    leat_recovery_set_app_limited(&s.path, false);
    sender_ack(&s, APP, 2, 3);
    ck_assert(seen(&s)->last.is_app_limited);
    sender_send_many(&s, APP, 4, 5);
    s.now += 100 * MS;
    sender_ack(&s, APP, 4, 5);
    ck_assert(!seen(&s)->last.is_app_limited);
    sender_tear_down(&s);
}
END_TEST

START_TEST(packets_that_do_not_count_in_flight_make_no_sample) {
    sender s;
    sender_set_up_with(&s, &witness_ops, NULL);
    sender_send_plain(&s, APP, 0);
    s.now += 100 * MS;
    sender_ack(&s, APP, 0, 0);
    ck_assert_uint_eq(seen(&s)->samples, 0);
    sender_tear_down(&s);
}
END_TEST

LEAT_TEST_MAIN("quic/recovery delivery rate", a_table_with_what_must_be_there_is_complete,
    what_a_controller_does_not_say_has_a_default, a_flight_of_one_round_trip_is_a_rate,
    bunched_acks_do_not_look_like_bandwidth,
    nothing_is_delivered_faster_than_it_was_sent, idle_time_between_flights_does_not_count,
    losses_are_told_one_by_one_and_in_the_sample,
    samples_are_app_limited_until_the_flight_of_the_gap_is_acknowledged,
    packets_that_do_not_count_in_flight_make_no_sample)
