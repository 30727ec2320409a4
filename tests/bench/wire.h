/*
 * A client and a server in one process, with all layers and joined by memory: what the benchmarks
 * run on. The clock is virtual: an exchange of everything that waits takes WIRE_ROUND. Trains go
 * over as they are, as GSO and GRO would carry them. The library alone is measured: no sockets, no
 * loss.
 */
#ifndef LEAT_TESTS_BENCH_WIRE_H
#define LEAT_TESTS_BENCH_WIRE_H

#include "counting.h"
#include "io/stack.h"

/* One way, so that a round trip is twice this. */
#define WIRE_ROUND (50 * LEAT_MICROSECOND)

/* What all pairs share. Change the configurations before wire_open. */
typedef struct wire_setup {
    leat_config quic[BENCH_SIDE_COUNT];
    leat_stack_config stack[BENCH_SIDE_COUNT];
    leat_identity *identity;
    leat_trust *trust;
    uint8_t *train;
} wire_setup;

typedef struct wire_end {
    leat_conn *conn;
    leat_stack stack;
    leat_path path;
} wire_end;

typedef struct wire {
    wire_setup *setup;
    wire_end ends[BENCH_SIDE_COUNT];
    leat_time now;
} wire;

/* Handlers get `user`; whose side it is, leat_conn_is_client says. Exits with a message when
 * something fails. */
void wire_setup_init(
    wire_setup *setup, leat_io_layers layers, const leat_io_handler *handler, void *user);
void wire_setup_clear(wire_setup *setup);
/* Handshakes and runs until both sides are quiet. */
void wire_open(wire *w, wire_setup *setup);
void wire_close(wire *w);
/* Everything that waits goes over, once in each direction. False: there was nothing. */
bool wire_exchange(wire *w);
/* Runs, and jumps to timers, until nothing more happens within `patience`. */
void wire_settle(wire *w, leat_time patience);
static inline leat_conn *wire_conn(const wire *w, bench_side side) {
    return w->ends[side].conn;
}
/* Ends the program with a sentence. */
void bench_fail(const char *what);
/* Whole number of MB (10^6 bytes) per second, and the median of a few numbers (sorts them). */
double bench_rate(double bytes, leat_time duration);
double bench_median(double *values, size_t count);

#endif
