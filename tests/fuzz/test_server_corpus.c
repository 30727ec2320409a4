/*
 * A fuzz target is worth what its inputs reach. Here the corpus of fuzz_server is run and what the
 * server received and told its application is counted, so that a change which keeps the inputs away
 * from a layer is noticed.
 */
#include "leat_test.h"

#include "fuzz/server_harness.h"

#include <dirent.h>
#include <leat/webtransport.h>

static server_harness_counts total;
static size_t inputs;

static void add_file(const char *name) {
    char path[512];
    size_t length;
    server_harness_counts counts;
    snprintf(path, sizeof path, "../fuzz/corpus/server/%s", name);
    uint8_t *bytes = test_read_file(path, &length);
    server_harness_run(bytes, length, &counts);
    free(bytes);
    total.frames += counts.frames;
    total.frame_types |= counts.frame_types;
    total.quic_events += counts.quic_events;
    total.h3_events += counts.h3_events;
    total.wt_events += counts.wt_events;
    total.h3_kinds |= counts.h3_kinds;
    total.wt_kinds |= counts.wt_kinds;
    total.sessions_closed += counts.sessions_closed;
    inputs++;
}

static void run_corpus(void) {
    if (inputs > 0) {
        return;
    }
    DIR *folder = opendir(LEAT_TESTS_DIR "/../fuzz/corpus/server");
    ck_assert_ptr_nonnull(folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] != '.') {
            add_file(entry->d_name);
        }
    }
    closedir(folder);
}

static void expect_kind(uint64_t kinds, unsigned kind, const char *name) {
    ck_assert_msg((kinds >> kind & 1) != 0, "no input reaches %s", name);
}

/* RFC 9000 §19: 0x00 to 0x1d is what a client may send, and RFC 9221's two. */
START_TEST(the_corpus_reaches_every_frame_a_client_may_send) {
    run_corpus();
    for (unsigned type = 0; type <= 0x1d; type++) {
        char name[16];
        bool is_servers = type == 0x07;
        snprintf(name, sizeof name, "frame 0x%02x", type);
        if (!is_servers) {
            expect_kind(total.frame_types, type, name);
        }
    }
    expect_kind(total.frame_types, 0x30, "DATAGRAM");
    expect_kind(total.frame_types, 0x31, "DATAGRAM with length");
    ck_assert_uint_gt(total.frames, 300);
}
END_TEST

START_TEST(the_corpus_reaches_http3) {
    run_corpus();
    for (unsigned kind = LEAT_H3_EVENT_HEADERS_RECEIVED; kind < LEAT_H3_EVENT_TYPE_COUNT; kind++) {
        /* Nobody pushes to a server; no input fills a stream's buffer. */
        bool is_out_of_reach = kind == LEAT_H3_EVENT_PUSH_PROMISE_RECEIVED ||
                               kind == LEAT_H3_EVENT_STREAM_WRITABLE;
        if (!is_out_of_reach) {
            expect_kind(total.h3_kinds, kind, leat_h3_event_name((leat_h3_event_type)kind));
        }
    }
}
END_TEST

START_TEST(the_corpus_reaches_webtransport) {
    run_corpus();
    for (unsigned kind = LEAT_WT_EVENT_SESSION_REQUESTED; kind < LEAT_WT_EVENT_TYPE_COUNT; kind++) {
        bool is_clients = kind == LEAT_WT_EVENT_SESSION_READY ||
                          kind == LEAT_WT_EVENT_SESSION_REFUSED;
        bool is_out_of_reach = is_clients || kind == LEAT_WT_EVENT_STREAM_WRITABLE;
        if (!is_out_of_reach) {
            expect_kind(total.wt_kinds, kind, leat_wt_event_name((leat_wt_event_type)kind));
        }
    }
    ck_assert_uint_ge(total.sessions_closed, 8);
}
END_TEST

START_TEST(random_inputs_break_no_promise) {
    uint64_t seed = 20;
    static uint8_t input[600];
    for (int i = 0; i < 300; i++) {
        uint8_t length[2];
        test_random(&seed, input, sizeof input);
        test_random(&seed, length, 2);
        /* Short records, so that many of them fit. */
        for (size_t at = 1; at + 3 < sizeof input; at += 3u + input[at + 2]) {
            input[at + 1] = 0;
            input[at + 2] %= 40;
        }
        server_harness_run(input, (size_t)(length[0] << 8 | length[1]) % sizeof input, NULL);
    }
}
END_TEST

LEAT_TEST_MAIN("fuzz server corpus", the_corpus_reaches_every_frame_a_client_may_send,
               the_corpus_reaches_http3, the_corpus_reaches_webtransport,
               random_inputs_break_no_promise)
