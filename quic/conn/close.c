/*
 * How connections end: RFC 9000 §10.2, §11 and §19.19. The first cause is recorded and wins;
 * ConnectionTerminated follows at once, behind the events that came before it. A connection that we
 * close answers stray packets with its CONNECTION_CLOSE for three PTOs; one that the peer closed is
 * silent for as long.
 */
#include "quic/conn/conn_internal.h"
#include "quic/conn/trace.h"

#include <string.h>

void leat_close_clear(leat_conn *conn) { leat_free(conn->allocator, conn->close.reason); }

static bool is_timeout(leat_close_source source) {
    return source == LEAT_SOURCE_IDLE_TIMEOUT || source == LEAT_SOURCE_LIVENESS_TIMEOUT ||
           source == LEAT_SOURCE_HANDSHAKE_TIMEOUT;
}

static void keep_reason(leat_conn *conn, const char *reason, size_t length) {
    length = length < LEAT_REASON_MAX ? length : LEAT_REASON_MAX;
    char *copy = length > 0 ? leat_alloc(conn->allocator, length + 1) : NULL;
    if (copy != NULL) {
        memcpy(copy, reason, length);
        conn->close.reason = copy;
        conn->close.reason_length = length;
    }
}

/* False when a cause is recorded already. */
static bool record(leat_conn *conn, const leat_close_cause *cause) {
    leat_conn_ending *close = &conn->close;
    if (close->is_recorded) {
        return false;
    }
    close->is_recorded = true;
    close->source = cause->source;
    close->error_code = cause->error_code;
    close->frame_type = cause->is_application ? LEAT_FRAME_TYPE_NONE : cause->frame_type;
    close->is_application = cause->is_application;
    close->silent_for = is_timeout(cause->source) ? leat_liveness_silent_for(conn) : 0;
    if (cause->reason != NULL) {
        keep_reason(conn, cause->reason, cause->reason_length > 0 ? cause->reason_length
                                                                  : strlen(cause->reason));
    }
    leat_datagrams_expire_all(conn);
    leat_trace_closed(conn);
    return true;
}

/* RFC 9000 §10.2: three PTOs, so that packets that are still on their way find someone. */
static void begin_period(leat_conn *conn) {
    conn->close.deadline = leat_time_add(conn->now,
                                         leat_time_multiply(leat_recovery_pto(&conn->recovery), 3));
}

void leat_close_on_time(leat_conn *conn) {
    /* The call that closed may have known only an old time. */
    if (conn->close.period_begins && conn->state == LEAT_CONN_CLOSING) {
        conn->close.period_begins = false;
        begin_period(conn);
    }
}

static void enter(leat_conn *conn, leat_conn_state state) {
    begin_period(conn);
    conn->send.is_dirty = state == LEAT_CONN_CLOSING;
    leat_conn_set_state(conn, state);
}

void leat_close_start(leat_conn *conn, const leat_close_cause *cause) {
    if (!record(conn, cause)) {
        return;
    }
    if (conn->state == LEAT_CONN_NEW) {
        leat_conn_set_state(conn, LEAT_CONN_CLOSED);
        return;
    }
    conn->close.packet_due = true;
    conn->close.answer_at = 1;
    enter(conn, LEAT_CONN_CLOSING);
}

void leat_close_silently(leat_conn *conn, leat_close_source source, uint64_t error_code,
                         const char *reason) {
    const leat_close_cause cause = {.source = source, .error_code = error_code, .reason = reason};
    if (record(conn, &cause)) {
        leat_conn_set_state(conn, LEAT_CONN_CLOSED);
    }
}

void leat_close_fault(leat_conn *conn, uint64_t error_code, uint64_t frame_type,
                      const char *reason) {
    const leat_close_cause cause = {.source = LEAT_SOURCE_PROTOCOL_ERROR, .error_code = error_code,
                                    .frame_type = frame_type, .reason = reason};
    leat_close_start(conn, &cause);
}

void leat_close_internal(leat_conn *conn, const char *reason) {
    const leat_close_cause cause = {.source = LEAT_SOURCE_INTERNAL_ERROR,
                                    .error_code = LEAT_INTERNAL_ERROR, .reason = reason};
    leat_close_start(conn, &cause);
}

/* ---- the application ------------------------------------------------------------------------- */

static void close_by_call(leat_conn *conn, const leat_close_cause *cause) {
    conn->close.period_begins = !conn->close.is_recorded;
    leat_close_start(conn, cause);
}

void leat_conn_close(leat_conn *conn, uint64_t error_code, const char *reason) {
    const leat_close_cause cause = {.source = LEAT_SOURCE_LOCAL, .error_code = error_code,
                                    .is_application = true,
                                    .reason = reason};
    close_by_call(conn, &cause);
}

void leat_conn_close_transport(leat_conn *conn, uint64_t error_code, uint64_t frame_type,
                               const char *reason) {
    const leat_close_cause cause = {.source = LEAT_SOURCE_LOCAL, .error_code = error_code,
                                    .frame_type = frame_type,
                                    .reason = reason};
    close_by_call(conn, &cause);
}

void leat_conn_fail(leat_conn *conn, uint64_t error_code, const char *reason) {
    const leat_close_cause cause = {.source = LEAT_SOURCE_PROTOCOL_ERROR, .error_code = error_code,
                                    .is_application = true,
                                    .reason = reason};
    close_by_call(conn, &cause);
}

/* ---- the peer -------------------------------------------------------------------------------- */

void leat_close_on_frame(leat_conn *conn, const leat_frame *frame, leat_packet_in *packet) {
    bool is_application = frame->kind == LEAT_FRAME_CONNECTION_CLOSE_APPLICATION;
    const leat_close_cause cause = {
        .source = is_application ? LEAT_SOURCE_PEER_APPLICATION : LEAT_SOURCE_PEER_TRANSPORT,
        .error_code = frame->connection_close.error_code,
        .frame_type = frame->connection_close.frame_type,
        .is_application = is_application,
        .reason = (const char *)frame->connection_close.reason.data,
        .reason_length = frame->connection_close.reason.length,
    };
    leat_close_cause without_reason = cause;
    without_reason.reason = NULL;
    (void)packet;
    if (record(conn, cause.reason_length > 0 ? &cause : &without_reason)) {
        enter(conn, LEAT_CONN_DRAINING);
    }
}

void leat_conn_on_stateless_reset(leat_conn *conn, leat_time now) {
    const leat_close_cause cause = {.source = LEAT_SOURCE_STATELESS_RESET,
                                    .reason = "stateless reset"};
    leat_timers_set_now(conn, now);
    if (leat_conn_is_open(conn) && record(conn, &cause)) {
        enter(conn, LEAT_CONN_DRAINING);
    }
}

/* RFC 9000 §10.2.1: answers become rarer, so that two closing endpoints cannot keep each other
 * busy. */
void leat_close_on_packet_while_closing(leat_conn *conn) {
    leat_conn_ending *close = &conn->close;
    if (++close->packets_while_closing >= close->answer_at) {
        close->packet_due = true;
        close->answer_at *= 2;
    }
}

/* ---- the frame ------------------------------------------------------------------------------- */

bool leat_close_wants_packet(const leat_conn *conn, leat_space space) {
    /* RFC 9000 §10.2.3: until the handshake is confirmed nobody knows which keys the peer has: all
     * of them are used. */
    bool fits = space == LEAT_SPACE_APPLICATION || !conn->handshake.is_confirmed;
    return conn->close.packet_due && fits;
}

static leat_frame close_frame(const leat_conn *conn, leat_space space) {
    const leat_conn_ending *close = &conn->close;
    leat_frame frame = {.kind = close->is_application ? LEAT_FRAME_CONNECTION_CLOSE_APPLICATION
                                                      : LEAT_FRAME_CONNECTION_CLOSE};
    frame.type = close->is_application ? 0x1d : 0x1c;
    if (close->is_application && space != LEAT_SPACE_APPLICATION) {
        /* RFC 9000 §10.2.3: what the application says is not for eyes without 1-RTT keys. */
        frame.kind = LEAT_FRAME_CONNECTION_CLOSE;
        frame.type = 0x1c;
        frame.connection_close.error_code = LEAT_APPLICATION_ERROR;
        return frame;
    }
    frame.connection_close.error_code = close->error_code;
    frame.connection_close.frame_type = close->is_application ? 0 : close->frame_type;
    frame.connection_close.reason = (leat_span){(const uint8_t *)close->reason,
                                                close->reason_length};
    return frame;
}

void leat_close_write(leat_conn *conn, leat_packet_out *out) {
    leat_frame frame = close_frame(conn, out->space);
    leat_writer mark = out->builder.payload;
    leat_frame_write(&out->builder.payload, &frame);
    if (out->builder.payload.failed) {
        /* The reason is a courtesy; the code is not. */
        out->builder.payload = mark;
        frame.connection_close.reason.length = 0;
        leat_frame_write(&out->builder.payload, &frame);
    }
}

leat_time leat_close_due(const leat_conn *conn) { return conn->close.deadline; }
void leat_close_expire(leat_conn *conn) { leat_conn_set_state(conn, LEAT_CONN_CLOSED); }

bool leat_close_pop_event(leat_conn *conn, leat_event *event) {
    leat_conn_ending *close = &conn->close;
    if (!close->is_recorded || close->is_told) {
        return false;
    }
    close->is_told = true;
    *event = (leat_event){
        .type = LEAT_EVENT_CONNECTION_TERMINATED,
        .connection_terminated = {
            .error_code = close->error_code,
            .frame_type = close->frame_type,
            .reason_phrase = close->reason != NULL ? close->reason : "",
            .reason_length = close->reason_length,
            .source = close->source,
            .silent_for = close->silent_for,
        },
    };
    return true;
}
