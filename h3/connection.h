/*
 * What the files of the HTTP/3 layer share: the connection, its streams, and the piece of stream
 * that is being read.
 *
 * Nothing is queued. A QUIC event becomes the current input; leat_h3_next_event reads on in it
 * until one HTTP/3 event stands, whose spans point into the QUIC event's bytes. Functions that read
 * return true when they filled in an event; false means: go on, or nothing more, as h3->input says.
 */
#ifndef LEAT_H3_CONNECTION_H
#define LEAT_H3_CONNECTION_H

#include "base/map.h"
#include "h3/capsule.h"
#include "h3/message.h"
#include "h3/qpack.h"
#include "h3/stream_reader.h"
#include <leat/h3.h>

#define LEAT_H3_NONE UINT64_MAX

/* RFC 9114 §10.5: frames that bring nothing (unknown, empty, repeated). So many in a row are a
 * flood of cheap work. */
#define LEAT_H3_USELESS_FRAMES_MAX 10000
/* The control stream's bytes that a peer without credit for us makes us keep. */
#define LEAT_H3_CONTROL_BUFFER_MAX 16384
/* An encoded field section may be this much longer than max_field_section_size, which counts 32
 * bytes a line for it. */
#define LEAT_H3_SECTION_SLACK 64
/* A configured max_field_section_size above this is taken as this: what one stream can make us
 * buffer. */
#define LEAT_H3_SECTION_MAX ((uint64_t)16 << 20)
/* PRIORITY_UPDATEs remembered for requests that have not come yet: a flood of them replaces the
 * oldest. */
#define LEAT_H3_EARLY_PRIORITIES_MAX 16
/* PINGs sent by this layer have the highest bit of their uid set. */
#define LEAT_H3_PING_UID_BIT ((uint64_t)1 << 63)
#define LEAT_H3_PING_SHUTDOWN UINT64_MAX
/* The largest id of a request stream. */
#define LEAT_H3_LAST_REQUEST_ID (((uint64_t)1 << 62) - 4)

typedef struct leat_h3_frame_row leat_h3_frame_row;
typedef struct leat_h3_stream_role leat_h3_stream_role;

/* One stream we read from or, for requests, write to. Made when first needed, freed when both sides
 * are done. */
typedef struct leat_h3_stream {
    uint64_t id;
    const leat_h3_stream_role *role;
    leat_tlv_reader reader;
    const leat_h3_frame_row *frame; /* of the frame being read; NULL: an unknown one, skipped */
    leat_buffer partial;            /* payload of a frame that must be whole before it is read */
    uint64_t session_id;            /* WebTransport streams */
    struct leat_h3_stream *next_retired;

    leat_h3_message received, sent;
    leat_h3_asked asked;
    leat_h3_capsule_reader *capsules; /* NULL: DATA goes to the application as it is */
    leat_buffer unsent;               /* the rest of a frame that found no room in QUIC */
    bool unsent_end;                  /* after it, end the stream */

    bool receive_done, send_done;
    bool is_blocked;           /* waits for the QPACK encoder stream; delivery is on hold */
    bool headers_told;         /* the application knows the message */
    bool has_content_fields;   /* RFC 9297 §3.2-4 */
    bool priority_is_explicit; /* a PRIORITY_UPDATE came: the Priority field is history */
    bool resets_after_ping;    /* answered; RESET_STREAM follows when the answer is through */
    bool capsules_are_over;    /* what follows in DATA goes to the application as it is */
    bool is_retired;
} leat_h3_stream;

/* How a stream is read, by what it turned out to be. */
struct leat_h3_stream_role {
    const char *name;
    /* RFC 9114 §6.2.1, RFC 9204 §4.2: must stay open for the life of the connection. */
    bool is_critical;
    /* Takes what it can of h3->input. */
    bool (*read)(leat_h3 *h3, leat_h3_stream *stream, leat_h3_event *event);
    /* All bytes are read, and the stream ends. */
    bool (*end)(leat_h3 *h3, leat_h3_stream *stream, leat_h3_event *event);
};

/* The QUIC event in hand. stream NULL: nothing (more) to read. */
typedef struct leat_h3_input {
    leat_h3_stream *stream;
    leat_span bytes;
    bool end_stream;
} leat_h3_input;

/* The data event in the application's hands, in case it gives bytes back. stream NULL: none. */
typedef struct leat_h3_told {
    leat_h3_stream *stream;
    size_t length;
    uint8_t state; /* of the message before stream_ended */
    bool stream_ended;
} leat_h3_told;

typedef enum leat_h3_critical {
    LEAT_H3_CONTROL,
    LEAT_H3_ENCODER,
    LEAT_H3_DECODER,
    LEAT_H3_CRITICAL_COUNT,
} leat_h3_critical;

typedef struct leat_h3_early_priority {
    uint64_t stream_id; /* LEAT_H3_NONE: free */
    uint8_t urgency;
    bool incremental;
} leat_h3_early_priority;

/* RFC 9114 §7.2.4.2: settings of the server that mean something to early requests. */
#define LEAT_H3_REMEMBERED_MAX 5

struct leat_h3 {
    leat_conn *conn;
    const leat_allocator *allocator;
    leat_h3_config config;
    bool is_client;
    bool has_failed; /* closed or closing: nothing is read any more */

    leat_map streams; /* id -> leat_h3_stream */
    size_t request_count;
    /* Done, but the event in the application's hands may point into them. */
    leat_h3_stream *retired;
    leat_buffer spent;

    leat_h3_input input;
    leat_h3_told told;
    leat_h3_event ready; /* the event of a QUIC event that is not stream data */
    bool has_ready;

    leat_qpack_decoder *decoder;
    leat_qpack_encoder *encoder;
    struct {
        uint64_t local_id, peer_id; /* LEAT_H3_NONE: not open yet */
        bool type_sent;
    } critical[LEAT_H3_CRITICAL_COUNT];
    leat_buffer control; /* what is due on our control stream */
    leat_buffer scratch; /* an encoded field section on its way out */

    leat_h3_setting *peer_settings;
    size_t peer_setting_count;
    bool settings_received;
    leat_h3_setting remembered[LEAT_H3_REMEMBERED_MAX]; /* client: what 0-RTT was sent under */
    size_t remembered_count;
    uint64_t peer_max_field_section_size;
    bool peer_allows_connect_protocol, peer_takes_datagrams;

    uint64_t next_request_id;              /* server: one above the newest request accepted */
    uint64_t goaway_sent, goaway_received; /* LEAT_H3_NONE: none */
    uint64_t max_push_id;                  /* of the client; LEAT_H3_NONE: none */
    unsigned useless_frames;
    leat_h3_early_priority *early_priorities; /* EARLY_PRIORITIES_MAX of them, made when needed */
    size_t early_priority_next;
};

/* ---- connection.c: the connection and its input ------------------------------------- */

/* A peer's fault (or our lack of memory): closes the connection, forgets the input. Returns false,
 * as "no event". */
bool leat_h3_fail(leat_h3 *h3, uint64_t error_code, const char *reason);
static inline bool leat_h3_fail_memory(leat_h3 *h3) {
    return leat_h3_fail(h3, LEAT_H3_INTERNAL_ERROR, "out of memory");
}
/* A frame that brought nothing; false when there were too many and the connection is closed. */
bool leat_h3_count_useless(leat_h3 *h3);

/* ---- streams.c: the table of streams ------------------------------------------------ */

leat_h3_stream *leat_h3_find_stream(const leat_h3 *h3, uint64_t stream_id);
/* NULL: out of memory. */
leat_h3_stream *leat_h3_add_stream(
    leat_h3 *h3, uint64_t stream_id, const leat_h3_stream_role *role);
/* Forgets the stream when both sides are done. */
void leat_h3_retire_if_done(leat_h3 *h3, leat_h3_stream *stream);
/* The peer's stream appears: its first bytes say what it is. NULL: refused, or no memory. */
leat_h3_stream *leat_h3_accept_stream(leat_h3 *h3, uint64_t stream_id);
/* Frees what the last event may have pointed into. */
void leat_h3_reap(leat_h3 *h3);
/* Nothing more is read of this stream: leaves the input, tells QPACK. */
void leat_h3_stop_reading(leat_h3 *h3, leat_h3_stream *stream);
void leat_h3_end_receiving(leat_h3 *h3, leat_h3_stream *stream);
void leat_h3_end_sending(leat_h3 *h3, leat_h3_stream *stream);
static inline bool leat_h3_is_reading(const leat_h3 *h3, const leat_h3_stream *stream) {
    return h3->input.stream == stream;
}
/* The bytes are used up and the stream ends here. */
static inline bool leat_h3_input_is_last(const leat_h3 *h3) {
    return h3->input.end_stream && h3->input.bytes.length == 0;
}
/* If so, ends the receiving side: for the event that carries stream_ended. */
bool leat_h3_take_end(leat_h3 *h3, leat_h3_stream *stream);
/* hold.c: remembers a data event. */
void leat_h3_tell_bytes(
    leat_h3 *h3, leat_h3_stream *stream, size_t length, uint8_t state, bool stream_ended);
/* Puts the last bytes taken from the input back, into the frame they came from. */
void leat_h3_unread(leat_h3 *h3, leat_h3_stream *stream, size_t length);
bool leat_h3_make_event(leat_h3_event *event, leat_h3_event_type type, uint64_t stream_id);

#endif
