/*
 * Connections in memory that do all they can, recorded: the sequences go to the folder of
 * LEAT_QLOG_FOLDER, where test_schema.py looks at every record. Without the folder they are only
 * made.
 */
#include "golden/golden.h"
#include <leat/qlog.h>

typedef struct recording {
    FILE *file;
    leat_qlog *log;
    leat_trace_sink sink;
    size_t bytes;
} recording;

static bool write_file(void *user, const char *bytes, size_t length) {
    recording *r = user;
    r->bytes += length;
    return r->file == NULL || fwrite(bytes, 1, length, r->file) == length;
}

/* The end's connections are recorded in FOLDER/name_client.sqlog or FOLDER/name_server.sqlog. */
static void record(recording *r, pair *p, pair_side side, const char *name) {
    const char *folder = getenv("LEAT_QLOG_FOLDER");
    char path[512];
    leat_qlog_config config;
    snprintf(path, sizeof path, "%s/%s_%s.sqlog", folder != NULL ? folder : "", name,
        side == PAIR_CLIENT ? "client" : "server");
    *r = (recording){.file = folder != NULL ? fopen(path, "wb") : NULL};
    ck_assert(folder == NULL || r->file != NULL);
    leat_qlog_config_init(&config);
    config.write = write_file;
    config.user = r;
    config.is_client = side == PAIR_CLIENT;
    config.title = name;
    config.name = "a \"name\"";
    config.wall_clock_time = "2026-01-01T00:00:00Z";
    r->log = leat_qlog_new(&config);
    ck_assert_ptr_nonnull(r->log);
    r->sink = leat_qlog_sink(r->log);
    p->ends[side].config.trace = &r->sink;
}

static void finish(recording *r) {
    ck_assert_uint_eq(leat_qlog_dropped(r->log), 0);
    ck_assert_uint_gt(r->bytes, 1000);
    leat_qlog_free(r->log);
    if (r->file != NULL) {
        fclose(r->file);
    }
}

static leat_span text_of(const char *text) {
    return (leat_span){(const uint8_t *)text, strlen(text)};
}

/* ---- HTTP/3 and WebTransport ---------------------------------------------------------------- */

static void request(golden *g) {
    const leat_h3_header headers[] = {
        LEAT_H3_HEADER(":method", "GET"),
        LEAT_H3_HEADER(":scheme", "https"),
        LEAT_H3_HEADER(":authority", "localhost"),
        LEAT_H3_HEADER(":path", "/"),
        LEAT_H3_HEADER("user-agent", "a \"quoted\" name"),
        LEAT_H3_HEADER("priority", "u=1, i"),
        LEAT_H3_HEADER("cookie", "a secret"),
        {.name = text_of("x-token"), .value = text_of("a secret"), .never_index = true},
    };
    leat_h3 *h3 = g->ends[PAIR_CLIENT].h3;
    uint64_t id = 0;
    ck_assert_int_eq(leat_h3_open_request(h3, &id), 0);
    ck_assert_int_eq(leat_h3_send_headers(h3, id, headers, 8, false), 0);
    ck_assert_int_eq(leat_h3_send_priority(h3, id, "u=7"), 0);
    ck_assert_int_gt(leat_h3_send_data(h3, id, (const uint8_t *)"body", 4, true), 0);
}

static void exchange(golden *g) {
    leat_wt *wt = golden_wt(g, PAIR_CLIENT);
    uint64_t id = 0;
    leat_wt_open_stream(wt, g->session_id, false, &id);
    leat_wt_send_stream_data(wt, id, (const uint8_t *)"to and fro", 10, true);
    leat_wt_open_stream(wt, g->session_id, true, &id);
    leat_wt_send_stream_data(wt, id, (const uint8_t *)"one way", 7, true);
    leat_wt_open_stream(wt, g->session_id, false, &id);
    leat_wt_send_stream_data(wt, id, (const uint8_t *)"given up", 8, false);
    golden_settle(g);
    leat_wt_reset_stream(wt, id, 7);
    leat_wt_stop_stream(wt, id, 8);
    leat_wt_send_datagram(wt, g->session_id, text_of("a datagram"), 1);
    golden_settle(g);
}

START_TEST(a_session_with_all_that_http3_has) {
    golden *g = golden_new();
    recording client, server;
    record(&client, g->pair, PAIR_CLIENT, "session");
    record(&server, g->pair, PAIR_SERVER, "session");
    golden_open(g);
    exchange(g);
    request(g);
    golden_settle(g);
    leat_h3_goaway(g->ends[PAIR_SERVER].h3);
    golden_settle(g);
    leat_wt_close(golden_wt(g, PAIR_CLIENT), g->session_id, 3, "enough", 6);
    golden_settle(g);
    leat_conn_close(golden_conn(g, PAIR_CLIENT), LEAT_H3_NO_ERROR, "bye \x01 \"\xff\"");
    golden_run_for(g, 10 * LEAT_SECOND);
    golden_free(g);
    finish(&client);
    finish(&server);
}
END_TEST

/* ---- QUIC ----------------------------------------------------------------------------------- */

/* Both sides recorded, and a handshake made. */
static pair *recorded_pair(recording recordings[2], const char *name) {
    pair *p = pair_new();
    record(&recordings[PAIR_CLIENT], p, PAIR_CLIENT, name);
    record(&recordings[PAIR_SERVER], p, PAIR_SERVER, name);
    return p;
}

static void end_pair(pair *p, recording recordings[2]) {
    pair_free(p);
    finish(&recordings[PAIR_CLIENT]);
    finish(&recordings[PAIR_SERVER]);
}

START_TEST(a_bad_network) {
    static const uint8_t data[200000];
    recording recordings[2];
    pair *p = recorded_pair(recordings, "network");
    uint64_t id = 0;
    p->link.loss = 8;
    p->link.reorder = 20;
    p->link.duplication = 5;
    pair_handshake(p);
    leat_conn_open_stream(pair_conn(p, PAIR_CLIENT), false, &id);
    pair_send_all(p, PAIR_CLIENT, id, data, sizeof data, true);
    pair_run_for(p, 5 * LEAT_SECOND);
    p->link.black_hole[PAIR_SERVER] = true;
    pair_send_text(p, PAIR_CLIENT, true, "lost", true);
    pair_run_for(p, 60 * LEAT_SECOND);
    ck_assert(leat_conn_is_closed(pair_conn(p, PAIR_CLIENT)));
    end_pair(p, recordings);
}
END_TEST

START_TEST(keys_connection_ids_and_addresses_change) {
    static const uint8_t data[200000];
    recording recordings[2];
    pair *p = recorded_pair(recordings, "changes");
    uint64_t id = 0;
    pair_handshake(p);
    /* Enough for a window that asks for fewer acknowledgments. */
    leat_conn_open_stream(pair_conn(p, PAIR_CLIENT), true, &id);
    pair_send_all(p, PAIR_CLIENT, id, data, sizeof data, true);
    pair_send_text(p, PAIR_CLIENT, false, "before", true);
    pair_settle(p);
    ck_assert_int_eq(leat_conn_request_key_update(pair_conn(p, PAIR_CLIENT)), 0);
    ck_assert_int_eq(leat_conn_change_connection_id(pair_conn(p, PAIR_SERVER)), 0);
    pair_send_text(p, PAIR_CLIENT, false, "after", true);
    pair_run_for(p, 3 * LEAT_SECOND);
    p->ends[PAIR_CLIENT].address.port = 4567;
    pair_send_text(p, PAIR_CLIENT, false, "from elsewhere", true);
    pair_run_for(p, 3 * LEAT_SECOND);
    p->ends[PAIR_CLIENT].address =
        (leat_address){.family = LEAT_ADDRESS_IPV6, .port = 9, .ip = {[15] = 1}};
    pair_send_text(p, PAIR_CLIENT, false, "from another host", true);
    pair_run_for(p, 40 * LEAT_SECOND);
    end_pair(p, recordings);
}
END_TEST

/* Frames that our own side has no reason to send here. */
START_TEST(every_frame) {
    static const char *const frames[] = {
        "10 80 10 00 00", "11 00 80 10 00 00", "12 3f", "13 3f", "14 07", "15 00 07", "16 01", "17 02",
        "07 03 01 02 03", "1a 01 02 03 04 05 06 07 08", "1b 01 02 03 04 05 06 07 08", "01 00 00 00",
        "04 00 07 00", "05 00 80 00 01 0c", "30 64", "31 01 64", "03 00 00 00 00 01 02 03",
    };
    recording recordings[2];
    pair *p = recorded_pair(recordings, "frames");
    pair_handshake(p);
    pair_send_text(p, PAIR_CLIENT, false, "opens stream 0", false);
    pair_settle(p);
    for (size_t i = 0; i < sizeof frames / sizeof frames[0]; i++) {
        pair_raw(p, PAIR_SERVER, LEAT_SPACE_APPLICATION, frames[i]);
        pair_settle(p);
        ck_assert_msg(p->ends[PAIR_CLIENT].terminated.type == LEAT_EVENT_NONE, "%s: %s", frames[i],
            p->ends[PAIR_CLIENT].reason);
    }
    ck_assert_int_eq(p->ends[PAIR_CLIENT].terminated.type, LEAT_EVENT_NONE);
    uint8_t junk[60] = {0x41, 1, 2, 3};
    pair_deliver(p, PAIR_CLIENT, junk, sizeof junk);
    pair_raw(p, PAIR_SERVER, LEAT_SPACE_APPLICATION, "1c 07 06 03 62 61 64");
    pair_run_for(p, 5 * LEAT_SECOND);
    end_pair(p, recordings);
}
END_TEST

/* A Handshake packet that overtakes the Initial with its keys, and turns out to be nothing. */
START_TEST(a_packet_before_its_keys) {
    recording recordings[2];
    uint8_t bytes[64];
    pair *p = recorded_pair(recordings, "early");
    pair_start(p);
    leat_writer writer = leat_writer_make(bytes, sizeof bytes);
    leat_write_u8(&writer, 0xe0);
    leat_write_u32(&writer, LEAT_VERSION_1);
    leat_cid_write(&writer, leat_cid_span(leat_cids_first_local(pair_conn(p, PAIR_CLIENT))));
    leat_cid_write(&writer, (leat_span){NULL, 0});
    leat_write_varint(&writer, 30);
    leat_write_zeros(&writer, 30);
    pair_deliver(p, PAIR_CLIENT, bytes, leat_writer_length(&writer));
    pair_run_for(p, LEAT_SECOND);
    end_pair(p, recordings);
}
END_TEST

START_TEST(nothing_in_common) {
    static const char *const other[] = {"other"};
    recording recordings[2];
    pair *p = recorded_pair(recordings, "refused");
    p->ends[PAIR_SERVER].config.alpn = other;
    pair_start(p);
    pair_run_for(p, 20 * LEAT_SECOND);
    pair_assert_terminated(p, PAIR_CLIENT, LEAT_SOURCE_PEER_TRANSPORT, 0x178);
    end_pair(p, recordings);
}
END_TEST

/* The answer to the first Initial names other versions. */
START_TEST(another_version) {
    recording recordings[2];
    pair *p = recorded_pair(recordings, "version");
    uint8_t answer[100];
    leat_writer writer = leat_writer_make(answer, sizeof answer);
    pair_start(p);
    p->link.black_hole[PAIR_SERVER] = true;
    pair_flush(p, PAIR_CLIENT);
    leat_version_negotiation_write(&writer,
        leat_cid_span(leat_cids_first_local(pair_conn(p, PAIR_CLIENT))),
        leat_cid_span(&pair_conn(p, PAIR_CLIENT)->cids.original_dcid),
        (const uint32_t[]){0xfaceb00c}, 1, 0);
    pair_deliver(p, PAIR_CLIENT, answer, leat_writer_length(&writer));
    pair_assert_terminated(p, PAIR_CLIENT, LEAT_SOURCE_VERSION_MISMATCH, LEAT_NO_ERROR);
    pair_free(p);
    finish(&recordings[PAIR_CLIENT]);
    if (recordings[PAIR_SERVER].file != NULL) {
        fclose(recordings[PAIR_SERVER].file);
    }
    leat_qlog_free(recordings[PAIR_SERVER].log);
}
END_TEST

LEAT_TEST_MAIN("qlog/recordings", a_session_with_all_that_http3_has, a_bad_network,
    keys_connection_ids_and_addresses_change, every_frame, a_packet_before_its_keys,
    nothing_in_common, another_version)
