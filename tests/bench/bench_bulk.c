/*
 * One stream in one direction as fast as it goes, both ends in one thread and joined by memory:
 * what the library itself costs. Interleaved rounds, medians. "busy" is the time that one side
 * takes per MB: a core that does only this moves its inverse. Rows with the sizes of datagrams and
 * windows that the defaults, and `leat get` and `leat serve`, choose.
 */
#include "wire.h"

#include <stdio.h>
#include <string.h>

#define ROUNDS 7
#define TOTAL ((size_t)256 * 1024 * 1024)
#define CHUNK ((size_t)64 * 1024)

typedef struct bulk_variant {
    const char *name;
    leat_io_layers layers;
    size_t datagram;
    uint64_t max_stream_data;
    size_t send_buffer;
} bulk_variant;

typedef struct bulk {
    wire w;
    uint64_t stream_id;
    size_t left, received; /* of the server's body; at the client */
} bulk;

static uint8_t chunk[CHUNK];

static void pump(bulk *b, leat_conn *conn, leat_h3 *h3) {
    for (ptrdiff_t taken = 1; taken > 0 && b->left > 0; b->left -= taken > 0 ? (size_t)taken : 0) {
        size_t length = b->left < CHUNK ? b->left : CHUNK;
        taken = h3 != NULL ? leat_h3_send_data(h3, b->stream_id, chunk, length, length == b->left)
                           : leat_conn_send_stream_data(
                                 conn, b->stream_id, chunk, length, length == b->left);
    }
}

static void on_event(void *user, leat_conn *conn, const leat_event *event) {
    bulk *b = user;
    bool is_quic_alone = b->w.setup->stack[BENCH_CLIENT].layers == LEAT_LAYER_QUIC;
    if (!is_quic_alone) {
        return;
    }
    if (event->type == LEAT_EVENT_STREAM_DATA_RECEIVED && leat_conn_is_client(conn)) {
        b->received += event->stream_data_received.data.length;
    } else if (!leat_conn_is_client(conn) && (event->type == LEAT_EVENT_STREAM_DATA_RECEIVED ||
                                                 event->type == LEAT_EVENT_STREAM_WRITABLE)) {
        pump(b, conn, NULL);
    }
}

static void on_h3_event(void *user, leat_conn *conn, leat_h3 *h3, const leat_h3_event *event) {
    static const leat_h3_header ok[] = {LEAT_H3_HEADER(":status", "200")};
    bulk *b = user;
    if (leat_conn_is_client(conn)) {
        b->received +=
            event->type == LEAT_H3_EVENT_DATA_RECEIVED ? event->data_received.data.length : 0;
    } else if (event->type == LEAT_H3_EVENT_HEADERS_RECEIVED) {
        leat_h3_send_headers(h3, event->stream_id, ok, 1, false);
        pump(b, conn, h3);
    } else if (event->type == LEAT_H3_EVENT_STREAM_WRITABLE) {
        pump(b, conn, h3);
    }
}

static void ask(bulk *b) {
    static const leat_h3_header get[] = {LEAT_H3_HEADER(":method", "GET"),
        LEAT_H3_HEADER(":scheme", "https"), LEAT_H3_HEADER(":authority", "localhost"),
        LEAT_H3_HEADER(":path", "/")};
    wire_end *client = &b->w.ends[BENCH_CLIENT];
    if (client->stack.h3 != NULL) {
        leat_h3_open_request(client->stack.h3, &b->stream_id);
        leat_h3_send_headers(client->stack.h3, b->stream_id, get, 4, true);
    } else {
        leat_conn_open_stream(client->conn, false, &b->stream_id);
        leat_conn_send_stream_data(client->conn, b->stream_id, chunk, 1, true);
    }
}

typedef struct result {
    double wall, server, client; /* MB/s, and what each side could do alone */
} result;

static result run(const bulk_variant *variant) {
    const leat_io_handler handler = {.on_event = on_event, .on_h3_event = on_h3_event};
    static bulk b;
    wire_setup setup;
    b = (bulk){.left = TOTAL};
    wire_setup_init(&setup, variant->layers, &handler, &b);
    for (bench_side side = BENCH_CLIENT; side <= BENCH_SERVER; side++) {
        setup.quic[side].max_send_udp_payload = variant->datagram;
        setup.quic[side].max_stream_data = variant->max_stream_data;
        setup.quic[side].max_data = 2 * variant->max_stream_data;
        setup.quic[side].send_buffer_limit = variant->send_buffer;
    }
    wire_open(&b.w, &setup);
    leat_time start = bench_clock();
    leat_time client = bench_account_of(BENCH_CLIENT, BENCH_LEAT).busy,
              server = bench_account_of(BENCH_SERVER, BENCH_LEAT).busy;
    ask(&b);
    while (b.received < TOTAL) {
        if (!wire_exchange(&b.w)) {
            wire_settle(&b.w, LEAT_SECOND);
        }
    }
    result r = {
        .wall = bench_rate((double)TOTAL, bench_clock() - start),
        .client =
            bench_rate((double)TOTAL, bench_account_of(BENCH_CLIENT, BENCH_LEAT).busy - client),
        .server =
            bench_rate((double)TOTAL, bench_account_of(BENCH_SERVER, BENCH_LEAT).busy - server),
    };
    wire_close(&b.w);
    wire_setup_clear(&setup);
    return r;
}

int main(void) {
    static const bulk_variant variants[] = {
        {"QUIC, defaults", LEAT_LAYER_QUIC, 1252, 256 * 1024, 256 * 1024},
        {"QUIC, wide", LEAT_LAYER_QUIC, 1472, 8 * 1024 * 1024, 1024 * 1024},
        {"HTTP/3, defaults", LEAT_LAYER_H3, 1252, 256 * 1024, 256 * 1024},
        {"HTTP/3, wide", LEAT_LAYER_H3, 1472, 8 * 1024 * 1024, 1024 * 1024},
    };
    enum { COUNT = sizeof variants / sizeof variants[0] };
    double wall[COUNT][ROUNDS], client[COUNT][ROUNDS], server[COUNT][ROUNDS];
    bench_counting_init();
    for (size_t round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < COUNT; i++) {
            result r = run(&variants[i]);
            wall[i][round] = r.wall;
            client[i][round] = r.client;
            server[i][round] = r.server;
        }
    }
    printf("%-18s %9s %12s %12s %14s %14s\n", "in memory, MB/s", "datagram", "window", "both ends",
        "server alone", "client alone");
    for (size_t i = 0; i < COUNT; i++) {
        printf("%-18s %9zu %12llu %12.0f %14.0f %14.0f\n", variants[i].name, variants[i].datagram,
            (unsigned long long)variants[i].max_stream_data, bench_median(wall[i], ROUNDS),
            bench_median(server[i], ROUNDS), bench_median(client[i], ROUNDS));
    }
    return 0;
}
