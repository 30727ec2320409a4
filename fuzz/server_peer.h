/*
 * A peer without manners: it has the keys of a real client, or only those that everybody can
 * derive, and sends any frames in any packet. What the server sends is opened and must consist of
 * frames that may stand where they stand.
 */
#ifndef LEAT_FUZZ_SERVER_PEER_H
#define LEAT_FUZZ_SERVER_PEER_H

#include "quic/conn/conn_internal.h"

#define RAW_PEER_STREAMS 32

typedef struct raw_peer {
    void (*deliver)(void *user, uint8_t *bytes, size_t length);
    void *user;
    leat_conn *client; /* borrowed, for its keys; NULL: only the Initial keys below */
    leat_keys initial;
    leat_cid dcid, scid;
    uint64_t next_pn[LEAT_SPACE_COUNT], largest_seen[LEAT_SPACE_COUNT];
    struct {
        uint64_t id, offset;
    } streams[RAW_PEER_STREAMS];
    bool has_sent_handshake;
} raw_peer;

void raw_peer_init(raw_peer *peer, void (*deliver)(void *user, uint8_t *bytes, size_t length),
                   void *user);
void raw_peer_clear(raw_peer *peer);
/* Continues where the client stands. */
void raw_peer_take_over(raw_peer *peer, leat_conn *client);
/* Begins from nothing. */
void raw_peer_begin(raw_peer *peer);
/* NULL: none for this space. */
leat_keys *raw_peer_keys(raw_peer *peer, leat_space space);

void raw_peer_send_frames(raw_peer *peer, leat_packet_type type, leat_span frames);
/* STREAM frames at the next offset of the stream. */
void raw_peer_send_stream(raw_peer *peer, uint64_t stream_id, leat_span bytes, bool fin);
void raw_peer_send_datagram(raw_peer *peer, leat_span bytes);
void raw_peer_send_ack(raw_peer *peer, leat_packet_type type);
/* Aborts when the server sends what it may not. */
void raw_peer_check_datagram(raw_peer *peer, uint8_t *bytes, size_t length);

#endif
