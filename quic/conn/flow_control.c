/*
 * Limits on data and streams as frames: MAX_*, *_BLOCKED, RFC 9000 §4 and §19.9 to §19.14; and the
 * frames that a single stream wants (MAX_STREAM_DATA, STREAM_DATA_BLOCKED, RESET_STREAM,
 * RESET_STREAM_AT, STOP_SENDING). The counting is quic/stream/flow.c's.
 */
#include "quic/conn/conn_internal.h"

static const leat_frame_kind max_streams_kind[LEAT_DIRECTION_COUNT] = {
    [LEAT_BIDI] = LEAT_FRAME_MAX_STREAMS_BIDI,
    [LEAT_UNI] = LEAT_FRAME_MAX_STREAMS_UNI,
};
static const leat_frame_kind streams_blocked_kind[LEAT_DIRECTION_COUNT] = {
    [LEAT_BIDI] = LEAT_FRAME_STREAMS_BLOCKED_BIDI,
    [LEAT_UNI] = LEAT_FRAME_STREAMS_BLOCKED_UNI,
};

/* ---- what the peer allows -------------------------------------------------------------------- */

void leat_max_data_on_frame(leat_conn *conn, const leat_frame *frame, leat_packet_in *packet) {
    (void)packet;
    if (leat_flow_on_limit(&conn->streams.flow, frame->max_data.maximum)) {
        leat_streams_unblock(conn);
    }
}

void leat_max_stream_data_on_frame(leat_conn *conn, const leat_frame *frame,
                                   leat_packet_in *packet) {
    uint64_t id = frame->max_stream_data.stream_id;
    (void)packet;
    if (leat_stream_is_unidirectional(id) && !leat_stream_map_is_local(&conn->streams.map, id)) {
        leat_close_fault(conn, LEAT_STREAM_STATE_ERROR, frame->type,
                         "MAX_STREAM_DATA for a stream that we only receive on");
        return;
    }
    leat_stream *stream = leat_streams_find_for_frame(conn, id, frame->type);
    if (stream != NULL && leat_flow_on_limit(&stream->flow, frame->max_stream_data.maximum)) {
        leat_streams_update_ready(conn, stream);
    }
}

void leat_max_streams_on_frame(leat_conn *conn, const leat_frame *frame, leat_packet_in *packet) {
    leat_stream_direction direction = frame->kind == LEAT_FRAME_MAX_STREAMS_UNI ? LEAT_UNI
                                                                                : LEAT_BIDI;
    (void)packet;
    if (leat_flow_on_limit(&conn->streams.map.counts[direction], frame->max_streams.maximum)) {
        leat_streams_tell_available(conn);
    }
}

void leat_streams_tell_available(leat_conn *conn) {
    for (leat_stream_direction direction = 0; direction < LEAT_DIRECTION_COUNT; direction++) {
        bool *waits = &conn->streams.open_failed[direction];
        const leat_event event = {.type = LEAT_EVENT_STREAMS_AVAILABLE,
                                  .streams_available.unidirectional = direction == LEAT_UNI};
        if (*waits && leat_flow_send_credit(&conn->streams.map.counts[direction]) > 0) {
            *waits = false;
            leat_events_push(conn, &event);
        }
    }
}

void leat_stream_data_blocked_on_frame(leat_conn *conn, const leat_frame *frame,
                                       leat_packet_in *packet) {
    uint64_t id = frame->stream_data_blocked.stream_id;
    (void)packet;
    if (leat_stream_is_unidirectional(id) && leat_stream_map_is_local(&conn->streams.map, id)) {
        leat_close_fault(conn, LEAT_STREAM_STATE_ERROR, frame->type,
                         "STREAM_DATA_BLOCKED for a stream that only we send on");
        return;
    }
    /* RFC 9000 §19.13: nothing to do but to open the stream, if it is the first that is heard of
     * it. */
    leat_streams_find_for_frame(conn, id, frame->type);
}

/* ---- what we allow, and where we are held back: the connection ------------------------------- */

static bool wants_data_blocked(const leat_conn *conn) {
    return !leat_list_is_empty(&conn->streams.blocked) &&
        leat_flow_wants_blocked(&conn->streams.flow);
}

static bool wants_streams_blocked(const leat_conn *conn, leat_stream_direction direction) {
    return conn->streams.open_failed[direction] && conn->handshake.has_peer_params &&
           leat_flow_wants_blocked(&conn->streams.map.counts[direction]);
}

bool leat_flow_control_wants(const leat_conn *conn, leat_space space) {
    const leat_flow *counts = conn->streams.map.counts;
    (void)space;
    return leat_flow_wants_update(&conn->streams.flow) || wants_data_blocked(conn) ||
        leat_flow_wants_update(&counts[LEAT_BIDI]) ||
           leat_flow_wants_update(&counts[LEAT_UNI]) || wants_streams_blocked(conn, LEAT_BIDI) ||
           wants_streams_blocked(conn, LEAT_UNI);
}

/* A frame that is a type and one number; the number is remembered for on_lost. */
static bool put_limit(leat_conn *conn, leat_packet_out *out, leat_frame_kind kind, uint64_t limit) {
    leat_frame frame = {.kind = kind, .type = leat_frame_table[kind].first};
    frame.max_data.maximum = limit;
    return leat_out_frame(conn, out, &frame, 0, limit, 0);
}

#define LIMIT_FRAME_SIZE_MAX 9

static void write_connection_data(leat_conn *conn, leat_packet_out *out) {
    leat_flow *flow = &conn->streams.flow;
    if (leat_flow_wants_update(flow) && leat_out_room(out) >= LIMIT_FRAME_SIZE_MAX) {
        put_limit(conn, out, LEAT_FRAME_MAX_DATA, leat_flow_update(flow));
    }
    if (wants_data_blocked(conn) && put_limit(conn, out, LEAT_FRAME_DATA_BLOCKED, flow->send_max)) {
        leat_flow_on_blocked_sent(flow);
    }
}

void leat_flow_control_write(leat_conn *conn, leat_packet_out *out) {
    write_connection_data(conn, out);
    for (leat_stream_direction direction = 0; direction < LEAT_DIRECTION_COUNT; direction++) {
        leat_flow *count = &conn->streams.map.counts[direction];
        if (leat_flow_wants_update(count) && leat_out_room(out) >= LIMIT_FRAME_SIZE_MAX) {
            put_limit(conn, out, max_streams_kind[direction], leat_flow_update(count));
        }
        if (wants_streams_blocked(conn, direction) &&
            put_limit(conn, out, streams_blocked_kind[direction], count->send_max)) {
            leat_flow_on_blocked_sent(count);
        }
    }
}

void leat_max_data_on_lost(leat_conn *conn, leat_space space, const leat_frame_record *record) {
    (void)space;
    leat_flow_on_update_lost(&conn->streams.flow, record->b);
}

void leat_data_blocked_on_lost(leat_conn *conn, leat_space space, const leat_frame_record *record) {
    (void)space;
    leat_flow_on_blocked_lost(&conn->streams.flow, record->b);
}

void leat_max_streams_on_lost(leat_conn *conn, leat_space space, const leat_frame_record *record) {
    leat_stream_direction direction = record->kind == LEAT_FRAME_MAX_STREAMS_UNI ? LEAT_UNI
            : LEAT_BIDI;
    (void)space;
    leat_flow_on_update_lost(&conn->streams.map.counts[direction], record->b);
}

void leat_streams_blocked_on_lost(leat_conn *conn, leat_space space,
                                  const leat_frame_record *record) {
    leat_stream_direction direction = record->kind == LEAT_FRAME_STREAMS_BLOCKED_UNI ? LEAT_UNI
            : LEAT_BIDI;
    (void)space;
    leat_flow_on_blocked_lost(&conn->streams.map.counts[direction], record->b);
}

/* ---- frames of single streams ---------------------------------------------------------------- */

typedef struct stream_control_row {
    unsigned bit;
    leat_frame_kind kind;
    /* Also commits to what the frame says; returns the number that on_lost or on_acked needs. */
    uint64_t (*fill)(leat_stream *stream, leat_frame *frame);
} stream_control_row;

static uint64_t fill_reset(leat_stream *stream, leat_frame *frame) {
    frame->reset_stream.stream_id = stream->id;
    frame->reset_stream.error_code = stream->reset_code;
    frame->reset_stream.final_size = stream->reset_size;
    return 0;
}

static uint64_t fill_reset_at(leat_stream *stream, leat_frame *frame) {
    frame->reset_stream_at.stream_id = stream->id;
    frame->reset_stream_at.error_code = stream->reset_code;
    frame->reset_stream_at.final_size = stream->reset_size;
    frame->reset_stream_at.reliable_size = stream->send.reliable_end;
    return stream->send.reliable_end;
}

static uint64_t fill_stop_sending(leat_stream *stream, leat_frame *frame) {
    frame->stop_sending.stream_id = stream->id;
    frame->stop_sending.error_code = stream->stop_code;
    return 0;
}

static uint64_t fill_max_stream_data(leat_stream *stream, leat_frame *frame) {
    frame->max_stream_data.stream_id = stream->id;
    frame->max_stream_data.maximum = leat_flow_update(&stream->flow);
    return frame->max_stream_data.maximum;
}

static uint64_t fill_stream_data_blocked(leat_stream *stream, leat_frame *frame) {
    frame->stream_data_blocked.stream_id = stream->id;
    frame->stream_data_blocked.limit = stream->flow.send_max;
    leat_flow_on_blocked_sent(&stream->flow);
    return stream->flow.send_max;
}

static const stream_control_row stream_controls[] = {
    {LEAT_STREAM_WANTS_RESET, LEAT_FRAME_RESET_STREAM, fill_reset},
    {LEAT_STREAM_WANTS_RESET_AT, LEAT_FRAME_RESET_STREAM_AT, fill_reset_at},
    {LEAT_STREAM_WANTS_STOP_SENDING, LEAT_FRAME_STOP_SENDING, fill_stop_sending},
    {LEAT_STREAM_WANTS_MAX_DATA, LEAT_FRAME_MAX_STREAM_DATA, fill_max_stream_data},
    {LEAT_STREAM_WANTS_BLOCKED, LEAT_FRAME_STREAM_DATA_BLOCKED, fill_stream_data_blocked},
};
#define STREAM_CONTROL_SIZE_MAX 33

bool leat_stream_control_wants(const leat_conn *conn, leat_space space) {
    (void)space;
    return !leat_list_is_empty(&conn->streams.control);
}

/* False when the packet is full. */
static bool write_controls_of(leat_conn *conn, leat_packet_out *out, leat_stream *stream) {
    for (size_t i = 0; i < sizeof stream_controls / sizeof stream_controls[0]; i++) {
        const stream_control_row *row = &stream_controls[i];
        if ((stream->controls & row->bit) == 0) {
            continue;
        }
        if (leat_out_room(out) < STREAM_CONTROL_SIZE_MAX) {
            return false;
        }
        leat_frame frame = {.kind = row->kind, .type = leat_frame_table[row->kind].first};
        uint64_t number = row->fill(stream, &frame);
        stream->controls &= ~row->bit;
        if (!leat_out_frame(conn, out, &frame, stream->id, number, 0)) {
            return false;
        }
    }
    return true;
}

void leat_stream_control_write(leat_conn *conn, leat_packet_out *out) {
    LEAT_LIST_FOR_EACH(node, following, &conn->streams.control) {
        leat_stream *stream = LEAT_CONTAINER_OF(node, leat_stream, control_node);
        if (!write_controls_of(conn, out, stream)) {
            return;
        }
        leat_list_remove(&stream->control_node);
    }
}

void leat_max_stream_data_on_lost(leat_conn *conn, leat_space space,
                                  const leat_frame_record *record) {
    leat_stream *stream = leat_stream_map_find(&conn->streams.map, record->a);
    (void)space;
    if (stream != NULL && stream->recv_state == LEAT_RECV_RECV) {
        leat_flow_on_update_lost(&stream->flow, record->b);
        if (leat_flow_wants_update(&stream->flow)) {
            leat_streams_want_control(conn, stream, LEAT_STREAM_WANTS_MAX_DATA);
        }
    }
}

void leat_stream_data_blocked_on_lost(leat_conn *conn, leat_space space,
                                      const leat_frame_record *record) {
    leat_stream *stream = leat_stream_map_find(&conn->streams.map, record->a);
    (void)space;
    if (stream != NULL) {
        leat_flow_on_blocked_lost(&stream->flow, record->b);
        leat_streams_update_ready(conn, stream);
    }
}
