/*
 * leat/qlog.h: a trace sink that writes qlog (draft-ietf-quic-qlog-main-schema-14, -quic-events-13, -h3-events-13) as a
 * JSON text sequence (RFC 7464), the content of a .sqlog file:
 *
 *     leat_qlog_config_init(&config); config.write = ...; config.group_id = original destination connection ID;
 *     leat_qlog *qlog = leat_qlog_new(&config);
 *     leat_trace_sink sink = leat_qlog_sink(qlog);     connection_config.trace = &sink;
 *
 * No file is touched here. Every record is made in a buffer of fixed size and given to the hook as a whole; what the
 * hook refuses, or what does not fit, is dropped and counted, and the next record that goes out is preceded by a
 * loglevel:warning with the count. Nothing blocks and nothing grows.
 */
#ifndef LEAT_QLOG_H
#define LEAT_QLOG_H

#include <leat/quic.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct leat_qlog leat_qlog;

typedef struct leat_qlog_config {
    size_t size;
    const leat_allocator *allocator; /* NULL: libc. Copied */
    /* Takes one whole record at a time; false: there is no room, the record is dropped. Must not block. Required. */
    bool (*write)(void *user, const char *bytes, size_t length);
    void *user;
    bool is_client;                  /* the vantage point; default false: server */
    /* of the vantage point; NULL: none. At most LEAT_QLOG_TEXT_MAX bytes, like title */
    const char *name;
    const char *title;               /* NULL: none */
    const char *wall_clock_time;     /* RFC 3339, for readers: when logging began; NULL: left out */
    /* The connection all records are of. Empty: connections are mixed, and each event names its own. */
    leat_span group_id;
} leat_qlog_config;

#define LEAT_QLOG_TEXT_MAX 256

LEAT_API void leat_qlog_config_init(leat_qlog_config *config);
/* Gives a log, whose first write is the head of the sequence. NULL: no memory, no hook, or a text that is too long. */
LEAT_API leat_qlog *leat_qlog_new(const leat_qlog_config *config);
LEAT_API void leat_qlog_free(leat_qlog *qlog);
/* Borrows the log: it must outlive the connections that use the sink. */
LEAT_API leat_trace_sink leat_qlog_sink(leat_qlog *qlog);
/* Records that were dropped so far. */
LEAT_API uint64_t leat_qlog_dropped(const leat_qlog *qlog);

#ifdef __cplusplus
}
#endif
#endif
