/* The probe timeout: quic/recovery/pto.c and the timer of recovery, RFC 9002 §6.2. */
#include "sender.h"

/*
 * TEST RFC 9002 §6.2.1, §6.2.2-1: 333 + 4 * 166.5 = 999 ms without a sample; no max_ack_delay in
 * the Initial space.
 */
START_TEST(the_first_pto_is_three_times_the_initial_rtt) {
    sender s;
    sender_set_up(&s, NULL);
    sender_send(&s, INITIAL, 0);
    ck_assert_uint_eq(leat_recovery_get_timer(&s.recovery), START + 999 * MS);
    sender_tear_down(&s);
}
END_TEST

/* RTT 100 ms: 100 + 4 * 50 + 25 */
START_TEST(the_application_space_adds_max_ack_delay) {
    sender s;
    sender_set_up(&s, NULL);
    sender_measure_rtt(&s, 0, 100 * MS);
    sender_send(&s, APP, 1);
    ck_assert_uint_eq(leat_recovery_get_timer(&s.recovery), s.now + 325 * MS);
    ck_assert_uint_eq(leat_recovery_pto(&s.recovery), 325 * MS);
    sender_tear_down(&s);
}
END_TEST

/* TEST RFC 9002 §6.2.1-3 */
START_TEST(the_application_space_waits_for_confirmation) {
    sender s;
    sender_set_up(&s, NULL);
    s.recovery.conditions.handshake_confirmed = false;
    sender_send(&s, APP, 0);
    ck_assert_uint_eq(leat_recovery_get_timer(&s.recovery), LEAT_TIME_NEVER);
    s.recovery.conditions.handshake_confirmed = true;
    ck_assert_uint_ne(leat_recovery_get_timer(&s.recovery), LEAT_TIME_NEVER);
    sender_tear_down(&s);
}
END_TEST

/* TEST RFC 9002 §6.2.1-2: the earlier of the two handshake spaces. */
START_TEST(the_earlier_of_initial_and_handshake_counts) {
    sender s;
    sender_set_up(&s, NULL);
    sender_send(&s, INITIAL, 0);
    s.now += 10 * MS;
    sender_send(&s, HANDSHAKE, 0);
    ck_assert_uint_eq(leat_recovery_get_timer(&s.recovery), START + 999 * MS);
    s.now = START + 999 * MS;
    ck_assert_int_eq(sender_timeout(&s).space, INITIAL);
    sender_tear_down(&s);
}
END_TEST

/* TEST RFC 9002 §6.2.1-4: sending another ack-eliciting packet starts the timer again. */
START_TEST(each_ack_eliciting_packet_restarts_the_timer) {
    sender s;
    sender_set_up(&s, NULL);
    sender_send(&s, INITIAL, 0);
    s.now += 100 * MS;
    sender_send_plain(&s, INITIAL, 1);
    ck_assert_uint_eq(leat_recovery_get_timer(&s.recovery), START + 999 * MS);
    sender_send(&s, INITIAL, 2);
    ck_assert_uint_eq(leat_recovery_get_timer(&s.recovery), START + 1099 * MS);
    sender_tear_down(&s);
}
END_TEST

/*
 * TEST RFC 9002 §6.2.1-5, §6.2.4-1, §6.2-1: twice the period each time, two probes, and nothing is
 * lost by it.
 */
START_TEST(an_expired_pto_doubles_the_period_asks_for_two_probes_and_loses_nothing) {
    sender s;
    sender_set_up(&s, NULL);
    sender_send(&s, INITIAL, 0);
    leat_time due = START;
    for (unsigned doublings = 0; doublings < 5; doublings++) {
        due = START + ((999 * MS) << doublings);
        ck_assert_uint_eq(leat_recovery_get_timer(&s.recovery), due);
        s.now = due;
        leat_timeout timeout = sender_timeout(&s);
        ck_assert_int_eq(timeout.kind, LEAT_TIMEOUT_PTO);
        ck_assert_uint_eq(timeout.probes, 2);
    }
    sender_expect(&s, "");
    ck_assert_uint_eq(s.path.bytes_in_flight, MTU);
    sender_tear_down(&s);
}
END_TEST

START_TEST(an_early_call_does_nothing) {
    sender s;
    sender_set_up(&s, NULL);
    sender_send(&s, INITIAL, 0);
    s.now += 998 * MS;
    ck_assert_int_eq(sender_timeout(&s).kind, LEAT_TIMEOUT_NONE);
    ck_assert_uint_eq(s.recovery.pto_count, 0);
    sender_tear_down(&s);
}
END_TEST

START_TEST(an_ack_ends_the_backoff) {
    sender s;
    sender_set_up(&s, NULL);
    sender_send_many(&s, APP, 0, 1);
    s.now += 2000 * MS;
    sender_timeout(&s);
    ck_assert_uint_eq(s.recovery.pto_count, 1);
    sender_ack(&s, APP, 0, 0);
    ck_assert_uint_eq(s.recovery.pto_count, 0);
    sender_tear_down(&s);
}
END_TEST

/*
 * TEST RFC 9002 §6.2.1: a client keeps backing off until it knows that the server has validated its
 * address.
 */
START_TEST(an_ack_does_not_end_the_backoff_of_an_unvalidated_client) {
    sender s;
    sender_set_up_client(&s);
    sender_send_many(&s, INITIAL, 0, 1);
    s.now += 2000 * MS;
    sender_timeout(&s);
    sender_ack(&s, INITIAL, 0, 0);
    ck_assert_uint_eq(s.recovery.pto_count, 1);
    sender_tear_down(&s);
}
END_TEST

/*
 * TEST RFC 9002 §6.2.2.1-2, §6.2.2.1-3: the client probes with nothing in flight: Initial, then
 * Handshake.
 */
START_TEST(a_client_with_nothing_in_flight_still_probes_until_the_address_is_validated) {
    sender s;
    sender_set_up_client(&s);
    sender_send(&s, INITIAL, 0);
    s.now += 100 * MS;
    sender_ack(&s, INITIAL, 0, 0);
    ck_assert_uint_eq(leat_recovery_get_timer(&s.recovery), s.now + 300 * MS);
    s.now += 300 * MS;
    leat_timeout timeout = sender_timeout(&s);
    ck_assert_int_eq(timeout.kind, LEAT_TIMEOUT_PTO);
    ck_assert_int_eq(timeout.space, INITIAL);
    ck_assert_uint_eq(timeout.probes, 1);
    s.recovery.conditions.has_handshake_keys = true;
    s.now += 600 * MS;
    ck_assert_int_eq(sender_timeout(&s).space, HANDSHAKE);
    s.recovery.conditions.peer_completed_address_validation = true;
    ck_assert_uint_eq(leat_recovery_get_timer(&s.recovery), LEAT_TIME_NEVER);
    sender_tear_down(&s);
}
END_TEST

/* The deadlock that 0-RTT data in flight would hide. */
START_TEST(early_data_in_flight_does_not_silence_a_client) {
    sender s;
    sender_set_up_client(&s);
    sender_send(&s, INITIAL, 0);
    sender_send(&s, APP, 0);
    s.now += 100 * MS;
    sender_ack(&s, INITIAL, 0, 0);
    ck_assert_uint_ne(leat_recovery_get_timer(&s.recovery), LEAT_TIME_NEVER);
    sender_tear_down(&s);
}
END_TEST

START_TEST(a_client_probes_the_space_that_has_packets_in_flight) {
    sender s;
    sender_set_up_client(&s);
    s.recovery.conditions.has_handshake_keys = true;
    sender_send(&s, INITIAL, 0);
    s.now += 999 * MS;
    leat_timeout timeout = sender_timeout(&s);
    ck_assert_int_eq(timeout.kind, LEAT_TIMEOUT_PTO);
    ck_assert_int_eq(timeout.space, INITIAL);
    ck_assert_uint_eq(timeout.probes, 2);
    sender_tear_down(&s);
}
END_TEST

/* TEST RFC 9002 §6.2.2.1-1 */
START_TEST(a_server_at_its_amplification_limit_sets_no_timer) {
    sender s;
    sender_set_up(&s, NULL);
    sender_send(&s, INITIAL, 0);
    s.recovery.conditions.is_at_amplification_limit = true;
    ck_assert_uint_eq(leat_recovery_get_timer(&s.recovery), LEAT_TIME_NEVER);
    s.now += 5000 * MS;
    ck_assert_int_eq(sender_timeout(&s).kind, LEAT_TIMEOUT_NONE);
    sender_tear_down(&s);
}
END_TEST

/* TEST RFC 9002 §6.2.1-6: the time threshold goes first. */
START_TEST(a_loss_time_replaces_the_pto) {
    sender s;
    sender_set_up(&s, NULL);
    sender_measure_rtt(&s, 0, 80 * MS);
    sender_send_many(&s, APP, 1, 2);
    leat_time sent = s.now;
    s.now += 80 * MS;
    sender_ack(&s, APP, 2, 2);
    ck_assert_uint_eq(leat_recovery_get_timer(&s.recovery), sent + 90 * MS);
    sender_tear_down(&s);
}
END_TEST

/* TEST RFC 9002 §6.2.2-3 */
START_TEST(discarding_a_space_resets_the_backoff_and_its_timers) {
    sender s;
    sender_set_up(&s, NULL);
    sender_send(&s, INITIAL, 0);
    s.now += 1000 * MS;
    sender_timeout(&s);
    leat_recovery_discard_space(&s.recovery, INITIAL);
    ck_assert_uint_eq(s.recovery.pto_count, 0);
    ck_assert_uint_eq(leat_recovery_get_timer(&s.recovery), LEAT_TIME_NEVER);
    sender_tear_down(&s);
}
END_TEST

START_TEST(with_nothing_in_flight_no_timer_runs) {
    sender s;
    sender_set_up(&s, NULL);
    ck_assert_uint_eq(leat_recovery_get_timer(&s.recovery), LEAT_TIME_NEVER);
    sender_send_plain(&s, APP, 0);
    ck_assert_uint_eq(leat_recovery_get_timer(&s.recovery), LEAT_TIME_NEVER);
    sender_tear_down(&s);
}
END_TEST

/* Attacks D6, D7: a black hole for ever: the backoff saturates, nothing overflows. */
START_TEST(endless_timeouts_saturate) {
    sender s;
    sender_set_up(&s, NULL);
    sender_send(&s, INITIAL, 0);
    leat_time before = 0;
    for (unsigned i = 0; i < 200; i++) {
        leat_time due = leat_recovery_get_timer(&s.recovery);
        ck_assert_uint_ge(due, before);
        before = due;
        s.now = due;
        sender_timeout(&s);
    }
    ck_assert_uint_le(s.recovery.pto_count, LEAT_PTO_COUNT_MAX);
    sender_tear_down(&s);
}
END_TEST

START_TEST(probes_can_see_what_is_unacknowledged_oldest_first) {
    sender s;
    sender_set_up(&s, NULL);
    sender_send_many(&s, APP, 0, 1);
    sender_send_plain(&s, APP, 2);
    sender_send(&s, APP, 3);
    s.now += 10 * MS;
    sender_ack(&s, APP, 1, 1);
    uint64_t cursor = 0;
    const leat_sent_packet *first = leat_recovery_next_unacked(&s.recovery, APP, &cursor);
    ck_assert_uint_eq(first->pn, 0);
    ck_assert_uint_eq(first->records->a, 0);
    ck_assert_uint_eq(leat_recovery_next_unacked(&s.recovery, APP, &cursor)->pn, 3);
    ck_assert_ptr_null(leat_recovery_next_unacked(&s.recovery, APP, &cursor));
    sender_tear_down(&s);
}
END_TEST

/* TEST RFC 9002 §6.2.4: the window is full of what is not acknowledged before these bytes came. */
START_TEST(handshake_bytes_that_the_window_holds_back_get_a_probe) {
    sender s;
    sender_set_up(&s, NULL);
    s.recovery.conditions.handshake_confirmed = false;
    sender_send(&s, APP, 0);
    ck_assert_uint_eq(leat_recovery_get_timer(&s.recovery), LEAT_TIME_NEVER);
    s.recovery.conditions.crypto_waits[HANDSHAKE] = true;
    ck_assert_uint_eq(leat_recovery_get_timer(&s.recovery), START + 999 * MS);
    s.now = START + 999 * MS;
    leat_timeout timeout = sender_timeout(&s);
    ck_assert_int_eq(timeout.kind, LEAT_TIMEOUT_PTO);
    ck_assert_int_eq(timeout.space, HANDSHAKE);
    leat_recovery_discard_space(&s.recovery, HANDSHAKE);
    ck_assert_uint_eq(leat_recovery_get_timer(&s.recovery), LEAT_TIME_NEVER);
    sender_tear_down(&s);
}
END_TEST

LEAT_TEST_MAIN("quic/recovery pto", the_first_pto_is_three_times_the_initial_rtt,
    the_application_space_adds_max_ack_delay, the_application_space_waits_for_confirmation,
    the_earlier_of_initial_and_handshake_counts, each_ack_eliciting_packet_restarts_the_timer,
    an_expired_pto_doubles_the_period_asks_for_two_probes_and_loses_nothing,
    an_early_call_does_nothing, an_ack_ends_the_backoff,
    an_ack_does_not_end_the_backoff_of_an_unvalidated_client,
    a_client_with_nothing_in_flight_still_probes_until_the_address_is_validated,
    early_data_in_flight_does_not_silence_a_client,
    a_client_probes_the_space_that_has_packets_in_flight,
    a_server_at_its_amplification_limit_sets_no_timer, a_loss_time_replaces_the_pto,
    discarding_a_space_resets_the_backoff_and_its_timers, with_nothing_in_flight_no_timer_runs,
    endless_timeouts_saturate, probes_can_see_what_is_unacknowledged_oldest_first,
    handshake_bytes_that_the_window_holds_back_get_a_probe)
