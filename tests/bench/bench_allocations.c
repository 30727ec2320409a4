/*
 * Allocations per packet in steady state, in memory: warm up first, then count. A connection that
 * works all day should allocate nothing per packet; a request makes a stream and its HTTP/3 state,
 * which is counted per request.
 */
#include "wire.h"

#include <stdio.h>

#define WARM_UP 200
#define ROUNDS 2000

typedef struct traffic {
    wire w;
    uint64_t stream_id;
    size_t units; /* done so far */
} traffic;

typedef struct traffic_kind {
    const char *name, *unit;
    leat_io_layers layers;
    void (*start)(traffic *t); /* NULL: nothing */
    void (*round)(traffic *t); /* what the client does before each exchange */
} traffic_kind;

static uint8_t bytes[256 * 1024];

/* ---- the three kinds ---- */

static void start_bulk(traffic *t) {
    if (leat_conn_open_stream(wire_conn(&t->w, BENCH_CLIENT), true, &t->stream_id) != LEAT_OK) {
        bench_fail("no stream");
    }
}

static void send_bulk(traffic *t) {
    ptrdiff_t taken = leat_conn_send_stream_data(
        wire_conn(&t->w, BENCH_CLIENT), t->stream_id, bytes, sizeof bytes, false);
    t->units += taken > 0 ? (size_t)taken : 0;
}

static void send_datagrams(traffic *t) {
    const leat_span payload = {bytes, 1000};
    for (int i = 0; i < 10; i++) {
        t->units +=
            leat_conn_send_datagram_frame(wire_conn(&t->w, BENCH_CLIENT), &payload, 1, 0) == LEAT_OK
                ? 1
                : 0;
    }
}

static void send_request(traffic *t) {
    static const leat_h3_header get[] = {LEAT_H3_HEADER(":method", "GET"),
        LEAT_H3_HEADER(":scheme", "https"), LEAT_H3_HEADER(":authority", "localhost"),
        LEAT_H3_HEADER(":path", "/")};
    leat_h3 *h3 = t->w.ends[BENCH_CLIENT].stack.h3;
    uint64_t stream_id;
    if (leat_h3_open_request(h3, &stream_id) == LEAT_OK &&
        leat_h3_send_headers(h3, stream_id, get, 4, true) == LEAT_OK) {
        t->units++;
    }
}

static void on_h3_event(void *user, leat_conn *conn, leat_h3 *h3, const leat_h3_event *event) {
    static const leat_h3_header ok[] = {
        LEAT_H3_HEADER(":status", "200"), LEAT_H3_HEADER("content-type", "text/plain")};
    (void)user;
    if (event->type == LEAT_H3_EVENT_HEADERS_RECEIVED && !leat_conn_is_client(conn)) {
        leat_h3_send_headers(h3, event->stream_id, ok, 2, false);
        leat_h3_send_data(h3, event->stream_id, bytes, 1024, true);
    }
}

/* ---- counting ---- */

typedef struct figures {
    size_t units;
    uint64_t packets[BENCH_SIDE_COUNT]; /* sent and received */
    size_t leat[BENCH_SIDE_COUNT], libcrypto[BENCH_SIDE_COUNT];
} figures;

static figures read_figures(const traffic *t) {
    figures f = {.units = t->units};
    for (bench_side side = BENCH_CLIENT; side <= BENCH_SERVER; side++) {
        leat_stats stats = {.size = sizeof stats};
        leat_conn_get_stats(wire_conn(&t->w, side), &stats);
        f.packets[side] = stats.packets_sent + stats.packets_received;
        f.leat[side] = bench_account_of(side, BENCH_LEAT).allocations;
        f.libcrypto[side] = bench_account_of(side, BENCH_LIBCRYPTO).allocations;
    }
    return f;
}

static void run_rounds(const traffic_kind *kind, traffic *t, size_t count) {
    for (size_t i = 0; i < count; i++) {
        bench_enter(BENCH_CLIENT);
        kind->round(t);
        wire_exchange(&t->w);
    }
}

static void measure(const traffic_kind *kind) {
    const leat_io_handler handler = {.on_h3_event = on_h3_event};
    static traffic t;
    wire_setup setup;
    t = (traffic){0};
    wire_setup_init(&setup, kind->layers, &handler, NULL);
    setup.quic[BENCH_SERVER].max_datagram_frame_size =
        setup.quic[BENCH_CLIENT].max_datagram_frame_size = 65535;
    wire_open(&t.w, &setup);
    if (kind->start != NULL) {
        kind->start(&t);
    }
    run_rounds(kind, &t, WARM_UP);
    figures before = read_figures(&t);
    run_rounds(kind, &t, ROUNDS);
    figures after = read_figures(&t);
    double units = (double)(after.units - before.units);
    for (bench_side side = BENCH_CLIENT; side <= BENCH_SERVER; side++) {
        double packets = (double)(after.packets[side] - before.packets[side]);
        double leat = (double)(after.leat[side] - before.leat[side]);
        double libcrypto = (double)(after.libcrypto[side] - before.libcrypto[side]);
        printf("%-12s %-8s %10.0f %-9s %10.0f %12.4f %12.4f %12.4f\n",
            side == BENCH_CLIENT ? kind->name : "", side == BENCH_CLIENT ? "client" : "server",
            units, kind->unit, packets, leat / packets, leat / units, libcrypto / packets);
    }
    wire_close(&t.w);
    wire_setup_clear(&setup);
}

int main(void) {
    static const traffic_kind kinds[] = {
        {"bulk stream", "bytes", LEAT_LAYER_QUIC, start_bulk, send_bulk},
        {"datagrams", "datagrams", LEAT_LAYER_QUIC, NULL, send_datagrams},
        {"requests", "requests", LEAT_LAYER_H3, NULL, send_request},
    };
    bench_counting_init();
    printf("%-12s %-8s %20s %10s %12s %12s %12s\n", "", "side", "done", "packets", "leat/packet",
        "leat/unit", "crypto/packet");
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        measure(&kinds[i]);
    }
    return 0;
}
