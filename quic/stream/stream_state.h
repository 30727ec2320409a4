/*
 * The states of a stream's two parts: RFC 9000 §3.1 (figure 2) and §3.2 (figure 3), as const tables
 * [state][input]. States are named as in the figures. An input that a state does not know changes
 * nothing: late acknowledgments and repeated frames arrive all the time, whether they are allowed
 * is decided elsewhere. RESET_STREAM_AT works like a FIN (draft-ietf-quic-reliable-stream-reset-10
 * §5.3), so it has no inputs of its own.
 */
#ifndef LEAT_QUIC_STREAM_STREAM_STATE_H
#define LEAT_QUIC_STREAM_STREAM_STATE_H

#include <stdbool.h>

typedef enum leat_send_state {
    LEAT_SEND_NONE, /* the stream is receive-only */
    LEAT_SEND_READY,
    LEAT_SEND_SEND,
    LEAT_SEND_DATA_SENT,
    LEAT_SEND_DATA_RECVD, /* terminal */
    LEAT_SEND_RESET_SENT,
    LEAT_SEND_RESET_RECVD, /* terminal */
    LEAT_SEND_STATE_COUNT
} leat_send_state;

typedef enum leat_send_input {
    LEAT_SEND_ON_DATA,        /* STREAM or STREAM_DATA_BLOCKED sent */
    LEAT_SEND_ON_FIN,         /* STREAM with FIN sent, so that all data is sent; RESET_STREAM_AT
                                 queued */
    LEAT_SEND_ON_RESET,       /* RESET_STREAM queued */
    LEAT_SEND_ON_ALL_ACKED,   /* all data and the FIN or RESET_STREAM_AT acknowledged */
    LEAT_SEND_ON_RESET_ACKED, /* RESET_STREAM acknowledged */
    LEAT_SEND_INPUT_COUNT
} leat_send_input;

typedef enum leat_recv_state {
    LEAT_RECV_NONE, /* the stream is send-only */
    LEAT_RECV_RECV,
    LEAT_RECV_SIZE_KNOWN,
    LEAT_RECV_DATA_RECVD,
    LEAT_RECV_DATA_READ, /* terminal */
    LEAT_RECV_RESET_RECVD,
    LEAT_RECV_RESET_READ, /* terminal */
    LEAT_RECV_STATE_COUNT
} leat_recv_state;

typedef enum leat_recv_input {
    LEAT_RECV_ON_FIN,        /* a STREAM frame with FIN, or RESET_STREAM_AT */
    LEAT_RECV_ON_ALL_DATA,   /* all bytes up to the final or reliable size have arrived */
    LEAT_RECV_ON_RESET,      /* RESET_STREAM */
    LEAT_RECV_ON_DATA_READ,  /* the application has taken everything */
    LEAT_RECV_ON_RESET_READ, /* the application was told of the reset */
    LEAT_RECV_INPUT_COUNT
} leat_recv_input;

extern const leat_send_state leat_send_state_table[LEAT_SEND_STATE_COUNT][LEAT_SEND_INPUT_COUNT];
extern const leat_recv_state leat_recv_state_table[LEAT_RECV_STATE_COUNT][LEAT_RECV_INPUT_COUNT];

/* qlog's names: "ready", "data_sent", ... */
const char *leat_send_state_name(leat_send_state state);
const char *leat_recv_state_name(leat_recv_state state);

/* Applies one input; true when the state changed. */
bool leat_send_state_apply(leat_send_state *state, leat_send_input input);
bool leat_recv_state_apply(leat_recv_state *state, leat_recv_input input);

/* Terminal, or the part does not exist. */
bool leat_send_state_is_terminal(leat_send_state state);
bool leat_recv_state_is_terminal(leat_recv_state state);
/* STREAM and STREAM_DATA_BLOCKED may be sent (§3.3). */
bool leat_send_state_can_send(leat_send_state state);

#endif
