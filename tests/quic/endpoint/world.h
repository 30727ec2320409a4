/*
 * Two endpoints with real connections, a perfect wire between them and a clock that jumps from
 * timer to timer. The server side sends every stream byte back; both sides count what they are
 * told.
 */
#ifndef LEAT_TEST_WORLD_H
#define LEAT_TEST_WORLD_H

#include "leat_test.h"

#include <leat/endpoint.h>

#define WORLD_PAYLOAD "are you there"

/* One side's counters. */
typedef struct world_side {
    leat_endpoint *endpoint;
    size_t accepted, completed, terminated, echoed, path_changes, new_tokens, released;
    leat_close_source source; /* of the last termination */
    uint8_t token[256];       /* the last NewToken */
    size_t token_length;
    leat_conn *last;         /* the last one that had something to do */
    size_t datagrams, bytes; /* sent */
} world_side;

typedef struct world {
    leat_time now;
    int64_t wall_clock;
    uint64_t seed;
    test_memory memory; /* of the server's side */
    leat_identity *identity;
    leat_identity *identities[1];
    leat_trust *trust;
    leat_config server_config, client_config;
    leat_endpoint_config server_endpoint, client_endpoint;
    world_side server, client;
    leat_path path;    /* as the client sees it */
    uint16_t nat_port; /* not 0: what the server sees as the client's port */
    bool lose_server_packets;
    void (*on_client_datagram)(struct world *world, uint8_t *bytes,
                               size_t length); /* may look and change */
} world;

void world_prepare(world *world); /* configs may be changed between the two */
void world_start(world *world);
void world_start_server(world *world);
void world_start_client(world *world);
leat_conn *world_connect(world *world); /* from the current path */
/* Opens a stream and sends WORLD_PAYLOAD with its end. */
void world_ask(leat_conn *conn, world *world);
/* Delivers until nobody has anything to send; no time passes. */
void world_settle(world *world);
/* Settles and runs the timers that fall due within `duration`. */
void world_run(world *world, leat_time duration);
/* Frees everything, and asserts that the server's side left nothing in memory. */
void world_end(world *world);

#endif
