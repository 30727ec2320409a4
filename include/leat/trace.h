/*
 * leat/trace.h: what a connection tells of its inside, for a sink of the caller's own. Part of
 * leat/quic.h; leat/qlog.h has a sink that writes files.
 */
#ifndef LEAT_TRACE_H
#define LEAT_TRACE_H

#include <leat/base.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct leat_conn leat_conn;
typedef struct leat_trace_sink leat_trace_sink;

typedef enum leat_trace_kind {
    LEAT_TRACE_INTEGER,
    LEAT_TRACE_TEXT,
    LEAT_TRACE_BYTES,
    LEAT_TRACE_BOOL,
    LEAT_TRACE_NUMBERS
} leat_trace_kind;
typedef struct leat_trace_field {
    const char *name;
    leat_trace_kind kind;
    uint64_t integer;        /* INTEGER, BOOL; NUMBERS: how many. Times are in nanoseconds */
    leat_span bytes;         /* TEXT, BYTES */
    const uint64_t *numbers; /* NUMBERS. Ranges are pairs, both ends included */
} leat_trace_field;

/*
 * One thing that happened. Frames come as records of their own ("quic", "frame_parsed" or
 * "frame_created") right before the record of their packet ("packet_received", "packet_sent"); so
 * do the fields and settings of an HTTP/3 frame ("http3", "header" or "setting") and what a loss
 * sends again ("recovery", "frame_lost"). The first record of a connection with a path is
 * "connection_started". Names follow the qlog drafts where they have one; leat/qlog.h writes them
 * down.
 */
typedef struct leat_trace_record {
    leat_time time;
    leat_span connection; /* original destination CID of the connection */
    const char *category; /* "quic", "tls", "recovery", "http3", "webtransport" */
    const char *name;
    const leat_trace_field *fields;
    size_t field_count;
} leat_trace_record;

/* A sink of the caller's own. Called while the connection works: must not call back into it. */
struct leat_trace_sink {
    void (*on_record)(void *user, const leat_trace_record *record);
    void *user;
};
/* For layers above: writes a record to the connection's sink, if there is one. */
LEAT_API bool leat_conn_is_traced(const leat_conn *conn);
LEAT_API void leat_conn_trace(const leat_conn *conn, const char *category, const char *name,
                              const leat_trace_field *fields, size_t count);

#ifdef __cplusplus
}
#endif
#endif
