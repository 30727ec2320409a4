/*
 * The cases of the QUIC interop runner as scenarios: its files, its links, its conditions, with
 * fixed seeds. The application is a request of forty bytes and an answer of the file's size, as
 * HTTP/0.9 over QUIC would be. Prints TAP; a case whose feature does not exist is a named skip.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "observer.h"

#define KB 1024u
#define MB (1024u * 1024u)
#define FILES_MAX 4
#define FLOWS_MAX 50
#define REQUEST 40
#define SEEDS 5

typedef struct rig {
    sim_config config;
    sim_flow flows[FLOWS_MAX];
    sim_task tasks[FLOWS_MAX][FILES_MAX];
    sim_change changes[SIM_SIDES];
    observer seen;
    sim_result result;
} rig;

typedef struct interop_case {
    const char *name;
    const char *skip;              /* why it cannot run */
    uint64_t files[FILES_MAX];     /* of each connection, all at once */
    unsigned count;                /* streams of each file; 0 is 1 */
    unsigned connections;          /* one after the other; 0 is 1 */
    leat_time limit;               /* 0: a minute */
    void (*set_up)(rig *r);
    const char *(*check)(const rig *r); /* what is wrong, or NULL */
} interop_case;

/* ---- the runner's links ---------------------------------------------------------------------- */

static void default_link(sim_link_config *link) {
    *link = (sim_link_config){.delay = 15 * LEAT_MILLISECOND, .rate = 10000000, .queue = 25};
}

static void long_rtt(rig *r) {
    r->config.link[SIM_CLIENT].delay = r->config.link[SIM_SERVER].delay = 750 * LEAT_MILLISECOND;
}

static void only_chacha20(rig *r) {
    static const uint16_t suites[] = {0x1303};
    r->config.quic[SIM_CLIENT].cipher_suites = suites;
    r->config.quic[SIM_CLIENT].cipher_suite_count = 1;
}

static void prefer_version_2(rig *r) {
    static const uint32_t versions[] = {LEAT_QUIC_VERSION_2, LEAT_QUIC_VERSION_1};
    r->config.quic[SIM_SERVER].versions = versions;
    r->config.quic[SIM_SERVER].version_count = 2;
    r->seen.expects_version_2 = true;
}

static void many_streams(rig *r) { r->config.quic[SIM_SERVER].max_streams_bidi = 1000; }
static void with_retry(rig *r) { r->config.retry = true; }
static void over_ipv6(rig *r) { r->config.is_ipv6 = true; }

/*
 * Half of all round trips fail: ten seconds are not enough for everybody. As `leat interop` does,
 * both sides expect a short round trip; after a second of it for each loss the backoff is too long.
 */
static void be_patient(rig *r) {
    for (sim_side side = SIM_CLIENT; side < SIM_SIDES; side++) {
        r->config.quic[side].handshake_timeout = 60 * LEAT_SECOND;
        r->config.quic[side].initial_rtt = 100 * LEAT_MILLISECOND;
    }
}

static void lose(rig *r, sim_ppm loss) {
    be_patient(r);
    for (sim_side side = SIM_CLIENT; side < SIM_SIDES; side++) {
        r->config.link[side].loss = loss;
        r->config.link[side].loss_run_max = 3;
    }
}

static void corrupt(rig *r, sim_ppm corruption) {
    be_patient(r);
    for (sim_side side = SIM_CLIENT; side < SIM_SIDES; side++) {
        r->config.link[side].corruption = corruption;
        r->config.link[side].corruption_run_max = 3;
    }
}

static void lose_much(rig *r) { lose(r, 30 * SIM_PERCENT); }
static void lose_little(rig *r) { lose(r, 2 * SIM_PERCENT); }
static void corrupt_much(rig *r) { corrupt(r, 30 * SIM_PERCENT); }
static void corrupt_little(rig *r) { corrupt(r, 2 * SIM_PERCENT); }

static void black_hole(rig *r) {
    for (sim_side side = SIM_CLIENT; side < SIM_SIDES; side++) {
        r->changes[side] = (sim_change){.kind = SIM_CHANGE_DEATH, .side = side,
                                        .at = 5 * LEAT_SECOND, .duration = 2 * LEAT_SECOND,
                                        .every = 5 * LEAT_SECOND};
    }
    r->config.change_count = SIM_SIDES;
}

/* A client that only downloads may have nothing to say when its address changes. */
static void rebind(rig *r, sim_change_kind kind) {
    r->config.quic[SIM_CLIENT].keep_alive = LEAT_SECOND;
    r->changes[0] = (sim_change){.kind = kind, .at = LEAT_SECOND, .every = 5 * LEAT_SECOND};
    r->config.change_count = 1;
}

static void rebind_port(rig *r) { rebind(r, SIM_CHANGE_REBIND_PORT); }
static void rebind_address(rig *r) { rebind(r, SIM_CHANGE_REBIND_ADDRESS); }

static void prefer_other_port(rig *r) { r->config.has_preferred_address = true; }

static void resume(rig *r) {
    r->config.tickets = true;
    r->flows[1].resumes = true;
}

static void send_early(rig *r) {
    resume(r);
    r->config.early_data = true;
    r->tasks[0][0].count = 1;
}

static void update_keys(rig *r) {
    r->tasks[0][1] = (sim_task){.kind = SIM_TASK_KEY_UPDATES, .side = SIM_CLIENT};
    r->flows[0].task_count = 2;
}

/* The client's datagrams two to seven are lost, and the server's flight is long. */
static void starve_server(rig *r) {
    r->config.link[SIM_CLIENT].drop_numbers = 0x7e;
    r->config.chain_length = 9;
}

/* Somebody else's CUBIC has data all the time. */
static void share_link(rig *r) {
    r->tasks[1][0] = (sim_task){.kind = SIM_TASK_STREAM, .size = REQUEST, .answer = 25 * MB};
    r->flows[1] = (sim_flow){.tasks = r->tasks[1], .task_count = 1};
    r->config.quic[SIM_SERVER].congestion_control = "cubic";
    r->config.flow_count = 2;
}

/* ---- the runner's conditions ----------------------------------------------------------------- */

static const char *one_handshake(const rig *r) {
    return r->seen.server_ids.count == r->config.flow_count ? NULL : "not one handshake each";
}

static const char *one_handshake_no_retry(const rig *r) {
    return r->seen.retries > 0 ? "a Retry" : one_handshake(r);
}

static const char *two_hellos(const rig *r) {
    return r->seen.client_hellos >= 2 ? one_handshake_no_retry(r) : "only one ClientHello";
}

static const char *retry_is_answered(const rig *r) {
    if (r->seen.retries == 0 || r->seen.initials_with_token == 0) {
        return "no Retry, or no token";
    }
    return r->seen.initial_number_reset ? "packet numbers begin again" : NULL;
}

static const char *second_is_resumed(const rig *r) {
    bool is_right = !r->result.flows[0].is_resumed && r->result.flows[1].is_resumed;
    return is_right ? one_handshake(r) : "not the second connection is resumed";
}

/* RFC 9001 §4.6: the others in the first flight: an answer to all of them in a round trip. */
static const char *second_is_early(const rig *r) {
    leat_time late = r->result.flows[1].ended - r->config.flows[1].start;
    if (!r->result.flows[1].is_early) {
        return "early data was not accepted";
    }
    return late > 60 * LEAT_MILLISECOND ? "the answers took two round trips" : second_is_resumed(r);
}

static const char *chacha20_is_used(const rig *r) {
    const char *suite = r->result.flows[0].cipher_suite;
    bool is_right = suite != NULL && strcmp(suite, "TLS_CHACHA20_POLY1305_SHA256") == 0;
    return is_right ? one_handshake(r) : "another cipher suite";
}

static const char *version_2_is_used(const rig *r) {
    bool is_right = r->result.flows[0].version == LEAT_QUIC_VERSION_2;
    return is_right ? one_handshake_no_retry(r) : "another version";
}

static const char *both_update(const rig *r) {
    bool both = r->seen.key_updates[SIM_CLIENT] > 0 && r->seen.key_updates[SIM_SERVER] > 0;
    return both ? one_handshake(r) : "keys are not updated on both sides";
}

static const char *limit_is_kept(const rig *r) {
    return r->seen.server_crypto >= 7500 ? one_handshake(r) : "the server's flight is too short";
}

static const char *paths_are_validated(const rig *r) {
    if (r->seen.path_count < 2) {
        return "only one path";
    }
    if (r->seen.unchallenged_paths > 0) {
        return "a first packet on a new path without PATH_CHALLENGE";
    }
    return r->seen.responses == 0 ? "no PATH_RESPONSE" : one_handshake(r);
}

static const char *hosts_are_validated(const rig *r) {
    return r->seen.hosts < 2 ? "only one host" : paths_are_validated(r);
}

static const char *preferred_is_taken(const rig *r) {
    if (r->result.occurrences.feature[SIM_FEATURE_PREFERRED_ADDRESS] != 1) {
        return "the client did not go to the preferred address";
    }
    if (r->seen.challenges == 0 || r->seen.responses == 0) {
        return "the server did not ask, or was not answered";
    }
    return one_handshake(r);
}

static const char *marks_are_counted(const rig *r) {
    bool both = r->seen.acks_with_ecn[SIM_CLIENT] > 0 && r->seen.acks_with_ecn[SIM_SERVER] > 0;
    if (!both || r->result.occurrences.link[SIM_LINK_CODEL_MARKED] > 0) {
        return "marks are not acknowledged on both sides";
    }
    for (sim_side side = SIM_CLIENT; side < SIM_SIDES; side++) {
        if (!r->result.flows[0].stats[side].is_ecn_capable) {
            return "a path that carries marks was not found capable";
        }
    }
    return one_handshake_no_retry(r);
}

static const char *link_is_used(const rig *r) {
    return sim_goodput(&r->result.flows[0]) >= 8500000 ? NULL : "goodput below 85 percent";
}

static const char *link_is_shared(const rig *r) {
    return sim_goodput(&r->result.flows[0]) >= 2500000 ? NULL : "goodput below a quarter";
}

static const interop_case cases[] = {
    {.name = "handshake", .files = {1 * KB}, .check = one_handshake_no_retry},
    {.name = "transfer", .files = {2 * MB, 3 * MB, 5 * MB}, .check = one_handshake},
    {.name = "longrtt", .files = {1 * KB}, .set_up = long_rtt, .check = two_hellos},
    {.name = "chacha20", .files = {3 * MB}, .set_up = only_chacha20, .check = chacha20_is_used},
    {.name = "multiplexing", .files = {32}, .count = 1999, .set_up = many_streams, .check = one_handshake},
    {.name = "retry", .files = {10 * KB}, .set_up = with_retry, .check = retry_is_answered},
    {.name = "resumption", .files = {5 * KB, 10 * KB}, .connections = 2, .set_up = resume, .check = second_is_resumed},
    {.name = "zerortt", .files = {32}, .count = 39, .connections = 2, .set_up = send_early, .check = second_is_early},
    {.name = "http3", .files = {5 * KB, 10 * KB, 500 * KB}, .check = one_handshake},
    {.name = "blackhole", .files = {10 * MB}, .set_up = black_hole, .check = one_handshake},
    {.name = "keyupdate", .files = {3 * MB}, .set_up = update_keys, .check = both_update},
    {.name = "ecn", .files = {100 * KB}, .check = marks_are_counted},
    {.name = "amplificationlimit", .files = {5 * KB}, .set_up = starve_server, .check = limit_is_kept},
    {.name = "handshakeloss", .files = {1 * KB}, .connections = 50, .limit = 300 * LEAT_SECOND, .set_up = lose_much, .check = one_handshake},
    {.name = "transferloss", .files = {2 * MB}, .set_up = lose_little, .check = one_handshake},
    {.name = "handshakecorruption", .files = {1 * KB}, .connections = 50, .limit = 300 * LEAT_SECOND, .set_up = corrupt_much, .check = one_handshake},
    {.name = "transfercorruption", .files = {2 * MB}, .set_up = corrupt_little, .check = one_handshake},
    {.name = "ipv6", .files = {5 * KB, 10 * KB}, .set_up = over_ipv6, .check = one_handshake},
    {.name = "v2", .files = {1 * KB}, .set_up = prefer_version_2, .check = version_2_is_used},
    {.name = "rebind-port", .files = {10 * MB}, .set_up = rebind_port, .check = paths_are_validated},
    {.name = "rebind-addr", .files = {10 * MB}, .set_up = rebind_address, .check = hosts_are_validated},
    {.name = "connectionmigration", .files = {2 * MB}, .set_up = prefer_other_port, .check = preferred_is_taken},
    {.name = "goodput", .files = {10 * MB}, .check = link_is_used},
    {.name = "crosstraffic", .files = {25 * MB}, .limit = 180 * LEAT_SECOND, .set_up = share_link, .check = link_is_shared},
};
#define CASES (sizeof cases / sizeof cases[0])

/* ---- running --------------------------------------------------------------------------------- */

static void make_flow(rig *r, const interop_case *plan, size_t number) {
    sim_flow *flow = &r->flows[number];
    *flow = (sim_flow){.tasks = r->tasks[number], .start = number * LEAT_SECOND};
    while (flow->task_count < FILES_MAX && plan->files[flow->task_count] != 0) {
        r->tasks[number][flow->task_count] =
            (sim_task){.kind = SIM_TASK_STREAM, .count = plan->count, .size = REQUEST,
                       .answer = plan->files[flow->task_count]};
        flow->task_count++;
    }
}

static void make_rig(rig *r, const interop_case *plan, uint64_t seed) {
    memset(r, 0, sizeof *r);
    sim_config_init(&r->config);
    r->config.seed = seed;
    r->config.flows = r->flows;
    r->config.flow_count = plan->connections > 1 ? plan->connections : 1;
    r->config.changes = r->changes;
    /* The runner's limit, and what a close that is lost may take after it. */
    r->config.deadline = (plan->limit != 0 ? plan->limit : 60 * LEAT_SECOND) + 31 * LEAT_SECOND;
    default_link(&r->config.link[SIM_CLIENT]);
    default_link(&r->config.link[SIM_SERVER]);
    for (size_t i = 0; i < r->config.flow_count; i++) {
        make_flow(r, plan, i);
    }
    observer_attach(&r->seen, &r->config);
    if (plan->set_up != NULL) {
        plan->set_up(r);
    }
}

/* What is wrong, or NULL. */
static const char *run_case(rig *r, const interop_case *plan, uint64_t seed) {
    leat_time limit = plan->limit != 0 ? plan->limit : 60 * LEAT_SECOND;
    make_rig(r, plan, seed);
    if (!sim_run(&r->config, &r->result)) {
        return r->result.failure;
    }
    for (size_t i = 0; i < r->config.flow_count; i++) {
        if (!r->result.flows[i].is_complete || r->result.flows[i].ended > limit) {
            return "a file came late or not at all";
        }
    }
    return r->seen.wrong_versions > 0 ? "a packet of the wrong version" : plan->check(r);
}

int main(void) {
    static rig r;
    unsigned failures = 0;
    printf("1..%zu\n", CASES);
    for (size_t i = 0; i < CASES; i++) {
        const char *wrong = NULL;
        for (uint64_t seed = 1; cases[i].skip == NULL && wrong == NULL && seed <= SEEDS; seed++) {
            wrong = run_case(&r, &cases[i], seed);
        }
        failures += wrong != NULL;
        printf("%s %zu - interop case %s%s%s\n", wrong == NULL ? "ok" : "not ok", i + 1,
               cases[i].name, cases[i].skip != NULL ? " # SKIP " : "",
               cases[i].skip != NULL ? cases[i].skip : "");
        if (wrong != NULL) {
            printf("# seed %llu: %s\n", (unsigned long long)r.config.seed, wrong);
        }
        fflush(stdout);
    }
    return failures != 0;
}
