/*
 * The part that the counter and the clicker share, on the QUIC and HTTP/3 events alone, without the
 * webtransport layer: the HTTP/3 connection, the handshake of a session, and which handler gets
 * what. A program written against aioquic's events looks the same, call for call.
 */
#ifndef SAMPLE_H3_H
#define SAMPLE_H3_H

#include <leat/leat.h>

typedef struct sample_client {
    leat_conn *conn;
    leat_h3 *h3;
    bool has_session;
    uint64_t session_id;
    void *state; /* the handler's */
} sample_client;

typedef struct sample_handler {
    const char *path;
    void (*on_h3_event)(sample_client *client, const leat_h3_event *event);
    void (*on_stream_closed)(sample_client *client, uint64_t stream_id);
    void (*on_closed)(sample_client *client);
} sample_handler;

/* Sends text on the stream that answers `stream_id`: itself, or a new unidirectional one. */
void sample_answer(sample_client *client, uint64_t stream_id, const char *text);
int sample_run(int count, char **arguments, const sample_handler *handler);

#endif
