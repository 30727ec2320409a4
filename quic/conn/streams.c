/*
 * STREAM frames in both directions, and what the application does with streams: RFC 9000 §2, §3,
 * §19.8. The bytes and the states live in quic/stream; here is the policy. Streams that have
 * something to send stand in ready lists by urgency (RFC 9218 §10): within one urgency in the order
 * of their IDs, incremental ones taking turns.
 */
#include "quic/conn/conn_internal.h"

#define FLAG_FIN 1
/* A STREAM frame with less room than this waits for the next packet. */
#define STREAM_ROOM_MIN 16

/* ---- life ------------------------------------------------------------------------------------ */

int leat_streams_init(leat_conn *conn) {
    leat_conn_streams *streams = &conn->streams;
    const leat_config *config = &conn->config;
    const leat_stream_params ours = {
        .initial_max_stream_data_bidi_local = config->max_stream_data,
        .initial_max_stream_data_bidi_remote = config->max_stream_data,
        .initial_max_stream_data_uni = config->max_stream_data,
        .initial_max_streams_bidi = config->max_streams_bidi,
        .initial_max_streams_uni = config->max_streams_uni,
    };
    uint8_t hash_key[16] = {0};
    bool drawn = leat_random_bytes(&conn->random, hash_key, sizeof hash_key);
    leat_stream_map_init(&streams->map, conn->allocator, hash_key, config->is_client, &ours,
                         config->send_buffer_limit);
    leat_calm_init(conn);
    leat_flow_init(&streams->flow, 0, config->max_data, LEAT_VARINT_MAX);
    for (size_t urgency = 0; urgency < LEAT_URGENCY_COUNT; urgency++) {
        leat_list_init(&streams->ready[urgency]);
    }
    leat_list_init(&streams->blocked);
    leat_list_init(&streams->control);
    leat_list_init(&streams->events);
    return drawn ? LEAT_OK : LEAT_ERR_RANDOM;
}

void leat_streams_clear(leat_conn *conn) { leat_stream_map_clear(&conn->streams.map); }

void leat_streams_on_peer_params(leat_conn *conn) {
    const leat_transport_params *peers = &conn->handshake.peers;
    const leat_stream_params params = {
        .initial_max_stream_data_bidi_local = peers->initial_max_stream_data_bidi_local,
        .initial_max_stream_data_bidi_remote = peers->initial_max_stream_data_bidi_remote,
        .initial_max_stream_data_uni = peers->initial_max_stream_data_uni,
        .initial_max_streams_bidi = peers->initial_max_streams_bidi,
        .initial_max_streams_uni = peers->initial_max_streams_uni,
    };
    leat_stream_map_set_peer_params(&conn->streams.map, &params);
    leat_flow_on_limit(&conn->streams.flow, peers->initial_max_data);
    leat_streams_tell_available(conn);
}

void leat_streams_restart(leat_conn *conn) {
    conn->streams.popped = NULL;
    leat_stream_map_restart(&conn->streams.map);
    leat_flow_restart(&conn->streams.flow);
}

/* RFC 8446 §8: who completes the handshake is no recording. */
bool leat_streams_is_early(const leat_conn *conn, const leat_stream *stream) {
    return stream->is_early && !conn->handshake.is_complete;
}

/* ---- lists ----------------------------------------------------------------------------------- */

static leat_stream *ready_stream(leat_list *node) {
    return LEAT_CONTAINER_OF(node, leat_stream, ready_node);
}

/* Incremental streams queue at the end; the others stand in the order of their IDs, in front of
 * what came later. */
static void insert_ready(leat_conn *conn, leat_stream *stream) {
    leat_list *head = &conn->streams.ready[stream->urgency];
    leat_list *before = head->prev;
    while (!stream->incremental && before != head && ready_stream(before)->id > stream->id &&
           !ready_stream(before)->incremental) {
        before = before->prev;
    }
    leat_list_push_front(before, &stream->ready_node);
}

static bool has_new_bytes_only(const leat_stream *stream) {
    return !leat_send_buffer_has_to_send(&stream->send, stream->flow.sent);
}

void leat_streams_update_ready(leat_conn *conn, leat_stream *stream) {
    leat_conn_streams *streams = &conn->streams;
    bool has_data = leat_send_state_can_send(stream->send_state) &&
                    leat_send_buffer_has_to_send(&stream->send, stream->flow.send_max);
    bool waits = has_data && has_new_bytes_only(stream) &&
        leat_flow_send_credit(&streams->flow) == 0;
    if (!has_data || waits) {
        leat_list_remove(&stream->ready_node);
    } else if (!leat_list_is_linked(&stream->ready_node)) {
        insert_ready(conn, stream);
        conn->send.is_dirty = true;
    }
    if (!waits) {
        leat_list_remove(&stream->blocked_node);
    } else if (!leat_list_is_linked(&stream->blocked_node)) {
        leat_list_push_back(&streams->blocked, &stream->blocked_node);
    }
    /* RFC 9000 §4.1: the peer is told once per limit that it holds us back. */
    if (leat_send_state_can_send(stream->send_state) &&
        leat_send_buffer_is_blocked(&stream->send, stream->flow.send_max) &&
            leat_flow_wants_blocked(&stream->flow)) {
        leat_streams_want_control(conn, stream, LEAT_STREAM_WANTS_BLOCKED);
    }
}

void leat_streams_want_control(leat_conn *conn, leat_stream *stream, unsigned control) {
    stream->controls |= control;
    if (!leat_list_is_linked(&stream->control_node)) {
        leat_list_push_back(&conn->streams.control, &stream->control_node);
    }
    conn->send.is_dirty = true;
}

void leat_streams_unblock(leat_conn *conn) {
    LEAT_LIST_FOR_EACH(node, following, &conn->streams.blocked) {
        leat_streams_update_ready(conn, LEAT_CONTAINER_OF(node, leat_stream, blocked_node));
    }
}

/* ---- receiving ------------------------------------------------------------------------------- */

leat_stream *leat_streams_find_for_frame(leat_conn *conn, uint64_t id, uint64_t frame_type) {
    leat_stream *stream = NULL;
    switch (leat_stream_map_accept(&conn->streams.map, id, &stream)) {
    case LEAT_STREAM_OPENED:
        stream->manual_credit = conn->config.manual_credit;
        leat_streams_tell(conn, stream, LEAT_STREAM_EVENT_OPENED);
        return stream;
    case LEAT_STREAM_FOUND:
    case LEAT_STREAM_FINISHED:
        return stream;
    case LEAT_STREAM_UNOPENED:
        leat_close_fault(conn, LEAT_STREAM_STATE_ERROR, frame_type,
                         "frame for a stream that we have not opened");
        return NULL;
    case LEAT_STREAM_OVER_LIMIT:
        leat_close_fault(conn, LEAT_STREAM_LIMIT_ERROR, frame_type, "more streams than the limit");
        return NULL;
    case LEAT_STREAM_NOMEM:
        leat_close_internal(conn, "out of memory for streams");
        return NULL;
    }
    return NULL;
}

bool leat_streams_count_received(leat_conn *conn, leat_stream *stream, uint64_t growth,
                                 uint64_t frame_type) {
    leat_conn_streams *streams = &conn->streams;
    if (!leat_flow_can_receive(&stream->flow, growth) ||
        !leat_flow_can_receive(&streams->flow, growth)) {
        leat_close_fault(conn, LEAT_FLOW_CONTROL_ERROR, frame_type, "more data than the limit");
        return false;
    }
    leat_flow_on_received(&stream->flow, growth);
    leat_flow_on_received(&streams->flow, growth);
    streams->bytes_received += growth;
    return true;
}

static bool judge_insert(leat_conn *conn, leat_insert_status status, uint64_t frame_type) {
    switch (status) {
    case LEAT_INSERT_OK:
        return true;
    case LEAT_INSERT_FINAL_SIZE:
        leat_close_fault(conn, LEAT_FINAL_SIZE_ERROR, frame_type,
                         "data contradicts the stream's final size");
        return false;
    case LEAT_INSERT_NOMEM:
        leat_close_internal(conn, "out of memory for stream data");
        return false;
    default:
        /* RFC 9000 §21.7: nobody needs so many gaps. */
        leat_close_fault(conn, LEAT_PROTOCOL_VIOLATION, frame_type,
                         "stream data in too many pieces");
        return false;
    }
}

static void apply_progress(leat_conn *conn, leat_stream *stream, bool fin) {
    if (fin) {
        leat_streams_on_recv_input(conn, stream, LEAT_RECV_ON_FIN);
    }
    if (stream->stop_sent) {
        leat_streams_drop_unread(conn, stream);
        return;
    }
    if (leat_recv_buffer_is_complete(&stream->recv)) {
        leat_streams_on_recv_input(conn, stream, LEAT_RECV_ON_ALL_DATA);
    }
    leat_streams_tell_data(conn, stream);
    leat_reset_at_on_received(conn, stream);
}

void leat_streams_on_frame(leat_conn *conn, const leat_frame *frame, leat_packet_in *packet) {
    uint64_t id = frame->stream.stream_id, offset = frame->stream.offset;
    leat_span data = frame->stream.data;
    if (leat_stream_is_unidirectional(id) && leat_stream_map_is_local(&conn->streams.map, id)) {
        leat_close_fault(conn, LEAT_STREAM_STATE_ERROR, frame->type,
                         "STREAM on a stream that only we send on");
        return;
    }
    leat_stream *stream = leat_streams_find_for_frame(conn, id, frame->type);
    if (stream == NULL ||
        !judge_insert(conn,
                      leat_recv_buffer_check(&stream->recv, offset, data.length, frame->stream.fin),
                          frame->type)) {
        return;
    }
    /* RFC 9000 §3.2: after RESET_STREAM or the last byte only the final size was of interest. */
    if (stream->recv_state != LEAT_RECV_RECV && stream->recv_state != LEAT_RECV_SIZE_KNOWN) {
        return;
    }
    stream->is_early |= packet->header.type == LEAT_PACKET_ZERO_RTT;
    uint64_t growth = leat_recv_buffer_growth(&stream->recv, offset, data.length);
    if (!leat_streams_count_received(conn, stream, growth, frame->type)) {
        return;
    }
    if (judge_insert(conn,
                     leat_recv_buffer_insert(&stream->recv, offset, data.data, data.length,
                                             frame->stream.fin),
                     frame->type)) {
        apply_progress(conn, stream, frame->stream.fin);
    }
}

/* ---- sending --------------------------------------------------------------------------------- */

bool leat_streams_wants(const leat_conn *conn, leat_space space) {
    (void)space;
    for (size_t urgency = 0; urgency < LEAT_URGENCY_COUNT; urgency++) {
        if (!leat_list_is_empty(&conn->streams.ready[urgency])) {
            return true;
        }
    }
    return false;
}

static leat_stream *first_ready(leat_conn *conn) {
    for (size_t urgency = 0; urgency < LEAT_URGENCY_COUNT; urgency++) {
        leat_list *head = &conn->streams.ready[urgency];
        if (!leat_list_is_empty(head)) {
            return ready_stream(head->next);
        }
    }
    return NULL;
}

static void on_range_sent(leat_conn *conn, leat_stream *stream, const leat_send_range *range,
                          size_t length, bool fin) {
    leat_send_buffer_on_sent(&stream->send, range->offset, length, fin);
    if (range->is_new) {
        leat_flow_on_sent(&stream->flow, length);
        leat_flow_on_sent(&conn->streams.flow, length);
        conn->streams.bytes_sent += length;
    }
    leat_streams_on_send_input(conn, stream, LEAT_SEND_ON_DATA);
    if (leat_send_buffer_is_all_sent(&stream->send)) {
        leat_streams_on_send_input(conn, stream, LEAT_SEND_ON_FIN);
    }
    leat_reset_at_on_sent(conn, stream);
}

/* One frame; false when the packet is full or the stream has nothing for it. */
static bool write_range(leat_conn *conn, leat_packet_out *out, leat_stream *stream) {
    uint64_t connection_end = stream->flow.sent + leat_flow_send_credit(&conn->streams.flow);
    uint64_t credit_end = connection_end < stream->flow.send_max ? connection_end
                                                                 : stream->flow.send_max;
    leat_writer mark = out->builder.payload;
    leat_send_range range;
    bool fin = false;
    if (leat_out_room(out) < STREAM_ROOM_MIN ||
        !leat_send_buffer_next(&stream->send, leat_out_room(out), credit_end, &range)) {
        return false;
    }
    size_t length = range.length;
    uint8_t *bytes = leat_stream_frame_begin(&out->builder.payload, stream->id, range.offset,
                                             &length, range.fin, &fin);
    if (bytes == NULL || (length == 0 && !fin)) {
        out->builder.payload = mark;
        return false;
    }
    leat_send_buffer_copy(&stream->send, range.offset, length, bytes);
    if (!leat_out_record(conn, out, &mark, LEAT_FRAME_STREAM, fin ? FLAG_FIN : 0, stream->id,
                         range.offset, length)) {
        return false;
    }
    on_range_sent(conn, stream, &range, length, fin);
    return true;
}

void leat_streams_write(leat_conn *conn, leat_packet_out *out) {
    leat_stream *stream;
    while (leat_conn_is_open(conn) && (stream = first_ready(conn)) != NULL) {
        bool is_written = write_range(conn, out, stream);
        if (is_written && stream->incremental) {
            leat_list_remove(&stream->ready_node);
        }
        leat_streams_update_ready(conn, stream);
        /* Still ready and nothing written: the packet is full. Otherwise others used up the
         * connection's credit. */
        if (!is_written && leat_list_is_linked(&stream->ready_node)) {
            return;
        }
    }
}

void leat_streams_on_acked(leat_conn *conn, leat_space space, const leat_sent_packet *packet,
                           const leat_frame_record *record) {
    leat_stream *stream = leat_stream_map_find(&conn->streams.map, record->a);
    (void)space, (void)packet;
    if (stream == NULL) {
        return;
    }
    leat_send_buffer_on_acked(&stream->send, record->b, (size_t)record->c,
                              record->flags == FLAG_FIN);
    if (leat_send_buffer_is_all_acked(&stream->send) &&
        leat_streams_on_send_input(conn, stream, LEAT_SEND_ON_ALL_ACKED)) {
        leat_streams_tell(conn, stream, LEAT_STREAM_EVENT_DELIVERED);
    }
    leat_reset_at_on_acked(conn, stream);
    leat_flow_tuning_on_acked(conn, stream);
    if (stream->wants_writable && leat_send_buffer_is_worth_filling(&stream->send)) {
        stream->wants_writable = false;
        leat_streams_tell(conn, stream, LEAT_STREAM_EVENT_WRITABLE);
    }
    leat_streams_update_ready(conn, stream);
    leat_streams_try_close(conn, stream);
}

void leat_streams_on_lost(leat_conn *conn, leat_space space, const leat_frame_record *record) {
    leat_stream *stream = leat_stream_map_find(&conn->streams.map, record->a);
    (void)space;
    if (stream != NULL && leat_send_state_can_send(stream->send_state)) {
        leat_send_buffer_on_lost(&stream->send, record->b, (size_t)record->c,
                                 record->flags == FLAG_FIN);
        leat_streams_update_ready(conn, stream);
    }
}
