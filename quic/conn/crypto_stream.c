/*
 * CRYPTO streams, one per packet number space: RFC 9000 §7.5 and §19.6. They carry the handshake's
 * bytes to TLS and from it; what TLS makes of them is handshake.c's business. No flow control, so
 * that a bound stands in its place.
 */
#include "quic/conn/conn_internal.h"

static const leat_level level_of_space[LEAT_SPACE_COUNT] = {
    [LEAT_SPACE_INITIAL] = LEAT_LEVEL_INITIAL,
    [LEAT_SPACE_HANDSHAKE] = LEAT_LEVEL_HANDSHAKE,
    [LEAT_SPACE_APPLICATION] = LEAT_LEVEL_APPLICATION,
};

/* ---- receiving ------------------------------------------------------------------------------- */

static bool insert(leat_conn *conn, leat_recv_buffer *buffer, const leat_frame *frame) {
    switch (leat_recv_buffer_insert(buffer, frame->crypto.offset, frame->crypto.data.data,
                                    frame->crypto.data.length, false)) {
    case LEAT_INSERT_OK:
        return true;
    case LEAT_INSERT_NOMEM:
        leat_close_internal(conn, "out of memory for handshake data");
        return false;
    default:
        leat_close_fault(conn, LEAT_CRYPTO_BUFFER_EXCEEDED, frame->type,
                         "too much handshake data out of order");
        return false;
    }
}

void leat_crypto_on_frame(leat_conn *conn, const leat_frame *frame, leat_packet_in *packet) {
    leat_recv_buffer *buffer = &conn->spaces[packet->space]->crypto_recv;
    leat_version_on_crypto(conn);
    if (!insert(conn, buffer, frame)) {
        return;
    }
    leat_span bytes;
    while (leat_conn_is_open(conn) && (bytes = leat_recv_buffer_readable(buffer)).length > 0) {
        leat_handshake_receive(conn, level_of_space[packet->space], bytes);
        leat_recv_buffer_consume(buffer, bytes.length);
    }
}

/* ---- sending --------------------------------------------------------------------------------- */

/* What TLS wrote moves into the send buffers, where it stays until it is acknowledged. */
void leat_crypto_collect_output(leat_conn *conn) {
    for (leat_space id = 0; id < LEAT_SPACE_COUNT && leat_conn_is_open(conn); id++) {
        leat_span output = leat_tls_output(conn->handshake.tls, level_of_space[id]);
        size_t taken = 0;
        if (output.length == 0 || conn->spaces[id] == NULL) {
            continue;
        }
        if (leat_send_buffer_append(&conn->spaces[id]->crypto_send, output.data, output.length,
                                    &taken) != LEAT_OK ||
            taken < output.length) {
            leat_close_internal(conn, "out of memory for handshake data");
            return;
        }
        leat_tls_output_consume(conn->handshake.tls, level_of_space[id], output.length);
    }
}

bool leat_crypto_wants(const leat_conn *conn, leat_space space) {
    return leat_send_buffer_has_to_send(&conn->spaces[space]->crypto_send, UINT64_MAX);
}

void leat_crypto_write(leat_conn *conn, leat_packet_out *out) {
    leat_send_buffer *buffer = &conn->spaces[out->space]->crypto_send;
    leat_send_range range;
    while (leat_send_buffer_next(buffer, leat_out_room(out), UINT64_MAX, &range)) {
        leat_writer mark = out->builder.payload;
        size_t length = range.length;
        uint8_t *bytes = leat_crypto_frame_begin(&out->builder.payload, range.offset, &length);
        if (bytes == NULL || length == 0) {
            out->builder.payload = mark;
            return;
        }
        leat_send_buffer_copy(buffer, range.offset, length, bytes);
        if (!leat_out_record(conn, out, &mark, LEAT_FRAME_CRYPTO, 0, range.offset, length, 0)) {
            return;
        }
        leat_send_buffer_on_sent(buffer, range.offset, length, false);
    }
}

void leat_crypto_on_acked(leat_conn *conn, leat_space space, const leat_sent_packet *packet,
                          const leat_frame_record *record) {
    (void)packet;
    if (conn->spaces[space] != NULL) {
        leat_send_buffer_on_acked(&conn->spaces[space]->crypto_send, record->a, (size_t)record->b,
                                  false);
    }
}

void leat_crypto_on_lost(leat_conn *conn, leat_space space, const leat_frame_record *record) {
    if (conn->spaces[space] != NULL) {
        leat_send_buffer_on_lost(&conn->spaces[space]->crypto_send, record->a, (size_t)record->b,
                                 false);
    }
}
