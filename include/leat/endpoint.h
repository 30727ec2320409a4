/*
 * leat/endpoint.h: many connections on one socket. Routes datagrams by connection ID, answers what
 * needs no connection (Version Negotiation, Retry, stateless reset), accepts, keeps timers in a heap
 * and who has work in a ready list. Connections of an endpoint are used with the leat_conn_* calls; after
 * each such call leat_endpoint_touch must be told (the leat_endpoint_* calls do it themselves).
 */
#ifndef LEAT_ENDPOINT_H
#define LEAT_ENDPOINT_H

#include <leat/quic.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct leat_endpoint leat_endpoint;

typedef struct leat_endpoint_config {
    size_t size;
    const leat_config *server;      /* for accepted connections; NULL: a client-only endpoint. Borrowed for life */
    const leat_allocator *allocator;
    leat_random_fn random;
    void *random_user;
    leat_wall_clock_fn wall_clock;
    void *wall_clock_user;
    /* 32 bytes that survive restarts; NULL: random. Stateless resets and tokens hang on it */
    const uint8_t *reset_key;
    size_t connection_id_length;    /* default 8; 0 only for clients */
    bool retry;                     /* validate every address with Retry */
    size_t retry_above_handshakes;  /* Retry from this many unfinished handshakes on; default 1000; 0: never */
    size_t max_connections;         /* default 100000; further Initials are dropped */
    size_t max_handshakes;          /* unfinished server handshakes; default 5000 */
    /*
     * Several endpoints behind one address ("workers"), each in a thread of its own, all with the same reset_key and
     * connection_id_length (at least 8). Connection IDs carry their worker's number, masked, in the first byte. What
     * arrives for another worker goes to hand_over, from where it is to come to that one's
     * leat_endpoint_receive_datagram, in its thread; the bytes are borrowed for the call.
     */
    unsigned worker_count;          /* default 1; at most 64 */
    unsigned worker;                /* this one's number, from 0 */
    void (*hand_over)(void *user, unsigned worker, const uint8_t *data, size_t length, size_t segment_size,
                      const leat_path *path, uint8_t ecn);
    void *hand_over_user;
} leat_endpoint_config;

LEAT_API void leat_endpoint_config_init(leat_endpoint_config *config);
LEAT_API leat_endpoint *leat_endpoint_new(const leat_endpoint_config *config, int *error);
/* Frees the remaining connections too, without a word to their peers. */
LEAT_API void leat_endpoint_free(leat_endpoint *endpoint);
/* Replaces the configuration of connections accepted from now on (a new certificate). Borrowed. */
LEAT_API void leat_endpoint_set_server_config(leat_endpoint *endpoint, const leat_config *server);
/* A client's connection on this endpoint; owned by the endpoint. Transmit after this call. */
LEAT_API leat_conn *leat_endpoint_connect(leat_endpoint *endpoint, const leat_config *config, const leat_path *path,
                                          leat_time now, int *error);
/* As leat_conn_receive_datagram; each segment is routed by its own connection ID. */
LEAT_API void leat_endpoint_receive_datagram(leat_endpoint *endpoint, uint8_t *data, size_t length, size_t segment_size,
                                             const leat_path *path, uint8_t ecn, leat_time now);
/* Runs the timers that are due. */
LEAT_API void leat_endpoint_handle_timer(leat_endpoint *endpoint, leat_time now);
LEAT_API leat_time leat_endpoint_get_timer(const leat_endpoint *endpoint);
/*
 * The next connection with something to do (new, events, datagrams to send, closed), or NULL. The
 * owner pops its events, then takes its datagrams with leat_endpoint_datagrams_to_send. *is_new:
 * accepted since the last call.
 */
LEAT_API leat_conn *leat_endpoint_next_ready(leat_endpoint *endpoint, bool *is_new);
/* Something was called on conn outside the ready loop: puts it on the ready list. */
LEAT_API void leat_endpoint_touch(leat_endpoint *endpoint, leat_conn *conn);
/* The datagrams of conn (conn NULL: the stateless replies). Rearms conn's timer when it has nothing more. */
LEAT_API size_t leat_endpoint_datagrams_to_send(leat_endpoint *endpoint, leat_conn *conn,
                                                uint8_t *buffer, size_t capacity,
                                                leat_transmit *transmit, leat_time now);
/* Gives back a connection that is closed: call when leat_conn_is_closed and its events are drained. Frees it. */
LEAT_API void leat_endpoint_release(leat_endpoint *endpoint, leat_conn *conn);
LEAT_API size_t leat_endpoint_connection_count(const leat_endpoint *endpoint);
/* Walks all connections: start with *cursor = 0; NULL at the end. */
LEAT_API leat_conn *leat_endpoint_next_connection(leat_endpoint *endpoint, size_t *cursor);

#ifdef __cplusplus
}
#endif
#endif
