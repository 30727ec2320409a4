/* Every pair of endings: in one datagram, where a rank decides, and one after the other, where the
 * first one wins. */
#include "webtransport/endings.h"

/* What QUIC tells first when both are in one datagram: a stream's stop, its data, its end, its
 * reset; then the connection. */
static const size_t order_of_quic[] = {0, 5, 1, 2, 3, 4, 6};

static size_t place_in_quic(size_t ending) {
    size_t i = 0;
    while (order_of_quic[i] != ending) {
        i++;
    }
    return i;
}

static bool is_stop(size_t ending) {
    return wt_endings[ending].happen == wt_endings[5].happen;
}

/* The line of an ending whose connection may have ended with it. */
static const char *line_of(size_t ending, bool connection_is_gone) {
    static char line[512];
    snprintf(line, sizeof line, "SessionClosed session_id=0 %s", wt_endings[ending].closed);
    char *usable = strstr(line, "connection_usable=yes");
    if (connection_is_gone && usable != NULL) {
        memmove(usable + 20, usable + 21, strlen(usable + 21) + 1);
        memcpy(usable + 18, "no", 2);
    }
    return line;
}

typedef struct pair {
    wt_role role;
    bool is_bytewise, has_streams;
    size_t first, second; /* endings, in the order in which they happen */
} pair;

static void expect_winner(wt_rig *rig, const pair *race, size_t winner, bool connection_is_gone) {
    const char *line = line_of(winner, connection_is_gone);
    ck_assert_msg(strcmp(rig->log, line) == 0, "%s, then %s: %s\nexpected\n%s",
        wt_endings[race->first].name, wt_endings[race->second].name, rig->log, line);
}

static void start(wt_rig *rig, const pair *race) {
    wt_init(rig, race->role, LEAT_WT_DIALECT_DRAFT07);
    rig->is_bytewise = race->is_bytewise;
    ck_assert(wt_start(rig));
    wt_open(rig);
    if (race->has_streams) {
        wt_feed(rig, wt_peer_uni(rig, 3), "4054 00 61", false);
        wt_feed(rig, wt_peer_bidi(rig, 1), "4041 00 61", false);
        wt_forget(rig);
    }
}

/* Whatever still comes, there is no second event and no leak. */
static void finish(wt_rig *rig) {
    wt_ping_answered(rig);
    wt_feed(rig, 0, NULL, true);
    wt_terminate(rig, LEAT_SOURCE_IDLE_TIMEOUT, 0);
    wt_drain(rig);
    wt_expect(rig, "");
    ck_assert_uint_eq(rig->closed_count, 1);
    ck_assert_int_eq(rig->fake.liveness, 0);
    ck_assert(!leat_wt_is_closing(rig->wt));
    wt_clear(rig);
}

/* Both in one datagram: the connection knows already that it ends, the application hears of the
 * session first. */
static void race_in_one_datagram(const pair *race) {
    static wt_rig rig;
    bool ends_connection =
        wt_endings[race->first].ends_connection || wt_endings[race->second].ends_connection;
    size_t winner = race->first < race->second ? race->first : race->second;
    start(&rig, race);
    rig.fake.is_terminating =
        ends_connection && race->first != 0; /* a local close was called before */
    wt_endings[race->first].happen(&rig, 0);
    wt_endings[race->second].happen(&rig, 0);
    if (is_stop(race->first) && is_stop(race->second)) {
        wt_ping_answered(&rig);
    }
    expect_winner(
        &rig, race, winner, rig.fake.is_terminating && ends_connection && race->first != 0);
    wt_forget(&rig);
    finish(&rig);
}

static void race_in_two_datagrams(const pair *race) {
    static wt_rig rig;
    start(&rig, race);
    wt_endings[race->first].happen(&rig, 0);
    if (is_stop(race->first)) {
        wt_ping_answered(&rig);
    }
    expect_winner(&rig, race, race->first, wt_endings[race->first].ends_connection);
    wt_forget(&rig);
    if (!wt_endings[race->first].ends_connection) {
        wt_endings[race->second].happen(&rig, 0);
    }
    wt_expect(&rig, "");
    finish(&rig);
}

static void each_setting(pair race, void (*body)(const pair *race)) {
    for (int i = 0; i < 8; i++) {
        race.role = i & 1 ? WT_CLIENT : WT_SERVER;
        race.is_bytewise = (i & 2) != 0;
        race.has_streams = (i & 4) != 0;
        body(&race);
    }
}

START_TEST(in_one_datagram_the_rank_decides) {
    for (size_t a = 0; a < wt_endings_ranked; a++) {
        for (size_t b = a + 1; b < wt_endings_ranked; b++) {
            bool a_first = place_in_quic(a) < place_in_quic(b);
            each_setting(
                (pair){.first = a_first ? a : b, .second = a_first ? b : a}, race_in_one_datagram);
        }
    }
}
END_TEST

START_TEST(in_two_datagrams_the_first_one_wins) {
    for (size_t a = 0; a < wt_endings_count; a++) {
        for (size_t b = 0; b < wt_endings_count; b++) {
            each_setting((pair){.first = a, .second = b}, race_in_two_datagrams);
        }
    }
}
END_TEST

START_TEST(a_stop_waits_for_everything_but_the_end_of_the_connection) {
    static wt_rig rig;
    for (size_t i = 0; i < wt_endings_count; i++) {
        pair race = {.first = 5, .second = i};
        if (is_stop(i) || i == 7) {
            continue;
        }
        start(&rig, &race);
        wt_endings[5].happen(&rig, 0);
        wt_expect(&rig, "");
        wt_endings[i].happen(&rig, 0);
        bool is_ours = strstr(wt_endings[i].closed, "cause=local") != NULL;
        expect_winner(&rig, &race, wt_endings[i].ends_connection && !is_ours ? 5 : i,
            wt_endings[i].ends_connection);
        wt_forget(&rig);
        finish(&rig);
    }
}
END_TEST

/* Violations after the end: draft-ietf-webtrans-http3-07 §5. */
static const struct {
    const char *data;
} afterwards[] = {
    {"6843 04 00000001"},    /* another close */
    {"6843 05 00000001 ff"}, /* a wrong one */
    {"800078ae 00"},         /* a drain */
    {"00 01 61"},            /* a datagram */
    {"17 00"},               /* grease */
    {"01"},                  /* not even a capsule */
};

WT_TEST(data_after_the_close_capsule_resets_the_stream_and_tells_nothing) {
    for (size_t i = 0; i < sizeof afterwards / sizeof afterwards[0]; i++) {
        uint64_t id = 4 * i;
        if (i == 0) {
            wt_settings(rig);
        }
        wt_request(rig, id);
        wt_answer(rig, id);
        wt_close_capsule(rig, id, 7, "bye", 3, false);
        wt_forget(rig);
        wt_capsule(rig, id, afterwards[i].data, false);
        wt_expect(rig, "");
        ck_assert_uint_eq(fake_find(&rig->fake.conn, id)->stopped, LEAT_H3_MESSAGE_ERROR);
        ck_assert(!leat_wt_is_closing(rig->wt));
        wt_feed(rig, id, NULL, true);
        wt_reset(rig, id, 1);
        wt_expect(rig, "");
    }
    wt_expect_connection_lives(rig);
}

WT_TEST(data_in_the_frame_of_the_close_capsule_is_a_violation_too) {
    wt_open(rig);
    wt_capsule(rig, 0, "6843 04 00000007 6843 04 00000008", true);
    wt_expect(rig, "SessionClosed session_id=0 origin=peer cause=capsule code=7 reason=\"\" "
                   "http_code=0 quic_code=0" CLEAN_TAIL);
    ck_assert_uint_eq(fake_find(&rig->fake.conn, 0)->stopped, LEAT_H3_MESSAGE_ERROR);
}

WT_TEST(what_comes_after_a_local_close_is_ignored) {
    wt_open(rig);
    leat_wt_close(rig->wt, 0, 0, NULL, 0);
    wt_drain(rig);
    wt_forget(rig);
    wt_capsule(rig, 0, "800078ae 00", false);
    wt_close_capsule(rig, 0, 9, "me too", 6, false);
    wt_stop(rig, 0, 0);
    wt_feed(rig, wt_peer_uni(rig, 0), "07 01 00", false);
    wt_datagram_in(rig, "00 61");
    wt_expect(rig, "");
    ck_assert_uint_eq(fake_find(&rig->fake.conn, 0)->reset, FAKE_NONE);
    ck_assert(leat_wt_is_closing(rig->wt));
    wt_feed(rig, 0, NULL, true);
    ck_assert(!leat_wt_is_closing(rig->wt));
    wt_expect(rig, "");
}

WT_TEST(many_sessions_end_one_after_the_other_without_a_trace) {
    wt_settings(rig);
    for (unsigned i = 0; i < 12; i++) {
        wt_request(rig, 4 * i);
        wt_answer(rig, 4 * i);
        wt_endings[i % 5].happen(rig, 4 * i);
        wt_feed(rig, 4 * i, NULL, true);
    }
    wt_drain(rig);
    ck_assert_uint_eq(rig->closed_count, 12);
    ck_assert_uint_eq(leat_wt_session_count(rig->wt), 0);
    ck_assert_uint_eq(leat_h3_open_requests(rig->h3), 0);
}

LEAT_TEST_MAIN("webtransport races", in_one_datagram_the_rank_decides,
    in_two_datagrams_the_first_one_wins, a_stop_waits_for_everything_but_the_end_of_the_connection,
    data_after_the_close_capsule_resets_the_stream_and_tells_nothing,
    data_in_the_frame_of_the_close_capsule_is_a_violation_too,
    what_comes_after_a_local_close_is_ignored,
    many_sessions_end_one_after_the_other_without_a_trace)
