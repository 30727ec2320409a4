/*
 * A sender for the tests of recovery: one path, ten-line ways to send and to acknowledge, and a log
 * of the verdicts.
 */
#ifndef TESTS_QUIC_RECOVERY_SENDER_H
#define TESTS_QUIC_RECOVERY_SENDER_H

#include "leat_test.h"
#include "quic/recovery/recovery.h"

#define MS LEAT_MILLISECOND
#define START (10000 * MS) /* the first moment of every test */
#define MTU 1200

typedef struct sender {
    leat_recovery recovery;
    leat_recovery_path path;
    leat_recovery_hooks hooks;
    leat_time now;
    char verdicts[4096]; /* "acked 0:1 lost 2:5 ": space:number */
} sender;

/* A confirmed connection of a server, with memory of its own or NULL; with NewReno or another. */
void sender_set_up(sender *s, const leat_allocator *allocator);
void sender_set_up_with(
    sender *s, const leat_congestion_ops *ops, const leat_allocator *allocator);
void sender_set_up_client(sender *s); /* handshake not confirmed, address not validated */
void sender_tear_down(sender *s);

/* Sends an ack-eliciting packet of MTU bytes now. */
void sender_send(sender *s, leat_space space, uint64_t pn);
void sender_send_many(sender *s, leat_space space, uint64_t first, uint64_t last);
/* With a size and without asking for an ACK. */
void sender_send_plain(sender *s, leat_space space, uint64_t pn);
/* Acknowledges [first, last] now, with a delay; returns recovery's answer. */
uint64_t sender_ack_delayed(
    sender *s, leat_space space, uint64_t first, uint64_t last, leat_time ack_delay);
uint64_t sender_ack(sender *s, leat_space space, uint64_t first, uint64_t last);
leat_timeout sender_timeout(sender *s);
/* Compares and empties the log. */
void sender_expect(sender *s, const char *verdicts);
/*
 * One exchange, so that the RTT is `rtt` and nothing is in flight; uses packet `pn` of the
 * application space.
 */
void sender_measure_rtt(sender *s, uint64_t pn, leat_time rtt);
uint64_t sender_window(const sender *s);

#define INITIAL LEAT_SPACE_INITIAL
#define HANDSHAKE LEAT_SPACE_HANDSHAKE
#define APP LEAT_SPACE_APPLICATION

#endif
