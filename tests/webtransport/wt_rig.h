/*
 * A leat_wt on the real HTTP/3 layer on a fake connection, and the peer's hand. What the
 * application hears is a transcript of leat_wt_event_format lines. The rig itself fails the test
 * when a session ends twice, when anything of a session comes after its end, and when memory is
 * left.
 *
 *     wt_open(rig);                                     SETTINGS, CONNECT, 200: a session with id 0
 *     wt_feed(rig, 0, "00 03 6843 00", true);           the peer's bytes, from the drafts
 *     wt_expect(rig, "SessionClosed session_id=0 ...\n");
 */
#ifndef TESTS_WEBTRANSPORT_WT_RIG_H
#define TESTS_WEBTRANSPORT_WT_RIG_H

#include "leat_test.h"
#include "webtransport/internal.h"
#include "webtransport/wt_fake.h"

#define WT_LOG_MAX 65536
#define WT_HELD_MAX 32
#define WT_SESSIONS_SEEN_MAX 64

typedef enum wt_role { WT_SERVER, WT_CLIENT } wt_role;

/* What a held stream has not delivered. */
typedef struct wt_held {
    uint64_t id;
    uint8_t bytes[4096];
    size_t length;
    bool end_stream, used;
} wt_held;

typedef struct wt_rig {
    wt_fake fake;
    leat_h3 *h3;
    leat_wt *wt;
    leat_h3_config h3_config;
    leat_wt_config config;
    leat_wt_dialect dialect; /* of the peer's SETTINGS; COUNT: of all */
    test_memory memory;
    bool is_bytewise, keeps_requests; /* keeps_requests: SessionRequested is not accepted at once */
    bool is_silent;                   /* events wait for wt_drain */
    uint64_t closed[WT_SESSIONS_SEEN_MAX];
    size_t closed_count;
    char log[WT_LOG_MAX];
    size_t log_length;
    wt_held held[WT_HELD_MAX];
    void (*on_event)(struct wt_rig *rig, const leat_wt_event *event);
} wt_rig;

void wt_init(wt_rig *rig, wt_role role,
    leat_wt_dialect dialect); /* the configurations may be changed before wt_start */
bool wt_start(wt_rig *rig);   /* false: no memory or randomness */
void wt_clear(wt_rig *rig);

/* The steps of the set-up, and all of them. */
void wt_settings(wt_rig *rig);
void wt_request(wt_rig *rig, uint64_t session_id); /* of the peer or ours */
void wt_answer(
    wt_rig *rig, uint64_t session_id); /* 200 of the peer; a server's rig accepts by itself */
void wt_open(wt_rig *rig);

/* The peer's doings. Hex may be NULL for no bytes. */
void wt_feed(wt_rig *rig, uint64_t stream_id, const char *hex, bool end_stream);
void wt_feed_bytes(wt_rig *rig, uint64_t stream_id, leat_span bytes, bool end_stream);
void wt_headers(wt_rig *rig, uint64_t stream_id, const char *lines,
    bool end_stream); /* name=value, a line each */
void wt_capsule(
    wt_rig *rig, uint64_t stream_id, const char *hex, bool end_stream); /* in one DATA frame */
void wt_close_capsule(wt_rig *rig, uint64_t session_id, uint32_t code, const char *reason,
    size_t reason_length, bool end_stream);
void wt_reset(wt_rig *rig, uint64_t stream_id, uint64_t error_code);
void wt_stop(wt_rig *rig, uint64_t stream_id, uint64_t error_code);
void wt_datagram_in(wt_rig *rig, const char *hex);
void wt_writable(wt_rig *rig, uint64_t stream_id);
void wt_ping_answered(wt_rig *rig);
void wt_terminate(wt_rig *rig, leat_close_source source, uint64_t error_code);
void wt_event_in(wt_rig *rig, const leat_event *event);
void wt_drain(wt_rig *rig);
/* Ids of the peer's streams, counted from 0. */
uint64_t wt_peer_bidi(const wt_rig *rig, unsigned number);
uint64_t wt_peer_uni(const wt_rig *rig, unsigned number);

void wt_expect(wt_rig *rig, const char *transcript);
void wt_forget(wt_rig *rig); /* the transcript so far */
void wt_expect_sent(wt_rig *rig, uint64_t stream_id, const char *hex, bool ended);
void wt_expect_aborted(wt_rig *rig, uint64_t stream_id, uint64_t error_code);
void wt_expect_fields_sent(
    wt_rig *rig, uint64_t stream_id, const char *lines); /* of the first HEADERS frame */
void wt_expect_connection_lives(wt_rig *rig);

/* Runs the body for each role and dialect asked for, in whole pieces and byte by byte. */
void wt_run(int only_role, void (*body)(wt_rig *rig)); /* -1: both roles */
#define WT_TEST_OF(name, role)                                                                     \
    static void name##_body(wt_rig *rig);                                                          \
    START_TEST(name) { wt_run(role, name##_body); }                                                \
    END_TEST                                                                                       \
    static void name##_body(wt_rig *rig)
#define WT_TEST(name) WT_TEST_OF(name, -1)

#define WT_CONNECT                                                                                 \
    ":method=CONNECT\n:protocol=webtransport\n:scheme=https\n:authority=a.example\n:path=/c"

#endif
