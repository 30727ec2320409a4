/*
 * RFC 9218: the Priority field is a structured dictionary (RFC 9651) of which two members matter;
 * the rest must be well-formed and is passed over. The result goes to the stream scheduler of the
 * connection.
 *
 * RFC 9218 §7.2-6: NOT IMPLEMENTED: an id beyond the stream limit is not noticed: the limit is not
 * visible in this layer.
 */
#include "h3/priority.h"

#include "base/alloc.h"
#include "h3/frames.h"
#include "h3/structured_field.h"
#include "h3/trace.h"

leat_h3_priority leat_h3_priority_parse(leat_span value) {
    leat_h3_priority priority = {.urgency = 3}, defaults = priority;
    leat_sf_parser parser = leat_sf_parser_make(value);
    leat_sf_member member;
    while (leat_sf_next_member(&parser, &member)) {
        /* RFC 9218 §4-2: out of range or of another type: as if it were not there; the last of a
         * name counts. */
        if (leat_span_is(member.key, "u")) {
            bool is_valid =
                member.type == LEAT_SF_INTEGER && member.integer >= 0 && member.integer <= 7;
            priority.urgency = is_valid ? (uint8_t)member.integer : defaults.urgency;
        } else if (leat_span_is(member.key, "i")) {
            priority.incremental = member.type == LEAT_SF_BOOLEAN && member.integer == 1;
        }
    }
    return parser.failed ? defaults : priority;
}

static void set_priority(leat_h3 *h3, uint64_t stream_id, leat_h3_priority priority) {
    leat_conn_set_stream_priority(h3->conn, stream_id, priority.urgency, priority.incremental);
    leat_h3_trace_priority(h3, stream_id, priority.urgency, priority.incremental);
}

/* RFC 9218 §7-1: an update may overtake the request it speaks of. */
static bool remember_early(leat_h3 *h3, uint64_t stream_id, leat_h3_priority priority) {
    if (h3->early_priorities == NULL) {
        h3->early_priorities = leat_alloc_array(
            h3->allocator, LEAT_H3_EARLY_PRIORITIES_MAX, sizeof *h3->early_priorities);
        if (h3->early_priorities == NULL) {
            return leat_h3_fail_memory(h3);
        }
        for (size_t i = 0; i < LEAT_H3_EARLY_PRIORITIES_MAX; i++) {
            h3->early_priorities[i].stream_id = LEAT_H3_NONE;
        }
    }
    size_t slot = h3->early_priority_next % LEAT_H3_EARLY_PRIORITIES_MAX;
    for (size_t i = 0; i < LEAT_H3_EARLY_PRIORITIES_MAX; i++) {
        slot = h3->early_priorities[i].stream_id == stream_id ? i : slot;
    }
    h3->early_priority_next += slot == h3->early_priority_next % LEAT_H3_EARLY_PRIORITIES_MAX;
    h3->early_priorities[slot] =
        (leat_h3_early_priority){stream_id, priority.urgency, priority.incremental};
    return true;
}

static leat_h3_early_priority *find_early(const leat_h3 *h3, uint64_t stream_id) {
    for (size_t i = 0; h3->early_priorities != NULL && i < LEAT_H3_EARLY_PRIORITIES_MAX; i++) {
        if (h3->early_priorities[i].stream_id == stream_id) {
            return &h3->early_priorities[i];
        }
    }
    return NULL;
}

void leat_h3_apply_priority(leat_h3 *h3, leat_h3_stream *stream, leat_span field) {
    leat_h3_early_priority *early = find_early(h3, stream->id);
    if (early != NULL) {
        stream->priority_is_explicit = true;
        set_priority(h3, stream->id, (leat_h3_priority){early->urgency, early->incremental});
    } else if (field.length > 0 && !stream->priority_is_explicit) {
        set_priority(h3, stream->id, leat_h3_priority_parse(field));
    }
}

static bool update_request(leat_h3 *h3, uint64_t id, leat_span value) {
    /* RFC 9218 §7.2-4. */
    if (leat_stream_is_unidirectional(id) || !leat_stream_is_client_initiated(id)) {
        return leat_h3_fail(h3, LEAT_H3_ID_ERROR, "PRIORITY_UPDATE does not name a request");
    }
    leat_h3_stream *stream = leat_h3_find_stream(h3, id);
    if (stream == NULL) {
        /* Below the newest request: it is over. */
        return id < h3->next_request_id || remember_early(h3, id, leat_h3_priority_parse(value));
    }
    stream->priority_is_explicit = true;
    set_priority(h3, id, leat_h3_priority_parse(value));
    return true;
}

bool leat_h3_on_priority_update(
    leat_h3 *h3, leat_h3_stream *stream, leat_span payload, leat_h3_event *event) {
    leat_reader reader = leat_reader_of(payload);
    uint64_t id = leat_read_varint(&reader);
    leat_span value = leat_read_rest(&reader);
    if (reader.failed) {
        return leat_h3_fail(h3, LEAT_H3_FRAME_ERROR, "PRIORITY_UPDATE without an element");
    }
    if (stream->reader.type == LEAT_H3_FRAME_PRIORITY_UPDATE_PUSH) {
        /* RFC 9218 §7.2-8: no push was promised. */
        return leat_h3_fail(
            h3, LEAT_H3_ID_ERROR, "PRIORITY_UPDATE of a push that was never promised");
    }
    leat_h3_trace_priority_update(h3, LEAT_H3_PARSED, stream->id, id, value);
    if (!update_request(h3, id, value) || !leat_h3_count_useless(h3)) {
        return false;
    }
    leat_h3_make_event(event, LEAT_H3_EVENT_PRIORITY_UPDATED, id);
    event->priority_updated.element_id = id;
    event->priority_updated.is_push = false;
    event->priority_updated.value = value;
    return true;
}
