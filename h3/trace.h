/*
 * What the trace sink of a connection hears of HTTP/3, with the fields of qlog's events
 * (draft-ietf-quic-qlog-h3-events-13 §3 and §4). Without a sink each call is one branch.
 */
#ifndef LEAT_H3_TRACE_H
#define LEAT_H3_TRACE_H

#include "h3/connection.h"

typedef enum leat_h3_way { LEAT_H3_CREATED, LEAT_H3_PARSED } leat_h3_way;

/* A frame of which only type and length are told. */
void leat_h3_trace_frame(
    leat_h3 *h3, leat_h3_way way, uint64_t stream_id, uint64_t type, uint64_t length);
/* GOAWAY, MAX_PUSH_ID, CANCEL_PUSH. */
void leat_h3_trace_id(
    leat_h3 *h3, leat_h3_way way, uint64_t stream_id, uint64_t type, uint64_t id);
void leat_h3_trace_headers(leat_h3 *h3, leat_h3_way way, uint64_t stream_id,
    const leat_h3_header *headers, size_t count, uint64_t length);
/* payload: of the frame. */
void leat_h3_trace_settings(leat_h3 *h3, leat_h3_way way, uint64_t stream_id, leat_span payload);
void leat_h3_trace_priority_update(
    leat_h3 *h3, leat_h3_way way, uint64_t stream_id, uint64_t prioritized_id, leat_span value);
/* A request's priority, as a signal of the client made it. */
void leat_h3_trace_priority(leat_h3 *h3, uint64_t stream_id, unsigned urgency, bool incremental);

/* Of a unidirectional stream, or LEAT_H3_REQUEST_STREAM. */
#define LEAT_H3_REQUEST_STREAM UINT64_MAX
void leat_h3_trace_stream_type(leat_h3 *h3, uint64_t stream_id, uint64_t type);
void leat_h3_trace_datagram(leat_h3 *h3, leat_h3_way way, uint64_t quarter_id, size_t length);

#endif
