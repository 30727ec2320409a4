/*
 * leat sim: a download over a simulated link in virtual time, and what came of it: in words, as
 * JSON, as qlog, as a picture. `leat sim table` compares the congestion controllers on ten links;
 * --scenario runs one of the random scenarios of the tests.
 */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "../commands.h"
#include "../options.h"
#include "recording.h"
#include "sim/plot.h"
#include "sim/profiles.h"
#include "sim/scenario.h"
#include "units.h"

#define SAMPLES 1000           /* in a picture, about */
#define REQUEST 40
#define DEADLINE (3600 * LEAT_SECOND)
#define CONNECTIONS_MAX 16
#define JITTER_TO_REORDER 4    /* one that is overtaken comes a quarter of the RTT later */

typedef struct settings {
    const char *rtt, *rate, *loss, *reorder, *jitter, *duplicate, *corrupt, *cross, *bytes;
    const char *congestion_control, *qlog, *pcap, *key_log, *plot;
    uint64_t queue, mtu, seed, connections, scenario;
    bool codel, json;
    option_list arguments;
} settings;

#define ROW(name, kind, member, argument, help) \
    {name, kind, offsetof(settings, member), argument, help}

static const option_row rows[] = {
    ROW("--rtt", OPTION_TEXT, rtt, "TIME", "round trip time of the empty link (50ms)"),
    ROW("--rate", OPTION_TEXT, rate, "RATE", "of each direction (20Mbps)"),
    ROW("--queue", OPTION_NUMBER, queue, "N", "datagrams that wait before the link (100)"),
    ROW("--codel", OPTION_FLAG, codel, NULL, "the queue drops by waiting time"),
    ROW("--loss", OPTION_TEXT, loss, "P", "of datagrams, in each direction: 1% or 0.01"),
    ROW("--reorder", OPTION_TEXT, reorder, "P", "datagrams that are overtaken"),
    ROW("--duplicate", OPTION_TEXT, duplicate, "P", "datagrams that come twice"),
    ROW("--corrupt", OPTION_TEXT, corrupt, "P", "datagrams with flipped bits"),
    ROW("--jitter", OPTION_TEXT, jitter, "TIME", "up to this much more delay"),
    ROW("--mtu", OPTION_NUMBER, mtu, "N", "larger IP packets vanish"),
    ROW("--cross", OPTION_TEXT, cross, "RATE", "other traffic in the queue"),
    ROW("--cc", OPTION_TEXT, congestion_control, "NAME", "cubic (default), newreno or bbr"),
    ROW("--bytes", OPTION_TEXT, bytes, "N", "to download on each connection (10MB)"),
    ROW("--connections", OPTION_NUMBER, connections, "N", "at the same time (1)"),
    ROW("--seed", OPTION_NUMBER, seed, "N", "the same seed is the same run (1)"),
    ROW("--scenario", OPTION_NUMBER, scenario, "SEED", "this random scenario of the tests instead"),
    ROW("--json", OPTION_FLAG, json, NULL, "one JSON object on stdout"),
    ROW("--qlog", OPTION_TEXT, qlog, "DIR", "traces of both sides"),
    ROW("--pcap", OPTION_TEXT, pcap, "FILE", "every datagram, as each side sends it"),
    ROW("--keylog", OPTION_TEXT, key_log, "FILE", "the secrets, for Wireshark and leat decode"),
    ROW("--plot", OPTION_TEXT, plot, "FILE.svg", "window, RTT, losses and goodput over time"),
};

static const option_table table = {
    .usage = "leat sim [OPTION]... [table]",
    .summary = "A download over a simulated link. `leat sim table` writes docs/congestion.md.",
    .rows = rows,
    .count = sizeof rows / sizeof rows[0],
    .positional = offsetof(settings, arguments),
    .takes_positional = true,
};

/* ---- from options to a run ------------------------------------------------------------------- */

typedef struct quantity {
    const char *option, *text;
    unit_kind kind;
    uint64_t *value;
} quantity;

static int parse_all(const quantity *quantities, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const quantity *q = &quantities[i];
        if (q->text != NULL && !units_parse(q->kind, q->text, q->value)) {
            return options_complain(&table, "%s: cannot read '%s'", q->option, q->text);
        }
    }
    return 0;
}

static int make_link(const settings *s, sim_link_config *link, uint64_t *bytes) {
    uint64_t rtt = 50 * LEAT_MILLISECOND, jitter = 0, loss = 0, reorder = 0, duplicate = 0;
    uint64_t corrupt = 0, rate = 20000000, cross = 0;
    const quantity quantities[] = {
        {"--rtt", s->rtt, UNIT_TIME, &rtt},
        {"--rate", s->rate, UNIT_RATE, &rate},
        {"--loss", s->loss, UNIT_FRACTION, &loss},
        {"--reorder", s->reorder, UNIT_FRACTION, &reorder},
        {"--duplicate", s->duplicate, UNIT_FRACTION, &duplicate},
        {"--corrupt", s->corrupt, UNIT_FRACTION, &corrupt},
        {"--jitter", s->jitter, UNIT_TIME, &jitter},
        {"--cross", s->cross, UNIT_RATE, &cross},
        {"--bytes", s->bytes, UNIT_BYTES, bytes},
    };
    int status = parse_all(quantities, sizeof quantities / sizeof quantities[0]);
    *link = (sim_link_config){
        .rate = rate, .delay = rtt / 2, .jitter = jitter, .queue = s->queue, .codel = s->codel,
        .loss = (sim_ppm)loss, .reordering = (sim_ppm)reorder, .mtu = s->mtu,
        .reorder_delay = rtt / JITTER_TO_REORDER + LEAT_MILLISECOND,
        .duplication = (sim_ppm)duplicate, .corruption = (sim_ppm)corrupt, .cross_rate = cross,
    };
    return status;
}

static int check_settings(const settings *s) {
    static const char *const names[] = {"newreno", "cubic", "bbr"};
    bool is_known = s->congestion_control == NULL;
    for (size_t i = 0; i < sizeof names / sizeof names[0] && !is_known; i++) {
        is_known = strcmp(names[i], s->congestion_control) == 0;
    }
    if (!is_known) {
        return options_complain(&table, "--cc: no controller '%s'", s->congestion_control);
    }
    if (s->connections == 0 || s->connections > CONNECTIONS_MAX) {
        return options_complain(&table, "--connections: from 1 to %d", CONNECTIONS_MAX);
    }
    return 0;
}

static int make_download(const settings *s, sim_config *config, sim_flow *flows, sim_task *task) {
    uint64_t bytes = 10000000;
    int status = check_settings(s);
    sim_config_init(config);
    sim_ample_windows(config);
    if (status == 0) {
        status = make_link(s, &config->link[SIM_SERVER], &bytes);
    }
    config->link[SIM_CLIENT] = config->link[SIM_SERVER];
    *task = (sim_task){.kind = SIM_TASK_STREAM, .size = REQUEST, .answer = bytes};
    for (size_t i = 0; i < s->connections && status == 0; i++) {
        flows[i] = (sim_flow){.tasks = task, .task_count = 1};
    }
    config->quic[SIM_CLIENT].congestion_control = s->congestion_control;
    config->quic[SIM_SERVER].congestion_control = s->congestion_control;
    config->seed = s->seed;
    config->flows = flows;
    config->flow_count = s->connections;
    config->deadline = DEADLINE;
    return status;
}

/* ---- results --------------------------------------------------------------------------------- */

static void print_flow(const sim_flow_result *flow, size_t number) {
    const leat_stats *stats = &flow->stats[SIM_SERVER];
    printf("connection %zu: %llu bytes in %.3f s, %.2f Mbps, handshake %.1f ms\n", number,
           (unsigned long long)flow->bytes, (double)(flow->ended - flow->begun) / 1e9,
           (double)sim_goodput(flow) / 1e6, (double)flow->handshake / 1e6);
    printf("  server: %llu packets sent, %llu lost; RTT %.1f ms (least %.1f); window %llu bytes\n",
           (unsigned long long)stats->packets_sent, (unsigned long long)stats->packets_lost,
           (double)stats->smoothed_rtt / 1e6, (double)stats->min_rtt / 1e6,
           (unsigned long long)stats->congestion_window);
}

static void print_text(const sim_config *config, const sim_result *result) {
    for (size_t i = 0; i < config->flow_count; i++) {
        print_flow(&result->flows[i], i);
    }
    printf("link:");
    for (sim_link_count i = 0; i < SIM_LINK_COUNTS; i++) {
        if (result->occurrences.link[i] > 0) {
            printf(" %llu %s;", (unsigned long long)result->occurrences.link[i],
                   sim_link_count_name(i));
        }
    }
    printf("\nfinished at %.3f s, digest %016llx\n", (double)result->finished / 1e9,
           (unsigned long long)result->digest);
}

static void print_json_flow(const sim_flow_result *flow) {
    const leat_stats *stats = &flow->stats[SIM_SERVER];
    printf("{\"bytes\":%llu,\"seconds\":%.9f,\"goodput_bps\":%llu,\"handshake_ms\":%.6f,"
           "\"packets_sent\":%llu,\"packets_lost\":%llu,\"smoothed_rtt_ms\":%.6f,"
           "\"min_rtt_ms\":%.6f,\"congestion_window\":%llu}",
           (unsigned long long)flow->bytes, (double)(flow->ended - flow->begun) / 1e9,
           (unsigned long long)sim_goodput(flow), (double)flow->handshake / 1e6,
           (unsigned long long)stats->packets_sent, (unsigned long long)stats->packets_lost,
           (double)stats->smoothed_rtt / 1e6, (double)stats->min_rtt / 1e6,
           (unsigned long long)stats->congestion_window);
}

static void print_json(const sim_config *config, const sim_result *result) {
    printf("{\"seed\":%llu,\"ok\":%s,\"finished\":%.9f,\"digest\":\"%016llx\",\"connections\":[",
           (unsigned long long)config->seed, result->failure[0] == '\0' ? "true" : "false",
           (double)result->finished / 1e9, (unsigned long long)result->digest);
    for (size_t i = 0; i < config->flow_count; i++) {
        printf("%s", i > 0 ? "," : "");
        print_json_flow(&result->flows[i]);
    }
    printf("],\"link\":{");
    for (sim_link_count i = 0; i < SIM_LINK_COUNTS; i++) {
        printf("%s\"%s\":%llu", i > 0 ? "," : "", sim_link_count_name(i),
               (unsigned long long)result->occurrences.link[i]);
    }
    printf("}}\n");
}

static int write_plot(const settings *s, const sim_plot *plot) {
    char title[128];
    FILE *file = fopen(s->plot, "w");
    if (file == NULL) {
        fprintf(stderr, "leat sim: cannot write %s\n", s->plot);
        return 1;
    }
    snprintf(title, sizeof title, "leat sim --seed %llu --cc %s", (unsigned long long)s->seed,
             s->congestion_control != NULL ? s->congestion_control : "cubic");
    sim_plot_write(plot, title, file);
    return fclose(file) == 0 ? 0 : 1;
}

/* ---- running --------------------------------------------------------------------------------- */

/* A first run tells how long it takes, so that the picture has about the same number of points. */
static void sample_well(sim_config *config, sim_plot *plot) {
    static sim_result trial;
    sim_config untraced = *config;
    untraced.trace[SIM_CLIENT] = untraced.trace[SIM_SERVER] = NULL;
    untraced.on_datagram = NULL;
    untraced.quic[SIM_CLIENT].key_log = NULL;
    sim_run(&untraced, &trial);
    leat_time end = 0;
    for (size_t i = 0; i < config->flow_count; i++) {
        end = trial.flows[i].ended > end ? trial.flows[i].ended : end;
    }
    config->sample_every = end / SAMPLES + LEAT_MICROSECOND;
    config->on_sample = sim_plot_add;
    config->on_sample_user = plot;
}

static int run_and_print(const settings *s, sim_config *config) {
    static sim_result result;
    sim_plot *plot = s->plot != NULL ? sim_plot_new(SIM_SERVER) : NULL;
    if (plot != NULL) {
        sample_well(config, plot);
    }
    int status = sim_run(config, &result) ? 0 : 1;
    if (s->json) {
        print_json(config, &result);
    } else {
        print_text(config, &result);
    }
    if (status != 0) {
        fprintf(stderr, "leat sim: %s\n", result.failure);
    }
    if (plot != NULL && write_plot(s, plot) != 0) {
        status = 1;
    }
    sim_plot_free(plot);
    return status;
}

static int run_recorded(const settings *s, sim_config *config) {
    recording kept = {0};
    int status = 1;
    if (recording_open(&table, &kept, s->qlog, s->pcap, s->key_log, config)) {
        status = run_and_print(s, config);
    }
    return recording_close(&kept) ? status : 1;
}

int command_sim(int count, char **arguments) {
    static sim_scenario scenario;
    static sim_flow flows[CONNECTIONS_MAX];
    settings s = {.queue = 100, .seed = 1, .connections = 1};
    sim_config config;
    sim_task task;
    int status = options_parse(&table, count, arguments, &s);
    if (status != 0) {
        return status < 0 ? 0 : status;
    }
    bool is_table = s.arguments.count == 1 && strcmp(s.arguments.values[0], "table") == 0;
    if (s.arguments.count > 0 && !is_table) {
        return options_complain(&table, "unexpected argument '%s'", s.arguments.values[0]);
    }
    if (is_table) {
        return sim_table_write(s.seed, stdout) ? 0 : 1;
    }
    if (s.scenario != 0) {
        sim_scenario_random(&scenario, s.scenario);
        return run_recorded(&s, &scenario.config);
    }
    status = make_download(&s, &config, flows, &task);
    return status != 0 ? status : run_recorded(&s, &config);
}
