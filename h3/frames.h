/*
 * HTTP/3 frames (RFC 9114 §7.2, RFC 9218 §7.2): the table of them, and the loop that reads a stream
 * made of frames.
 */
#ifndef LEAT_H3_FRAMES_H
#define LEAT_H3_FRAMES_H

#include "h3/connection.h"

enum {
    LEAT_H3_FRAME_DATA = 0x00,
    LEAT_H3_FRAME_HEADERS = 0x01,
    LEAT_H3_FRAME_CANCEL_PUSH = 0x03,
    LEAT_H3_FRAME_SETTINGS = 0x04,
    LEAT_H3_FRAME_PUSH_PROMISE = 0x05,
    LEAT_H3_FRAME_GOAWAY = 0x07,
    LEAT_H3_FRAME_MAX_PUSH_ID = 0x0d,
    LEAT_H3_FRAME_WEBTRANSPORT_STREAM = 0x41,
    LEAT_H3_FRAME_PRIORITY_UPDATE_REQUEST = 0xf0700,
    LEAT_H3_FRAME_PRIORITY_UPDATE_PUSH = 0xf0701,
};

/* Which streams may carry a frame, and who may send it. */
enum { LEAT_H3_ON_CONTROL = 1, LEAT_H3_ON_REQUEST = 2 };
enum { LEAT_H3_FROM_CLIENT = 1, LEAT_H3_FROM_SERVER = 2, LEAT_H3_FROM_BOTH = 3 };

struct leat_h3_frame_row {
    uint64_t type;
    const char *name;
    uint8_t where, from;
    uint64_t misplaced;      /* the connection error of the frame anywhere else */
    uint64_t max_length;     /* of the payload; longer: too_long */
    uint64_t too_long;
    bool needs_webtransport; /* unknown unless enabled */
    /* Type and length are known. May fail the stream or the connection, or fill in an event. NULL:
     * nothing to do. */
    bool (*begin)(leat_h3 *h3, leat_h3_stream *stream, leat_h3_event *event);
    /* A piece of the payload as it comes; or, if NULL, the payload as a whole. */
    bool (*on_piece)(leat_h3 *h3, leat_h3_stream *stream, leat_span piece, leat_h3_event *event);
    bool (*on_payload)(
        leat_h3 *h3, leat_h3_stream *stream, leat_span payload, leat_h3_event *event);
};

/* Reads frames from h3->input; `where` says which kind of stream it is. */
bool leat_h3_read_frames(leat_h3 *h3, leat_h3_stream *stream, unsigned where, leat_h3_event *event);

/* Type and length of a frame; room for both. */
#define LEAT_H3_FRAME_HEAD_MAX 16
size_t leat_h3_write_frame_head(
    uint8_t head[LEAT_H3_FRAME_HEAD_MAX], uint64_t type, uint64_t length);

/* ---- the handlers, each in its own file --------------------------------------------- */

/* request.c */
bool leat_h3_begin_headers(leat_h3 *h3, leat_h3_stream *stream, leat_h3_event *event);
bool leat_h3_on_headers(
    leat_h3 *h3, leat_h3_stream *stream, leat_span payload, leat_h3_event *event);
bool leat_h3_begin_data(leat_h3 *h3, leat_h3_stream *stream, leat_h3_event *event);
bool leat_h3_on_data(leat_h3 *h3, leat_h3_stream *stream, leat_span piece, leat_h3_event *event);
/* settings.c */
bool leat_h3_begin_settings(leat_h3 *h3, leat_h3_stream *stream, leat_h3_event *event);
bool leat_h3_on_settings(
    leat_h3 *h3, leat_h3_stream *stream, leat_span payload, leat_h3_event *event);
/* goaway.c */
bool leat_h3_on_goaway(
    leat_h3 *h3, leat_h3_stream *stream, leat_span payload, leat_h3_event *event);
/* push.c */
bool leat_h3_on_cancel_push(
    leat_h3 *h3, leat_h3_stream *stream, leat_span payload, leat_h3_event *event);
bool leat_h3_begin_push_promise(leat_h3 *h3, leat_h3_stream *stream, leat_h3_event *event);
bool leat_h3_on_max_push_id(
    leat_h3 *h3, leat_h3_stream *stream, leat_span payload, leat_h3_event *event);
/* priority.c */
bool leat_h3_on_priority_update(
    leat_h3 *h3, leat_h3_stream *stream, leat_span payload, leat_h3_event *event);

/* A payload that is one varint and nothing else; otherwise the connection is closed with
 * H3_FRAME_ERROR. */
bool leat_h3_read_id(leat_h3 *h3, leat_span payload, uint64_t *id);

#endif
