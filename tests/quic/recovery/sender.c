/* See sender.h. */
#include "sender.h"

static void note(sender *s, const char *verdict, leat_space space, const leat_sent_packet *packet) {
    size_t length = strlen(s->verdicts);
    snprintf(s->verdicts + length, sizeof s->verdicts - length, "%s%s %d:%llu",
        length > 0 ? " " : "", verdict, (int)space, (unsigned long long)packet->pn);
}

static void on_acked(void *user, leat_space space, const leat_sent_packet *packet) {
    note(user, "acked", space, packet);
}

static void on_lost(void *user, leat_space space, const leat_sent_packet *packet) {
    note(user, "lost", space, packet);
}

static void set_up(sender *s, const leat_congestion_ops *ops, const leat_allocator *allocator,
    bool is_client) {
    memset(s, 0, sizeof *s);
    s->now = START;
    s->hooks = (leat_recovery_hooks){s, on_acked, on_lost};
    leat_recovery_init(&s->recovery, allocator, is_client);
    ck_assert_int_eq(leat_recovery_path_init(&s->path, allocator, ops, MTU, 0, false), LEAT_OK);
    leat_recovery_set_path(&s->recovery, &s->path);
}

void sender_set_up_with(
    sender *s, const leat_congestion_ops *ops, const leat_allocator *allocator) {
    set_up(s, ops, allocator, false);
    s->recovery.conditions.handshake_confirmed = true;
}

void sender_set_up(sender *s, const leat_allocator *allocator) {
    sender_set_up_with(s, &leat_newreno, allocator);
}

void sender_set_up_client(sender *s) {
    set_up(s, &leat_newreno, NULL, true);
}

void sender_tear_down(sender *s) {
    leat_recovery_path_clear(&s->recovery, &s->path);
    leat_recovery_clear(&s->recovery);
}

static void send_packet(
    sender *s, leat_space space, uint64_t pn, uint32_t bytes, bool ack_eliciting) {
    leat_frame_records records = {NULL, NULL};
    leat_sent_info info = {
        .pn = pn,
        .time_sent = s->now,
        .sent_bytes = bytes,
        .ack_eliciting = ack_eliciting,
        .in_flight = ack_eliciting,
        .path = &s->path,
    };
    ck_assert(leat_recovery_record(&s->recovery, &records, 1, 0, pn, 0, 0));
    ck_assert_int_eq(leat_recovery_on_packet_sent(&s->recovery, space, &info, &records), LEAT_OK);
    ck_assert_ptr_null(records.first);
}

void sender_send(sender *s, leat_space space, uint64_t pn) {
    send_packet(s, space, pn, MTU, true);
}

void sender_send_many(sender *s, leat_space space, uint64_t first, uint64_t last) {
    for (uint64_t pn = first; pn <= last; pn++) {
        sender_send(s, space, pn);
    }
}

void sender_send_plain(sender *s, leat_space space, uint64_t pn) {
    send_packet(s, space, pn, 50, false);
}

uint64_t sender_ack_delayed(
    sender *s, leat_space space, uint64_t first, uint64_t last, leat_time ack_delay) {
    leat_range range = {first, last + 1};
    leat_ack_info ack = {.ranges = &range, .count = 1, .ack_delay = ack_delay};
    return leat_recovery_on_ack_received(&s->recovery, space, &ack, s->now, &s->hooks);
}

uint64_t sender_ack(sender *s, leat_space space, uint64_t first, uint64_t last) {
    return sender_ack_delayed(s, space, first, last, 0);
}

leat_timeout sender_timeout(sender *s) {
    return leat_recovery_on_timeout(&s->recovery, s->now, &s->hooks);
}

void sender_expect(sender *s, const char *verdicts) {
    ck_assert_str_eq(s->verdicts, verdicts);
    s->verdicts[0] = '\0';
}

void sender_measure_rtt(sender *s, uint64_t pn, leat_time rtt) {
    sender_send(s, APP, pn);
    s->now += rtt;
    ck_assert_uint_eq(sender_ack(s, APP, pn, pn), 0);
    s->verdicts[0] = '\0';
}

uint64_t sender_window(const sender *s) {
    return leat_congestion_window(&s->path.congestion);
}
