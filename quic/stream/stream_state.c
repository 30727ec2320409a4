/* The two state tables of RFC 9000 §3 and their names. A cell that is not written keeps the state. */
#include "quic/stream/stream_state.h"

/* RFC 9000 §3.1, figure 2. One row per state; columns: data, fin, reset, all acked, reset acked. */
#define KEEP(state) {state, state, state, state, state}
const leat_send_state leat_send_state_table[LEAT_SEND_STATE_COUNT][LEAT_SEND_INPUT_COUNT] = {
    [LEAT_SEND_NONE] = KEEP(LEAT_SEND_NONE),
    [LEAT_SEND_READY] = {LEAT_SEND_SEND, LEAT_SEND_DATA_SENT, LEAT_SEND_RESET_SENT, LEAT_SEND_READY, LEAT_SEND_READY},
    [LEAT_SEND_SEND] = {LEAT_SEND_SEND, LEAT_SEND_DATA_SENT, LEAT_SEND_RESET_SENT, LEAT_SEND_SEND, LEAT_SEND_SEND},
    [LEAT_SEND_DATA_SENT] = {LEAT_SEND_DATA_SENT, LEAT_SEND_DATA_SENT, LEAT_SEND_RESET_SENT, LEAT_SEND_DATA_RECVD,
                             LEAT_SEND_DATA_SENT},
    [LEAT_SEND_DATA_RECVD] = KEEP(LEAT_SEND_DATA_RECVD),
    [LEAT_SEND_RESET_SENT] = {LEAT_SEND_RESET_SENT, LEAT_SEND_RESET_SENT, LEAT_SEND_RESET_SENT, LEAT_SEND_RESET_SENT,
                              LEAT_SEND_RESET_RECVD},
    [LEAT_SEND_RESET_RECVD] = KEEP(LEAT_SEND_RESET_RECVD),
};

/* RFC 9000 §3.2, figure 3. One row per state; columns: fin, all data, reset, data read, reset read. */
const leat_recv_state leat_recv_state_table[LEAT_RECV_STATE_COUNT][LEAT_RECV_INPUT_COUNT] = {
    [LEAT_RECV_NONE] = KEEP(LEAT_RECV_NONE),
    [LEAT_RECV_RECV] = {LEAT_RECV_SIZE_KNOWN, LEAT_RECV_RECV, LEAT_RECV_RESET_RECVD, LEAT_RECV_RECV, LEAT_RECV_RECV},
    [LEAT_RECV_SIZE_KNOWN] = {LEAT_RECV_SIZE_KNOWN, LEAT_RECV_DATA_RECVD, LEAT_RECV_RESET_RECVD, LEAT_RECV_SIZE_KNOWN,
                              LEAT_RECV_SIZE_KNOWN},
    /* RFC 9000 §3.2: a reset after all data has arrived may be ignored; the data is delivered. */
    [LEAT_RECV_DATA_RECVD] = {LEAT_RECV_DATA_RECVD, LEAT_RECV_DATA_RECVD, LEAT_RECV_DATA_RECVD, LEAT_RECV_DATA_READ,
                              LEAT_RECV_DATA_RECVD},
    [LEAT_RECV_DATA_READ] = KEEP(LEAT_RECV_DATA_READ),
    [LEAT_RECV_RESET_RECVD] = {LEAT_RECV_RESET_RECVD, LEAT_RECV_RESET_RECVD, LEAT_RECV_RESET_RECVD,
                               LEAT_RECV_RESET_RECVD, LEAT_RECV_RESET_READ},
    [LEAT_RECV_RESET_READ] = KEEP(LEAT_RECV_RESET_READ),
};

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
    return state == LEAT_SEND_NONE || state == LEAT_SEND_DATA_RECVD || state == LEAT_SEND_RESET_RECVD;
}

bool leat_recv_state_is_terminal(leat_recv_state state) {
    return state == LEAT_RECV_NONE || state == LEAT_RECV_DATA_READ || state == LEAT_RECV_RESET_READ;
}

bool leat_send_state_can_send(leat_send_state state) {
    /* RFC 9000 §3.3-2: not after RESET_STREAM, not from a terminal state. */
    return state == LEAT_SEND_READY || state == LEAT_SEND_SEND || state == LEAT_SEND_DATA_SENT;
}
