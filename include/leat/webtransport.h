/*
 * leat/webtransport.h: WebTransport over HTTP/3: sessions, their streams and datagrams, and exactly one end for each.
 * Dialects: draft-ietf-webtrans-http3-02 (Chromium, Firefox) and -07 (Safari), offered together, chosen per connection
 * from the peer's SETTINGS. Works on a leat_h3 made with leat_wt_h3_config. The same two verbs once more:
 *
 *     while (leat_conn_next_event(conn, &event)) {
 *         leat_wt_handle_conn_event(wt, &event);
 *         while (leat_wt_next_event(wt, &wt_event)) { ... }
 *         leat_h3_handle_event(h3, &event);
 *         while (leat_h3_next_event(h3, &h3_event)) {
 *             leat_wt_handle_event(wt, &h3_event);
 *             while (leat_wt_next_event(wt, &wt_event)) { ... }
 *         }
 *     }
 *
 * Events of this layer are drained after each call of a handle function: they point into what was handled.
 * A stream of a session is named by its QUIC stream id. Every sending call is a "transmit after this call".
 */
#ifndef LEAT_WEBTRANSPORT_H
#define LEAT_WEBTRANSPORT_H

#include <leat/h3.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct leat_wt leat_wt;

typedef enum leat_wt_dialect {
    LEAT_WT_DIALECT_NONE,
    LEAT_WT_DIALECT_DRAFT02,
    LEAT_WT_DIALECT_DRAFT07,
    LEAT_WT_DIALECT_COUNT
} leat_wt_dialect;
LEAT_API const char *leat_wt_dialect_name(leat_wt_dialect dialect); /* "draft-02" */

/* Error codes of the drafts (§8 and §9 of -07). */
#define LEAT_WT_BUFFERED_STREAM_REJECTED UINT64_C(0x3994bd84)
#define LEAT_WT_SESSION_GONE UINT64_C(0x170d7b68)
/* Longest reason of a close, in bytes. */
#define LEAT_WT_REASON_MAX 1024

typedef struct leat_wt_config {
    size_t size;
    const leat_allocator *allocator;
    size_t max_sessions;       /* per connection; further requests are refused with 429. Default 16 */
    /* streams before their session is accepted, per connection; default 16; more are rejected */
    size_t early_streams;
    size_t early_datagrams;    /* the same of datagrams; default 16; the oldest are dropped */
} leat_wt_config;
LEAT_API void leat_wt_config_init(leat_wt_config *config);
/* Fills in what WebTransport needs of HTTP/3: settings of all dialects, extended CONNECT,
 * datagrams. Keeps the rest of config. */
LEAT_API void leat_wt_h3_config(leat_h3_config *config);

/* h3 is borrowed for life. */
LEAT_API leat_wt *leat_wt_new(leat_h3 *h3, const leat_wt_config *config, int *error);
LEAT_API void leat_wt_free(leat_wt *wt);
LEAT_API leat_h3 *leat_wt_h3(const leat_wt *wt);

/* ---- events ---- */

typedef enum leat_wt_event_type {
    LEAT_WT_EVENT_NONE,
    LEAT_WT_EVENT_SESSION_REQUESTED, /* server: accept or refuse it */
    LEAT_WT_EVENT_SESSION_READY,
    LEAT_WT_EVENT_SESSION_REFUSED,   /* client: an answer that is not 2xx; SessionClosed{connect_failed} follows */
    LEAT_WT_EVENT_STREAM_OPENED,     /* by the peer */
    LEAT_WT_EVENT_STREAM_DATA_RECEIVED,
    LEAT_WT_EVENT_STREAM_RESET,
    LEAT_WT_EVENT_STOP_SENDING_RECEIVED,
    LEAT_WT_EVENT_STREAM_WRITABLE,
    LEAT_WT_EVENT_DATAGRAM_RECEIVED,
    LEAT_WT_EVENT_DATAGRAM_FATE,
    LEAT_WT_EVENT_SESSION_DRAINING,
    LEAT_WT_EVENT_SESSION_CLOSED,    /* exactly once, last, for every session that was requested */
    LEAT_WT_EVENT_TYPE_COUNT
} leat_wt_event_type;

/* What happened (events.md: the endings table). */
typedef enum leat_wt_cause {
    LEAT_WT_CAUSE_CAPSULE,          /* the close capsule: code and reason; clean */
    LEAT_WT_CAUSE_FIN,              /* the end of the CONNECT stream alone: code 0, no reason; clean */
    LEAT_WT_CAUSE_RESET,            /* RESET_STREAM on the CONNECT stream: http_code */
    LEAT_WT_CAUSE_STOP,             /* STOP_SENDING on the CONNECT stream: http_code */
    LEAT_WT_CAUSE_CONNECTION_CLOSE, /* quic_code */
    LEAT_WT_CAUSE_TIMEOUT,          /* idle or liveness; silent_for */
    LEAT_WT_CAUSE_STATELESS_RESET,
    LEAT_WT_CAUSE_CONNECT_FAILED,   /* refused (http status in http_code), settings missing, handshake failed */
    LEAT_WT_CAUSE_PROTOCOL_ERROR,   /* a fault of the peer found here */
    LEAT_WT_CAUSE_LOCAL,            /* leat_wt_close; clean */
    LEAT_WT_CAUSE_INTERNAL_ERROR,
} leat_wt_cause;
LEAT_API const char *leat_wt_cause_name(leat_wt_cause cause); /* "capsule" */

/* Who ended it. */
typedef enum leat_wt_origin {
    LEAT_WT_ORIGIN_LOCAL, LEAT_WT_ORIGIN_PEER, LEAT_WT_ORIGIN_TRANSPORT, LEAT_WT_ORIGIN_TIMER,
} leat_wt_origin;
LEAT_API const char *leat_wt_origin_name(leat_wt_origin origin);

typedef struct leat_wt_event {
    leat_wt_event_type type;
    uint64_t session_id;
    uint64_t stream_id; /* stream events */
    union {
        struct {
            leat_span authority, path, origin; /* origin: empty when absent */
            const leat_h3_header *headers;     /* all of the request */
            size_t header_count;
            leat_wt_dialect dialect;
        } session_requested;
        struct { leat_wt_dialect dialect; const leat_h3_header *headers; size_t header_count; } session_ready;
        struct { unsigned status; const leat_h3_header *headers; size_t header_count; } session_refused;
        struct { bool unidirectional; } stream_opened;
        struct { leat_span data; bool end_stream; } stream_data_received;
        /* has_code: the code lies in the range of application codes; http_code is what was on the wire */
        struct { bool has_code; uint32_t code; uint64_t http_code; } stream_error; /* RESET, STOP_SENDING */
        struct { leat_span data; } datagram_received;
        struct { uint64_t uid; leat_datagram_fate fate; } datagram_fate;
        struct { bool by_goaway; } session_draining;
        struct {
            leat_wt_origin origin;
            leat_wt_cause cause;
            uint32_t code;
            /* UTF-8, NUL-terminated; a peer's may hold NULs: see reason_length, which follows it */
            const char *reason;
            size_t reason_length;
            uint64_t http_code, quic_code;
            bool clean, connection_usable;
            leat_time silent_for;
            uint64_t datagrams_dropped;
            void *user;             /* of leat_wt_set_session_user */
        } session_closed;
    };
} leat_wt_event;

LEAT_API const char *leat_wt_event_name(leat_wt_event_type type); /* "SessionClosed" */
LEAT_API bool leat_wt_event_get_integer(const leat_wt_event *event, const char *field, uint64_t *value);
LEAT_API bool leat_wt_event_get_bytes(const leat_wt_event *event, const char *field, leat_span *value);
/* "SessionClosed session_id=0 origin=peer cause=capsule code=7 reason=\"bye\" clean=yes ...":
 * strings escaped as JSON; cut at room. */
LEAT_API char *leat_wt_event_format(const leat_wt_event *event, char *text, size_t room);

/* Every QUIC event of the connection, before leat_h3_handle_event gets it: endings that only the connection knows. */
LEAT_API void leat_wt_handle_conn_event(leat_wt *wt, const leat_event *event);
LEAT_API void leat_wt_handle_event(leat_wt *wt, const leat_h3_event *event);
LEAT_API bool leat_wt_next_event(leat_wt *wt, leat_wt_event *event);

/* ---- sessions ---- */

/*
 * Client: requests a session; the id is known at once. Waits for the peer's SETTINGS by itself.
 * headers: further request fields. LEAT_ERR_FULL: the server or the configuration takes no more at
 * a time; LEAT_ERR_STATE: wrong role, or the server said GOAWAY.
 */
LEAT_API int leat_wt_connect(leat_wt *wt, const char *authority, const char *path, const char *origin,
                             const leat_h3_header *headers, size_t count, uint64_t *session_id);
/* Server: answers 200, then delivers what was buffered. headers: further response fields. */
LEAT_API int leat_wt_accept(leat_wt *wt, uint64_t session_id, const leat_h3_header *headers, size_t count);
/* Server: answers with status (300 to 599) and a `details` field in words, unless NULL.
 * SessionClosed{connect_failed} follows. */
LEAT_API int leat_wt_refuse(leat_wt *wt, uint64_t session_id, unsigned status, const char *details);
/*
 * Closes: capsule with code and reason (UTF-8, at most 1024 bytes; LEAT_ERR_INVALID otherwise) and
 * FIN; streams of the session are reset and stopped with WT_SESSION_GONE. SessionClosed{local}
 * follows at once, and the peer need not read for that. A second close is LEAT_ERR_STATE.
 */
LEAT_API int leat_wt_close(leat_wt *wt, uint64_t session_id, uint32_t code, const char *reason, size_t reason_length);
/* Asks the peer to finish soon: drain capsule (dialect -07), for all: leat_h3_goaway. */
LEAT_API int leat_wt_drain(leat_wt *wt, uint64_t session_id);
LEAT_API void leat_wt_set_session_user(leat_wt *wt, uint64_t session_id, void *user);
LEAT_API void *leat_wt_session_user(const leat_wt *wt, uint64_t session_id);
LEAT_API size_t leat_wt_session_count(const leat_wt *wt);
/* Walks open sessions: start with *cursor = 0. False at the end. */
LEAT_API bool leat_wt_next_session(const leat_wt *wt, size_t *cursor, uint64_t *session_id);
/* True when a local close has been sent and the peer's FIN has not come yet on any session: keep
 * the connection for it. */
LEAT_API bool leat_wt_is_closing(const leat_wt *wt);

/* ---- streams and datagrams ---- */

LEAT_API int leat_wt_open_stream(leat_wt *wt, uint64_t session_id, bool unidirectional, uint64_t *stream_id);
/* As leat_conn_send_stream_data. */
LEAT_API ptrdiff_t leat_wt_send_stream_data(leat_wt *wt, uint64_t stream_id, const uint8_t *data,
                                            size_t length, bool end_stream);
/* Application codes; mapped to the drafts' range. */
LEAT_API int leat_wt_reset_stream(leat_wt *wt, uint64_t stream_id, uint32_t code);
LEAT_API int leat_wt_stop_stream(leat_wt *wt, uint64_t stream_id, uint32_t code);
LEAT_API int leat_wt_send_datagram(leat_wt *wt, uint64_t session_id, leat_span data, uint64_t uid);
LEAT_API size_t leat_wt_max_datagram_payload(const leat_wt *wt, uint64_t session_id);
/* A pointer of the owner's for an open stream; NULL for streams without. Not freed by anyone: see StreamDataReceived's
 * end_stream, StreamReset and SessionClosed. */
LEAT_API int leat_wt_set_stream_user(leat_wt *wt, uint64_t stream_id, void *user);
LEAT_API void *leat_wt_stream_user(const leat_wt *wt, uint64_t stream_id);
/* Walks the open streams of a session: start with *cursor = 0. False at the end. Not while streams come and go. */
LEAT_API bool leat_wt_next_stream(const leat_wt *wt, uint64_t session_id, size_t *cursor, uint64_t *stream_id);
/* Delivery pause for one stream, as leat_conn_hold_stream and _release_stream. */
LEAT_API int leat_wt_hold_stream(leat_wt *wt, uint64_t stream_id, size_t unread);
LEAT_API int leat_wt_release_stream(leat_wt *wt, uint64_t stream_id);

/* The mapping of application error codes (§4.3 of -07): to HTTP/3 and back (false: outside the range). */
LEAT_API uint64_t leat_wt_code_to_http(uint32_t code);
LEAT_API bool leat_wt_code_from_http(uint64_t http_code, uint32_t *code);

#ifdef __cplusplus
}
#endif
#endif
