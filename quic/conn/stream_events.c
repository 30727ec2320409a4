/*
 * What the application hears of streams, and its credit: the events of a stream are bits in it,
 * told in the order opened, stop, data, reset, writable, delivered. Taking data consumes it when
 * the next event is asked for, which is also when its credit goes back to the peer (RFC 9000 §4.2).
 */
#include "quic/conn/conn_internal.h"

void leat_streams_tell(leat_conn *conn, leat_stream *stream, unsigned events) {
    if (stream->held) {
        events &= ~(unsigned)LEAT_STREAM_EVENT_DATA;
    }
    stream->events |= events;
    if (stream->events != 0 && !leat_list_is_linked(&stream->event_node)) {
        stream->event_order = leat_event_queue_take_order(&conn->events);
        leat_list_push_back(&conn->streams.events, &stream->event_node);
    }
}

void leat_streams_tell_data(leat_conn *conn, leat_stream *stream) {
    bool at_end = leat_recv_buffer_is_at_end(&stream->recv) && !stream->end_told &&
                  !stream->peer_reset_at;
    if (leat_recv_buffer_readable_total(&stream->recv) > 0 || at_end) {
        leat_streams_tell(conn, stream, LEAT_STREAM_EVENT_DATA);
    }
}

static void untell(leat_stream *stream, unsigned events) {
    stream->events &= ~events;
    if (stream->events == 0) {
        leat_list_remove(&stream->event_node);
    }
}

/* ---- credit ---------------------------------------------------------------------------------- */

void leat_streams_credit(leat_conn *conn, leat_stream *stream, uint64_t length) {
    leat_flow_on_consumed(&stream->flow, length);
    leat_flow_on_consumed(&conn->streams.flow, length);
    leat_flow_tuning_on_consumed(conn, stream);
    /* RFC 9000 §4.1: of no use once the size is known. */
    if (stream->recv_state == LEAT_RECV_RECV && leat_flow_wants_update(&stream->flow)) {
        leat_streams_want_control(conn, stream, LEAT_STREAM_WANTS_MAX_DATA);
    }
    if (leat_flow_wants_update(&conn->streams.flow)) {
        conn->send.is_dirty = true;
    }
}

static void credit_rest(leat_conn *conn, leat_stream *stream) {
    stream->uncredited = 0;
    leat_streams_credit(conn, stream, stream->flow.received - stream->flow.consumed);
}

void leat_streams_drop_unread(leat_conn *conn, leat_stream *stream) {
    if (conn->streams.popped == stream) {
        return; /* The application still looks at the bytes; settling comes back here. */
    }
    untell(stream, LEAT_STREAM_EVENT_DATA);
    leat_recv_buffer_discard(&stream->recv);
    credit_rest(conn, stream);
    bool is_reset = stream->recv_state >= LEAT_RECV_RESET_RECVD;
    if (stream->peer_reset_at) {
        leat_reset_at_on_received(conn, stream);
    } else if (stream->stop_sent && !is_reset && leat_recv_buffer_is_size_known(&stream->recv)) {
        leat_streams_on_recv_input(conn, stream, LEAT_RECV_ON_ALL_DATA);
        leat_streams_on_recv_input(conn, stream, LEAT_RECV_ON_DATA_READ);
        leat_streams_try_close(conn, stream);
    }
}

void leat_streams_try_close(leat_conn *conn, leat_stream *stream) {
    if (stream->events == 0 && conn->streams.popped != stream && leat_stream_is_finished(stream)) {
        credit_rest(conn, stream);
        leat_stream_map_close(&conn->streams.map, stream);
        conn->send.is_dirty = true;
    }
}

/* ---- popping --------------------------------------------------------------------------------- */

static leat_stream *first_stream(const leat_conn *conn) {
    return LEAT_LIST_FIRST(&conn->streams.events, leat_stream, event_node);
}

uint64_t leat_streams_first_order(const leat_conn *conn) {
    const leat_stream *stream = first_stream(conn);
    return stream != NULL ? stream->event_order : LEAT_ORDER_NONE;
}

static void pop_data(leat_conn *conn, leat_stream *stream, leat_event *event) {
    leat_conn_streams *streams = &conn->streams;
    leat_span data = leat_recv_buffer_readable(&stream->recv);
    bool more = leat_recv_buffer_readable_total(&stream->recv) > data.length;
    bool end = !more && stream->recv_state != LEAT_RECV_RESET_RECVD && !stream->peer_reset_at &&
        leat_recv_buffer_is_complete(&stream->recv);
    *event = (leat_event){.type = LEAT_EVENT_STREAM_DATA_RECEIVED,
                          .stream_data_received = {.stream_id = stream->id, .data = data,
                                                   .end_stream = end,
                                                   .early = leat_streams_is_early(conn, stream)}};
    streams->popped = stream;
    streams->popped_length = data.length;
    streams->popped_unread = 0;
    streams->popped_end = end;
    if (!more) {
        untell(stream, LEAT_STREAM_EVENT_DATA);
    }
}

static void pop_plain(leat_conn *conn, leat_stream *stream, leat_event *event, unsigned bit,
                      leat_event_type type) {
    *event = (leat_event){.type = type, .stream.stream_id = stream->id};
    untell(stream, bit);
    if (type == LEAT_EVENT_STOP_SENDING_RECEIVED) {
        event->stop_sending_received.error_code = stream->peer_stop_code;
    } else if (type == LEAT_EVENT_STREAM_RESET) {
        event->stream_reset.error_code = stream->peer_reset_code;
        stream->end_told = true;
        leat_streams_drop_unread(conn, stream);
        leat_streams_on_recv_input(conn, stream, LEAT_RECV_ON_RESET_READ);
        /* After RESET_STREAM_AT the data was read up to where it matters. */
        leat_streams_on_recv_input(conn, stream, LEAT_RECV_ON_DATA_READ);
    }
    leat_streams_try_close(conn, stream);
}

void leat_streams_pop_event(leat_conn *conn, leat_event *event) {
    static const struct {
        unsigned bit;
        leat_event_type type;
    } order[] = {
        {LEAT_STREAM_EVENT_OPENED, LEAT_EVENT_STREAM_OPENED},
        {LEAT_STREAM_EVENT_STOP_SENDING, LEAT_EVENT_STOP_SENDING_RECEIVED},
        {LEAT_STREAM_EVENT_DATA, LEAT_EVENT_STREAM_DATA_RECEIVED},
        {LEAT_STREAM_EVENT_RESET, LEAT_EVENT_STREAM_RESET},
        {LEAT_STREAM_EVENT_WRITABLE, LEAT_EVENT_STREAM_WRITABLE},
        {LEAT_STREAM_EVENT_DELIVERED, LEAT_EVENT_STREAM_DELIVERED},
    };
    leat_stream *stream = first_stream(conn);
    size_t i = 0;
    while ((stream->events & order[i].bit) == 0) {
        i++;
    }
    if (order[i].bit == LEAT_STREAM_EVENT_DATA) {
        pop_data(conn, stream, event);
    } else {
        pop_plain(conn, stream, event, order[i].bit, order[i].type);
    }
}

/* The bytes taken: their credit goes back now, or when the application says so. */
static void consume(leat_conn *conn, leat_stream *stream, size_t length) {
    leat_recv_buffer_consume(&stream->recv, length);
    if (stream->manual_credit) {
        stream->uncredited += length;
    } else {
        leat_streams_credit(conn, stream, length);
    }
}

void leat_streams_settle_popped(leat_conn *conn) {
    leat_conn_streams *streams = &conn->streams;
    leat_stream *stream = streams->popped;
    if (stream == NULL) {
        return;
    }
    streams->popped = NULL;
    consume(conn, stream, streams->popped_length - streams->popped_unread);
    if (streams->popped_end && !stream->held) {
        stream->end_told = true;
        leat_streams_on_recv_input(conn, stream, LEAT_RECV_ON_DATA_READ);
    } else if (stream->stop_sent) {
        leat_streams_drop_unread(conn, stream);
        return;
    }
    leat_reset_at_on_received(conn, stream);
    leat_streams_try_close(conn, stream);
}

/* ---- the application ------------------------------------------------------------------------- */

int leat_conn_hold_stream(leat_conn *conn, uint64_t stream_id, size_t unread) {
    leat_conn_streams *streams = &conn->streams;
    leat_stream *stream = leat_stream_map_find(&streams->map, stream_id);
    if (stream == NULL) {
        return LEAT_ERR_NO_STREAM;
    }
    if (unread > 0 && (streams->popped != stream || unread > streams->popped_length)) {
        return LEAT_ERR_INVALID;
    }
    if (streams->popped == stream) {
        streams->popped_unread = unread;
    }
    stream->held = true;
    /* What RESET_STREAM_AT promises comes before the reset, so that waits too. */
    untell(stream, LEAT_STREAM_EVENT_DATA | (stream->peer_reset_at ? LEAT_STREAM_EVENT_RESET : 0));
    return LEAT_OK;
}

int leat_conn_release_stream(leat_conn *conn, uint64_t stream_id) {
    leat_stream *stream = leat_stream_map_find(&conn->streams.map, stream_id);
    if (stream == NULL) {
        return LEAT_ERR_NO_STREAM;
    }
    leat_streams_settle_popped(conn);
    stream = leat_stream_map_find(&conn->streams.map, stream_id);
    if (stream == NULL || !stream->held) {
        return LEAT_OK;
    }
    stream->held = false;
    if (!stream->stop_sent) {
        leat_streams_tell_data(conn, stream);
    }
    leat_reset_at_on_received(conn, stream);
    return LEAT_OK;
}

int leat_conn_credit_stream(leat_conn *conn, uint64_t stream_id, uint64_t length) {
    leat_stream *stream = leat_stream_map_find(&conn->streams.map, stream_id);
    if (stream == NULL) {
        return LEAT_ERR_NO_STREAM;
    }
    if (conn->streams.popped == stream) {
        leat_streams_settle_popped(conn);
        stream = leat_stream_map_find(&conn->streams.map, stream_id);
    }
    /* A stream that ended meanwhile has given all its credit back. */
    if (stream != NULL && stream->uncredited > 0) {
        uint64_t credit = length < stream->uncredited ? length : stream->uncredited;
        stream->uncredited -= credit;
        leat_streams_credit(conn, stream, credit);
    }
    return LEAT_OK;
}
