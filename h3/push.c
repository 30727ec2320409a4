/*
 * Server push (RFC 9114 §4.6) as far as refusing it goes: a client of ours never sends MAX_PUSH_ID,
 * a server of ours never promises. What is left are the rules for a peer that speaks of push all
 * the same.
 *
 * RFC 9114 §4.6-1: NOT IMPLEMENTED: no browser accepts pushes any more.
 */
#include "h3/frames.h"
#include "h3/trace.h"

bool leat_h3_on_cancel_push(
    leat_h3 *h3, leat_h3_stream *stream, leat_span payload, leat_h3_event *event) {
    uint64_t push_id;
    (void)event;
    if (leat_h3_read_id(h3, payload, &push_id)) {
        leat_h3_trace_id(h3, LEAT_H3_PARSED, stream->id, LEAT_H3_FRAME_CANCEL_PUSH, push_id);
        /* RFC 9114 §7.2.3-7, §7.2.3-8: no push was ever allowed or promised, so none can be
         * cancelled. */
        leat_h3_fail(h3, LEAT_H3_ID_ERROR, "CANCEL_PUSH of a push that was never promised");
    }
    return false;
}

bool leat_h3_begin_push_promise(leat_h3 *h3, leat_h3_stream *stream, leat_h3_event *event) {
    (void)stream;
    (void)event;
    /* RFC 9114 §7.2.5-2: any push ID is larger than the one never advertised. */
    return leat_h3_fail(h3, LEAT_H3_ID_ERROR, "PUSH_PROMISE without MAX_PUSH_ID");
}

bool leat_h3_on_max_push_id(
    leat_h3 *h3, leat_h3_stream *stream, leat_span payload, leat_h3_event *event) {
    uint64_t push_id;
    (void)event;
    if (!leat_h3_read_id(h3, payload, &push_id)) {
        return false;
    }
    leat_h3_trace_id(h3, LEAT_H3_PARSED, stream->id, LEAT_H3_FRAME_MAX_PUSH_ID, push_id);
    /* RFC 9114 §7.2.7-4: the promise may only grow. */
    if (h3->max_push_id != LEAT_H3_NONE && push_id < h3->max_push_id) {
        return leat_h3_fail(h3, LEAT_H3_ID_ERROR, "MAX_PUSH_ID decreased");
    }
    h3->max_push_id = push_id;
    leat_h3_count_useless(h3);
    return false;
}
