/*
 * Full handshakes, one after the other, in memory and without an endpoint: X25519 or X25519MLKEM768
 * where there is one, ECDSA P-256, the client accepting any certificate. From leat_conn_new to both
 * sides confirmed and freed.
 */
#include "wire.h"

#include <stdio.h>
#include <string.h>

#define ROUNDS 7
#define HANDSHAKES 400

typedef struct group_row {
    const char *name;
    uint16_t id; /* 0: the default list */
} group_row;

typedef struct result {
    double wall, server, client; /* per second */
} result;

static double rate(leat_time duration) {
    return (double)HANDSHAKES * (double)LEAT_SECOND / (double)duration;
}

static result run(const group_row *group) {
    const leat_io_handler handler = {0};
    wire_setup setup;
    wire w;
    wire_setup_init(&setup, LEAT_LAYER_QUIC, &handler, NULL);
    for (bench_side side = BENCH_CLIENT; side <= BENCH_SERVER && group->id != 0; side++) {
        setup.quic[side].groups = &group->id;
        setup.quic[side].group_count = 1;
    }
    leat_time start = bench_clock();
    leat_time client = bench_account_of(BENCH_CLIENT, BENCH_LEAT).busy,
              server = bench_account_of(BENCH_SERVER, BENCH_LEAT).busy;
    for (size_t i = 0; i < HANDSHAKES; i++) {
        wire_open(&w, &setup);
        wire_close(&w);
    }
    result r = {
        .wall = rate(bench_clock() - start),
        .client = rate(bench_account_of(BENCH_CLIENT, BENCH_LEAT).busy - client),
        .server = rate(bench_account_of(BENCH_SERVER, BENCH_LEAT).busy - server),
    };
    wire_setup_clear(&setup);
    return r;
}

int main(void) {
    static const group_row groups[] = {{"defaults", 0}, {"X25519", 0x001d}, {"P-256", 0x0017}};
    enum { COUNT = sizeof groups / sizeof groups[0] };
    double wall[COUNT][ROUNDS], client[COUNT][ROUNDS], server[COUNT][ROUNDS];
    bench_counting_init();
    for (size_t round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < COUNT; i++) {
            result r = run(&groups[i]);
            wall[i][round] = r.wall;
            client[i][round] = r.client;
            server[i][round] = r.server;
        }
    }
    printf(
        "%-24s %12s %14s %14s\n", "full handshakes/s", "both ends", "server alone", "client alone");
    for (size_t i = 0; i < COUNT; i++) {
        printf("%-24s %12.0f %14.0f %14.0f\n", groups[i].name, bench_median(wall[i], ROUNDS),
            bench_median(server[i], ROUNDS), bench_median(client[i], ROUNDS));
    }
    return 0;
}
