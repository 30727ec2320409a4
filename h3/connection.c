/*
 * The HTTP/3 connection: its life, and how QUIC events come in and HTTP/3 events go out. RFC 9114
 * §3.2, §5, §8. What the bytes of a stream mean is found out by the stream's role (streams.c).
 */
#include "h3/connection.h"

#include <leat/early_data.h>

#include "base/alloc.h"
#include "h3/critical_streams.h"
#include "h3/datagram.h"
#include "h3/request.h"
#include "h3/send.h"
#include "h3/settings.h"

/* ---- life --------------------------------------------------------------------------- */

void leat_h3_config_init(leat_h3_config *config) {
    *config = (leat_h3_config){
        .size = sizeof *config,
        .max_field_section_size = 65536,
        .qpack_max_table_capacity = 4096,
        .qpack_blocked_streams = 16,
        .enable_connect_protocol = true,
        .enable_datagrams = true,
    };
}

static bool init_state(leat_h3 *h3, leat_conn *conn, const leat_h3_config *config) {
    uint8_t map_key[16] = {0};
    bool is_random = leat_conn_random(conn, map_key, sizeof map_key);
    h3->conn = conn;
    h3->allocator = config->allocator;
    h3->config = *config;
    h3->is_client = leat_conn_is_client(conn);
    /* RFC 9297 §2.1.1: the setting promises that DATAGRAM frames are taken. */
    h3->config.enable_datagrams = config->enable_datagrams && leat_conn_accepts_datagrams(conn);
    if (h3->config.max_field_section_size > LEAT_H3_SECTION_MAX) {
        h3->config.max_field_section_size = LEAT_H3_SECTION_MAX;
    }
    leat_map_init(&h3->streams, h3->allocator, map_key);
    leat_buffer_init(&h3->control, h3->allocator, LEAT_H3_CONTROL_BUFFER_MAX);
    leat_buffer_init(&h3->scratch, h3->allocator, (size_t)LEAT_H3_SECTION_MAX);
    for (size_t i = 0; i < LEAT_H3_CRITICAL_COUNT; i++) {
        h3->critical[i].local_id = h3->critical[i].peer_id = LEAT_H3_NONE;
    }
    h3->peer_max_field_section_size = UINT64_MAX;
    h3->goaway_sent = h3->goaway_received = h3->max_push_id = LEAT_H3_NONE;
    return is_random;
}

static int start(leat_h3 *h3) {
    const leat_h3_config *config = &h3->config;
    h3->decoder = leat_qpack_decoder_new(h3->allocator, config->qpack_max_table_capacity,
        config->qpack_blocked_streams, (size_t)config->max_field_section_size);
    h3->encoder = leat_qpack_encoder_new(h3->allocator, config->qpack_encoder_capacity);
    if (h3->decoder == NULL || h3->encoder == NULL) {
        return LEAT_ERR_NOMEM;
    }
    if (leat_conn_is_sending_early_data(h3->conn) && !leat_h3_use_remembered_settings(h3)) {
        return LEAT_ERR_STATE;
    }
    int error = leat_h3_write_settings(h3);
    h3->config.settings = NULL; /* borrowed for this call only */
    h3->config.setting_count = 0;
    return error != 0 ? error : leat_h3_flush(h3);
}

leat_h3 *leat_h3_new(leat_conn *conn, const leat_h3_config *config, int *error) {
    leat_h3 *h3 = leat_alloc(config->allocator, sizeof *h3);
    int result = LEAT_ERR_NOMEM;
    if (h3 != NULL) {
        result = init_state(h3, conn, config) ? start(h3) : LEAT_ERR_RANDOM;
    }
    if (result != 0) {
        leat_h3_free(h3);
        h3 = NULL;
    }
    if (error != NULL) {
        *error = result;
    }
    return h3;
}

void leat_h3_free(leat_h3 *h3) {
    size_t cursor = 0;
    if (h3 == NULL) {
        return;
    }
    for (leat_h3_stream *stream; (stream = leat_map_next(&h3->streams, &cursor)) != NULL;) {
        stream->next_retired = h3->retired;
        h3->retired = stream;
    }
    leat_h3_reap(h3);
    leat_map_clear(&h3->streams);
    leat_qpack_decoder_free(h3->decoder);
    leat_qpack_encoder_free(h3->encoder);
    leat_buffer_clear(&h3->control);
    leat_buffer_clear(&h3->scratch);
    leat_free(h3->allocator, h3->peer_settings);
    leat_free(h3->allocator, h3->early_priorities);
    leat_free(h3->allocator, h3);
}

leat_conn *leat_h3_conn(const leat_h3 *h3) { return h3->conn; }
size_t leat_h3_open_requests(const leat_h3 *h3) { return h3->request_count; }

/* ---- faults ------------------------------------------------------------------------- */

bool leat_h3_fail(leat_h3 *h3, uint64_t error_code, const char *reason) {
    if (!h3->has_failed) {
        h3->has_failed = true;
        leat_conn_fail(h3->conn, error_code, reason);
    }
    h3->input.stream = NULL;
    return false;
}

bool leat_h3_count_useless(leat_h3 *h3) {
    h3->useless_frames++;
    return h3->useless_frames <= LEAT_H3_USELESS_FRAMES_MAX ||
           leat_h3_fail(h3, LEAT_H3_EXCESSIVE_LOAD, "a flood of frames that mean nothing");
}

/* ---- QUIC events -------------------------------------------------------------------- */

/* The entry of a stream; the peer's are made here. */
static leat_h3_stream *find_or_accept(leat_h3 *h3, uint64_t id) {
    leat_h3_stream *stream = leat_h3_find_stream(h3, id);
    bool is_peers = leat_stream_is_client_initiated(id) != h3->is_client;
    return stream == NULL && is_peers ? leat_h3_accept_stream(h3, id) : stream;
}

static void on_stream_opened(leat_h3 *h3, const leat_event *event) {
    find_or_accept(h3, event->stream.stream_id);
}

static void on_stream_data(leat_h3 *h3, const leat_event *event) {
    leat_h3_stream *stream = find_or_accept(h3, event->stream_data_received.stream_id);
    if (stream == NULL || stream->receive_done) {
        return;
    }
    h3->input = (leat_h3_input){
        stream, event->stream_data_received.data, event->stream_data_received.end_stream};
}

static void tell_error(leat_h3 *h3, leat_h3_event_type type, uint64_t stream_id,
    uint64_t session_id, uint64_t error_code) {
    leat_h3_make_event(&h3->ready, type, stream_id);
    if (type == LEAT_H3_EVENT_STREAM_RESET) {
        h3->ready.stream_reset.error_code = error_code;
        h3->ready.stream_reset.session_id = session_id;
    } else {
        h3->ready.stop_sending_received.error_code = error_code;
        h3->ready.stop_sending_received.session_id = session_id;
    }
    h3->has_ready = true;
}

/* The application has heard of this stream. */
static bool is_told(const leat_h3 *h3, const leat_h3_stream *stream) {
    bool is_own_request = h3->is_client && stream->role == &leat_h3_request_role;
    return stream->headers_told || is_own_request || stream->session_id != LEAT_H3_NONE;
}

static void on_stream_reset(leat_h3 *h3, const leat_event *event) {
    uint64_t id = event->stream_reset.stream_id;
    leat_h3_stream *stream = leat_h3_find_stream(h3, id);
    if (stream == NULL || stream->receive_done) {
        return; /* over before: a reset may still answer our STOP_SENDING */
    }
    if (stream->role->is_critical) {
        leat_h3_fail(h3, LEAT_H3_CLOSED_CRITICAL_STREAM, stream->role->name);
        return;
    }
    leat_h3_stop_reading(h3, stream);
    if (is_told(h3, stream)) {
        tell_error(
            h3, LEAT_H3_EVENT_STREAM_RESET, id, stream->session_id, event->stream_reset.error_code);
    } else if (!stream->send_done) {
        /* RFC 9114 §4.1-10: gone before it was a request. */
        leat_conn_reset_stream(h3->conn, id, LEAT_H3_REQUEST_INCOMPLETE);
        leat_h3_end_sending(h3, stream);
    }
    leat_h3_end_receiving(h3, stream);
}

static void on_stop_sending(leat_h3 *h3, const leat_event *event) {
    uint64_t id = event->stop_sending_received.stream_id;
    leat_h3_stream *stream = leat_h3_find_stream(h3, id);
    if (leat_h3_is_local_critical(h3, id)) {
        /* RFC 9114 §6.2.1-4. */
        leat_h3_fail(h3, LEAT_H3_CLOSED_CRITICAL_STREAM, "the peer stopped a critical stream");
        return;
    }
    /* A stream without an entry is one of WebTransport's whose receiving side is over, or that
     * never had one. */
    if (stream != NULL ? is_told(h3, stream) : h3->config.enable_webtransport) {
        uint64_t session_id = stream != NULL ? stream->session_id : LEAT_H3_NONE;
        tell_error(h3, LEAT_H3_EVENT_STOP_SENDING_RECEIVED, id, session_id,
            event->stop_sending_received.error_code);
    }
    if (stream != NULL) {
        leat_h3_end_sending(h3, stream);
    }
}

static void on_stream_writable(leat_h3 *h3, const leat_event *event) {
    uint64_t id = event->stream.stream_id;
    leat_h3_stream *stream = leat_h3_find_stream(h3, id);
    if (leat_h3_is_local_critical(h3, id) ||
        (stream != NULL && leat_h3_flush_unsent(h3, stream) != 0)) {
        return; /* nobody can write yet; leat_h3_next_event flushes the critical streams */
    }
    leat_h3_make_event(&h3->ready, LEAT_H3_EVENT_STREAM_WRITABLE, id);
    h3->has_ready = true;
}

static void on_ping_acknowledged(leat_h3 *h3, const leat_event *event) {
    uint64_t uid = event->ping_acknowledged.uid;
    if (uid == LEAT_H3_PING_SHUTDOWN) {
        (void)leat_h3_goaway(h3);
        return;
    }
    leat_h3_stream *stream = leat_h3_find_stream(h3, uid & ~LEAT_H3_PING_UID_BIT);
    if ((uid & LEAT_H3_PING_UID_BIT) != 0 && stream != NULL && stream->resets_after_ping) {
        leat_conn_reset_stream(h3->conn, stream->id, LEAT_H3_MESSAGE_ERROR);
        leat_h3_end_sending(h3, stream);
    }
}

static void on_datagram_frame(leat_h3 *h3, const leat_event *event) {
    h3->has_ready = leat_h3_read_datagram(h3, event->datagram_frame_received.data, &h3->ready);
}

static void on_connection_terminated(leat_h3 *h3, const leat_event *event) {
    (void)event;
    h3->has_failed = true;
}

/* Events without a row mean nothing here. */
static void (*const event_handlers[LEAT_EVENT_TYPE_COUNT])(leat_h3 *h3, const leat_event *event) = {
    [LEAT_EVENT_STREAM_OPENED] = on_stream_opened,
    [LEAT_EVENT_STREAM_DATA_RECEIVED] = on_stream_data,
    [LEAT_EVENT_STREAM_RESET] = on_stream_reset,
    [LEAT_EVENT_STOP_SENDING_RECEIVED] = on_stop_sending,
    [LEAT_EVENT_STREAM_WRITABLE] = on_stream_writable,
    [LEAT_EVENT_PING_ACKNOWLEDGED] = on_ping_acknowledged,
    [LEAT_EVENT_DATAGRAM_FRAME_RECEIVED] = on_datagram_frame,
    [LEAT_EVENT_CONNECTION_TERMINATED] = on_connection_terminated,
};

void leat_h3_handle_event(leat_h3 *h3, const leat_event *event) {
    leat_h3_reap(h3);
    h3->input.stream = NULL;
    h3->has_ready = false;
    if (!h3->has_failed && (unsigned)event->type < LEAT_EVENT_TYPE_COUNT &&
        event_handlers[event->type] != NULL) {
        event_handlers[event->type](h3, event);
    }
    if (h3->input.stream == NULL && leat_h3_flush(h3) == LEAT_ERR_NOMEM) {
        leat_h3_fail_memory(h3);
    }
}

/* ---- HTTP/3 events ------------------------------------------------------------------ */

/* One step: bytes to the stream's role until they are used up, then the end. */
static bool read_input(leat_h3 *h3, leat_h3_event *event) {
    leat_h3_stream *stream = h3->input.stream;
    if (h3->input.bytes.length > 0) {
        return stream->role->read(h3, stream, event);
    }
    bool ends = h3->input.end_stream;
    h3->input.stream = NULL;
    return ends && stream->role->end(h3, stream, event);
}

bool leat_h3_next_event(leat_h3 *h3, leat_h3_event *event) {
    leat_h3_reap(h3);
    if (h3->has_ready) {
        *event = h3->ready;
        h3->has_ready = false;
        return true;
    }
    while (h3->input.stream != NULL) {
        if (read_input(h3, event)) {
            return true;
        }
    }
    if (!h3->has_failed && leat_h3_flush(h3) == LEAT_ERR_NOMEM) {
        leat_h3_fail_memory(h3);
    }
    leat_h3_make_event(event, LEAT_H3_EVENT_NONE, 0);
    return false;
}
