/*
 * `leat interop`: what the QUIC interop runner starts in its containers. The runner speaks through
 * the environment: TESTCASE, REQUESTS, ROLE, SSLKEYLOGFILE, QLOGDIR, and PROTOCOLS for its cases of
 * WebTransport, of which only the handshake is here: like all other unknown ones the transfers end
 * with status 127.
 */
#include "interop.h"

#include "../commands.h"
#include "../key_log.h"
#include "../qlog_files.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define AT(member) offsetof(interop_app, settings.member)
static const option_row rows[] = {
    {"--www", OPTION_TEXT, AT(www), "DIR", "server: the files (/www)"},
    {"--downloads", OPTION_TEXT, AT(downloads), "DIR", "client: where files go (/downloads)"},
    {"--certs", OPTION_TEXT, AT(certs), "DIR", "cert.pem, priv.key and ca.pem (/certs)"},
    {"--listen", OPTION_LIST, AT(listen), "HOST:PORT", "server: may be repeated ([::]:443, 0.0.0.0:443)"},
};
static const option_table table = {
    "leat interop [OPTION]... client|server",
    "An endpoint for the QUIC interop runner; TESTCASE and REQUESTS are in the environment.", rows,
    sizeof rows / sizeof rows[0], AT(role), true};

/*
 * The runner's names of its cases, and those names with which it starts endpoints. What the network
 * between them does is not the endpoints' concern: many rows are alike.
 */
static const interop_case testcases[] = {
    {.name = "handshake"},
    {.name = "longrtt"},
    {.name = "transfer"},
    {.name = "multiplexing"},
    {.name = "blackhole"},
    {.name = "transferloss"},
    {.name = "transfercorruption"},
    {.name = "amplificationlimit"},
    {.name = "ecn"},
    {.name = "ipv6"},
    {.name = "rebind-port"},
    {.name = "rebind-addr"},
    {.name = "connectionmigration", .has_preferred_address = true},
    /* Not one of the runner's: the client moves by choice. */
    {.name = "clientmigration", .has_migration = true},
    {.name = "goodput"},
    {.name = "crosstraffic"},
    {.name = "multiconnect", .has_one_request = true},
    {.name = "handshakeloss", .has_one_request = true},
    {.name = "handshakecorruption", .has_one_request = true},
    {.name = "chacha20", .has_only_chacha20 = true},
    {.name = "v2", .prefers_version_2 = true},
    {.name = "keyupdate", .has_key_update = true},
    {.name = "retry", .has_retry = true},
    {.name = "resumption", .is_resumed = true},
    {.name = "zerortt", .is_resumed = true, .has_early_data = true},
    {.name = "http3", .is_http3 = true},
};

static const interop_case *find_case(const char *name) {
    for (size_t i = 0; name != NULL && i < sizeof testcases / sizeof testcases[0]; i++) {
        if (strcmp(testcases[i].name, name) == 0) {
            return &testcases[i];
        }
    }
    return NULL;
}

/* The runner's link has 30 ms of round trip: with the 333 ms of RFC 9002 §6.2.2 a lost Initial of
 * one of fifty handshakes would cost a second. */
#define INITIAL_RTT (100 * LEAT_MILLISECOND)
/* Longer than any row of losses that 30 % makes likely. */
#define HANDSHAKE_TIMEOUT (60 * LEAT_SECOND)

/* The words of PROTOCOLS, cut in place. */
static void split_protocols(interop_app *app, char *text) {
    char *rest = NULL;
    for (char *word = text == NULL ? NULL : strtok_r(text, " ", &rest);
         word != NULL && app->protocol_count < PROTOCOLS_MAX; word = strtok_r(NULL, " ", &rest)) {
        app->protocols[app->protocol_count++] = word;
    }
}

/* The usual is a static table only: here others shall see ours. */
#define QPACK_ENCODER_CAPACITY 4096

static void fill_configs(interop_app *app, bool is_client) {
    static const char *const hq[] = {"hq-interop"}, *const h3[] = {"h3"};
    static const uint16_t chacha20[] = {0x1303};
    static const uint32_t two_first[] = {LEAT_QUIC_VERSION_2, LEAT_QUIC_VERSION_1};
    leat_h3_config_init(&app->h3);
    app->h3.qpack_encoder_capacity = QPACK_ENCODER_CAPACITY;
    leat_config_init(&app->quic, is_client);
    app->quic.alpn = app->testcase->is_http3 || app->protocol_count > 0 ? h3 : hq;
    app->quic.alpn_count = 1;
    app->quic.initial_rtt = INITIAL_RTT;
    app->quic.handshake_timeout = HANDSHAKE_TIMEOUT;
    /* A client that only downloads may have nothing to say when its address changes. */
    app->quic.keep_alive = is_client ? LEAT_SECOND : 0;
    app->quic.early_data = app->testcase->has_early_data;
    /* The runner looks for Certificate messages, and wants chains as long as it made them. */
    app->quic.certificate_compression = false;
    if (app->testcase->has_only_chacha20) {
        app->quic.cipher_suites = chacha20;
        app->quic.cipher_suite_count = 1;
    }
    if (app->testcase->prefers_version_2) {
        app->quic.versions = two_first;
        app->quic.version_count = 2;
    }
}

void interop_narrate(const leat_conn *conn, const leat_event *event) {
    if (event->type == LEAT_EVENT_HANDSHAKE_COMPLETED) {
        printf("handshake cipher=%s resumed=%s early=%s version=%d\n", leat_conn_cipher_suite(conn),
            event->handshake_completed.session_resumed ? "yes" : "no",
            event->handshake_completed.early_data_accepted ? "yes" : "no",
            leat_conn_version(conn) == LEAT_QUIC_VERSION_2 ? 2 : 1);
    } else if (event->type == LEAT_EVENT_PATH_CHANGED) {
        printf("path-changed reason=%s\n",
            event->path_changed.reason == LEAT_PATH_REBOUND ? "rebound" : "migrated");
    } else if (event->type == LEAT_EVENT_KEY_UPDATED) {
        printf("key-updated by-peer=%s\n", event->key_updated.by_peer ? "yes" : "no");
    } else if (event->type == LEAT_EVENT_CONNECTION_TERMINATED) {
        printf("connection-closed source=%s code=%" PRIu64 "\n",
            leat_close_source_name(event->connection_terminated.source),
            event->connection_terminated.error_code);
    }
}

static const char *environment(const char *name) {
    const char *value = getenv(name);
    return value == NULL || value[0] == '\0' ? NULL : value;
}

static int run(interop_app *app) {
    const char *role = app->settings.role.count > 0 ? app->settings.role.values[0] : getenv("ROLE");
    const char *name = getenv("TESTCASE");
    bool is_client = role != NULL && strcmp(role, "client") == 0;
    bool is_server = role != NULL && strcmp(role, "server") == 0;
    if (app->settings.role.count > 1 || (!is_client && !is_server)) {
        return options_complain(&table, "wants one of the roles client and server");
    }
    app->testcase = find_case(name);
    bool is_missing = app->testcase == NULL ||
                      (app->protocol_count > 0 && strcmp(name, "handshake") != 0);
    if (is_missing) {
        options_complain(&table, "no test case '%s' here", name == NULL ? "" : name);
        return INTEROP_UNSUPPORTED;
    }
    fill_configs(app, is_client);
    if (!key_log_open(&table, environment("SSLKEYLOGFILE"), &app->keylog, &app->quic) ||
        !qlog_files_open(&table, environment("QLOGDIR"), &app->qlog, &app->quic)) {
        return 1;
    }
    return is_client ? interop_client(app) : interop_server(app);
}

int command_interop(int count, char **arguments) {
    interop_app app = {
        .settings = {.www = "/www", .downloads = "/downloads", .certs = "/certs"}, .table = &table};
    setvbuf(stdout, NULL, _IOLBF, 0);
    int status = options_parse(&table, count, arguments, &app);
    const char *protocols = environment("PROTOCOLS");
    char *words = protocols == NULL ? NULL : leat_strdup(NULL, protocols);
    split_protocols(&app, words);
    if (status == 0) {
        status = run(&app);
        key_log_close(app.keylog);
        qlog_files_close(app.qlog);
    }
    leat_free(NULL, words);
    return status < 0 ? 0 : status;
}
