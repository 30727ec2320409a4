/*
 * The table of streams, and how a stream of the peer becomes what it is: RFC 9114 §6. The first
 * varint decides: a stream type on a unidirectional stream, a frame type or WebTransport's signal
 * on a bidirectional one.
 *
 * The number of streams here is bounded by the stream limits of the transport: one is freed once
 * nothing more is received and nothing more is sent on it, whichever comes first.
 */
#include "base/alloc.h"
#include "h3/critical_streams.h"
#include "h3/frames.h"
#include "h3/request.h"
#include "h3/trace.h"
#include "h3/webtransport_stream.h"

/* ---- the table ------------------------------------------------------------------------------- */

leat_h3_stream *leat_h3_find_stream(const leat_h3 *h3, uint64_t stream_id) {
    return leat_map_get_u64(&h3->streams, stream_id);
}

leat_h3_stream *leat_h3_add_stream(
    leat_h3 *h3, uint64_t stream_id, const leat_h3_stream_role *role) {
    leat_h3_stream *stream = leat_alloc(h3->allocator, sizeof *stream);
    if (stream == NULL) {
        return NULL;
    }
    stream->id = stream_id;
    stream->role = role;
    stream->session_id = LEAT_H3_NONE;
    stream->send_done = leat_stream_is_unidirectional(stream_id);
    stream->received.content_length = stream->sent.content_length = LEAT_H3_NO_CONTENT_LENGTH;
    leat_buffer_init(&stream->partial, h3->allocator,
        (size_t)h3->config.max_field_section_size + LEAT_H3_SECTION_SLACK);
    leat_buffer_init(&stream->unsent, h3->allocator, SIZE_MAX); /* one frame of ours */
    if (leat_map_set_u64(&h3->streams, stream_id, stream) != 0) {
        leat_free(h3->allocator, stream);
        return NULL;
    }
    return stream;
}

static void free_stream(leat_h3 *h3, leat_h3_stream *stream) {
    leat_buffer_clear(&stream->partial);
    leat_buffer_clear(&stream->unsent);
    leat_h3_capsule_reader_free(stream->capsules, h3->allocator);
    leat_free(h3->allocator, stream);
}

void leat_h3_reap(leat_h3 *h3) {
    while (h3->retired != NULL) {
        leat_h3_stream *stream = h3->retired;
        h3->retired = stream->next_retired;
        free_stream(h3, stream);
    }
    leat_buffer_clear(&h3->spent);
    h3->told.stream = NULL;
}

void leat_h3_retire_if_done(leat_h3 *h3, leat_h3_stream *stream) {
    if (stream->receive_done && stream->send_done && !stream->is_retired) {
        h3->request_count -= stream->role == &leat_h3_request_role;
        stream->is_retired = true;
        leat_map_remove_u64(&h3->streams, stream->id);
        stream->next_retired = h3->retired;
        h3->retired = stream;
    }
}

void leat_h3_end_receiving(leat_h3 *h3, leat_h3_stream *stream) {
    if (leat_h3_is_reading(h3, stream)) {
        h3->input.stream = NULL;
    }
    stream->receive_done = true;
    leat_h3_retire_if_done(h3, stream);
}

void leat_h3_end_sending(leat_h3 *h3, leat_h3_stream *stream) {
    leat_buffer_clear(&stream->unsent);
    stream->send_done = true;
    leat_h3_retire_if_done(h3, stream);
}

void leat_h3_stop_reading(leat_h3 *h3, leat_h3_stream *stream) {
    if (leat_h3_is_reading(h3, stream)) {
        h3->input.stream = NULL;
    }
    if (stream->receive_done || stream->role != &leat_h3_request_role) {
        return;
    }
    /* RFC 9204 §2.2.2.2: the encoder must not wait for acknowledgments of sections that nobody
     * reads. */
    if (leat_qpack_decoder_cancel_stream(h3->decoder, stream->id) != 0) {
        leat_h3_fail(h3, LEAT_H3_EXCESSIVE_LOAD, "QPACK cancellations pile up");
    }
}

bool leat_h3_take_end(leat_h3 *h3, leat_h3_stream *stream) {
    if (!leat_h3_input_is_last(h3)) {
        return false;
    }
    h3->input.end_stream = false;
    leat_h3_end_receiving(h3, stream);
    return true;
}

void leat_h3_unread(leat_h3 *h3, leat_h3_stream *stream, size_t length) {
    if (length > 0) {
        h3->input.bytes.data -= length;
        h3->input.bytes.length += length;
        stream->reader.left += length;
        stream->reader.part = LEAT_TLV_VALUE;
    }
}

/* ---- unidirectional streams ------------------------------------------------------------------ */

/* RFC 9114 §6.2. An error code: the connection error for a stream of this type from a client, or
 * from a server. */
typedef struct stream_type {
    uint64_t type;
    const char *name;
    int critical; /* leat_h3_critical, or -1 */
    bool needs_webtransport;
    const leat_h3_stream_role *role;
    uint64_t error_from_client, error_from_server;
} stream_type;

static const stream_type stream_types[] = {
    {0x00, "control", LEAT_H3_CONTROL, false, &leat_h3_critical_roles[LEAT_H3_CONTROL], 0, 0},
    /* RFC 9114 §6.2.2-1: clients do not push. §4.6-2: no server may, because no MAX_PUSH_ID was
     * sent. */
    {0x01, "push", -1, false, NULL, LEAT_H3_STREAM_CREATION_ERROR, LEAT_H3_ID_ERROR},
    {0x02, "qpack_encoder", LEAT_H3_ENCODER, false, &leat_h3_critical_roles[LEAT_H3_ENCODER], 0, 0},
    {0x03, "qpack_decoder", LEAT_H3_DECODER, false, &leat_h3_critical_roles[LEAT_H3_DECODER], 0, 0},
    {LEAT_H3_STREAM_TYPE_WEBTRANSPORT, "webtransport", -1, true, &leat_h3_webtransport_opening, 0, 0},
};

static const stream_type *find_type(const leat_h3 *h3, uint64_t type) {
    for (size_t i = 0; i < sizeof stream_types / sizeof stream_types[0]; i++) {
        if (stream_types[i].type == type &&
            (!stream_types[i].needs_webtransport || h3->config.enable_webtransport)) {
            return &stream_types[i];
        }
    }
    return NULL;
}

/* RFC 9114 §6.2-4, §6.2-6, §9-2: an unknown type is no error. Nothing of it is read, nothing is
 * kept. */
static bool ignore_stream(leat_h3 *h3, leat_h3_stream *stream) {
    if (leat_h3_count_useless(h3)) {
        leat_conn_stop_stream(h3->conn, stream->id, LEAT_H3_STREAM_CREATION_ERROR);
        leat_h3_end_receiving(h3, stream);
    }
    return false;
}

static bool become(leat_h3 *h3, leat_h3_stream *stream, const stream_type *row) {
    uint64_t error = h3->is_client ? row->error_from_server : row->error_from_client;
    if (error != 0) {
        return leat_h3_fail(h3, error, row->name);
    }
    if (row->critical >= 0) {
        if (h3->critical[row->critical].peer_id != LEAT_H3_NONE) {
            /* RFC 9114 §6.2.1-3, RFC 9204 §4.2: one of each kind. */
            return leat_h3_fail(h3, LEAT_H3_STREAM_CREATION_ERROR, row->name);
        }
        h3->critical[row->critical].peer_id = stream->id;
    }
    stream->role = row->role;
    return false;
}

static bool read_stream_type(leat_h3 *h3, leat_h3_stream *stream, leat_h3_event *event) {
    uint64_t type;
    (void)event;
    if (!leat_tlv_read_varint(&stream->reader, &h3->input.bytes, &type)) {
        return false;
    }
    const stream_type *row = find_type(h3, type);
    leat_h3_trace_stream_type(h3, stream->id, type);
    return row == NULL ? ignore_stream(h3, stream) : become(h3, stream, row);
}

static bool end_untyped(leat_h3 *h3, leat_h3_stream *stream, leat_h3_event *event) {
    (void)event;
    /* RFC 9114 §6.2-9: closed before its type is known: tolerated. */
    leat_h3_count_useless(h3);
    leat_h3_end_receiving(h3, stream);
    return false;
}

static const leat_h3_stream_role unidirectional_opening = {
    .name = "unidirectional", .read = read_stream_type, .end = end_untyped};

/* ---- bidirectional streams ------------------------------------------------------------------- */

/* RFC 9114 §5.2-1, §5.2-2: after our GOAWAY, requests that it excludes are rejected; they may be
 * tried elsewhere. */
static bool reject_request(leat_h3 *h3, leat_h3_stream *stream) {
    leat_conn_stop_stream(h3->conn, stream->id, LEAT_H3_REQUEST_REJECTED);
    leat_conn_reset_stream(h3->conn, stream->id, LEAT_H3_REQUEST_REJECTED);
    leat_h3_end_sending(h3, stream);
    leat_h3_end_receiving(h3, stream);
    return false;
}

static bool become_request(leat_h3 *h3, leat_h3_stream *stream) {
    if (h3->is_client) {
        /* RFC 9114 §6.1-3: only WebTransport lets a server open bidirectional streams. */
        return leat_h3_fail(
            h3, LEAT_H3_STREAM_CREATION_ERROR, "a bidirectional stream from the server");
    }
    if (h3->goaway_sent != LEAT_H3_NONE && stream->id >= h3->goaway_sent) {
        return reject_request(h3, stream);
    }
    if (stream->id >= h3->next_request_id) {
        h3->next_request_id = stream->id + 4;
    }
    stream->role = &leat_h3_request_role;
    leat_h3_trace_stream_type(h3, stream->id, LEAT_H3_REQUEST_STREAM);
    h3->request_count++;
    return false;
}

/* The first frame's type, which frames.c goes on with; or the signal. */
static bool read_first_type(leat_h3 *h3, leat_h3_stream *stream, leat_h3_event *event) {
    (void)event;
    if (!leat_tlv_read_varint(&stream->reader, &h3->input.bytes, &stream->reader.type)) {
        return false;
    }
    if (stream->reader.type == LEAT_H3_FRAME_WEBTRANSPORT_STREAM &&
        h3->config.enable_webtransport) {
        stream->role = &leat_h3_webtransport_opening;
        stream->send_done = true; /* the application writes to QUIC itself */
        leat_h3_trace_stream_type(h3, stream->id, LEAT_H3_FRAME_WEBTRANSPORT_STREAM);
        return false;
    }
    stream->reader.part = LEAT_TLV_LENGTH;
    return become_request(h3, stream);
}

static bool end_before_type(leat_h3 *h3, leat_h3_stream *stream, leat_h3_event *event) {
    bool is_cut = !leat_tlv_is_between(&stream->reader);
    become_request(h3, stream);
    return stream->role == &leat_h3_request_role &&
           (is_cut ? leat_h3_fail(h3, LEAT_H3_FRAME_ERROR, "a stream ended inside a frame")
                   : stream->role->end(h3, stream, event));
}

static const leat_h3_stream_role bidirectional_opening = {
    .name = "bidirectional", .read = read_first_type, .end = end_before_type};

leat_h3_stream *leat_h3_accept_stream(leat_h3 *h3, uint64_t stream_id) {
    bool is_unidirectional = leat_stream_is_unidirectional(stream_id);
    if (!is_unidirectional && h3->is_client && !h3->config.enable_webtransport) {
        /* RFC 9114 §6.1-3. */
        leat_h3_fail(h3, LEAT_H3_STREAM_CREATION_ERROR, "a bidirectional stream from the server");
        return NULL;
    }
    leat_h3_stream *stream = leat_h3_add_stream(
        h3, stream_id, is_unidirectional ? &unidirectional_opening : &bidirectional_opening);
    if (stream == NULL) {
        leat_h3_fail_memory(h3);
    }
    return stream;
}
