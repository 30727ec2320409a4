/*
 * Heap per idle connection: 1000 pairs that have done a little and then nothing. What leat holds,
 * and what libcrypto holds for it (key contexts): bytes as asked for from malloc, blocks, and how
 * many were allocated on the way; means. Not in it: the endpoint's table entry, sockets, and the
 * buffers of the loop, which connections share.
 */
#include "wire.h"

#include <stdio.h>
#include <stdlib.h>

#define CONNECTIONS 1000
#define QUIET (5 * LEAT_SECOND)

typedef struct bench_work {
    const char *name;
    leat_io_layers layers;
    void (*start)(wire *w); /* by the client; NULL: nothing */
} bench_work;

static void on_h3_event(void *user, leat_conn *conn, leat_h3 *h3, const leat_h3_event *event) {
    static const leat_h3_header ok[] = {
        LEAT_H3_HEADER(":status", "200"), LEAT_H3_HEADER("content-type", "text/plain")};
    static const uint8_t body[1024] = {0};
    size_t *answers = user;
    bool is_request = event->type == LEAT_H3_EVENT_HEADERS_RECEIVED && !leat_conn_is_client(conn);
    if (is_request && event->headers_received.stream_ended) {
        leat_h3_send_headers(h3, event->stream_id, ok, 2, false);
        leat_h3_send_data(h3, event->stream_id, body, sizeof body, true);
    }
    if (event->type == LEAT_H3_EVENT_DATA_RECEIVED && event->data_received.stream_ended) {
        (*answers)++;
    }
}

static void on_wt_event(void *user, leat_conn *conn, leat_wt *wt, const leat_wt_event *event) {
    size_t *answers = user;
    if (event->type == LEAT_WT_EVENT_SESSION_REQUESTED) {
        leat_wt_accept(wt, event->session_id, NULL, 0);
    } else if (event->type == LEAT_WT_EVENT_SESSION_READY && leat_conn_is_client(conn)) {
        (*answers)++;
    }
}

static void start_request(wire *w) {
    static const leat_h3_header get[] = {LEAT_H3_HEADER(":method", "GET"),
        LEAT_H3_HEADER(":scheme", "https"), LEAT_H3_HEADER(":authority", "localhost"),
        LEAT_H3_HEADER(":path", "/")};
    uint64_t stream_id;
    if (leat_h3_open_request(w->ends[BENCH_CLIENT].stack.h3, &stream_id) != LEAT_OK ||
        leat_h3_send_headers(w->ends[BENCH_CLIENT].stack.h3, stream_id, get, 4, true) != LEAT_OK) {
        bench_fail("no request");
    }
}

static void start_session(wire *w) {
    uint64_t session_id;
    if (leat_wt_connect(w->ends[BENCH_CLIENT].stack.wt, "localhost", "/", "https://localhost", NULL,
            0, &session_id) != LEAT_OK) {
        bench_fail("no session");
    }
}

typedef bench_account books[BENCH_SIDE_COUNT][BENCH_OWNER_COUNT];

static void read_books(books at) {
    for (bench_side side = BENCH_SHARED; side < BENCH_SIDE_COUNT; side++) {
        at[side][BENCH_LEAT] = bench_account_of(side, BENCH_LEAT);
        at[side][BENCH_LIBCRYPTO] = bench_account_of(side, BENCH_LIBCRYPTO);
    }
}

static void print_row(
    const char *name, const char *side, const bench_account *before, const bench_account *after) {
    printf("%-26s%-7s", name, side);
    for (bench_owner owner = BENCH_LEAT; owner <= BENCH_LIBCRYPTO; owner++) {
        printf(" %12.0f %7.1f %9.1f",
            (double)(after[owner].bytes - before[owner].bytes) / CONNECTIONS,
            (double)(after[owner].blocks - before[owner].blocks) / CONNECTIONS,
            (double)(after[owner].allocations - before[owner].allocations) / CONNECTIONS);
    }
    printf("\n");
}

static void measure(const bench_work *work) {
    const leat_io_handler handler = {.on_h3_event = on_h3_event, .on_wt_event = on_wt_event};
    wire_setup setup;
    size_t answers = 0;
    wire *wires = calloc(CONNECTIONS, sizeof *wires);
    wire_setup_init(&setup, work->layers, &handler, &answers);
    books before, after;
    wire warm_up;
    wire_open(&warm_up, &setup); /* libcrypto keeps what it fetched */
    wire_close(&warm_up);
    read_books(before);
    for (size_t i = 0; i < CONNECTIONS; i++) {
        wire_open(&wires[i], &setup);
        if (work->start != NULL) {
            bench_enter(BENCH_CLIENT);
            work->start(&wires[i]);
            bench_enter(BENCH_SHARED);
        }
        wire_settle(&wires[i], QUIET);
    }
    if (work->start != NULL && answers != CONNECTIONS) {
        bench_fail("not every connection got its answer");
    }
    read_books(after);
    print_row(work->name, "client", before[BENCH_CLIENT], after[BENCH_CLIENT]);
    print_row("", "server", before[BENCH_SERVER], after[BENCH_SERVER]);
    for (size_t i = 0; i < CONNECTIONS; i++) {
        wire_close(&wires[i]);
    }
    wire_setup_clear(&setup);
    free(wires);
}

int main(void) {
    static const bench_work works[] = {
        {"QUIC, handshake", LEAT_LAYER_QUIC, NULL},
        {"HTTP/3, one request", LEAT_LAYER_H3, start_request},
        {"WebTransport, one session", LEAT_LAYER_WEBTRANSPORT, start_session},
    };
    bench_counting_init();
    printf("%-33s %30s %30s\n", "", "leat", "libcrypto");
    printf("%-33s %12s %7s %9s %12s %7s %9s\n", "per idle connection", "bytes", "blocks",
        "allocated", "bytes", "blocks", "allocated");
    for (size_t i = 0; i < sizeof works / sizeof works[0]; i++) {
        measure(&works[i]);
    }
    return 0;
}
