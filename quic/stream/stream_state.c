/* The state tables of RFC 9000 §3 and their names. An input that means nothing keeps the state. */
#include "quic/stream/stream_state.h"

/* clang-format off */
#define ROW(a, b, c, d, e) {LEAT_SEND_##a, LEAT_SEND_##b, LEAT_SEND_##c, LEAT_SEND_##d, LEAT_SEND_##e}

/* RFC 9000 §3.1, figure 2. */
const leat_send_state leat_send_state_table[LEAT_SEND_STATE_COUNT][LEAT_SEND_INPUT_COUNT] = {
    /*                           data         fin          reset        all acked    reset acked */
    [LEAT_SEND_NONE]        = ROW(NONE,        NONE,        NONE,        NONE,        NONE),
    [LEAT_SEND_READY]       = ROW(SEND,        DATA_SENT,   RESET_SENT,  READY,       READY),
    [LEAT_SEND_SEND]        = ROW(SEND,        DATA_SENT,   RESET_SENT,  SEND,        SEND),
    [LEAT_SEND_DATA_SENT]   = ROW(DATA_SENT,   DATA_SENT,   RESET_SENT,  DATA_RECVD,  DATA_SENT),
    [LEAT_SEND_DATA_RECVD]  = ROW(DATA_RECVD,  DATA_RECVD,  DATA_RECVD,  DATA_RECVD,  DATA_RECVD),
    [LEAT_SEND_RESET_SENT]  = ROW(RESET_SENT,  RESET_SENT,  RESET_SENT,  RESET_SENT,  RESET_RECVD),
    [LEAT_SEND_RESET_RECVD] = ROW(RESET_RECVD, RESET_RECVD, RESET_RECVD, RESET_RECVD, RESET_RECVD),
};
#undef ROW

#define ROW(a, b, c, d, e) {LEAT_RECV_##a, LEAT_RECV_##b, LEAT_RECV_##c, LEAT_RECV_##d, LEAT_RECV_##e}

/* RFC 9000 §3.2, figure 3; a reset after all data has arrived is ignored, which that section
 * allows. */
const leat_recv_state leat_recv_state_table[LEAT_RECV_STATE_COUNT][LEAT_RECV_INPUT_COUNT] = {
    /*                           fin          all data     reset        data read    reset read */
    [LEAT_RECV_NONE]        = ROW(NONE,        NONE,        NONE,        NONE,        NONE),
    [LEAT_RECV_RECV]        = ROW(SIZE_KNOWN,  RECV,        RESET_RECVD, RECV,        RECV),
    [LEAT_RECV_SIZE_KNOWN]  = ROW(SIZE_KNOWN,  DATA_RECVD,  RESET_RECVD, SIZE_KNOWN,  SIZE_KNOWN),
    [LEAT_RECV_DATA_RECVD]  = ROW(DATA_RECVD,  DATA_RECVD,  DATA_RECVD,  DATA_READ,   DATA_RECVD),
    [LEAT_RECV_DATA_READ]   = ROW(DATA_READ,   DATA_READ,   DATA_READ,   DATA_READ,   DATA_READ),
    [LEAT_RECV_RESET_RECVD] = ROW(RESET_RECVD, RESET_RECVD, RESET_RECVD, RESET_RECVD, RESET_READ),
    [LEAT_RECV_RESET_READ]  = ROW(RESET_READ,  RESET_READ,  RESET_READ,  RESET_READ,  RESET_READ),
};
#undef ROW
/* clang-format on */

const char *leat_send_state_name(leat_send_state state) {
    static const char *const names[LEAT_SEND_STATE_COUNT] = {
        [LEAT_SEND_NONE] = "none",
        [LEAT_SEND_READY] = "ready",
        [LEAT_SEND_SEND] = "send",
        [LEAT_SEND_DATA_SENT] = "data_sent",
        [LEAT_SEND_DATA_RECVD] = "data_received",
        [LEAT_SEND_RESET_SENT] = "reset_sent",
        [LEAT_SEND_RESET_RECVD] = "reset_received",
    };
    return names[state];
}

const char *leat_recv_state_name(leat_recv_state state) {
    static const char *const names[LEAT_RECV_STATE_COUNT] = {
        [LEAT_RECV_NONE] = "none",
        [LEAT_RECV_RECV] = "receive",
        [LEAT_RECV_SIZE_KNOWN] = "size_known",
        [LEAT_RECV_DATA_RECVD] = "data_received",
        [LEAT_RECV_DATA_READ] = "data_read",
        [LEAT_RECV_RESET_RECVD] = "reset_received",
        [LEAT_RECV_RESET_READ] = "reset_read",
    };
    return names[state];
}

bool leat_send_state_apply(leat_send_state *state, leat_send_input input) {
    leat_send_state before = *state;
    *state = leat_send_state_table[before][input];
    return *state != before;
}

bool leat_recv_state_apply(leat_recv_state *state, leat_recv_input input) {
    leat_recv_state before = *state;
    *state = leat_recv_state_table[before][input];
    return *state != before;
}

bool leat_send_state_is_terminal(leat_send_state state) {
    return state == LEAT_SEND_NONE || state == LEAT_SEND_DATA_RECVD ||
           state == LEAT_SEND_RESET_RECVD;
}

bool leat_recv_state_is_terminal(leat_recv_state state) {
    return state == LEAT_RECV_NONE || state == LEAT_RECV_DATA_READ || state == LEAT_RECV_RESET_READ;
}

bool leat_send_state_can_send(leat_send_state state) {
    /* RFC 9000 §3.3-2: not after RESET_STREAM, not from a terminal state. */
    return state == LEAT_SEND_READY || state == LEAT_SEND_SEND || state == LEAT_SEND_DATA_SENT;
}
