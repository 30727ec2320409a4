/*
 * A leat_h3 on a fake connection, and the peer's hand: stream bytes go in whole or byte by byte,
 * events come out as a transcript that does not depend on how they were cut. Every RIG_TEST runs
 * both ways.
 *
 *     RIG_TEST(a_request_with_a_body, SERVER) {
 *         rig_headers(rig, 0, ":method=POST\n:scheme=https\n:authority=a\n:path=/", false);
 *         rig_feed(rig, 0, "00 02 68 69", true);
 *         rig_expect(rig, "HEADERS 0 :method=POST ...\nDATA 0 6869 end\n");
 *     }
 */
#ifndef TESTS_H3_RIG_H
#define TESTS_H3_RIG_H

#include "h3/fake_conn.h"
#include "h3/qpack.h"
#include "leat_test.h"

#define RIG_LOG_MAX 65536
#define RIG_PENDING_MAX 8

typedef enum rig_role { SERVER, CLIENT } rig_role;

typedef struct rig_pending {
    uint64_t id;
    uint8_t bytes[8192];
    size_t length;
    bool end_stream, used;
} rig_pending;

typedef struct h3_rig {
    leat_conn conn;
    leat_h3 *h3;
    leat_h3_config config;
    leat_qpack_encoder *encoder; /* of the peer */
    bool is_bytewise;
    char log[RIG_LOG_MAX];
    size_t log_length;
    uint64_t open_data; /* the log's last line is data of this stream and not ended; FAKE_NONE */
    rig_pending pending[RIG_PENDING_MAX]; /* what a held stream has not delivered */
    test_memory memory;
    /* What the application does. */
    void (*on_event)(struct h3_rig *rig, const leat_h3_event *event);
    size_t forwarded[FAKE_STREAMS_MAX]; /* pairs: bytes of each stream handed over */
    bool end_forwarded[FAKE_STREAMS_MAX], reset_forwarded[FAKE_STREAMS_MAX],
        stop_forwarded[FAKE_STREAMS_MAX];
} h3_rig;

void rig_init(h3_rig *rig, rig_role role); /* config may be changed before rig_start */
void rig_start(h3_rig *rig);               /* makes the leat_h3 */
void rig_clear(h3_rig *rig);

/* The peer's doings. Hex may be NULL for no bytes. */
void rig_feed(h3_rig *rig, uint64_t stream_id, const char *hex, bool end_stream);
void rig_feed_bytes(
    h3_rig *rig, uint64_t stream_id, const uint8_t *bytes, size_t length, bool end_stream);
/* A HEADERS frame; lines are name=value, separated by newlines. */
void rig_headers(h3_rig *rig, uint64_t stream_id, const char *lines, bool end_stream);
size_t rig_encode(h3_rig *rig, uint64_t stream_id, const char *lines, uint8_t *out, size_t room);
/* The peer's control stream with an empty SETTINGS; clears the log. */
void rig_settings(h3_rig *rig);
void rig_reset(h3_rig *rig, uint64_t stream_id, uint64_t error_code);
void rig_stop(h3_rig *rig, uint64_t stream_id, uint64_t error_code);
void rig_datagram(h3_rig *rig, const char *hex);
void rig_event(h3_rig *rig, const leat_event *event);
/* 0: control by convention, 1: encoder, 2: decoder. */
uint64_t rig_peer_uni(const h3_rig *rig, unsigned number);

/* The transcript since the last call is exactly this. */
void rig_expect(h3_rig *rig, const char *transcript);
/* The connection was closed with this error; 0: it lives. */
void rig_expect_error(h3_rig *rig, uint64_t error_code);
/* All that was sent on a stream, and whether it ended. */
void rig_expect_sent(h3_rig *rig, uint64_t stream_id, const char *hex, bool ended);
void rig_expect_aborted(
    h3_rig *rig, uint64_t stream_id, uint64_t error_code); /* reset and stopped */
/* No stream state is left but the critical ones. */
void rig_expect_idle(h3_rig *rig);

/* Sends lines as name=value. */
int rig_send(h3_rig *rig, uint64_t stream_id, const char *lines, bool end_stream);
size_t rig_parse_lines(const char *lines, leat_h3_header *headers, size_t room);

/* Two layers, each other's peer: moves everything sent until nothing moves. */
void rig_pump(h3_rig *client, h3_rig *server);

void rig_run(rig_role role, void (*body)(h3_rig *rig));
#define RIG_TEST(name, role) \
    static void name##_body(h3_rig *rig); \
    START_TEST(name) { rig_run(role, name##_body); } \
    END_TEST \
    static void name##_body(h3_rig *rig)

#define GET ":method=GET\n:scheme=https\n:authority=a.example\n:path=/"
#define GET_SEEN ":method=GET :scheme=https :authority=a.example :path=/"
#define POST ":method=POST\n:scheme=https\n:authority=a.example\n:path=/"
#define POST_SEEN ":method=POST :scheme=https :authority=a.example :path=/"
#define WEBTRANSPORT ":method=CONNECT\n:protocol=webtransport\n:scheme=https\n:authority=a.example\n:path=/c"
#define WEBTRANSPORT_SEEN ":method=CONNECT :protocol=webtransport :scheme=https :authority=a.example :path=/c"

#endif
