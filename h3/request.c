/*
 * Receiving one message on a request stream, for both roles: RFC 9114 §4.1. The order of frames is
 * message.c's, the rules for fields are validate.c's; here their findings become events and errors.
 * A malformed message costs its stream (§4.1.2), a wrong sequence of frames the connection.
 */
#include "h3/request.h"

#include "base/alloc.h"
#include "h3/frames.h"
#include "h3/priority.h"
#include "h3/send.h"
#include "h3/trace.h"

/* ---- refusing ----------------------------------------------------------------------- */

static bool tell_refused(
    leat_h3_stream *stream, uint64_t error_code, const char *message, leat_h3_event *event) {
    leat_h3_make_event(event, LEAT_H3_EVENT_REQUEST_REFUSED_MALFORMED, stream->id);
    event->malformed.error_code = error_code;
    event->malformed.message = message;
    return true;
}

static void abort_stream(leat_h3 *h3, leat_h3_stream *stream, uint64_t error_code) {
    leat_h3_stop_reading(h3, stream);
    leat_conn_stop_stream(h3->conn, stream->id, error_code);
    leat_conn_reset_stream(h3->conn, stream->id, error_code);
    leat_h3_end_sending(h3, stream);
    leat_h3_end_receiving(h3, stream);
}

bool leat_h3_refuse_message(leat_h3 *h3, leat_h3_stream *stream, uint64_t error_code,
    const char *message, leat_h3_event *event) {
    abort_stream(h3, stream, error_code);
    return tell_refused(stream, error_code, message, event);
}

/* RFC 9114 §4.1.2-2, after an answer that tells a human: the reset waits until a PING behind the
 * answer came back. */
static bool refuse_with_400(
    leat_h3 *h3, leat_h3_stream *stream, const char *message, leat_h3_event *event) {
    bool is_answered = leat_h3_answer(h3, stream, "400", message, false) == 0 &&
                       leat_conn_send_ping(h3->conn, stream->id | LEAT_H3_PING_UID_BIT) == 0;
    if (!is_answered) {
        return leat_h3_refuse_message(h3, stream, LEAT_H3_MESSAGE_ERROR, message, event);
    }
    stream->resets_after_ping = true;
    leat_h3_stop_reading(h3, stream);
    leat_conn_stop_stream(h3->conn, stream->id, LEAT_H3_MESSAGE_ERROR);
    leat_h3_end_receiving(h3, stream);
    return tell_refused(stream, LEAT_H3_MESSAGE_ERROR, message, event);
}

/*
 * RFC 9114 §4.2.2: a server answers a request that is too large with 431, so that a human learns
 * why, and reads no more (§4.1-11: H3_NO_ERROR, for the answer is complete). Trailers and responses
 * are given up with H3_EXCESSIVE_LOAD.
 */
static bool refuse_too_large(leat_h3 *h3, leat_h3_stream *stream, leat_h3_event *event) {
    const char *message = "the field section is larger than MAX_FIELD_SECTION_SIZE";
    bool is_request = !h3->is_client && stream->received.state == LEAT_H3_MESSAGE_NEW;
    if (!is_request || leat_h3_answer(h3, stream, "431", message, true) != 0) {
        return leat_h3_refuse_message(h3, stream, LEAT_H3_EXCESSIVE_LOAD, message, event);
    }
    leat_h3_stop_reading(h3, stream);
    leat_conn_stop_stream(h3->conn, stream->id, LEAT_H3_NO_ERROR);
    leat_h3_end_receiving(h3, stream);
    return tell_refused(stream, LEAT_H3_EXCESSIVE_LOAD, message, event);
}

/* ---- HEADERS ------------------------------------------------------------------------ */

static bool accepts(
    leat_h3 *h3, leat_h3_stream *stream, leat_h3_message_input input, const char *reason) {
    /* RFC 9114 §4.1-3, §4.4-2. */
    return leat_h3_message_accepts(&stream->received, input) ||
           leat_h3_fail(h3, LEAT_H3_FRAME_UNEXPECTED, reason);
}

bool leat_h3_begin_headers(leat_h3 *h3, leat_h3_stream *stream, leat_h3_event *event) {
    if (!accepts(h3, stream, LEAT_H3_INPUT_HEADERS, "HEADERS not allowed here")) {
        return false;
    }
    if (stream->reader.length > h3->config.max_field_section_size + LEAT_H3_SECTION_SLACK) {
        return refuse_too_large(h3, stream, event);
    }
    return false;
}

static bool tell_headers(leat_h3 *h3, leat_h3_stream *stream, const leat_qpack_section *section,
                         const leat_h3_verdict *verdict, leat_h3_event *event) {
    bool is_last = leat_h3_input_is_last(h3);
    const char *violation = is_last ? leat_h3_message_on_end(&stream->received) : NULL;
    if (violation != NULL) {
        return leat_h3_refuse_message(h3, stream, LEAT_H3_MESSAGE_ERROR, violation, event);
    }
    stream->headers_told = true;
    leat_h3_make_event(event, LEAT_H3_EVENT_HEADERS_RECEIVED, stream->id);
    event->headers_received.headers = section->headers;
    event->headers_received.count = section->count;
    event->headers_received.is_trailers = verdict->kind == LEAT_H3_KIND_TRAILERS;
    event->headers_received.is_informational =
        verdict->kind == LEAT_H3_KIND_RESPONSE && verdict->status < 200;
    event->headers_received.push_id = LEAT_H3_NO_PUSH_ID;
    event->headers_received.stream_ended = leat_h3_take_end(h3, stream);
    return true;
}

static bool on_section(
    leat_h3 *h3, leat_h3_stream *stream, const leat_qpack_section *section, leat_h3_event *event) {
    leat_h3_section where = leat_h3_message_section(&stream->received, !h3->is_client);
    bool allows_protocol = !h3->is_client && h3->config.enable_connect_protocol;
    leat_h3_verdict verdict =
        leat_h3_validate(section->headers, section->count, where, allows_protocol);
    if (verdict.violation != NULL) {
        return verdict.deserves_400 ? refuse_with_400(h3, stream, verdict.violation, event)
                                    : leat_h3_refuse_message(h3, stream, LEAT_H3_MESSAGE_ERROR,
                                          verdict.violation, event);
    }
    if (where == LEAT_H3_SECTION_REQUEST) {
        stream->asked = (leat_h3_asked){verdict.is_head, leat_h3_kind_is_connect(verdict.kind)};
        leat_h3_apply_priority(h3, stream, verdict.priority);
    }
    stream->has_content_fields = stream->has_content_fields || verdict.has_content_fields;
    leat_h3_message_on_headers(&stream->received, &verdict, stream->asked);
    return tell_headers(h3, stream, section, &verdict, event);
}

bool leat_h3_on_headers(
    leat_h3 *h3, leat_h3_stream *stream, leat_span payload, leat_h3_event *event) {
    leat_qpack_section section;
    int result = leat_qpack_decode(h3->decoder, stream->id, payload, &section);
    stream->is_blocked = result == LEAT_QPACK_BLOCKED;
    h3->useless_frames = 0;
    switch (result) {
    case 0:
        leat_h3_trace_headers(h3, LEAT_H3_PARSED, stream->id, section.headers, section.count,
            payload.length);
        return on_section(h3, stream, &section, event);
    case LEAT_QPACK_BLOCKED:
        return false;
    case LEAT_QPACK_TOO_LARGE:
        return refuse_too_large(h3, stream, event);
    case LEAT_ERR_NOMEM:
        return leat_h3_fail_memory(h3);
    case LEAT_ERR_FULL:
        return leat_h3_fail(h3, LEAT_H3_EXCESSIVE_LOAD, "QPACK acknowledgments pile up");
    default:
        return leat_h3_fail(h3, (uint64_t)result, "a field section cannot be decoded");
    }
}

/* ---- DATA --------------------------------------------------------------------------- */

bool leat_h3_begin_data(leat_h3 *h3, leat_h3_stream *stream, leat_h3_event *event) {
    (void)event;
    accepts(h3, stream, LEAT_H3_INPUT_DATA, "DATA not allowed here");
    return false;
}

/* state: of the message before this event ended it. */
static bool tell_data(
    leat_h3 *h3, leat_h3_stream *stream, leat_span data, uint8_t state, leat_h3_event *event) {
    bool stream_ended = leat_tlv_is_between(&stream->reader) && leat_h3_take_end(h3, stream);
    leat_h3_make_event(event, LEAT_H3_EVENT_DATA_RECEIVED, stream->id);
    event->data_received.data = data;
    event->data_received.push_id = LEAT_H3_NO_PUSH_ID;
    event->data_received.stream_ended = stream_ended;
    leat_h3_tell_bytes(h3, stream, data.length, state, stream_ended);
    return true;
}

/* RFC 9297 §3.5: a datagram by another way. Longer than any datagram of ours would be: dropped. */
static bool tell_capsule(
    leat_h3_stream *stream, const leat_h3_capsule *capsule, leat_h3_event *event) {
    if (capsule->type == LEAT_H3_CAPSULE_DATAGRAM) {
        leat_h3_make_event(event, LEAT_H3_EVENT_DATAGRAM_RECEIVED, stream->id);
        event->datagram_received.data = capsule->value;
        return capsule->value.length == capsule->length;
    }
    leat_h3_make_event(event, LEAT_H3_EVENT_CAPSULE_RECEIVED, stream->id);
    event->capsule_received.capsule_type = capsule->type;
    event->capsule_received.value = capsule->value;
    event->capsule_received.length = capsule->length;
    return true;
}

/* Reads up to the next capsule; what follows it goes back into the frame and the input. */
static bool read_capsules(
    leat_h3 *h3, leat_h3_stream *stream, leat_span piece, leat_h3_event *event) {
    leat_h3_capsule capsule;
    while (piece.length > 0) {
        int result = leat_h3_capsule_read(stream->capsules, &piece, &capsule);
        if (result < 0) {
            return leat_h3_fail_memory(h3);
        }
        if (result > 0 && tell_capsule(stream, &capsule, event)) {
            leat_h3_unread(h3, stream, piece.length);
            return true;
        }
    }
    return false;
}

static const char *check_end(leat_h3_stream *stream) {
    const char *violation = leat_h3_message_on_end(&stream->received);
    if (violation == NULL && stream->capsules != NULL &&
        !leat_h3_capsule_reader_is_between(stream->capsules)) {
        /* RFC 9297 §3.3-5. */
        violation = "the stream ended inside a capsule";
    }
    return violation;
}

bool leat_h3_on_data(leat_h3 *h3, leat_h3_stream *stream, leat_span piece, leat_h3_event *event) {
    if (piece.length == 0) {
        leat_h3_count_useless(h3);
        return false;
    }
    h3->useless_frames = 0;
    if (stream->capsules != NULL && !stream->capsules_are_over) {
        return read_capsules(h3, stream, piece, event);
    }
    uint8_t state = stream->received.state;
    const char *violation = leat_h3_message_on_data(&stream->received, piece.length);
    if (violation == NULL && leat_h3_input_is_last(h3) && leat_tlv_is_between(&stream->reader)) {
        violation = check_end(stream);
    }
    if (violation != NULL) {
        return leat_h3_refuse_message(h3, stream, LEAT_H3_MESSAGE_ERROR, violation, event);
    }
    return tell_data(h3, stream, piece, state, event);
}

/* ---- the stream --------------------------------------------------------------------- */

static bool read_request(leat_h3 *h3, leat_h3_stream *stream, leat_h3_event *event) {
    return leat_h3_read_frames(h3, stream, LEAT_H3_ON_REQUEST, event);
}

static bool end_request(leat_h3 *h3, leat_h3_stream *stream, leat_h3_event *event) {
    if (!leat_tlv_is_between(&stream->reader)) {
        /* RFC 9114 §7.1-4. */
        return leat_h3_fail(h3, LEAT_H3_FRAME_ERROR, "a stream ended inside a frame");
    }
    uint8_t state = stream->received.state;
    const char *violation = check_end(stream);
    if (violation != NULL) {
        /* RFC 9114 §4.1-10: a request that ends before it began is incomplete, not malformed. */
        bool is_begun = state != LEAT_H3_MESSAGE_NEW;
        uint64_t error_code =
            is_begun || h3->is_client ? LEAT_H3_MESSAGE_ERROR : LEAT_H3_REQUEST_INCOMPLETE;
        return leat_h3_refuse_message(h3, stream, error_code, violation, event);
    }
    /* The end is always told, whatever frame came last. */
    return tell_data(h3, stream, (leat_span){NULL, 0}, state, event);
}

const leat_h3_stream_role leat_h3_request_role = {
    .name = "request", .read = read_request, .end = end_request};

int leat_h3_read_capsules(leat_h3 *h3, uint64_t stream_id) {
    leat_h3_stream *stream = leat_h3_find_stream(h3, stream_id);
    if (stream == NULL || stream->role != &leat_h3_request_role) {
        return LEAT_ERR_NO_STREAM;
    }
    if (!stream->asked.is_connect || stream->capsules != NULL) {
        return LEAT_ERR_STATE;
    }
    if (stream->has_content_fields) {
        /* RFC 9297 §3.2-4, §3.2-6. */
        abort_stream(h3, stream, LEAT_H3_MESSAGE_ERROR);
        return LEAT_ERR_REFUSED;
    }
    stream->capsules = leat_h3_capsule_reader_new(h3->allocator);
    return stream->capsules != NULL ? 0 : LEAT_ERR_NOMEM;
}

int leat_h3_end_capsules(leat_h3 *h3, uint64_t stream_id) {
    leat_h3_stream *stream = leat_h3_find_stream(h3, stream_id);
    if (stream == NULL || stream->capsules == NULL) {
        return LEAT_ERR_NO_STREAM;
    }
    stream->capsules_are_over = true;
    return 0;
}
