/* leat decode on connections in memory: what the commands cannot be made to send. */
#include "pair.h"
#include "tools/decode/decode.h"

typedef struct watcher {
    decode_state decoder;
    char keys[8192]; /* the key log */
    char *text;      /* what was shown */
    size_t length;
} watcher;

static void on_key_log(void *user, const char *line) {
    watcher *w = user;
    size_t length = strlen(w->keys);
    if (strstr(w->keys, line) == NULL) {
        snprintf(w->keys + length, sizeof w->keys - length, "%s\n", line);
    }
    w->decoder.key_log = (leat_span){(const uint8_t *)w->keys, strlen(w->keys)};
}

/* Sees each datagram as a capture between the two would. */
static bool on_datagram(void *user, pair *p, pair_side from, pair_datagram *datagram) {
    watcher *w = user;
    uint8_t copy[2048];
    const leat_path path = {datagram->path.remote, datagram->path.local};
    (void)p, (void)from;
    ck_assert_uint_le(datagram->length, sizeof copy);
    memcpy(copy, datagram->bytes, datagram->length);
    decode_datagram(&w->decoder, &path, copy, datagram->length);
    return true;
}

static pair *watch(watcher *w) {
    pair *p = pair_new();
    *w = (watcher){.decoder = {.largest = UINT64_MAX, .out = {.data_shown = 64}}};
    w->decoder.out.file = open_memstream(&w->text, &w->length);
    ck_assert_ptr_nonnull(w->decoder.out.file);
    for (pair_side side = PAIR_CLIENT; side <= PAIR_SERVER; side++) {
        p->ends[side].config.key_log = on_key_log;
        p->ends[side].config.key_log_user = w;
    }
    p->link.filter = on_datagram;
    p->link.filter_user = w;
    return p;
}

static void unwatch(watcher *w, pair *p) {
    decode_connections_free(&w->decoder);
    fclose(w->decoder.out.file);
    free(w->text);
    pair_free(p);
}

static bool has_shown(watcher *w, const char *text) {
    fflush(w->decoder.out.file);
    return strstr(w->text, text) != NULL;
}

static size_t count(watcher *w, const char *text) {
    size_t found = 0;
    fflush(w->decoder.out.file);
    for (const char *at = w->text; (at = strstr(at, text)) != NULL; at += strlen(text)) {
        found++;
    }
    return found;
}

/* TEST RFC 9001 §6: both directions, and more than once. */
START_TEST(key_updates_are_followed) {
    watcher w;
    pair *p = watch(&w);
    pair_handshake(p);
    static const pair_side sides[] = {PAIR_CLIENT, PAIR_SERVER, PAIR_CLIENT};
    for (size_t i = 0; i < 3; i++) {
        /* RFC 9001 §6.1: an update waits for an acknowledgment of the keys before. */
        pair_send_text(p, sides[i], false, "again", true);
        pair_run_for(p, LEAT_SECOND);
        ck_assert_int_eq(leat_conn_request_key_update(pair_conn(p, sides[i])), 0);
        pair_send_text(p, sides[i], false, "hello", true);
        pair_run_for(p, LEAT_SECOND);
    }
    ck_assert_uint_eq(count(&w, "    key_update: "), 6);
    ck_assert_uint_eq(count(&w, "stream_data: 5 bytes \"hello\""), 3);
    ck_assert(!has_shown(&w, "protected: "));
    ck_assert(!has_shown(&w, "fault: "));
    unwatch(&w, p);
}
END_TEST

/* Most datagrams arrive late: streams and CRYPTO are put together all the same. */
START_TEST(reordered_datagrams_are_put_together) {
    watcher w;
    uint8_t data[20000];
    pair *p = watch(&w);
    memset(data, 'x', sizeof data);
    p->link.reorder = 30;
    p->link.loss = 5;
    pair_handshake(p);
    uint64_t id;
    ck_assert_int_eq(leat_conn_open_stream(pair_conn(p, PAIR_CLIENT), false, &id), 0);
    pair_send_all(p, PAIR_CLIENT, id, data, sizeof data, true);
    pair_run_for(p, 20 * LEAT_SECOND);
    ck_assert_uint_eq(count(&w, "message: client_hello"), 1);
    ck_assert_uint_eq(count(&w, "message: finished"), 2);
    ck_assert(!has_shown(&w, "protected: "));
    unwatch(&w, p);
}
END_TEST

/* The application's protocol is not HTTP/3, so its streams are not taken apart. */
START_TEST(other_protocols_are_left_as_they_are) {
    watcher w;
    pair *p = watch(&w);
    pair_handshake(p);
    pair_send_text(p, PAIR_CLIENT, true, "\001\002no frames", true);
    pair_run_for(p, LEAT_SECOND);
    ck_assert(has_shown(&w, "protocol_name: \"test\""));
    ck_assert(has_shown(&w, "stream_data: 11 bytes "));
    ck_assert(!has_shown(&w, "stream_type"));
    unwatch(&w, p);
}
END_TEST

/* TEST RFC 9204 §2.2.1: a field section that comes before the insertions that it refers to. */
START_TEST(blocked_field_sections_are_shown_when_they_can_be) {
    watcher w;
    pair *p = watch(&w);
    const leat_address nowhere = {.family = LEAT_ADDRESS_NONE};
    leat_span dcid = test_hex("01 02 03 04");
    decode_connection *connection =
        decode_connection_new(&w.decoder, dcid, &nowhere, &nowhere);
    ck_assert_ptr_nonnull(connection);
    /* SETTINGS: a table of 256 bytes. */
    decode_payload(&w.decoder, connection, SERVER, LEAT_PACKET_ONE_RTT,
                   test_hex("0a 03 06 00 04 03 01 4100"));
    decode_payload(&w.decoder, connection, CLIENT, LEAT_PACKET_ONE_RTT,
                   test_hex("0b 00 05 01 03 02 00 80"));
    ck_assert(has_shown(&w, "blocked: until 1 insertions were seen"));
    ck_assert(!has_shown(&w, "field: "));
    /* The capacity, and the entry a = b. */
    decode_payload(&w.decoder, connection, CLIENT, LEAT_PACKET_ONE_RTT,
                   test_hex("0a 06 08 02 3fe101 41 61 01 62"));
    ck_assert(has_shown(&w, "unblocked: the field section of stream 0"));
    ck_assert(has_shown(&w, "field: \"a\" = \"b\""));
    ck_assert(!has_shown(&w, "fault"));
    unwatch(&w, p);
}
END_TEST

/* Every allocation may fail: less is shown, and nothing leaks. */
START_TEST(without_memory_less_is_shown) {
    const char *hello = "c000000001088394c8f03e51570800000411223344";
    for (size_t fail_at = 1; fail_at < 8; fail_at++) {
        test_memory memory;
        test_memory_init(&memory);
        memory.fail_at = fail_at;
        decode_state decoder = {.allocator = &memory.allocator, .largest = UINT64_MAX};
        const leat_path nowhere = {.local = {.family = LEAT_ADDRESS_NONE}};
        leat_span datagram = test_hex(hello);
        uint8_t copy[64];
        memcpy(copy, datagram.data, datagram.length);
        decode_datagram(&decoder, &nowhere, copy, datagram.length);
        const leat_address *address = &nowhere.local;
        decode_connection *connection =
            decode_connection_new(&decoder, (leat_span){copy, 8}, address, address);
        leat_span payload = test_hex("06 00 08 01000004 03030000  0a 02 04 00 04 01 05 "
                                     "0a 00 07 01 05 0000d1d7c1");
        if (connection != NULL) {
            decode_payload(&decoder, connection, CLIENT, LEAT_PACKET_ONE_RTT, payload);
        }
        decode_connections_free(&decoder);
        ck_assert_uint_eq(memory.live, 0);
    }
}
END_TEST

LEAT_TEST_MAIN("tools decode", key_updates_are_followed, reordered_datagrams_are_put_together,
               other_protocols_are_left_as_they_are,
               blocked_field_sections_are_shown_when_they_can_be, without_memory_less_is_shown)
