/*
 * The application's calls on streams: open, send, priority, and the pointers that it keeps with
 * them. Ending one early is stream_endings.c, taking data stream_events.c.
 */
#include "quic/conn/conn_internal.h"

static leat_stream *find(const leat_conn *conn, uint64_t id) {
    return leat_stream_map_find(&conn->streams.map, id);
}

int leat_conn_open_stream(leat_conn *conn, bool unidirectional, uint64_t *stream_id) {
    leat_stream_direction direction = unidirectional ? LEAT_UNI : LEAT_BIDI;
    leat_stream *stream = NULL;
    if (conn->state > LEAT_CONN_OPEN) {
        return LEAT_ERR_STATE;
    }
    int err = leat_stream_map_open(&conn->streams.map, direction, &stream);
    if (err == LEAT_ERR_STREAM_LIMIT) {
        conn->streams.open_failed[direction] = true;
        conn->send.is_dirty = true;
    }
    if (err == LEAT_OK) {
        stream->manual_credit = conn->config.manual_credit;
        *stream_id = stream->id;
    }
    return err;
}

uint64_t leat_conn_streams_available(const leat_conn *conn, bool unidirectional) {
    return leat_flow_send_credit(&conn->streams.map.counts[unidirectional ? LEAT_UNI : LEAT_BIDI]);
}

int leat_streams_check_part(const leat_conn *conn, const leat_stream *stream, bool sending) {
    if (!leat_conn_is_open(conn)) {
        return LEAT_ERR_STATE;
    }
    if (stream == NULL) {
        return LEAT_ERR_NO_STREAM;
    }
    bool has_part = sending ? leat_stream_has_send_part(stream) : leat_stream_has_recv_part(stream);
    return has_part ? LEAT_OK : LEAT_ERR_DIRECTION;
}

static int can_send(const leat_conn *conn, const leat_stream *stream) {
    int err = leat_streams_check_part(conn, stream, true);
    if (err == LEAT_OK &&
        (!leat_send_state_can_send(stream->send_state) ||
         leat_send_buffer_is_ended(&stream->send))) {
        err = LEAT_ERR_STATE;
    }
    return err;
}

ptrdiff_t leat_conn_send_stream_data(leat_conn *conn, uint64_t stream_id, const uint8_t *data,
                                     size_t length, bool end_stream) {
    leat_stream *stream = find(conn, stream_id);
    int err = can_send(conn, stream);
    size_t taken = 0;
    if (err == LEAT_OK) {
        err = leat_send_buffer_append(&stream->send, data, length, &taken);
    }
    if (err != LEAT_OK) {
        return err;
    }
    if (taken < length) {
        stream->wants_writable = true;
    } else if (end_stream) {
        leat_send_buffer_finish(&stream->send);
    }
    leat_streams_update_ready(conn, stream);
    return (ptrdiff_t)taken;
}

bool leat_conn_is_delivering(const leat_conn *conn) {
    const leat_stream *stream;
    for (size_t cursor = 0; (stream = leat_stream_map_next(&conn->streams.map, &cursor)) != NULL;) {
        if (stream->send.fin_queued && leat_send_state_can_send(stream->send_state)) {
            return true;
        }
    }
    return false;
}

ptrdiff_t leat_conn_stream_room(const leat_conn *conn, uint64_t stream_id) {
    const leat_stream *stream = find(conn, stream_id);
    int err = can_send(conn, stream);
    return err == LEAT_OK ? (ptrdiff_t)leat_send_buffer_room(&stream->send) : err;
}

int leat_conn_set_stream_priority(leat_conn *conn, uint64_t stream_id, uint8_t urgency,
                                  bool incremental) {
    leat_stream *stream = find(conn, stream_id);
    if (stream == NULL) {
        return LEAT_ERR_NO_STREAM;
    }
    if (urgency >= LEAT_URGENCY_COUNT) {
        return LEAT_ERR_INVALID;
    }
    leat_list_remove(&stream->ready_node);
    stream->urgency = urgency;
    stream->incremental = incremental;
    leat_streams_update_ready(conn, stream);
    return LEAT_OK;
}

int leat_conn_set_stream_user(leat_conn *conn, uint64_t stream_id, void *user) {
    leat_stream *stream = find(conn, stream_id);
    if (stream == NULL) {
        return LEAT_ERR_NO_STREAM;
    }
    stream->user = user;
    return LEAT_OK;
}

void *leat_conn_stream_user(const leat_conn *conn, uint64_t stream_id) {
    const leat_stream *stream = find(conn, stream_id);
    return stream != NULL ? stream->user : NULL;
}
