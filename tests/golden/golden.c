/* The two applications and the comparison: see golden.h. */
#include "golden/golden.h"

#include <errno.h>

/* ---- the lines ----------------------------------------------------------------------- */

static const char *const side_names[] = {[PAIR_CLIENT] = "client", [PAIR_SERVER] = "server"};

static void add_line(golden *g, pair_side side, const char *layer, const char *text) {
    if (g->is_silent) {
        return;
    }
    int length = snprintf(g->lines + g->length, sizeof g->lines - g->length, "%s %-4s %s\n",
        side_names[side], layer, text);
    ck_assert_uint_lt((size_t)length, sizeof g->lines - g->length);
    g->length += (size_t)length;
}

static bool is_random(leat_event_type type) {
    return type == LEAT_EVENT_CONNECTION_ID_ISSUED || type == LEAT_EVENT_CONNECTION_ID_RETIRED ||
           type == LEAT_EVENT_SESSION_TICKET || type == LEAT_EVENT_NEW_TOKEN;
}

/* ---- the applications: the server echoes, as the public samples do -----------------------------
 */

static void answer_stream(leat_wt *wt, const leat_wt_event *event) {
    uint64_t id = event->stream_id;
    leat_span data = event->stream_data_received.data;
    bool is_uni = leat_stream_is_unidirectional(id);
    if (!event->stream_data_received.end_stream ||
        (is_uni && leat_wt_open_stream(wt, event->session_id, true, &id) != 0)) {
        return;
    }
    leat_wt_send_stream_data(wt, id, data.data, data.length, true);
}

static void serve(golden_end *end, const leat_wt_event *event) {
    if (event->type == LEAT_WT_EVENT_SESSION_REQUESTED) {
        if (end->refuses != 0) {
            leat_wt_refuse(end->wt, event->session_id, end->refuses, "not here");
        } else {
            leat_wt_accept(end->wt, event->session_id, NULL, 0);
        }
    } else if (event->type == LEAT_WT_EVENT_DATAGRAM_RECEIVED) {
        leat_wt_send_datagram(end->wt, event->session_id, event->datagram_received.data, 0);
    } else if (event->type == LEAT_WT_EVENT_STREAM_DATA_RECEIVED) {
        answer_stream(end->wt, event);
    }
}

static void drain_wt(golden *g, pair_side side) {
    leat_wt_event event;
    char text[2048];
    golden_end *end = &g->ends[side];
    while (end->wt != NULL && leat_wt_next_event(end->wt, &event)) {
        add_line(g, side, "wt", leat_wt_event_format(&event, text, sizeof text));
        if (g->on_wt_event != NULL) {
            g->on_wt_event(g, side, &event);
        } else if (side == PAIR_SERVER) {
            serve(end, &event);
        }
    }
}

static void drain_h3(golden *g, pair_side side) {
    leat_h3_event event;
    char text[2048];
    golden_end *end = &g->ends[side];
    while (end->h3 != NULL && leat_h3_next_event(end->h3, &event)) {
        add_line(g, side, "h3", leat_h3_event_format(&event, text, sizeof text));
        if (end->wt != NULL) {
            leat_wt_handle_event(end->wt, &event);
            drain_wt(g, side);
        }
    }
}

static void make_layers(golden *g, pair_side side) {
    leat_h3_config h3_config;
    leat_wt_config wt_config;
    golden_end *end = &g->ends[side];
    if (end->makes_no_h3) {
        return;
    }
    leat_h3_config_init(&h3_config);
    leat_wt_config_init(&wt_config);
    h3_config.allocator = wt_config.allocator = &g->pair->memory.allocator;
    if (!end->makes_no_wt) {
        leat_wt_h3_config(&h3_config);
    }
    int error = 0;
    end->h3 = leat_h3_new(golden_conn(g, side), &h3_config, &error);
    end->wt = end->makes_no_wt ? NULL : leat_wt_new(end->h3, &wt_config, &error);
    ck_assert_int_eq(error, 0);
}

static void on_event(void *user, pair *p, pair_side side, const leat_event *event) {
    golden *g = user;
    char text[2048];
    (void)p;
    if (side == PAIR_SERVER && event->type == LEAT_EVENT_STREAM_DATA_RECEIVED &&
        event->stream_data_received.stream_id == 0) {
        g->received += event->stream_data_received.data.length;
    }
    if (event->type == LEAT_EVENT_PROTOCOL_NEGOTIATED) {
        make_layers(g, side);
    }
    if (g->ends[side].wt != NULL) {
        leat_wt_handle_conn_event(g->ends[side].wt, event);
        drain_wt(g, side);
    }
    if (g->ends[side].h3 != NULL) {
        leat_h3_handle_event(g->ends[side].h3, event);
        drain_h3(g, side);
    }
    add_line(g, side, "quic",
        is_random(event->type) ? leat_event_name(event->type)
                               : leat_event_format(event, text, sizeof text));
}

/* ---- running ------------------------------------------------------------------------- */

golden *golden_new(void) {
    static const char *const protocols[] = {"h3"};
    golden *g = calloc(1, sizeof *g);
    g->pair = pair_new();
    g->pair->on_event = on_event;
    g->pair->on_event_user = g;
    for (pair_side side = PAIR_CLIENT; side <= PAIR_SERVER; side++) {
        g->pair->ends[side].config.alpn = protocols;
    }
    return g;
}

void golden_settle(golden *g) {
    drain_wt(g, PAIR_CLIENT);
    drain_wt(g, PAIR_SERVER);
    pair_settle(g->pair);
}

void golden_run_for(golden *g, leat_time duration) {
    drain_wt(g, PAIR_CLIENT);
    drain_wt(g, PAIR_SERVER);
    pair_run_for(g->pair, duration);
}

void golden_connect(golden *g) {
    pair_handshake(g->pair);
}

void golden_open(golden *g) {
    golden_connect(g);
    ck_assert_int_eq(leat_wt_connect(golden_wt(g, PAIR_CLIENT), "localhost", "/counter", NULL, NULL,
                         0, &g->session_id),
        0);
    golden_settle(g);
    ck_assert_uint_eq(leat_wt_session_count(golden_wt(g, PAIR_SERVER)), 1);
    g->length = 0;
    g->lines[0] = '\0';
}

/* ---- comparing ----------------------------------------------------------------------- */

/* Behind the comment at the head of the file. */
static char *skip_head(char *text) {
    while (*text == '#') {
        text += strcspn(text, "\n");
        text += *text == '\n';
    }
    return text;
}

static void write_file(const char *file, const char *lines) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", LEAT_TESTS_DIR, file);
    char *old = (char *)test_read_file(file, NULL);
    *skip_head(old) = '\0';
    FILE *out = fopen(path, "w");
    ck_assert_msg(out != NULL, "%s: %s", path, strerror(errno));
    fprintf(out, "%s%s", old, lines);
    fclose(out);
    free(old);
}

static void compare(const char *file, const char *lines) {
    char *text = (char *)test_read_file(file, NULL);
    const char *expected = skip_head(text), *actual = lines;
    for (size_t number = 1; *expected != '\0' || *actual != '\0'; number++) {
        size_t expected_length = strcspn(expected, "\n"), actual_length = strcspn(actual, "\n");
        bool is_same =
            expected_length == actual_length && memcmp(expected, actual, actual_length) == 0;
        ck_assert_msg(is_same, "%s, line %zu after the head:\n  is       %.*s\n  expected %.*s",
            file, number, (int)actual_length, actual, (int)expected_length, expected);
        expected += expected_length + (expected[expected_length] == '\n');
        actual += actual_length + (actual[actual_length] == '\n');
    }
    free(text);
}

/* All but the lines. */
static void end(golden *g) {
    drain_wt(g, PAIR_CLIENT);
    drain_wt(g, PAIR_SERVER);
    for (pair_side side = PAIR_CLIENT; side <= PAIR_SERVER; side++) {
        leat_wt_free(g->ends[side].wt);
        leat_h3_free(g->ends[side].h3);
    }
    pair_free(g->pair);
}

void golden_free(golden *g) {
    end(g);
    free(g);
}

void golden_expect(golden *g, const char *file) {
    end(g);
    if (getenv("LEAT_GOLDEN_WRITE") != NULL) {
        write_file(file, g->lines);
    }
    compare(file, g->lines);
    free(g);
}
