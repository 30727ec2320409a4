/*
 * The objects of the WebTransport layer: one leat_wt per connection, a session per CONNECT stream,
 * a stream per WebTransport stream. Sessions live from the request until SessionClosed was popped
 * and both sides of the CONNECT stream are finished; streams until both directions are done or the
 * session ends.
 */
#ifndef LEAT_WEBTRANSPORT_INTERNAL_H
#define LEAT_WEBTRANSPORT_INTERNAL_H

#include <leat/webtransport.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/list.h"
#include "base/map.h"
#include "base/ring.h"
#include "base/text.h"
#include "webtransport/dialect.h"

/* Named after what has happened last. */
typedef enum wt_state {
    WT_REQUESTED, /* client: waits for SETTINGS or the answer; server: for the application */
    WT_OPEN,
    WT_ENDED,    /* SessionClosed is decided; the peer's side of the CONNECT stream is still open */
    WT_FINISHED, /* both sides are done: the object goes after its last event */
    WT_STATE_COUNT
} wt_state;

typedef enum wt_input { WT_ACCEPTED, WT_END, WT_PEER_FINISHED, WT_INPUT_COUNT } wt_input;

/* Events of a session that wait in flags, popped in this order. EARLY: streams and datagrams that
 * came before it was open. */
enum {
    WT_PENDING_REQUESTED = 1,
    WT_PENDING_READY = 2,
    WT_PENDING_EARLY = 4,
    WT_PENDING_REFUSED = 8,
    WT_PENDING_DRAINING = 16,
    WT_PENDING_CLOSED = 32,
};
/* What goes before every other event of a session. */
#define WT_PENDING_FIRST (WT_PENDING_REQUESTED | WT_PENDING_READY | WT_PENDING_EARLY)

/* A copy of the header fields of a request: needed when the decision comes later than the event. */
typedef struct wt_fields {
    leat_h3_header *headers;
    size_t count;
} wt_fields;

typedef struct wt_ending {
    leat_wt_cause cause;
    leat_wt_origin origin;
    uint32_t code;
    char *reason; /* owned, NUL-terminated; NULL: empty */
    size_t reason_length;
    uint64_t http_code, quic_code;
    bool connection_usable;
    leat_time silent_for;
} wt_ending;

typedef struct wt_session {
    leat_list node;         /* in leat_wt.sessions */
    leat_list pending_node; /* in leat_wt.pending while flags are set */
    uint64_t id;
    wt_state state;
    unsigned pending;
    bool told; /* the application knows of it, so it will hear of its end */
    leat_wt_dialect dialect;
    bool draft02_header; /* the request carried the version field of draft-02 */
    bool is_draining;
    bool draining_by_goaway;
    bool must_send_end; /* close capsule and FIN wait for room in the stream */
    uint64_t stop_ping; /* its answer ends the wait after a lone STOP_SENDING; 0: none */
    uint64_t stop_code;
    unsigned status; /* client: of the answer */
    wt_fields request;
    const leat_h3_header *response; /* client: borrowed from the h3 event that is being drained */
    size_t response_count;
    leat_list streams;
    uint64_t datagrams_dropped;
    wt_ending ending;
    void *user;
} wt_session;

typedef struct wt_stream {
    leat_list node; /* in wt_session.streams, leat_wt.early_streams or leat_wt.finished_streams */
    uint64_t id, session_id;
    wt_session *session; /* NULL: early, held in the transport until its session is open */
    bool receive_done, send_done, opened_told;
    bool has_waited; /* for its session; StreamOpened is due with the next events of the session */
    void *user;
} wt_stream;

/* One that came before its session was open. */
typedef struct wt_datagram {
    leat_list node; /* in leat_wt.early_datagrams */
    uint64_t session_id;
    size_t length;
    uint8_t bytes[];
} wt_datagram;

/* A datagram whose fate was asked for. */
typedef struct wt_fate {
    uint64_t session_id, uid;
    bool known;
} wt_fate;

/* Fates asked for and not yet known; more datagrams go without. Stops a silent peer from growing
 * the ring. */
#define WT_FATES_MAX 4096
/* Ended sessions remembered, to tell late streams (WT_SESSION_GONE) from early ones. */
#define WT_GONE_MAX 64
/* uids of this layer's own PINGs and DATAGRAMs have the top bit set. */
#define WT_UID (UINT64_C(1) << 63)

struct leat_wt {
    leat_wt_config config;
    const leat_allocator *allocator;
    leat_h3 *h3;
    leat_conn *conn;
    bool is_client;
    bool goaway_seen;
    bool connection_gone;
    leat_wt_dialect dialect; /* NONE until the peer's SETTINGS are known */
    leat_list sessions;
    size_t session_count; /* open or requested */
    leat_list pending;
    leat_map streams;
    leat_list early_streams;
    size_t early_count;
    leat_list early_datagrams;
    size_t early_datagram_count;
    leat_ring fates;
    uint64_t first_fate; /* number of the ring's front */
    leat_ring gone;      /* of uint64_t */
    uint64_t pings;
    leat_wt_event events[2]; /* an h3 event yields at most two besides those in session flags */
    size_t event_count, event_next;
    leat_list finished_streams; /* freed when the next event comes, so that handlers still find
                                   their user pointer */
    wt_datagram *popped_datagram;
};

/* wt.c: the next place for an event of the h3 event at hand. */
leat_wt_event *leat_wt_push_event(
    leat_wt *wt, leat_wt_event_type type, uint64_t session_id, uint64_t stream_id);

/* session.c */
wt_session *leat_wt_find_session(const leat_wt *wt, uint64_t id);
wt_session *leat_wt_session_new(leat_wt *wt, uint64_t id);
void leat_wt_session_free(leat_wt *wt, wt_session *session);
void leat_wt_session_pend(leat_wt *wt, wt_session *session, unsigned flag);
void leat_wt_session_enter(leat_wt *wt, wt_session *session, wt_input input);
bool leat_wt_is_gone(const leat_wt *wt, uint64_t session_id);
/* There is no such session, and there will be none: what waited for it goes, what still comes is
 * refused. */
void leat_wt_forget_session(leat_wt *wt, uint64_t session_id);
/* Ends the session: resets its streams and queues SessionClosed, unless it has ended already. Takes
 * ending.reason. */
void leat_wt_session_end(leat_wt *wt, wt_session *session, wt_ending ending);
void leat_wt_session_send_end(leat_wt *wt, wt_session *session);

/* request.c */
void leat_wt_on_headers(leat_wt *wt, const leat_h3_event *event);
void leat_wt_on_settings(leat_wt *wt, const leat_h3_event *event);
void leat_wt_fields_free(leat_wt *wt, wt_fields *fields);

/* ending.c */
void leat_wt_on_capsule(leat_wt *wt, const leat_h3_event *event);
void leat_wt_on_connect_data(leat_wt *wt, const leat_h3_event *event);
void leat_wt_on_connect_end(leat_wt *wt, wt_session *session);
void leat_wt_on_connect_reset(leat_wt *wt, wt_session *session, uint64_t http_code);
void leat_wt_on_connect_stop(leat_wt *wt, wt_session *session, uint64_t http_code);
void leat_wt_on_malformed(leat_wt *wt, const leat_h3_event *event);
void leat_wt_on_ping(leat_wt *wt, uint64_t uid);
void leat_wt_on_terminated(leat_wt *wt, const leat_event *event);
void leat_wt_on_goaway(leat_wt *wt, const leat_h3_event *event);

/* stream.c */
void leat_wt_free_finished_streams(leat_wt *wt);
void leat_wt_on_stream_data(leat_wt *wt, const leat_h3_event *event);
void leat_wt_on_stream_reset(leat_wt *wt, const leat_h3_event *event);
void leat_wt_on_stop_sending(leat_wt *wt, const leat_h3_event *event);
void leat_wt_on_writable(leat_wt *wt, const leat_h3_event *event);
/* The session is open: streams that waited for it are delivered. */
void leat_wt_release_early_streams(leat_wt *wt, wt_session *session);
void leat_wt_reject_early_streams(leat_wt *wt, uint64_t session_id);
void leat_wt_abort_streams(leat_wt *wt, wt_session *session);
/* StreamOpened of a stream that waited; false: there is none. */
bool leat_wt_tell_waited_stream(wt_session *session, leat_wt_event *event);

/* datagram.c */
void leat_wt_on_datagram(leat_wt *wt, const leat_h3_event *event);
void leat_wt_on_datagram_fate(leat_wt *wt, const leat_event *event);
/* The next one of the session, which the caller frees; or NULL. */
wt_datagram *leat_wt_take_early_datagram(leat_wt *wt, uint64_t session_id);
size_t leat_wt_drop_early_datagrams(leat_wt *wt, uint64_t session_id);

#endif
