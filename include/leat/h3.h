/*
 * leat/h3.h: HTTP/3 (RFC 9114), QPACK (RFC 9204), extended CONNECT (RFC 9220), HTTP datagrams and
 * capsules (RFC 9297) on a leat_conn. Sees QUIC through leat/quic.h only. Two verbs, as every layer
 * above QUIC:
 *
 *     while (leat_conn_next_event(conn, &event)) {
 *         leat_h3_handle_event(h3, &event);
 *         while (leat_h3_next_event(h3, &h3_event)) { ... }
 *     }
 *
 * Make it when ProtocolNegotiated says "h3". h3 events of a QUIC event must be drained before the
 * next QUIC event is popped: nothing is queued here, and spans in h3 events point into the QUIC
 * event. Every sending call here is a "transmit after this call".
 *
 * PINGs of this layer have the highest bit of their uid set (an answer with 400 is followed by a
 * reset only when it is through, a shutdown by its second GOAWAY); PingAcknowledged with such a uid
 * is not the application's.
 */
#ifndef LEAT_H3_H
#define LEAT_H3_H

#include <leat/quic.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct leat_h3 leat_h3;

/* RFC 9114 §8.1, RFC 9204 §6, RFC 9297 §5.2. */
enum {
    LEAT_H3_DATAGRAM_ERROR = 0x33,
    LEAT_H3_NO_ERROR = 0x100,
    LEAT_H3_GENERAL_PROTOCOL_ERROR = 0x101,
    LEAT_H3_INTERNAL_ERROR = 0x102,
    LEAT_H3_STREAM_CREATION_ERROR = 0x103,
    LEAT_H3_CLOSED_CRITICAL_STREAM = 0x104,
    LEAT_H3_FRAME_UNEXPECTED = 0x105,
    LEAT_H3_FRAME_ERROR = 0x106,
    LEAT_H3_EXCESSIVE_LOAD = 0x107,
    LEAT_H3_ID_ERROR = 0x108,
    LEAT_H3_SETTINGS_ERROR = 0x109,
    LEAT_H3_MISSING_SETTINGS = 0x10a,
    LEAT_H3_REQUEST_REJECTED = 0x10b,
    LEAT_H3_REQUEST_CANCELLED = 0x10c,
    LEAT_H3_REQUEST_INCOMPLETE = 0x10d,
    LEAT_H3_MESSAGE_ERROR = 0x10e,
    LEAT_H3_CONNECT_ERROR = 0x10f,
    LEAT_H3_VERSION_FALLBACK = 0x110,
    LEAT_QPACK_DECOMPRESSION_FAILED = 0x200,
    LEAT_QPACK_ENCODER_STREAM_ERROR = 0x201,
    LEAT_QPACK_DECODER_STREAM_ERROR = 0x202,
};
LEAT_API const char *leat_h3_error_name(uint64_t code); /* "H3_FRAME_UNEXPECTED", or "unknown" */

/* One field line. Names are lower case; pseudo-fields come first. never_index: do not put the
 * value into a table (RFC 9204 §7.1). */
typedef struct leat_h3_header {
    leat_span name, value;
    bool never_index;
} leat_h3_header;

/* For literals: LEAT_H3_HEADER(":status", "200"). */
#define LEAT_H3_HEADER(name_literal, value_literal) \
    { { (const uint8_t *)(name_literal), sizeof(name_literal) - 1 }, { (const uint8_t *)(value_literal), sizeof(value_literal) - 1 }, false }
/* From NUL-terminated strings. */
LEAT_API leat_h3_header leat_h3_header_of(const char *name, const char *value);
/* The first value of a name, or an empty span with data NULL. */
LEAT_API leat_span leat_h3_find_header(const leat_h3_header *headers, size_t count, const char *name);

/* A setting we send besides our own (RFC 9114 §7.2.4): WebTransport dialects add theirs. */
typedef struct leat_h3_setting {
    uint64_t id, value;
} leat_h3_setting;
#define LEAT_H3_SETTINGS_MAX 32

typedef struct leat_h3_config {
    size_t size;
    const leat_allocator *allocator;
    /*
     * Sent and enforced, default 65536 (RFC 9114 §4.2.2). A larger request is answered here with
     * 431 and not told but as RequestRefusedMalformed{H3_EXCESSIVE_LOAD}; larger trailers and
     * responses end their stream with H3_EXCESSIVE_LOAD.
     */
    uint64_t max_field_section_size;
    uint64_t qpack_max_table_capacity; /* for the peer's encoder; default 4096 */
    uint64_t qpack_blocked_streams;    /* default 16 */
    uint64_t qpack_encoder_capacity;   /* of ours; default 0: static table only */
    bool enable_connect_protocol;      /* server: SETTINGS_ENABLE_CONNECT_PROTOCOL (RFC 9220); default true */
    /* SETTINGS_H3_DATAGRAM (RFC 9297 §2.1.1); default true; false: received ones mean nothing */
    bool enable_datagrams;
    bool enable_webtransport;          /* streams of type 0x54 and signal 0x41 are WebTransport's; default false */
    const leat_h3_setting *settings;   /* further ones */
    size_t setting_count;
} leat_h3_config;
LEAT_API void leat_h3_config_init(leat_h3_config *config);
/*
 * Server: what this configuration binds to sessions, for leat_config.session_application: without
 * it early requests are made under settings that may have changed (RFC 9114 §7.2.4.2). Returns the
 * bytes written, 0: no room. A client's settings are kept and checked without a call.
 */
LEAT_API size_t leat_h3_session_application(const leat_h3_config *config, uint8_t *out, size_t room);

/* conn is borrowed for life and must outlive it. Opens the control and QPACK streams. */
LEAT_API leat_h3 *leat_h3_new(leat_conn *conn, const leat_h3_config *config, int *error);
LEAT_API void leat_h3_free(leat_h3 *h3);
LEAT_API leat_conn *leat_h3_conn(const leat_h3 *h3);

/* ---- events ---- */

typedef enum leat_h3_event_type {
    LEAT_H3_EVENT_NONE,
    /* aioquic's five */
    LEAT_H3_EVENT_HEADERS_RECEIVED,
    LEAT_H3_EVENT_DATA_RECEIVED,
    LEAT_H3_EVENT_DATAGRAM_RECEIVED,
    LEAT_H3_EVENT_PUSH_PROMISE_RECEIVED, /* never raised: push is refused with H3_ID_ERROR (RFC 9114 §4.6) */
    LEAT_H3_EVENT_WEBTRANSPORT_STREAM_DATA_RECEIVED,
    /* added */
    LEAT_H3_EVENT_SETTINGS_RECEIVED,
    LEAT_H3_EVENT_GOAWAY_RECEIVED,
    LEAT_H3_EVENT_STREAM_RESET,
    LEAT_H3_EVENT_STOP_SENDING_RECEIVED,
    LEAT_H3_EVENT_CAPSULE_RECEIVED,
    LEAT_H3_EVENT_PRIORITY_UPDATED,
    LEAT_H3_EVENT_STREAM_WRITABLE,
    /*
     * A malformed message was answered with a stream error: H3_MESSAGE_ERROR, H3_REQUEST_INCOMPLETE
     * or H3_EXCESSIVE_LOAD. Last event of its stream, and of a request the only one. A WebTransport
     * CONNECT without :authority or :path gets a 400 first.
     */
    LEAT_H3_EVENT_REQUEST_REFUSED_MALFORMED,
    LEAT_H3_EVENT_TYPE_COUNT
} leat_h3_event_type;

#define LEAT_H3_NO_PUSH_ID UINT64_MAX
/* A close capsule may be refused before its value is complete: larger values are cut here
 * (draft-ietf-webtrans-http3 §6). */
#define LEAT_H3_CAPSULE_MAX 4096

typedef struct leat_h3_event {
    leat_h3_event_type type;
    uint64_t stream_id; /* of the request, WebTransport stream, or datagram's session; 0 where it has no meaning */
    union {
        /* Valid until the next event of this leat_h3. is_informational: 1xx; is_trailers: after the final HEADERS. */
        struct {
            const leat_h3_header *headers;
            size_t count;
            bool stream_ended, is_trailers, is_informational;
            uint64_t push_id;
        } headers_received;
        struct { leat_span data; bool stream_ended; uint64_t push_id; } data_received;
        struct { leat_span data; } datagram_received;
        struct { const leat_h3_header *headers; size_t count; uint64_t push_id; } push_promise_received;
        /* The first event of a stream may have no data: it says that the stream is there. */
        struct { uint64_t session_id; leat_span data; bool stream_ended, is_first; } webtransport_stream_data_received;
        struct { const leat_h3_setting *settings; size_t count; } settings_received;
        struct { uint64_t id; } goaway_received;
        /* also of WebTransport streams whose session id is known; session_id is UINT64_MAX for others */
        struct { uint64_t error_code, session_id; } stream_reset;
        struct { uint64_t error_code, session_id; } stop_sending_received;
        /* On an extended CONNECT stream whose capsules the application asked for with leat_h3_read_capsules. */
        struct {
            uint64_t capsule_type;
            leat_span value;                    /* cut at LEAT_H3_CAPSULE_MAX */
            uint64_t length;                    /* as declared */
        } capsule_received;
        struct { uint64_t element_id; bool is_push; leat_span value; } priority_updated;
        struct { uint64_t error_code; const char *message; } malformed;
    };
} leat_h3_event;

LEAT_API const char *leat_h3_event_name(leat_h3_event_type type);
LEAT_API bool leat_h3_event_get_integer(const leat_h3_event *event, const char *field, uint64_t *value);
LEAT_API bool leat_h3_event_get_bytes(const leat_h3_event *event, const char *field, leat_span *value);
/* "DataReceived stream_id=0 data=\"hi\" stream_ended=yes push_id=none", as leat_event_format. */
LEAT_API char *leat_h3_event_format(const leat_h3_event *event, char *text, size_t room);

/* Takes one QUIC event; all kinds may be passed. A peer's fault closes the connection with the exact H3 error. */
LEAT_API void leat_h3_handle_event(leat_h3 *h3, const leat_event *event);
LEAT_API bool leat_h3_next_event(leat_h3 *h3, leat_h3_event *event);

/* ---- sending ---- */

/* Client: the next request stream. LEAT_ERR_REFUSED after the server's GOAWAY, LEAT_ERR_STREAM_LIMIT. */
LEAT_API int leat_h3_open_request(leat_h3 *h3, uint64_t *stream_id);
/*
 * HEADERS: request, response, 1xx or trailers. Validated: LEAT_ERR_INVALID for what RFC 9114 §4.2
 * to §4.3 forbid, LEAT_ERR_TOO_LARGE above the peer's MAX_FIELD_SECTION_SIZE, LEAT_ERR_FULL when
 * the stream's buffer has no room (StreamWritable follows).
 */
LEAT_API int leat_h3_send_headers(leat_h3 *h3, uint64_t stream_id, const leat_h3_header *headers,
                                  size_t count, bool end_stream);
/* DATA; returns the bytes taken, as leat_conn_send_stream_data. */
LEAT_API ptrdiff_t leat_h3_send_data(leat_h3 *h3, uint64_t stream_id, const uint8_t *data,
                                     size_t length, bool end_stream);
/*
 * Pauses delivery, as leat_conn_hold_stream one layer up: the last `unread` bytes of the
 * DataReceived or WebTransportStreamDataReceived event just popped (and its stream_ended) come
 * again, and nothing more of this stream, after leat_h3_release_stream. Flow control reaches the
 * peer. LEAT_ERR_STATE: it was not the last event.
 */
LEAT_API int leat_h3_hold_stream(leat_h3 *h3, uint64_t stream_id, size_t unread);
LEAT_API int leat_h3_release_stream(leat_h3 *h3, uint64_t stream_id);
/* HTTP datagram of a request stream (RFC 9297 §2.1); uid as in leat_conn_send_datagram_frame. */
LEAT_API int leat_h3_send_datagram(leat_h3 *h3, uint64_t stream_id, leat_span data, uint64_t uid);
LEAT_API size_t leat_h3_max_datagram_payload(const leat_h3 *h3, uint64_t stream_id);
/* One whole capsule in DATA on a CONNECT stream; all of it, or LEAT_ERR_FULL while an earlier frame waits for room. */
LEAT_API int leat_h3_send_capsule(leat_h3 *h3, uint64_t stream_id, uint64_t type, leat_span value, bool end_stream);
/*
 * From now on DATA of this CONNECT stream is read as capsules (RFC 9297 §3): CapsuleReceived
 * instead of DataReceived, which then only says stream_ended. A DATAGRAM capsule becomes
 * DatagramReceived; types of the form 0x29 * N + 0x17 are skipped. LEAT_ERR_REFUSED: the message
 * has content fields (§3.2); the stream was reset with H3_MESSAGE_ERROR.
 */
LEAT_API int leat_h3_read_capsules(leat_h3 *h3, uint64_t stream_id);
/* The capsule just received was the last one: what still follows it in DATA is told as DataReceived, whatever it is. */
LEAT_API int leat_h3_end_capsules(leat_h3 *h3, uint64_t stream_id);
/* Opens a stream of a session: type 0x54 or signal 0x41 and the session id are written
 * (draft-ietf-webtrans-http3 §4). Data goes by leat_conn_send_stream_data. */
LEAT_API int leat_h3_create_webtransport_stream(leat_h3 *h3, uint64_t session_id,
                                                bool unidirectional, uint64_t *stream_id);
/* Server push (RFC 9114 §4.6): off unless the client allows it with MAX_PUSH_ID; a client of ours never does. */
/*
 * GOAWAY at once: a server processes no further request. It names the id one above the newest
 * accepted one; requests from there on get H3_REQUEST_REJECTED and may be sent elsewhere. A second
 * call changes nothing.
 */
LEAT_API int leat_h3_goaway(leat_h3 *h3);
/*
 * The same without losing what is on its way (RFC 9114 §5.2): the client is asked to send no more
 * requests; a round trip later leat_h3_goaway follows by itself. A client's is leat_h3_goaway.
 */
LEAT_API int leat_h3_shutdown(leat_h3 *h3);
/* The client cancels (REQUEST_CANCELLED) or the server rejects or aborts: RESET_STREAM and
 * STOP_SENDING with error_code. */
LEAT_API int leat_h3_cancel(leat_h3 *h3, uint64_t stream_id, uint64_t error_code);
/* STOP_SENDING alone: the rest of the peer's message is not wanted, ours goes on. No event of
 * the receiving side follows. */
LEAT_API int leat_h3_stop_stream(leat_h3 *h3, uint64_t stream_id, uint64_t error_code);
/* Client: PRIORITY_UPDATE for a request (RFC 9218 §7); value as the Priority field, e.g. "u=1, i". */
LEAT_API int leat_h3_send_priority(leat_h3 *h3, uint64_t stream_id, const char *value);

/* The peer's settings, once SettingsReceived was seen. False: not sent. */
LEAT_API bool leat_h3_peer_setting(const leat_h3 *h3, uint64_t id, uint64_t *value);
LEAT_API bool leat_h3_settings_received(const leat_h3 *h3);
LEAT_API size_t leat_h3_open_requests(const leat_h3 *h3);

#ifdef __cplusplus
}
#endif
#endif
