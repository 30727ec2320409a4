/*
 * 0-RTT: RFC 9001 §4.5, §4.6, §4.9.3, §5.6; RFC 9000 §7.4.1. A client that resumes may send under
 * the limits it remembered before the server has answered; the server may refuse, and then nothing
 * of it ever happened. When to accept is TLS's to judge (crypto/tls/early_data.c); here is what
 * limits have to do with it, and the keys.
 */
#include "quic/conn/conn_internal.h"
#include "quic/conn/trace.h"

/* ---- what is remembered ---------------------------------------------------------------------- */

/* RFC 9000 §7.4.1: the limits that early data is sent under, as one endpoint wrote them: a server
 * the ones it gave, a client the ones it got. */
size_t leat_early_data_write_session(leat_conn *conn, uint8_t *out, size_t room) {
    bool is_server = leat_conn_is_server(conn);
    const leat_transport_params *limits = is_server ? &conn->handshake.ours
                                                    : &conn->handshake.peers;
    if (is_server && !conn->config.early_data) {
        return 0;
    }
    leat_writer writer = leat_writer_make(out, room);
    size_t mark = leat_write_vector_begin(&writer, 2);
    leat_transport_params_write_remembered(&writer, limits);
    leat_write_vector_end(&writer, mark, 2);
    leat_write_bytes(&writer, conn->session_bytes.data, conn->session_bytes.length);
    return writer.failed ? 0 : leat_writer_length(&writer);
}

static bool read_session(leat_span bytes, leat_transport_params *limits, leat_span *application) {
    leat_reader reader = leat_reader_of(bytes);
    leat_span encoded = leat_read_vector16(&reader);
    *application = leat_read_rest(&reader);
    return !reader.failed && leat_transport_params_parse(limits, encoded, false) == NULL;
}

/* RFC 9000 §7.4.1: what the client will send within its remembered limits must be within today's.
 * The application protocol's bytes are compared whole: what they say is not known here. */
static bool still_holds(const leat_conn *conn, leat_span session) {
    leat_transport_params remembered;
    leat_span application;
    leat_span ours = {conn->session_bytes.data, conn->session_bytes.length};
    return read_session(session, &remembered, &application) &&
           leat_transport_params_reduced(&conn->handshake.ours, &remembered) == NULL &&
           leat_span_equal(application, ours);
}

static bool begin(leat_conn *conn, leat_span alpn, leat_span session) {
    leat_conn_early *early = leat_alloc(conn->allocator, sizeof *early);
    if (early == NULL || !read_session(session, &early->remembered, &early->application) ||
        !leat_handshake_tell_protocol(conn, alpn)) {
        leat_free(conn->allocator, early);
        return false;
    }
    early->discard_at = LEAT_TIME_NEVER;
    conn->early = early;
    conn->handshake.peers = early->remembered;
    conn->handshake.has_peer_params = true;
    leat_streams_on_peer_params(conn);
    return true;
}

bool leat_early_data_can_use(leat_conn *conn, leat_span alpn, leat_span application) {
    return leat_conn_is_server(conn) ? still_holds(conn, application)
                                     : begin(conn, alpn, application);
}

const char *leat_early_data_check_params(const leat_conn *conn,
                                         const leat_transport_params *peers) {
    bool is_accepted = leat_tls_early_data(conn->handshake.tls) == LEAT_EARLY_DATA_ACCEPTED;
    return conn->early != NULL && is_accepted
               ? leat_transport_params_reduced(peers, &conn->early->remembered)
               : NULL;
}

int leat_conn_set_session_application(leat_conn *conn, leat_span bytes) {
    if (bytes.length > LEAT_SESSION_BYTES_MAX) {
        return LEAT_ERR_TOO_LARGE;
    }
    leat_buffer_clear(&conn->session_bytes);
    return leat_buffer_append(&conn->session_bytes, bytes.data, bytes.length);
}

leat_span leat_conn_session_application(const leat_conn *conn) {
    return conn->early != NULL ? conn->early->application : (leat_span){NULL, 0};
}

/* ---- keys ------------------------------------------------------------------------------------ */

bool leat_early_data_install(leat_conn *conn, const leat_cipher_suite *suite,
                             const uint8_t *secret) {
    bool is_server = leat_conn_is_server(conn);
    if (is_server) {
        conn->early = leat_alloc(conn->allocator, sizeof *conn->early);
    }
    if (conn->early == NULL || leat_crypto_open_space(conn, LEAT_SPACE_APPLICATION) != LEAT_OK) {
        return false;
    }
    conn->early->discard_at = LEAT_TIME_NEVER;
    conn->receive.keys_arrived |= is_server;
    leat_trace_early_key(conn, "key_updated");
    /* RFC 9369 §4.1: whatever the server chooses, early data is of the first flight's version. */
    return leat_keys_install(&conn->early->keys, conn->version.original, !is_server, suite,
                             secret);
}

void leat_early_data_discard(leat_conn *conn) {
    if (conn->early != NULL) {
        leat_trace_early_key(conn, "key_discarded");
        leat_keys_discard(&conn->early->keys);
        leat_free(conn->allocator, conn->early);
        conn->early = NULL;
    }
}

void leat_early_data_on_one_rtt(leat_conn *conn) {
    /* RFC 9001 §4.9.3: what was reordered is waited for three PTOs. */
    if (conn->early != NULL && conn->early->discard_at == LEAT_TIME_NEVER) {
        leat_time period = leat_time_multiply(leat_recovery_pto(&conn->recovery), 3);
        conn->early->discard_at = leat_time_add(conn->now, period);
    }
}

leat_time leat_early_data_due(const leat_conn *conn) {
    return conn->early != NULL ? conn->early->discard_at : LEAT_TIME_NEVER;
}

bool leat_early_data_is_writing(const leat_conn *conn) {
    const leat_conn_space *space = conn->spaces[LEAT_SPACE_APPLICATION];
    /* RFC 9001 §4.6.2, §5.6: not after a rejection, and not once there are 1-RTT keys. */
    return conn->early != NULL && leat_keys_can_write(&conn->early->keys) && space != NULL &&
           !leat_keys_can_write(&space->keys) &&
           leat_tls_early_data(conn->handshake.tls) != LEAT_EARLY_DATA_REJECTED;
}

bool leat_early_data_can_read(const leat_conn *conn) {
    return conn->early != NULL && leat_keys_can_read(&conn->early->keys);
}

bool leat_early_data_may_come(const leat_conn *conn) {
    bool is_judged = conn->spaces[LEAT_SPACE_HANDSHAKE] != NULL ||
                     conn->discarded[LEAT_SPACE_HANDSHAKE] ||
                     leat_tls_retried(conn->handshake.tls);
    return leat_early_data_can_read(conn) || !is_judged;
}

/* ---- rejection ------------------------------------------------------------------------------- */

void leat_early_data_reject(leat_conn *conn) {
    const leat_recovery_hooks hooks = leat_acks_hooks(conn);
    const leat_event event = {.type = LEAT_EVENT_EARLY_DATA_REJECTED};
    /* RFC 9001 §4.6.2: the server dropped the packets unread. That says nothing of the path. */
    leat_recovery_lose_all(&conn->recovery, LEAT_SPACE_APPLICATION, &hooks);
    leat_streams_restart(conn);
    leat_datagrams_expire_all(conn);
    leat_transport_params_default(&conn->handshake.peers);
    conn->handshake.has_peer_params = false;
    leat_early_data_discard(conn);
    leat_events_push(conn, &event);
}

bool leat_conn_stream_is_early(const leat_conn *conn, uint64_t stream_id) {
    const leat_stream *stream = leat_stream_map_find(&conn->streams.map, stream_id);
    return stream != NULL && leat_streams_is_early(conn, stream);
}

bool leat_conn_early_data_accepted(const leat_conn *conn) {
    return leat_tls_early_data(conn->handshake.tls) == LEAT_EARLY_DATA_ACCEPTED;
}

bool leat_conn_is_sending_early_data(const leat_conn *conn) {
    return leat_early_data_is_writing(conn);
}
