/* `leat get`: options, and the loop that steps all connections until every transfer has ended. */
#include "get.h"

#include "../commands.h"
#include "../key_log.h"
#include "../qlog_files.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <unistd.h>

#define STEP (100 * LEAT_MILLISECOND)
/* With several connections each is stepped this long: they cannot be waited for together. */
#define SHARED_STEP (2 * LEAT_MILLISECOND)
/* A ticket comes right after the handshake; who wants one waits this long for it at most. */
#define TICKET_WAIT (500 * LEAT_MILLISECOND)
#define RECEIVE_WINDOW ((uint64_t)8 * 1024 * 1024)

#define AT(member) offsetof(get_app, settings.member)
/* clang-format off */
static const option_row rows[] = {
    {"-o", OPTION_LIST, AT(output), "FILE", "write the body there; the first -o belongs to the first URL, and so on"},
    {"-O", OPTION_FLAG, AT(remote_name), NULL, "write bodies without -o to files named as the URLs end"},
    {"-L", OPTION_FLAG, AT(follow), NULL, "follow redirects, 10 at most"},
    {"-H", OPTION_LIST, AT(headers), "'NAME: VALUE'", "send this field; without VALUE: leave a default out"},
    {"-X", OPTION_TEXT, AT(method), "METHOD", "use this method"},
    {"-d", OPTION_TEXT, AT(data), "DATA|@FILE", "POST these bytes, or those of FILE"},
    {"-i", OPTION_FLAG, AT(include), NULL, "write status and fields before the body"},
    {"-I", OPTION_FLAG, AT(head), NULL, "HEAD: status and fields only"},
    {"-w", OPTION_TEXT, AT(write_out), "FORMAT", "print after each transfer, with curl's names: '%{http_code} %{time_total}\\n'"},
    {"--fail", OPTION_FLAG, AT(fail), NULL, "a status of 400 or more is a failure, without its body"},
    CLIENT_TRUST_ROWS(get_app, settings.trust),
    CLIENT_IDENTITY_ROWS(get_app, settings.identity),
    {"--resolve", OPTION_LIST, AT(resolve), "HOST:PORT:ADDRESS", "connect to ADDRESS for this host and port"},
    {"--early-data", OPTION_FLAG, AT(early_data), NULL, "send GET and HEAD in 0-RTT where --session has a ticket for it"},
    {"--session", OPTION_TEXT, AT(session), "FILE", "keep session tickets and address tokens in FILE and use them"},
    {"--max-time", OPTION_SECONDS, AT(max_time), "S", "give up after S seconds (never)"},
    {"--connect-timeout", OPTION_SECONDS, AT(connect_timeout), "S", "give up connecting after S seconds (10)"},
    {"--keylog", OPTION_TEXT, AT(keylog), "FILE", "append TLS secrets in the NSS key log format"},
    {"--qlog", OPTION_TEXT, AT(qlog), "DIR", "write a trace of each connection to DIR, as qlog"},
    {"-v", OPTION_FLAG, AT(verbose), NULL, "say on stderr what happens"},
    {"--progress", OPTION_FLAG, AT(progress), NULL, "a progress bar, when stderr is a terminal"},
};
/* clang-format on */
static const option_table table = {"leat get [OPTION]... URL...",
    "Fetches URLs over HTTP/3, in parallel; bodies go to stdout in order unless -o or -O say "
    "otherwise.",
    rows, sizeof rows / sizeof rows[0], AT(urls), true};

void get_say(const get_app *app, const char *format, ...) {
    va_list arguments;
    if (app->settings.verbose) {
        va_start(arguments, format);
        vfprintf(stderr, format, arguments);
        va_end(arguments);
        fputc('\n', stderr);
    }
}

/* ---- start ---- */

/* What can be said about the options before anything is opened. */
static int check_options(const get_app *app) {
    size_t length;
    const char *unknown = app->settings.write_out == NULL
                              ? NULL
                              : write_out_find_unknown(app->settings.write_out, &length);
    if (app->settings.urls.count == 0) {
        return options_complain(&table, "no URL; see leat get --help");
    }
    if (app->settings.output.count > app->settings.urls.count) {
        return options_complain(&table, "%zu times -o for %zu URLs", app->settings.output.count,
            app->settings.urls.count);
    }
    if (app->settings.head && app->settings.data != NULL) {
        return options_complain(&table, "-I sends no body: leave -d out");
    }
    if (unknown != NULL) {
        return options_complain(&table, "-w: unknown name '%.*s'", (int)length, unknown);
    }
    for (size_t i = 0; i < app->settings.headers.count; i++) {
        if (!request_field_is_valid(app->settings.headers.values[i])) {
            return options_complain(
                &table, "-H wants 'NAME: VALUE', not '%s'", app->settings.headers.values[i]);
        }
    }
    return 0;
}

static void fill_quic_config(get_app *app) {
    leat_config_init(&app->quic, true);
    app->quic.handshake_timeout = app->settings.connect_timeout;
    app->quic.early_data = app->settings.early_data;
    app->quic.max_stream_data = RECEIVE_WINDOW;
    app->quic.max_data = 2 * RECEIVE_WINDOW;
}

static int make_transfers(get_app *app) {
    app->transfers = leat_alloc_array(NULL, app->settings.urls.count, sizeof *app->transfers);
    if (app->transfers == NULL) {
        options_complain(&table, "out of memory");
        return 1;
    }
    int status = 0;
    for (size_t i = 0; status == 0 && i < app->settings.urls.count; i++) {
        app->count++;
        status = transfer_init(&app->transfers[i], app, i);
    }
    return status;
}

static int prepare(get_app *app) {
    char message[LEAT_MESSAGE_MAX];
    int status = check_options(app);
    status = status == 0 ? make_transfers(app) : status;
    if (status != 0) {
        return status;
    }
    fill_quic_config(app);
    if (!key_log_open(&table, app->settings.keylog, &app->keylog, &app->quic) ||
        !qlog_files_open(&table, app->settings.qlog, &app->qlog, &app->quic)) {
        return 1;
    }
    if (app->settings.session != NULL &&
        (app->sessions = sessions_file_open(app->settings.session, message)) == NULL) {
        options_complain(&table, "%s", message);
        return 1;
    }
    app->shows_progress = app->settings.progress && isatty(STDERR_FILENO);
    app->trust = app->quic.trust = client_trust_open(&app->settings.trust, &table, &status);
    return status != 0 ? status
                       : client_identity_open(
                             &app->settings.identity, &table, &app->identity, &app->quic);
}

/* ---- loop ---- */

static void assign(get_app *app) {
    for (size_t i = 0; i < app->count; i++) {
        get_origin *origin =
            app->transfers[i].state == GET_UNASSIGNED ? origin_for(&app->transfers[i]) : NULL;
        if (origin != NULL) {
            origin_join(origin, &app->transfers[i]);
        }
    }
}

/* Steps every connection; those that ended, or have nothing left to do after a GOAWAY, are dropped.
 */
static void step(get_app *app, leat_time timeout) {
    bool is_alone = app->origins.next->next == &app->origins;
    LEAT_LIST_FOR_EACH(node, following, &app->origins) {
        get_origin *origin = LEAT_CONTAINER_OF(node, get_origin, node);
        origin_start_waiting(origin);
        bool is_open = leat_client_step(
            origin->client, is_alone || timeout < SHARED_STEP ? timeout : SHARED_STEP);
        /* A connection that is over in words may still answer late packets; nobody waits for that
         * here. */
        if (!is_open || origin->has_ended ||
            (origin->is_leaving && leat_list_is_empty(&origin->transfers))) {
            LEAT_LIST_FOR_EACH(left, next_left, &origin->transfers) {
                transfer_fail(LEAT_CONTAINER_OF(left, get_transfer, node), "the connection ended");
            }
            origin_free(origin);
        }
    }
}

/* Hands the turn on over all transfers that have ended, in the order of the URLs. */
static void hand_on_turn(get_app *app) {
    while (app->turn < app->count) {
        get_transfer *transfer = &app->transfers[app->turn];
        if (!transfer->output.has_turn && !output_take_turn(&transfer->output)) {
            transfer_fail(transfer, "cannot write to stdout: %s", strerror(errno));
        }
        if (!transfer_has_ended(transfer)) {
            break;
        }
        if (app->settings.write_out != NULL) {
            write_out_print(transfer, app->settings.write_out, stdout);
        }
        app->turn++;
    }
    if (fflush(stdout) != 0 && app->turn < app->count) {
        transfer_fail(&app->transfers[app->turn], "cannot write to stdout: %s", strerror(errno));
    }
}

static void give_up(get_app *app) {
    for (size_t i = 0; i < app->count; i++) {
        transfer_fail(&app->transfers[i],
            "not complete after %g s (--max-time): %" PRIu64 " bytes came",
            (double)app->settings.max_time / (double)LEAT_SECOND, app->transfers[i].received);
    }
}

static void run(get_app *app) {
    leat_time deadline =
        app->settings.max_time == 0 ? LEAT_TIME_NEVER : leat_clock_now() + app->settings.max_time;
    while (app->turn < app->count) {
        leat_time now = leat_clock_now();
        leat_time left = now < deadline ? deadline - now : 0;
        if (left == 0) {
            give_up(app);
        }
        assign(app);
        step(app, left < STEP ? left : STEP);
        hand_on_turn(app);
        if (app->shows_progress && now - app->shown >= STEP) {
            app->shown = now;
            progress_show(app, now);
        }
    }
}

static void wait_for_tickets(get_app *app) {
    leat_time deadline = leat_clock_now() + TICKET_WAIT;
    LEAT_LIST_FOR_EACH(node, following, &app->origins) {
        get_origin *origin = LEAT_CONTAINER_OF(node, get_origin, node);
        bool is_open = origin->connected != LEAT_TIME_NEVER;
        for (leat_time now = leat_clock_now(); is_open && !origin->had_ticket && now < deadline;
            now = leat_clock_now()) {
            is_open = leat_client_step(origin->client, deadline - now) && !origin->has_ended;
        }
    }
}

/* ---- end ---- */

static int report(get_app *app) {
    int status = 0;
    for (size_t i = 0; i < app->count; i++) {
        if (app->transfers[i].state == GET_FAILED) {
            fprintf(
                stderr, "leat get: %s: %s\n", app->transfers[i].text, app->transfers[i].failure);
            status = 1;
        }
    }
    if (app->sessions != NULL && !sessions_file_save(app->sessions)) {
        options_complain(
            &table, "cannot write --session %s: %s", app->settings.session, strerror(errno));
        status = 1;
    }
    return status;
}

static void release(get_app *app) {
    LEAT_LIST_FOR_EACH(node, following, &app->origins) {
        origin_free(LEAT_CONTAINER_OF(node, get_origin, node));
    }
    for (size_t i = 0; i < app->count; i++) {
        transfer_clear(&app->transfers[i]);
    }
    leat_free(NULL, app->transfers);
    sessions_file_close(app->sessions);
    leat_trust_free(app->trust);
    leat_identity_free(app->identity);
    key_log_close(app->keylog);
    qlog_files_close(app->qlog);
}

int command_get(int count, char **arguments) {
    get_app *made = leat_alloc(NULL, sizeof *made);
    if (made == NULL) {
        return 1;
    }
    made->table = &table;
    made->settings.connect_timeout = 10 * LEAT_SECOND;
    leat_list_init(&made->origins);
    int status = options_parse(&table, count, arguments, made);
    if (status == 0) {
        status = prepare(made);
        if (status == 0) {
            run(made);
            if (made->sessions != NULL) {
                wait_for_tickets(made);
            }
            if (made->shows_progress) {
                progress_end(made);
            }
            status = report(made);
        }
        release(made);
    }
    leat_free(NULL, made);
    return status < 0 ? 0 : status;
}
