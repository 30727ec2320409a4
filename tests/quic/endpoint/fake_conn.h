/*
 * A connection that does what a test tells it, in place of quic/conn: it asks its owner for a
 * connection ID, counts what it is given, and answers the endpoint's questions from its fields.
 * Packets are authentic to it unless they end in "bad".
 */
#ifndef LEAT_TEST_FAKE_CONN_H
#define LEAT_TEST_FAKE_CONN_H

#include "leat_test.h"
#include "quic/endpoint/endpoint.h"

#include <leat/version.h>

struct leat_conn {
    leat_config config;
    leat_conn_owner owner;
    leat_conn_origin origin;
    bool is_server;
    leat_path path;
    leat_cid cid;
    uint8_t reset_token[16];
    size_t received, received_bytes, last_segment_size;
    leat_path last_path;
    size_t to_send; /* datagrams of 100 bytes each */
    leat_time timer;
    size_t timers_handled;
    size_t resets_seen;
    uint8_t new_token[256];
    size_t new_token_length, new_tokens;
    bool is_complete, is_terminating, is_path_unvalidated;
    uint64_t packets_received;
};

/* Fakes that live, over all endpoints. */
extern size_t fake_conns_alive;
/* The most recently made one. */
extern leat_conn *fake_last_conn;

/* A datagram of `size` bytes with one long header packet; token may be empty. Static storage. */
leat_span fake_long(uint8_t first_byte, uint32_t version, leat_span dcid, leat_span scid,
                    leat_span token, size_t size);
/* A valid looking Initial of 1200 bytes. */
leat_span fake_initial(const char *dcid_hex, leat_span token);
/* A short header datagram of `size` bytes to dcid, otherwise filled with 0x5a. */
leat_span fake_short(leat_span dcid, size_t size);
/* client 192.0.2.`host`:port to 198.51.100.1:4433 */
leat_path fake_path(uint8_t host, uint16_t port);
void fake_receive(leat_endpoint *endpoint, leat_span datagram, const leat_path *path,
                  leat_time now);
/* The next stateless reply, an empty span when there is none. Static storage. */
leat_span fake_reply(leat_endpoint *endpoint, leat_path *to);

/* An endpoint whose server config, random source, memory and wall clock belong to the test. */
typedef struct fake_endpoint {
    leat_config server;
    leat_endpoint_config config;
    uint64_t seed;
    int64_t wall_clock;
    test_memory memory;
    leat_endpoint *endpoint;
} fake_endpoint;
void fake_endpoint_prepare(fake_endpoint *fake); /* config may be changed between the two */
void fake_endpoint_start(fake_endpoint *fake);
/* Frees it, and asserts that nothing of it is left in memory. */
void fake_endpoint_end(fake_endpoint *fake);

#endif
