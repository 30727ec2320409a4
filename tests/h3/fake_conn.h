/*
 * A QUIC connection that is not there: the leat_conn calls that the HTTP/3 layer makes, recording
 * what is sent and keeping what is delivered, so that tests decide how bytes are cut. Linked
 * instead of the quic library.
 */
#ifndef TESTS_H3_FAKE_CONN_H
#define TESTS_H3_FAKE_CONN_H

#include <leat/early_data.h>
#include <leat/h3.h>

#define FAKE_STREAMS_MAX 64
#define FAKE_NONE UINT64_MAX

typedef struct fake_stream {
    uint64_t id;
    bool used;
    uint8_t *sent; /* all that was sent */
    size_t sent_length;
    bool is_open, end_sent, is_held, wants_writable, is_finished_sending;
    uint64_t reset, stopped;    /* error codes, or FAKE_NONE */
    uint64_t reliable_size;     /* of the reset */
    size_t unread;              /* of the last delivery, given back */
    bool end_unread;
    int urgency, incremental;   /* -1: not set */
} fake_stream;

typedef struct fake_datagram {
    uint8_t bytes[256];
    size_t length;
} fake_datagram;

struct leat_conn {
    bool is_client, is_failed, random_fails;
    uint64_t error_code;
    char reason[128];
    uint64_t streams_allowed;  /* of each kind; default 32 */
    size_t room; /* of every stream: bytes taken before it is full; default: no limit */
    size_t datagram_payload;
    uint64_t next_id[2];
    uint64_t last_ping;
    fake_stream streams[FAKE_STREAMS_MAX];
    fake_datagram datagram;    /* the last one sent */
    bool is_early;             /* early data is being sent */
    leat_span remembered;      /* with the session in use */
    uint8_t session[256];      /* what tickets remember */
    size_t session_length;
};

void fake_conn_init(leat_conn *conn, bool is_client);
void fake_conn_clear(leat_conn *conn);
fake_stream *fake_find(leat_conn *conn, uint64_t stream_id); /* made when needed */
/* Forgets the bytes sent so far. */
void fake_forget(leat_conn *conn, uint64_t stream_id);

#endif
