/* The pair: see wire.h. */
#include "wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define TRAIN_SIZE 65507
#define DAY 86400

void bench_fail(const char *what) {
    fprintf(stderr, "bench: %s\n", what);
    exit(1);
}

double bench_rate(double bytes, leat_time duration) {
    return bytes * 1000 / (double)duration;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_median(double *values, size_t count) {
    qsort(values, count, sizeof *values, compare);
    return values[count / 2];
}

void wire_setup_init(
    wire_setup *setup, leat_io_layers layers, const leat_io_handler *handler, void *user) {
    static const char *const names[] = {"localhost"};
    char message[LEAT_MESSAGE_MAX];
    int64_t today = (int64_t)time(NULL);
    *setup =
        (wire_setup){.trust = leat_trust_insecure_accept_anything(), .train = malloc(TRAIN_SIZE)};
    setup->identity = leat_identity_self_signed(names, 1, today - DAY, today + DAY, message);
    if (setup->identity == NULL || setup->train == NULL) {
        bench_fail("cannot make an identity");
    }
    for (bench_side side = BENCH_CLIENT; side <= BENCH_SERVER; side++) {
        leat_config_init(&setup->quic[side], side == BENCH_CLIENT);
        leat_stack_adapt_quic(layers, &setup->quic[side]);
        leat_stack_config_init(&setup->stack[side], layers, NULL, NULL, handler, user);
    }
    setup->quic[BENCH_CLIENT].server_name = "localhost";
    setup->quic[BENCH_CLIENT].trust = setup->trust;
    setup->quic[BENCH_SERVER].identities = &setup->identity;
    setup->quic[BENCH_SERVER].identity_count = 1;
}

void wire_setup_clear(wire_setup *setup) {
    leat_identity_free(setup->identity);
    leat_trust_free(setup->trust);
    free(setup->train);
}

/* ---- moving ---- */

static void make_server(wire *w, leat_span first) {
    wire_end *end = &w->ends[BENCH_SERVER];
    int error = LEAT_OK;
    end->conn =
        leat_conn_new_server(&w->setup->quic[BENCH_SERVER], first, &end->path, w->now, &error);
    if (end->conn == NULL) {
        bench_fail("the server does not accept");
    }
    leat_stack_init(&end->stack, &w->setup->stack[BENCH_SERVER], end->conn);
}

static void deliver(
    wire *w, bench_side to, uint8_t *bytes, size_t length, const leat_transmit *transmit) {
    wire_end *end = &w->ends[to];
    bench_enter(to);
    if (end->conn == NULL) {
        make_server(w,
            (leat_span){bytes, length < transmit->segment_size ? length : transmit->segment_size});
    }
    leat_conn_receive_datagram(
        end->conn, bytes, length, transmit->segment_size, &end->path, LEAT_ECN_NOT_ECT, w->now);
}

static bool flush(wire *w, bench_side from) {
    wire_end *end = &w->ends[from];
    leat_transmit transmit;
    bool was_any = false;
    if (end->conn == NULL) {
        return false;
    }
    bench_enter(from);
    leat_stack_drain(&end->stack);
    for (size_t length; (length = leat_conn_datagrams_to_send(
                             end->conn, w->setup->train, TRAIN_SIZE, &transmit, w->now)) > 0;) {
        deliver(w, from == BENCH_CLIENT ? BENCH_SERVER : BENCH_CLIENT, w->setup->train, length,
            &transmit);
        bench_enter(from);
        was_any = true;
    }
    bench_enter(BENCH_SHARED);
    return was_any;
}

bool wire_exchange(wire *w) {
    w->now += WIRE_ROUND;
    bool was_any = flush(w, BENCH_CLIENT);
    w->now += WIRE_ROUND;
    return flush(w, BENCH_SERVER) || was_any;
}

static void expire(wire *w, bench_side side) {
    if (w->ends[side].conn != NULL && leat_conn_get_timer(w->ends[side].conn) <= w->now) {
        bench_enter(side);
        leat_conn_handle_timer(w->ends[side].conn, w->now);
        bench_enter(BENCH_SHARED);
    }
}

static leat_time first_timer(const wire *w) {
    leat_time client = leat_conn_get_timer(w->ends[BENCH_CLIENT].conn);
    leat_time server = w->ends[BENCH_SERVER].conn == NULL
                           ? LEAT_TIME_NEVER
                           : leat_conn_get_timer(w->ends[BENCH_SERVER].conn);
    return client < server ? client : server;
}

void wire_settle(wire *w, leat_time patience) {
    for (;;) {
        while (wire_exchange(w)) {
        }
        leat_time due = first_timer(w);
        if (due == LEAT_TIME_NEVER || due > w->now + patience) {
            return;
        }
        w->now = due > w->now ? due : w->now;
        expire(w, BENCH_CLIENT);
        expire(w, BENCH_SERVER);
    }
}

/* ---- life ---- */

static leat_address address_of(bench_side side) {
    return (leat_address){.family = LEAT_ADDRESS_IPV4,
        .port = (uint16_t)(1000 + side),
        .ip = {10, 0, 0, (uint8_t)side}};
}

void wire_open(wire *w, wire_setup *setup) {
    int error = LEAT_OK;
    *w = (wire){.setup = setup, .now = LEAT_SECOND};
    w->ends[BENCH_CLIENT].path = (leat_path){address_of(BENCH_CLIENT), address_of(BENCH_SERVER)};
    w->ends[BENCH_SERVER].path = (leat_path){address_of(BENCH_SERVER), address_of(BENCH_CLIENT)};
    wire_end *client = &w->ends[BENCH_CLIENT];
    bench_enter(BENCH_CLIENT);
    client->conn = leat_conn_new(&setup->quic[BENCH_CLIENT], &error);
    if (client->conn == NULL || leat_conn_connect(client->conn, &client->path, w->now) != LEAT_OK) {
        bench_fail("the client does not connect");
    }
    leat_stack_init(&client->stack, &setup->stack[BENCH_CLIENT], client->conn);
    bench_enter(BENCH_SHARED);
    wire_settle(w, 200 * LEAT_MILLISECOND);
    if (leat_conn_alpn(client->conn) == NULL || leat_conn_is_terminating(client->conn)) {
        bench_fail("the handshake failed");
    }
}

void wire_close(wire *w) {
    for (bench_side side = BENCH_CLIENT; side <= BENCH_SERVER; side++) {
        bench_enter(side);
        leat_stack_clear(&w->ends[side].stack);
        leat_conn_free(w->ends[side].conn);
    }
    bench_enter(BENCH_SHARED);
}
