/*
 * A whole server (endpoint, connection, HTTP/3, WebTransport, an echoing application) against a raw
 * peer that is told by the input what to do. The handshake is made by a real client; then its keys
 * are used to send whatever the input says, so that every byte of it reaches the layer it is meant
 * for and nothing is lost to packet protection.
 *
 * Input: one byte for the stage to begin at, then records: operation (1), length (2, big endian),
 * that many bytes.
 */
#ifndef LEAT_FUZZ_SERVER_HARNESS_H
#define LEAT_FUZZ_SERVER_HARNESS_H

#include <stddef.h>
#include <stdint.h>

enum server_harness_stage {
    STAGE_CONNECTED,    /* after the handshake */
    STAGE_HANDSHAKE,    /* the server's first flight is there, the client's answer is not sent */
    STAGE_INITIAL,      /* nothing was sent yet */
    STAGE_HTTP3,        /* as CONNECTED, with the peer's control stream and SETTINGS */
    STAGE_WEBTRANSPORT, /* as HTTP3, with a session on stream 0 */
    STAGE_COUNT
};

enum server_harness_operation {
    OPERATION_ONE_RTT,     /* frames in a 1-RTT packet */
    OPERATION_HANDSHAKE,   /* frames in a Handshake packet */
    OPERATION_INITIAL,     /* frames in an Initial packet */
    OPERATION_STREAM,      /* stream id (1), then bytes: STREAM frames at the next offset */
    OPERATION_STREAM_END,  /* the same with FIN */
    OPERATION_DATAGRAM,    /* a DATAGRAM frame of these bytes */
    OPERATION_TIME,        /* the first byte times 10 ms pass */
    OPERATION_RAW,         /* a datagram of these bytes */
    OPERATION_ACK,         /* acknowledges all that came */
    OPERATION_APPLICATION, /* the application does something: see the table in server_harness.c */
    OPERATION_MOVE,        /* from now on the peer sends from another port: the first byte */
    OPERATION_KEY_UPDATE,
    OPERATION_COUNT
};

/* What an input reached. */
typedef struct server_harness_counts {
    size_t frames; /* received by the server in packets that could be opened */
    size_t quic_events, h3_events, wt_events, sessions_closed;
    uint64_t frame_types;        /* bits: types that the server received */
    uint64_t h3_kinds, wt_kinds; /* bits: types of events */
} server_harness_counts;

/* Runs one input; aborts when the server breaks a promise. counts may be NULL. */
void server_harness_run(const uint8_t *data, size_t size, server_harness_counts *counts);

#endif
