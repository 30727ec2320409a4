/*
 * Critical streams, both directions. Ours carry a type byte and then what control.buffer and the
 * QPACK coder have to say; the peer's are read by frames.c and the QPACK coder. Whoever closes one
 * closes the connection.
 */
#include "h3/critical_streams.h"

#include "h3/frames.h"
#include "h3/trace.h"

/* ---- ours --------------------------------------------------------------------------- */

static leat_span control_output(leat_h3 *h3) {
    return (leat_span){h3->control.data, h3->control.length};
}
static leat_span encoder_output(leat_h3 *h3) { return leat_qpack_encoder_output(h3->encoder); }
static leat_span decoder_output(leat_h3 *h3) { return leat_qpack_decoder_output(h3->decoder); }
static void control_consume(leat_h3 *h3, size_t length) {
    leat_buffer_consume(&h3->control, length);
}
static void encoder_consume(leat_h3 *h3, size_t length) {
    leat_qpack_encoder_consume(h3->encoder, length);
}
static void decoder_consume(leat_h3 *h3, size_t length) {
    leat_qpack_decoder_consume(h3->decoder, length);
}

static const struct {
    uint8_t type;
    leat_span (*output)(leat_h3 *h3);
    void (*consume)(leat_h3 *h3, size_t length);
} local_streams[LEAT_H3_CRITICAL_COUNT] = {
    [LEAT_H3_CONTROL] = {0x00, control_output, control_consume},
    [LEAT_H3_ENCODER] = {0x02, encoder_output, encoder_consume},
    [LEAT_H3_DECODER] = {0x03, decoder_output, decoder_consume},
};

/* The control stream begins with our SETTINGS. */
static void trace_local(leat_h3 *h3, size_t i) {
    leat_h3_trace_stream_type(h3, h3->critical[i].local_id, local_streams[i].type);
    if (i == LEAT_H3_CONTROL) {
        leat_reader reader = leat_reader_of(control_output(h3));
        leat_read_varint(&reader);
        leat_h3_trace_settings(
            h3, LEAT_H3_CREATED, h3->critical[i].local_id, leat_read_vector_varint(&reader));
    }
}

static int open_local(leat_h3 *h3, size_t i) {
    uint64_t stream_id;
    if (h3->critical[i].local_id == LEAT_H3_NONE) {
        int error = leat_conn_open_stream(h3->conn, true, &stream_id);
        if (error != 0) {
            return error;
        }
        h3->critical[i].local_id = stream_id;
        /* Settings, acknowledgments and table updates are small, and everything else waits for
         * them. */
        leat_conn_set_stream_priority(h3->conn, stream_id, 0, false);
        trace_local(h3, i);
    }
    if (!h3->critical[i].type_sent) {
        ptrdiff_t sent = leat_conn_send_stream_data(
            h3->conn, h3->critical[i].local_id, &local_streams[i].type, 1, false);
        if (sent != 1) {
            return sent < 0 ? (int)sent : LEAT_ERR_FULL;
        }
        h3->critical[i].type_sent = true;
    }
    return 0;
}

static int flush_local(leat_h3 *h3, size_t i) {
    int error = open_local(h3, i);
    leat_span output = local_streams[i].output(h3);
    if (error != 0 || output.length == 0) {
        return error;
    }
    ptrdiff_t sent = leat_conn_send_stream_data(
        h3->conn, h3->critical[i].local_id, output.data, output.length, false);
    if (sent < 0) {
        return (int)sent;
    }
    local_streams[i].consume(h3, (size_t)sent);
    return 0;
}

int leat_h3_flush(leat_h3 *h3) {
    for (size_t i = 0; i < LEAT_H3_CRITICAL_COUNT; i++) {
        int error = h3->has_failed ? LEAT_ERR_STATE : flush_local(h3, i);
        /* RFC 9114 §6.2-1: a peer must let us open these; one that is late gets them with
         * StreamsAvailable or room. */
        if (error != 0 && error != LEAT_ERR_STREAM_LIMIT && error != LEAT_ERR_FULL) {
            return error;
        }
    }
    return 0;
}

bool leat_h3_is_local_critical(const leat_h3 *h3, uint64_t stream_id) {
    for (size_t i = 0; i < LEAT_H3_CRITICAL_COUNT; i++) {
        if (h3->critical[i].local_id == stream_id) {
            return true;
        }
    }
    return false;
}

/* ---- the peer's --------------------------------------------------------------------- */

static bool read_control(leat_h3 *h3, leat_h3_stream *stream, leat_h3_event *event) {
    return leat_h3_read_frames(h3, stream, LEAT_H3_ON_CONTROL, event);
}

/* RFC 9204 §2.2.1: the entries that blocked streams waited for are there: QUIC delivers their bytes
 * again. */
static void release_unblocked(leat_h3 *h3) {
    uint64_t stream_id;
    while (leat_qpack_decoder_next_unblocked(h3->decoder, &stream_id)) {
        leat_h3_stream *stream = leat_h3_find_stream(h3, stream_id);
        if (stream != NULL && stream->is_blocked) {
            stream->is_blocked = false;
            leat_conn_release_stream(h3->conn, stream_id);
        }
    }
}

static bool read_encoder_stream(leat_h3 *h3, leat_h3_stream *stream, leat_h3_event *event) {
    (void)stream;
    (void)event;
    int result = leat_qpack_decoder_read_encoder_stream(
        h3->decoder, leat_span_take(&h3->input.bytes, UINT64_MAX));
    if (result != 0) {
        return result > 0 ? leat_h3_fail(h3, (uint64_t)result, "QPACK encoder stream")
                          : leat_h3_fail_memory(h3);
    }
    release_unblocked(h3);
    return false;
}

static bool read_decoder_stream(leat_h3 *h3, leat_h3_stream *stream, leat_h3_event *event) {
    (void)stream;
    (void)event;
    int result = leat_qpack_encoder_read_decoder_stream(
        h3->encoder, leat_span_take(&h3->input.bytes, UINT64_MAX));
    if (result != 0) {
        return result > 0 ? leat_h3_fail(h3, (uint64_t)result, "QPACK decoder stream")
                          : leat_h3_fail_memory(h3);
    }
    return false;
}

static bool end_critical(leat_h3 *h3, leat_h3_stream *stream, leat_h3_event *event) {
    (void)event;
    /* RFC 9114 §6.2.1-5, RFC 9204 §4.2. */
    return leat_h3_fail(h3, LEAT_H3_CLOSED_CRITICAL_STREAM, stream->role->name);
}

const leat_h3_stream_role leat_h3_critical_roles[LEAT_H3_CRITICAL_COUNT] = {
    [LEAT_H3_CONTROL] = {.name = "control", .is_critical = true, .read = read_control, .end = end_critical},
    [LEAT_H3_ENCODER] = {.name = "qpack_encoder", .is_critical = true, .read = read_encoder_stream, .end = end_critical},
    [LEAT_H3_DECODER] = {.name = "qpack_decoder", .is_critical = true, .read = read_decoder_stream, .end = end_critical},
};
