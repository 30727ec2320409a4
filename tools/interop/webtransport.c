/*
 * The runner's WebTransport handshake: PROTOCOLS holds what this endpoint speaks, best first. The
 * client's first one that the server knows is taken, and both write it into a file. Transfers over
 * WebTransport are not here.
 */
#include "interop.h"

#include "../client_failure.h"
#include "../file.h"
#include "../protocols.h"
#include "../url.h"
#include "base/alloc.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define STEP (100 * LEAT_MILLISECOND)

static bool write_protocol(interop_app *app, const char *protocol) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/negotiated_protocol.txt", app->settings.downloads);
    FILE *file = fopen(path, "wb");
    bool is_good = file != NULL && fputs(protocol, file) >= 0;
    is_good = file != NULL && fclose(file) == 0 && is_good;
    if (!is_good) {
        options_complain(app->table, "%s cannot be written", path);
    }
    return is_good;
}

/* ---- server ---- */

static bool is_ours(const interop_app *app, const char *protocol) {
    for (size_t i = 0; i < app->protocol_count; i++) {
        if (strcmp(app->protocols[i], protocol) == 0) {
            return true;
        }
    }
    return false;
}

/* draft-ietf-webtrans-http3-16 §3.3: the client's order decides. */
static bool choose(const interop_app *app, leat_span offered, char protocol[PROTOCOL_MAX]) {
    while (protocols_next(&offered, protocol)) {
        if (is_ours(app, protocol)) {
            return true;
        }
    }
    return false;
}

void interop_on_session_requested(interop_app *app, leat_wt *wt, const leat_wt_event *event) {
    char protocol[PROTOCOL_MAX];
    const char *values[] = {protocol};
    leat_span offered = leat_h3_find_header(event->session_requested.headers,
        event->session_requested.header_count, "wt-available-protocols");
    if (!choose(app, offered, protocol)) {
        (void)leat_wt_refuse(wt, event->session_id, 400, "no protocol in common");
        return;
    }
    char *value = protocols_format(values, 1);
    leat_h3_header header = leat_h3_header_of("wt-protocol", value == NULL ? "" : value);
    if (value == NULL || !write_protocol(app, protocol) ||
        leat_wt_accept(wt, event->session_id, &header, 1) != LEAT_OK) {
        (void)leat_wt_refuse(wt, event->session_id, 500, "no protocol can be agreed on");
    }
    leat_free(NULL, value);
}

/* ---- client ---- */

typedef struct session_run {
    interop_app *app;
    leat_client *client;
    tool_url url;
    bool has_handshake, is_agreed, is_over;
} session_run;

static void request_session(session_run *run) {
    uint64_t session_id;
    char *offered = protocols_format(run->app->protocols, run->app->protocol_count);
    leat_h3_header header =
        leat_h3_header_of("wt-available-protocols", offered == NULL ? "" : offered);
    leat_wt *wt = leat_client_wt(run->client);
    int error = wt == NULL || offered == NULL
                    ? LEAT_ERR_STATE
                    : leat_wt_connect(wt, run->url.authority, run->url.target, NULL, &header, 1,
                          &session_id);
    leat_free(NULL, offered);
    if (error != LEAT_OK) {
        options_complain(run->app->table, "the session cannot be requested");
        run->is_over = true;
    }
}

static void on_event(void *user, leat_conn *conn, const leat_event *event) {
    session_run *run = user;
    char text[CLIENT_FAILURE_MAX];
    interop_narrate(conn, event);
    if (event->type == LEAT_EVENT_HANDSHAKE_COMPLETED) {
        run->has_handshake = true;
        request_session(run);
    } else if (event->type == LEAT_EVENT_CONNECTION_TERMINATED && !run->is_agreed) {
        client_failure_describe(event, run->has_handshake, run->url.authority, text);
        options_complain(run->app->table, "%s", text);
    }
}

static void on_ready(session_run *run, leat_wt *wt, const leat_wt_event *event) {
    char protocol[PROTOCOL_MAX];
    leat_span chosen = leat_h3_find_header(
        event->session_ready.headers, event->session_ready.header_count, "wt-protocol");
    run->is_agreed = protocols_next(&chosen, protocol) && is_ours(run->app, protocol) &&
                     write_protocol(run->app, protocol);
    (void)leat_wt_close(wt, event->session_id, 0, "", 0);
}

static void on_wt_event(void *user, leat_conn *conn, leat_wt *wt, const leat_wt_event *event) {
    session_run *run = user;
    (void)conn;
    if (event->type == LEAT_WT_EVENT_SESSION_READY) {
        on_ready(run, wt, event);
    }
    run->is_over |= event->type == LEAT_WT_EVENT_SESSION_CLOSED;
}

int interop_webtransport_client(interop_app *app, const char *request) {
    char message[LEAT_MESSAGE_MAX];
    session_run run = {.app = app};
    const char *problem = NULL;
    leat_client_config config;
    if (!url_parse(request, &run.url, &problem)) {
        return options_complain(app->table, "%s: %s", request, problem);
    }
    leat_client_config_init(&config);
    config.quic = &app->quic;
    config.layers = LEAT_LAYER_WEBTRANSPORT;
    config.handler = (leat_io_handler){.on_event = on_event, .on_wt_event = on_wt_event};
    config.user = &run;
    run.client = leat_client_new(&config, run.url.host, run.url.port, message);
    if (run.client == NULL) {
        options_complain(app->table, "%s", message);
        return 1;
    }
    while (!run.is_over && leat_client_step(run.client, STEP)) {
    }
    leat_client_free(run.client);
    return run.is_agreed ? 0 : 1;
}
