/* The fake connection: just enough of leat/quic.h for the HTTP/3 layer. Streams are never
 * acknowledged or closed. */
#include "h3/fake_conn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fake_conn_init(leat_conn *conn, bool is_client) {
    memset(conn, 0, sizeof *conn);
    conn->is_client = is_client;
    conn->streams_allowed = 32;
    conn->room = SIZE_MAX / 2;
    conn->datagram_payload = 1200;
    conn->last_ping = FAKE_NONE;
}

void fake_conn_clear(leat_conn *conn) {
    for (size_t i = 0; i < FAKE_STREAMS_MAX; i++) {
        free(conn->streams[i].sent);
        conn->streams[i].sent = NULL;
    }
}

static fake_stream *look(const leat_conn *conn, uint64_t stream_id) {
    for (size_t i = 0; i < FAKE_STREAMS_MAX; i++) {
        if (conn->streams[i].used && conn->streams[i].id == stream_id) {
            return (fake_stream *)(uintptr_t)&conn->streams[i];
        }
    }
    return NULL;
}

fake_stream *fake_find(leat_conn *conn, uint64_t stream_id) {
    fake_stream *stream = look(conn, stream_id);
    for (size_t i = 0; stream == NULL && i < FAKE_STREAMS_MAX; i++) {
        if (!conn->streams[i].used) {
            stream = &conn->streams[i];
            *stream = (fake_stream){.id = stream_id,
                .used = true,
                .reset = FAKE_NONE,
                .stopped = FAKE_NONE,
                .urgency = -1,
                .incremental = -1};
        }
    }
    if (stream == NULL) { /* all in use: the oldest goes, so that fuzzing may open any number */
        free(conn->streams[0].sent);
        memmove(
            &conn->streams[0], &conn->streams[1], sizeof conn->streams - sizeof conn->streams[0]);
        conn->streams[FAKE_STREAMS_MAX - 1].used = false;
        conn->streams[FAKE_STREAMS_MAX - 1].sent = NULL;
        return fake_find(conn, stream_id);
    }
    return stream;
}

void fake_forget(leat_conn *conn, uint64_t stream_id) {
    fake_stream *stream = fake_find(conn, stream_id);
    free(stream->sent);
    stream->sent = NULL;
    stream->sent_length = 0;
}

/* ---- leat/quic.h -------------------------------------------------------------------- */

bool leat_conn_is_client(const leat_conn *conn) { return conn->is_client; }

void leat_conn_fail(leat_conn *conn, uint64_t error_code, const char *reason) {
    if (!conn->is_failed) {
        conn->is_failed = true;
        conn->error_code = error_code;
        snprintf(conn->reason, sizeof conn->reason, "%s", reason);
    }
}

int leat_conn_open_stream(leat_conn *conn, bool unidirectional, uint64_t *stream_id) {
    if (conn->next_id[unidirectional] >= conn->streams_allowed) {
        return LEAT_ERR_STREAM_LIMIT;
    }
    *stream_id =
        conn->next_id[unidirectional]++ * 4 + (unidirectional ? 2 : 0) + (conn->is_client ? 0 : 1);
    fake_find(conn, *stream_id);
    return 0;
}

static bool can_send(const leat_conn *conn, const fake_stream *stream) {
    bool is_peers_uni = leat_stream_is_unidirectional(stream->id) &&
                        leat_stream_is_client_initiated(stream->id) != conn->is_client;
    return !is_peers_uni && !stream->end_sent && stream->reset == FAKE_NONE;
}

ptrdiff_t leat_conn_stream_room(const leat_conn *conn, uint64_t stream_id) {
    const fake_stream *stream = look(conn, stream_id);
    if (stream == NULL || !can_send(conn, stream)) {
        return LEAT_ERR_NO_STREAM;
    }
    return (ptrdiff_t)(conn->room > stream->sent_length ? conn->room - stream->sent_length : 0);
}

ptrdiff_t leat_conn_send_stream_data(
    leat_conn *conn, uint64_t stream_id, const uint8_t *data, size_t length, bool end_stream) {
    ptrdiff_t room = leat_conn_stream_room(conn, stream_id);
    fake_stream *stream = look(conn, stream_id);
    if (room < 0) {
        return room;
    }
    size_t taken = length < (size_t)room ? length : (size_t)room;
    if (taken > 0) {
        stream->sent = realloc(stream->sent, stream->sent_length + taken);
        memcpy(stream->sent + stream->sent_length, data, taken);
        stream->sent_length += taken;
    }
    stream->wants_writable = taken < length;
    stream->end_sent = end_stream && taken == length;
    return (ptrdiff_t)taken;
}

int leat_conn_reset_stream(leat_conn *conn, uint64_t stream_id, uint64_t error_code) {
    fake_stream *stream = look(conn, stream_id);
    if (stream == NULL || !can_send(conn, stream)) {
        return LEAT_ERR_NO_STREAM;
    }
    stream->reset = error_code;
    return 0;
}

int leat_conn_reset_stream_at(
    leat_conn *conn, uint64_t stream_id, uint64_t error_code, uint64_t reliable_size) {
    int result = leat_conn_reset_stream(conn, stream_id, error_code);
    fake_find(conn, stream_id)->reliable_size = reliable_size;
    return result;
}

int leat_conn_stop_stream(leat_conn *conn, uint64_t stream_id, uint64_t error_code) {
    fake_stream *stream = fake_find(conn, stream_id);
    if (stream->stopped == FAKE_NONE) {
        stream->stopped = error_code;
    }
    return 0;
}

int leat_conn_hold_stream(leat_conn *conn, uint64_t stream_id, size_t unread) {
    fake_stream *stream = fake_find(conn, stream_id);
    stream->is_held = true;
    stream->unread = unread;
    return 0;
}

int leat_conn_release_stream(leat_conn *conn, uint64_t stream_id) {
    fake_find(conn, stream_id)->is_held = false;
    return 0;
}

int leat_conn_set_stream_priority(
    leat_conn *conn, uint64_t stream_id, uint8_t urgency, bool incremental) {
    fake_stream *stream = fake_find(conn, stream_id);
    stream->urgency = urgency;
    stream->incremental = incremental;
    return 0;
}

bool leat_conn_random(leat_conn *conn, uint8_t *bytes, size_t length) {
    memset(bytes, 0x5a, length);
    return !conn->random_fails;
}
bool leat_conn_accepts_datagrams(const leat_conn *conn) {
    (void)conn;
    return true;
}
size_t leat_conn_max_datagram_payload(const leat_conn *conn) { return conn->datagram_payload; }

int leat_conn_send_datagram_frame(
    leat_conn *conn, const leat_span *parts, size_t count, uint64_t uid) {
    (void)uid;
    conn->datagram.length = 0;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].length > sizeof conn->datagram.bytes - conn->datagram.length) {
            return LEAT_ERR_TOO_LARGE;
        }
        if (parts[i].length > 0) {
            memcpy(conn->datagram.bytes + conn->datagram.length, parts[i].data, parts[i].length);
        }
        conn->datagram.length += parts[i].length;
    }
    return 0;
}

int leat_conn_send_ping(leat_conn *conn, uint64_t uid) {
    conn->last_ping = uid;
    return 0;
}

bool leat_conn_is_traced(const leat_conn *conn) {
    (void)conn;
    return true;
}

void leat_conn_trace(const leat_conn *conn, const char *category, const char *name,
    const leat_trace_field *fields, size_t count) {
    (void)category;
    (void)name;
    (void)fields;
    (void)count;
    (void)conn;
}

bool leat_conn_is_sending_early_data(const leat_conn *conn) { return conn->is_early; }
leat_span leat_conn_session_application(const leat_conn *conn) { return conn->remembered; }

int leat_conn_set_session_application(leat_conn *conn, leat_span bytes) {
    if (bytes.length > sizeof conn->session) {
        return LEAT_ERR_TOO_LARGE;
    }
    memcpy(conn->session, bytes.data, bytes.length);
    conn->session_length = bytes.length;
    return LEAT_OK;
}
