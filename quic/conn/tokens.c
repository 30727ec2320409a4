/*
 * Address validation tokens as a connection handles them: RFC 9000 §8.1.3 and §19.7. A client puts
 * the token it was configured with, or that of a Retry, into its Initials and hands tokens for
 * later to its application; a server sends the one its endpoint made. What stands in a token is
 * quic/packet/token.c's business.
 */
#include "quic/conn/conn_internal.h"

void leat_tokens_init(leat_conn *conn) {
    leat_buffer_init(&conn->tokens.initial, conn->allocator, LEAT_TOKEN_SIZE_MAX);
    leat_buffer_init(&conn->tokens.to_send, conn->allocator, LEAT_TOKEN_SIZE_MAX);
}

void leat_tokens_clear(leat_conn *conn) {
    leat_buffer_clear(&conn->tokens.initial);
    leat_buffer_clear(&conn->tokens.to_send);
}

int leat_conn_send_new_token(leat_conn *conn, leat_span token) {
    leat_conn_tokens *tokens = &conn->tokens;
    if (conn->config.is_client || token.length == 0 || !leat_conn_is_open(conn)) {
        return LEAT_ERR_STATE;
    }
    leat_buffer_consume(&tokens->to_send, tokens->to_send.length);
    int err = leat_buffer_append(&tokens->to_send, token.data, token.length);
    tokens->frame_due = err == LEAT_OK;
    conn->send.is_dirty = true;
    return err;
}

bool leat_conn_is_path_validated(const leat_conn *conn) {
    return conn->paths.active != NULL && conn->paths.active->is_validated;
}

bool leat_new_token_wants(const leat_conn *conn, leat_space space) {
    (void)space;
    return conn->tokens.frame_due && conn->handshake.is_complete;
}

void leat_new_token_write(leat_conn *conn, leat_packet_out *out) {
    const leat_buffer *token = &conn->tokens.to_send;
    const leat_frame frame = {.kind = LEAT_FRAME_NEW_TOKEN, .type = 0x07,
                              .new_token.token = {token->data, token->length}};
    if (leat_out_frame(conn, out, &frame, 0, 0, 0)) {
        conn->tokens.frame_due = false;
    }
}

void leat_new_token_on_acked(leat_conn *conn, leat_space space, const leat_sent_packet *packet,
                             const leat_frame_record *record) {
    (void)space, (void)packet, (void)record;
    if (!conn->tokens.frame_due) {
        leat_buffer_clear(&conn->tokens.to_send);
    }
}

void leat_new_token_on_lost(leat_conn *conn, leat_space space, const leat_frame_record *record) {
    (void)space, (void)record;
    conn->tokens.frame_due = conn->tokens.to_send.length > 0;
}

void leat_new_token_on_frame(leat_conn *conn, const leat_frame *frame, leat_packet_in *packet) {
    (void)packet;
    if (leat_conn_is_server(conn)) {
        /* RFC 9000 §19.7: only servers make tokens. */
        leat_close_fault(conn, LEAT_PROTOCOL_VIOLATION, frame->type, "NEW_TOKEN from a client");
        return;
    }
    if (conn->tokens.received == LEAT_NEW_TOKENS_MAX ||
        frame->new_token.token.length > LEAT_TOKEN_SIZE_MAX) {
        return;
    }
    conn->tokens.received++;
    if (leat_event_queue_push_bytes(&conn->events, LEAT_EVENT_NEW_TOKEN,
                                    frame->new_token.token) != LEAT_OK) {
        leat_close_internal(conn, "out of memory for events");
    }
}
