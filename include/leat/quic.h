/*
 * leat/quic.h: QUIC versions 1 and 2 (RFC 9000, 9001, 9002, 9221, 9369) without I/O: datagrams and the time go
 * in, datagrams, events and a timer come out.
 *
 * The loop of every owner of a connection, after each call marked "transmit after this call":
 *
 *     leat_conn_receive_datagram(conn, bytes, length, segment_size, &path, ecn, now);
 *       or leat_conn_handle_timer(conn, now);
 *     while (leat_conn_next_event(conn, &event)) { ... }
 *     while ((n = leat_conn_datagrams_to_send(conn, buffer, capacity, &transmit, now)) > 0) { send them }
 *     arm a timer for leat_conn_get_timer(conn)
 *
 * until leat_conn_is_closed. Calls without a time use the last one the connection was told. An
 * endpoint (leat/endpoint.h) does the routing for many connections on one socket. Nothing here is
 * thread-safe: one connection belongs to one thread at a time.
 */
#ifndef LEAT_QUIC_H
#define LEAT_QUIC_H

#include <leat/base.h>
#include <leat/congestion.h>
#include <leat/tls.h>
#include <leat/trace.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- error codes ----------------------------------------------------------------------------- */

/* RFC 9000 §20.1. TLS alerts are LEAT_CRYPTO_ERROR + alert. */
enum {
    LEAT_NO_ERROR = 0x00,
    LEAT_INTERNAL_ERROR = 0x01,
    LEAT_CONNECTION_REFUSED = 0x02,
    LEAT_FLOW_CONTROL_ERROR = 0x03,
    LEAT_STREAM_LIMIT_ERROR = 0x04,
    LEAT_STREAM_STATE_ERROR = 0x05,
    LEAT_FINAL_SIZE_ERROR = 0x06,
    LEAT_FRAME_ENCODING_ERROR = 0x07,
    LEAT_TRANSPORT_PARAMETER_ERROR = 0x08,
    LEAT_CONNECTION_ID_LIMIT_ERROR = 0x09,
    LEAT_PROTOCOL_VIOLATION = 0x0a,
    LEAT_INVALID_TOKEN = 0x0b,
    LEAT_APPLICATION_ERROR = 0x0c,
    LEAT_CRYPTO_BUFFER_EXCEEDED = 0x0d,
    LEAT_KEY_UPDATE_ERROR = 0x0e,
    LEAT_AEAD_LIMIT_REACHED = 0x0f,
    LEAT_NO_VIABLE_PATH = 0x10,
    LEAT_VERSION_NEGOTIATION_ERROR = 0x11, /* RFC 9368 §10.2 */
    LEAT_CRYPTO_ERROR = 0x0100,
};
/* "FLOW_CONTROL_ERROR", "CRYPTO_ERROR no_application_protocol", or "unknown". Static storage. */
LEAT_API const char *leat_transport_error_name(uint64_t code);

/* ---- configuration --------------------------------------------------------------------------- */

typedef struct leat_resumption_keys leat_resumption_keys; /* seals session tickets of a server; shared by connections */

/* Gives a reference. secret: 32 bytes that survive restarts, or NULL for random ones. NULL when
 * memory or randomness fails. Keys remember early data too: leat/early_data.h. */
LEAT_API leat_resumption_keys *leat_resumption_keys_new(const uint8_t *secret);
LEAT_API void leat_resumption_keys_free(leat_resumption_keys *keys);

/*
 * Everything a connection is made from. leat_config_init sets the defaults named here; one config may serve many
 * connections and is only read. Pointers are borrowed while connections are made; counted objects are referenced.
 */
typedef struct leat_config {
    size_t size;
    bool is_client;
    const leat_allocator *allocator; /* NULL: libc */
    leat_random_fn random;           /* NULL: the system's CSPRNG */
    void *random_user;
    leat_wall_clock_fn wall_clock;   /* NULL: time(2). For certificates, tickets and tokens */
    void *wall_clock_user;

    /* TLS */
    const char *const *alpn;         /* application protocols in order of preference; required */
    size_t alpn_count;
    /* client: host name or IP text: SNI, and checked against the certificate; required */
    const char *server_name;
    leat_trust *trust;               /* client: NULL means the system's store: verification is on by default */
    leat_identity *const *identities; /* server: at least one; client: for servers that ask. See leat_identity */
    size_t identity_count;
    leat_resumption_keys *resumption_keys; /* server: NULL: no session tickets */
    leat_span session_ticket;        /* client: from an earlier SessionTicket event, or empty */
    leat_span token;                 /* client: from an earlier NewToken event, or empty */
    /* TLS NamedGroups in order of preference; NULL: X25519MLKEM768 where available, X25519,
     * P-256, P-384 */
    const uint16_t *groups;
    size_t group_count;
    /* TLS cipher suites in order of preference, as the registry numbers them; NULL: AES-128-GCM,
     * AES-256-GCM, ChaCha20-Poly1305 */
    const uint16_t *cipher_suites;
    size_t cipher_suite_count;
    leat_client_auth client_auth;    /* server: whether clients are asked for a certificate; default: never */
    leat_trust *client_trust;        /* server: whose certificates are accepted; required when clients are asked */
    leat_verify_peer_fn verify_peer; /* a further condition on the peer's chain; NULL: none */
    void *verify_peer_user;
    bool early_data;                 /* 0-RTT, leat/early_data.h: client: send it, server: accept it; default false */
    leat_span session_application;   /* at most 256 bytes that are bound to sessions, leat/early_data.h */
    /* RFC 8879, where leat was built with zlib: certificates travel compressed if the peer can read
     * them so and it makes them smaller; default true. The ClientHello shows it. */
    bool certificate_compression;
    void (*key_log)(void *user, const char *line); /* NSS key log lines without newline; NULL: off */
    void *key_log_user;

    /* Limits we give to the peer (RFC 9000 §18.2) */
    leat_time max_idle_timeout;      /* default 30 s; 0: none */
    uint64_t max_data;               /* connection receive window, bytes; default 1 MiB */
    uint64_t max_stream_data;        /* receive window of each stream; default 256 KiB */
    uint64_t max_streams_bidi;       /* peer's concurrently open streams; default 100 */
    uint64_t max_streams_uni;        /* default 100 */
    uint64_t max_datagram_frame_size; /* RFC 9221; default 0: datagrams off; 65535 to accept any */
    uint64_t max_udp_payload_size;   /* largest datagram we receive; default 65527 */
    uint64_t active_connection_id_limit; /* default 4 */
    leat_time max_ack_delay;         /* default 25 ms */
    uint8_t ack_delay_exponent;      /* default 3 */
    size_t connection_id_length;     /* of our IDs, 0 to 20; default 8. An endpoint's own value overrides it */
    /* The windows grow up to these while the application takes a whole one within two round trips;
     * defaults 6 MiB and 15 MiB. Not above max_stream_data and max_data: they stay as they are. */
    uint64_t max_stream_window, max_connection_window;
    leat_time min_ack_delay;         /* shortest that ACK_FREQUENCY may ask for; default 1 ms; 0: not offered */
    bool reset_stream_at;            /* we take RESET_STREAM_AT, see leat_conn_reset_stream_at; default true */

    /* Behaviour */
    size_t send_buffer_limit;        /* bytes buffered per stream, unacknowledged included; default 256 KiB */
    size_t max_send_buffer;          /* send_buffer_limit grows up to this with the congestion window; default 6 MiB */
    size_t datagram_queue_limit;     /* DATAGRAM frames waiting to be sent; default 256 */
    size_t datagram_receive_queue_limit; /* received ones waiting for next_event; default 1024; the oldest go first */
    /* UDP payload of the datagrams we begin with, 1200 to 65507; default 1252; the peer's limit wins */
    size_t max_send_udp_payload;
    bool manual_credit;              /* stream credit returns by leat_conn_credit_stream instead of at pop */
    leat_time keep_alive;            /* PING after this much silence; 0: off (default) */
    leat_time liveness;              /* the limit L of silence while liveness is wanted; 0: off (default) */
    leat_time handshake_timeout;     /* default 10 s; 0: none */
    leat_time initial_rtt;           /* RFC 9002 §6.2.2; default 333 ms */
    const char *congestion_control;  /* "cubic" (default), "newreno", "bbr" */
    /* One's own instead of a name; lives as long as the connections. */
    const leat_congestion_ops *congestion_controller;
    bool pacing;                     /* default true */
    const leat_trace_sink *trace;    /* NULL: off */
    /* Marks packets ECT(0) on paths that prove to carry it, RFC 9000 §13.4; default true. What the
     * peer marks is reported either way. */
    bool ecn;
    /* UDP payload up to which larger datagrams are probed for (RFC 9000 §14.3, RFC 8899), up to
     * 65507; default 0: what Ethernet carries, 1472 over IPv4 and 1452 over IPv6. Not above
     * max_send_udp_payload: no search. A path that carries less than before is found out anyway. */
    size_t max_mtu;
    /* Takes part in the latency spin bit, RFC 9000 §17.4, on fifteen paths of sixteen; default true. */
    bool spin_bit;
    /* server: the client must open a bidirectional stream within this time of the handshake's end; default 0: none */
    leat_time request_timeout;

    /* Paths (RFC 9000 §9) */
    /* Asks the peer to stay on its address; NAT rebinding is followed all the same. Default false */
    bool disable_active_migration;
    /* client: go to the server's preferred address when it answers there (§9.6); default true */
    bool use_preferred_address;
    /* server: where clients are asked to go after the handshake, one of each family or none
     * (LEAT_ADDRESS_NONE, the default). Datagrams to these addresses must reach the same endpoint */
    leat_address preferred_address_v4, preferred_address_v6;

    /* Versions of QUIC: leat/version.h */
    const uint32_t *versions;        /* LEAT_QUIC_VERSION_*, at most 4, in order of preference; NULL: 1 and 2 */
    size_t version_count;
    uint32_t original_version;       /* client: of its first packets; 0: version 1 if listed, otherwise the first */
    bool grease;                     /* reserved values where they should be ignored, RFC 9287; default true */
} leat_config;

LEAT_API void leat_config_init(leat_config *config, bool is_client);

/* ---- events ---------------------------------------------------------------------------------- */

typedef enum leat_event_type {
    LEAT_EVENT_NONE,
    /* aioquic's ten, same names and fields */
    LEAT_EVENT_CONNECTION_ID_ISSUED,
    LEAT_EVENT_CONNECTION_ID_RETIRED,
    LEAT_EVENT_CONNECTION_TERMINATED,
    LEAT_EVENT_DATAGRAM_FRAME_RECEIVED,
    LEAT_EVENT_HANDSHAKE_COMPLETED,
    LEAT_EVENT_PING_ACKNOWLEDGED,
    LEAT_EVENT_PROTOCOL_NEGOTIATED,
    LEAT_EVENT_STOP_SENDING_RECEIVED,
    LEAT_EVENT_STREAM_DATA_RECEIVED,
    LEAT_EVENT_STREAM_RESET,
    /* added */
    LEAT_EVENT_HANDSHAKE_CONFIRMED,
    LEAT_EVENT_STREAM_OPENED,
    LEAT_EVENT_STREAM_WRITABLE,
    LEAT_EVENT_STREAMS_AVAILABLE,
    LEAT_EVENT_STREAM_DELIVERED,
    LEAT_EVENT_DATAGRAM_FRAME_FATE,
    LEAT_EVENT_PATH_VALIDATED,
    LEAT_EVENT_PATH_CHANGED,
    LEAT_EVENT_PATH_FAILED,
    LEAT_EVENT_SESSION_TICKET,
    LEAT_EVENT_NEW_TOKEN,
    LEAT_EVENT_KEY_UPDATED,
    LEAT_EVENT_EARLY_DATA_REJECTED,
    LEAT_EVENT_PEER_UNRESPONSIVE,
    LEAT_EVENT_PEER_RESPONSIVE,
    LEAT_EVENT_TYPE_COUNT
} leat_event_type;

/* Who or what ended the connection. */
typedef enum leat_close_source {
    LEAT_SOURCE_LOCAL,             /* the application called close */
    LEAT_SOURCE_PEER_TRANSPORT,    /* CONNECTION_CLOSE 0x1c */
    LEAT_SOURCE_PEER_APPLICATION,  /* CONNECTION_CLOSE 0x1d */
    LEAT_SOURCE_IDLE_TIMEOUT,
    LEAT_SOURCE_LIVENESS_TIMEOUT,
    LEAT_SOURCE_HANDSHAKE_TIMEOUT,
    LEAT_SOURCE_STATELESS_RESET,
    LEAT_SOURCE_VERSION_MISMATCH,
    LEAT_SOURCE_PROTOCOL_ERROR,    /* a fault of the peer found here */
    LEAT_SOURCE_REFUSED,           /* this endpoint refused it */
    LEAT_SOURCE_INTERNAL_ERROR,    /* memory, random source, AEAD limit */
    LEAT_SOURCE_REQUEST_TIMEOUT,   /* the client never asked for anything: config.request_timeout */
} leat_close_source;
LEAT_API const char *leat_close_source_name(leat_close_source source); /* "peer_application" */

typedef enum leat_datagram_fate { LEAT_DATAGRAM_ACKED, LEAT_DATAGRAM_LOST, LEAT_DATAGRAM_EXPIRED } leat_datagram_fate;
/* REBOUND: only ports changed. PathChanged comes when the new path is validated. */
typedef enum leat_path_change { LEAT_PATH_REBOUND, LEAT_PATH_MIGRATED } leat_path_change;

/* frame_type of ConnectionTerminated when an application closed (aioquic's None). */
#define LEAT_FRAME_TYPE_NONE UINT64_MAX

/*
 * One event. Pointers in it are valid until the next leat_conn_next_event on the same connection;
 * leat_conn_receive_datagram, leat_conn_handle_timer, and releasing or crediting its stream end
 * them as well.
 */
typedef struct leat_event {
    leat_event_type type;
    union {
        struct { leat_cid connection_id; } connection_id; /* ISSUED, RETIRED */
        struct {
            uint64_t error_code;
            uint64_t frame_type;       /* LEAT_FRAME_TYPE_NONE for an application close */
            const char *reason_phrase; /* NUL-terminated, at most 1023 bytes; from a peer: any bytes */
            size_t reason_length;
            leat_close_source source;
            leat_time silent_for;      /* timeouts: since the last packet of the peer */
        } connection_terminated;
        struct { leat_span data; } datagram_frame_received;
        struct { const char *alpn_protocol; bool early_data_accepted, session_resumed; } handshake_completed;
        struct { uint64_t uid; leat_time rtt; } ping_acknowledged;
        struct { const char *alpn_protocol; } protocol_negotiated;
        struct { uint64_t stream_id, error_code; } stop_sending_received;
        struct { uint64_t stream_id; leat_span data; bool end_stream, early; } stream_data_received;
        struct { uint64_t stream_id, error_code; } stream_reset;
        struct { uint64_t stream_id; } stream; /* OPENED, WRITABLE, DELIVERED */
        struct { bool unidirectional; } streams_available;
        struct { uint64_t uid; leat_datagram_fate fate; } datagram_frame_fate;
        struct { leat_path path; } path; /* VALIDATED, FAILED */
        struct { leat_path old_path, new_path; leat_path_change reason; } path_changed;
        struct { leat_span data; } ticket; /* SESSION_TICKET, NEW_TOKEN */
        struct { bool by_peer; } key_updated;
        struct { leat_time silent_for; } peer_liveness; /* PEER_UNRESPONSIVE, PEER_RESPONSIVE */
    };
} leat_event;

LEAT_API const char *leat_event_name(leat_event_type type); /* "StreamDataReceived" */

/* The same fields for bindings, without struct layout. Name as in the struct ("stream_id");
 * false: not in this event. */
LEAT_API bool leat_event_get_integer(const leat_event *event, const char *field, uint64_t *value);
LEAT_API bool leat_event_get_bytes(const leat_event *event, const char *field, leat_span *value);
/*
 * "StreamDataReceived stream_id=0 data=\"hello\" end_stream=yes": bytes are quoted with the escapes
 * of JSON when they are plain text and hex otherwise. NUL-terminated, cut at room. Returns text.
 */
LEAT_API char *leat_event_format(const leat_event *event, char *text, size_t room);

/* ---- connection: life ------------------------------------------------------------------------ */

/* RFC 9000 §13.4: the ECN field of the IP header. */
enum { LEAT_ECN_NOT_ECT = 0, LEAT_ECN_ECT1 = 1, LEAT_ECN_ECT0 = 2, LEAT_ECN_CE = 3 };

/* What leat_conn_datagrams_to_send filled: ceil(n / segment_size) datagrams for one path, all
 * but the last equal in size. */
typedef struct leat_transmit {
    leat_path path;
    size_t segment_size;
    uint8_t ecn;
} leat_transmit;

/* A client's connection; servers get theirs from an endpoint or leat_conn_new_server. NULL: error tells why. */
LEAT_API leat_conn *leat_conn_new(const leat_config *config, int *error);
/*
 * A server's connection without an endpoint, for tests and in-memory use: made from the client's first datagram, which
 * must afterwards be given to leat_conn_receive_datagram.
 */
LEAT_API leat_conn *leat_conn_new_server(const leat_config *config, leat_span first_datagram, const leat_path *path,
                                         leat_time now, int *error);
LEAT_API void leat_conn_free(leat_conn *conn);
LEAT_API void leat_conn_set_user(leat_conn *conn, void *user);
LEAT_API void *leat_conn_user(const leat_conn *conn);

/* Client: starts the handshake. Transmit after this call. */
LEAT_API int leat_conn_connect(leat_conn *conn, const leat_path *path, leat_time now);
/*
 * One datagram, or a GRO train of datagrams of segment_size bytes (the last may be shorter; 0: one datagram). Opened in
 * place: the buffer is consumed. Always 0; what was wrong with packets goes to the trace. Transmit after this call.
 */
LEAT_API int leat_conn_receive_datagram(leat_conn *conn, uint8_t *data, size_t length, size_t segment_size,
                                        const leat_path *path, uint8_t ecn, leat_time now);
/* Fills buffer (at least 1200 bytes) and transmit. Returns the bytes filled; call again until 0. */
LEAT_API size_t leat_conn_datagrams_to_send(leat_conn *conn, uint8_t *buffer, size_t capacity, leat_transmit *transmit,
                                            leat_time now);
/*
 * The socket refused a datagram of this size for being too large (EMSGSIZE). Optional: without it
 * the datagram counts as lost later. Transmit after this call.
 */
LEAT_API void leat_conn_on_datagram_too_large(leat_conn *conn, size_t size, leat_time now);
LEAT_API leat_time leat_conn_get_timer(const leat_conn *conn);
LEAT_API void leat_conn_handle_timer(leat_conn *conn, leat_time now);
/* The next event, or false. Popping consumes: see leat_conn_hold_stream and leat_conn_credit_stream. */
LEAT_API bool leat_conn_next_event(leat_conn *conn, leat_event *event);
/* True when nothing more is to be sent or received and the object may be freed. */
LEAT_API bool leat_conn_is_closed(const leat_conn *conn);
/* True once ConnectionTerminated is queued: application calls return LEAT_ERR_STATE. */
LEAT_API bool leat_conn_is_terminating(const leat_conn *conn);
/* Whether datagrams_to_send may have something (used for ready lists). */
LEAT_API bool leat_conn_wants_to_send(const leat_conn *conn);

/*
 * Closes: the application's CONNECTION_CLOSE (0x1d) with error_code and reason (at most 1023 bytes are sent).
 * ConnectionTerminated{source local} follows at once. Idempotent. Transmit after this call.
 */
LEAT_API void leat_conn_close(leat_conn *conn, uint64_t error_code, const char *reason);
/* The same with a transport error (0x1c); for layers above that find a fault they report at this level. */
LEAT_API void leat_conn_close_transport(leat_conn *conn, uint64_t error_code, uint64_t frame_type, const char *reason);
/* An application protocol's layer found a fault of the peer: as leat_conn_close, but source is protocol_error. */
LEAT_API void leat_conn_fail(leat_conn *conn, uint64_t error_code, const char *reason);

/* ---- streams --------------------------------------------------------------------------------- */

static inline bool leat_stream_is_unidirectional(uint64_t stream_id) { return (stream_id & 2) != 0; }
static inline bool leat_stream_is_client_initiated(uint64_t stream_id) { return (stream_id & 1) == 0; }

/* Opens the next stream; LEAT_ERR_STREAM_LIMIT when the peer's limit is reached (StreamsAvailable follows). */
LEAT_API int leat_conn_open_stream(leat_conn *conn, bool unidirectional, uint64_t *stream_id);
/*
 * Hands over bytes to send; returns how many were taken (bounded by send_buffer_limit;
 * StreamWritable follows when a quarter of it is free again). end_stream takes effect only when all bytes
 * were taken. Transmit after this call.
 */
LEAT_API ptrdiff_t leat_conn_send_stream_data(leat_conn *conn, uint64_t stream_id, const uint8_t *data, size_t length,
                                              bool end_stream);
/* Bytes leat_conn_send_stream_data would take now; negative as above. */
LEAT_API ptrdiff_t leat_conn_stream_room(const leat_conn *conn, uint64_t stream_id);
/* The end of a stream was handed over and is not acknowledged yet: closing now would cut it off. Walks all streams. */
LEAT_API bool leat_conn_is_delivering(const leat_conn *conn);
/* RESET_STREAM; no effect when everything was acknowledged already. Transmit after this call. */
LEAT_API int leat_conn_reset_stream(leat_conn *conn, uint64_t stream_id, uint64_t error_code);
/* The peer takes RESET_STREAM_AT; known from HandshakeCompleted on. */
LEAT_API bool leat_conn_can_reset_stream_at(const leat_conn *conn);
/* What leat_conn_reset_stream_at returns when the peer does not take RESET_STREAM_AT. */
#define LEAT_RESET_IS_PLAIN 1
/*
 * Resets the stream but still delivers its first reliable_size bytes, which must have been handed
 * over (draft-ietf-quic-reliable-stream-reset): the peer's application gets them and then
 * StreamReset. May be called again with a smaller size and the same code; leat_conn_reset_stream
 * after it gives up the rest and keeps the first code. Size 0, or a peer without the extension
 * (LEAT_RESET_IS_PLAIN): the same as leat_conn_reset_stream. LEAT_ERR_INVALID: more than was handed
 * over, a larger size or another code than before. The frame leaves when the bytes it promises have
 * been sent once, so that flow control counts them. Transmit after this call.
 */
LEAT_API int leat_conn_reset_stream_at(leat_conn *conn, uint64_t stream_id, uint64_t error_code,
                                       uint64_t reliable_size);
/* STOP_SENDING. Data that still arrives is dropped and its credit returned. Transmit after this call. */
LEAT_API int leat_conn_stop_stream(leat_conn *conn, uint64_t stream_id, uint64_t error_code);
/*
 * Pauses delivery: for the stream of the StreamDataReceived event just popped, the last `unread` bytes of it (and
 * end_stream) are given back and no StreamDataReceived follows until leat_conn_release_stream. The bytes stay in the
 * receive buffer and keep their flow control credit: backpressure reaches the peer. StreamReset is still delivered.
 */
LEAT_API int leat_conn_hold_stream(leat_conn *conn, uint64_t stream_id, size_t unread);
LEAT_API int leat_conn_release_stream(leat_conn *conn, uint64_t stream_id);
/* With manual_credit: the application is done with `length` bytes of the stream. */
LEAT_API int leat_conn_credit_stream(leat_conn *conn, uint64_t stream_id, uint64_t length);
/*
 * RFC 9218 urgency 0 (first) to 7, default 3. Strict: while a stream of a lower number has data, the
 * others wait, however long. Of one urgency, streams go to their end in the order of their IDs,
 * incremental ones take turns of a packet. Lost bytes go before the new ones of their stream.
 */
LEAT_API int leat_conn_set_stream_priority(leat_conn *conn, uint64_t stream_id, uint8_t urgency, bool incremental);
/* A pointer of the owner's for this stream; NULL for streams without. */
LEAT_API int leat_conn_set_stream_user(leat_conn *conn, uint64_t stream_id, void *user);
LEAT_API void *leat_conn_stream_user(const leat_conn *conn, uint64_t stream_id);
/* Streams of ours that may still be opened. */
LEAT_API uint64_t leat_conn_streams_available(const leat_conn *conn, bool unidirectional);

/* ---- datagrams, pings, keys, paths ----------------------------------------------------------- */

/* The largest payload leat_conn_send_datagram_frame takes now; 0: the peer accepts none. */
LEAT_API size_t leat_conn_max_datagram_payload(const leat_conn *conn);
/*
 * Queues a DATAGRAM whose payload is the parts one after the other. DatagramFrameFate{uid} tells
 * its end, unless uid is 0. LEAT_ERR_NOT_SUPPORTED, LEAT_ERR_TOO_LARGE, LEAT_ERR_FULL. Transmit
 * after this call.
 */
LEAT_API int leat_conn_send_datagram_frame(leat_conn *conn, const leat_span *parts, size_t count, uint64_t uid);
/* PING; PingAcknowledged{uid} follows. LEAT_ERR_FULL: 64 are unanswered. Transmit after this call. */
LEAT_API int leat_conn_send_ping(leat_conn *conn, uint64_t uid);
/* Switches to another of the peer's connection IDs. LEAT_ERR_STATE: there is none. */
LEAT_API int leat_conn_change_connection_id(leat_conn *conn);
/*
 * Client: goes to another local address (RFC 9000 §9.2). path.remote: where the server is now, its
 * preferred address, or family LEAT_ADDRESS_NONE for where it is now. The new path is validated
 * first, with a connection ID of its own; the connection moves when the answer has come
 * (PathValidated, then PathChanged), and stays where it is when none comes (PathFailed). A path that
 * leat_conn_probe_path validated is taken at once. The socket of path.local must exist and stay.
 * LEAT_ERR_STATE: the handshake is not confirmed, the server asked for no migration
 * (disable_active_migration) or has no connection ID to spare: try again later; or it uses none at
 * all. LEAT_ERR_INVALID: not a path of this connection, or the one in use. Transmit after this call.
 */
LEAT_API int leat_conn_migrate(leat_conn *conn, const leat_path *path, leat_time now);
/*
 * Client: validates a path and keeps it in reserve for leat_conn_migrate: PathValidated or
 * PathFailed follows. At most three beside the one in use; the one used longest ago goes when a
 * further one comes. Errors as above. Transmit after this call.
 */
LEAT_API int leat_conn_probe_path(leat_conn *conn, const leat_path *path, leat_time now);
/* RFC 9001 §6. LEAT_ERR_STATE: the last update is not confirmed yet. */
LEAT_API int leat_conn_request_key_update(leat_conn *conn);
/* Liveness runs while wanted (and config.liveness is set): the layers above call this while
 * sessions are open. Counted. */
LEAT_API void leat_conn_want_liveness(leat_conn *conn, bool wanted);
/* Bytes of the connection's random source, for layers above (keys of hash maps, grease). False: it failed. */
LEAT_API bool leat_conn_random(leat_conn *conn, uint8_t *bytes, size_t length);

/* ---- looking inside -------------------------------------------------------------------------- */

typedef struct leat_stats {
    size_t size;
    uint64_t packets_sent, packets_received, packets_lost, packets_dropped;
    uint64_t bytes_sent, bytes_received; /* UDP payload */
    uint64_t stream_bytes_sent, stream_bytes_received;
    uint64_t datagrams_sent, datagrams_received, datagrams_lost, datagrams_expired, datagrams_dropped;
    leat_time smoothed_rtt, rttvar, min_rtt, latest_rtt;
    uint64_t congestion_window, bytes_in_flight;
    uint32_t pto_count;
    uint64_t key_updates;
    size_t path_mtu;            /* UDP payload of the largest datagrams that are sent now */
    bool is_ecn_capable;        /* the path carries ECN marks, RFC 9000 §13.4.2 */
    uint64_t packets_marked_ce; /* packets of ours that arrived with CE */
} leat_stats;
LEAT_API void leat_conn_get_stats(const leat_conn *conn, leat_stats *stats);
/*
 * The addresses in use, as the application was told last: another address of the peer's stands here
 * only when it is validated (RFC 9000 §9.3). Before the handshake is complete those of the first
 * packet, which nobody has proved. NULL before leat_conn_connect.
 */
LEAT_API const leat_path *leat_conn_path(const leat_conn *conn);
LEAT_API bool leat_conn_is_client(const leat_conn *conn);
LEAT_API const char *leat_conn_alpn(const leat_conn *conn);        /* NULL before negotiation */
LEAT_API const char *leat_conn_server_name(const leat_conn *conn); /* the name asked for, or NULL */
LEAT_API const char *leat_conn_cipher_suite(const leat_conn *conn);
LEAT_API uint16_t leat_conn_group(const leat_conn *conn);          /* TLS NamedGroup of the key exchange, 0 before */
LEAT_API const char *leat_conn_group_name(const leat_conn *conn);  /* "X25519MLKEM768", NULL before */
LEAT_API bool leat_conn_was_retried(const leat_conn *conn);        /* a HelloRetryRequest was part of the handshake */
/* DER of the peer's certificate number index (0: leaf), judged good once the handshake is complete; empty past the end
 * and after a resumption, where nobody shows one. */
LEAT_API leat_span leat_conn_peer_certificate(const leat_conn *conn, size_t index);
/* SHA-256 of its leaf; at a server also after a resumption: what the client showed when it began. False: none. */
LEAT_API bool leat_conn_peer_certificate_hash(const leat_conn *conn, uint8_t hash[32]);
/* Whether we take DATAGRAM frames: config.max_datagram_frame_size is not 0. */
LEAT_API bool leat_conn_accepts_datagrams(const leat_conn *conn);
LEAT_API uint64_t leat_conn_peer_max_datagram_frame_size(const leat_conn *conn);
/* RFC 8446 §7.5. */
LEAT_API int leat_conn_export_keying_material(const leat_conn *conn, const char *label, leat_span context, uint8_t *out,
                                              size_t length);

#ifdef __cplusplus
}
#endif
#endif
