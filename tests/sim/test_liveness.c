/*
 * Liveness (quic/conn/liveness.c) over bad links in virtual time: a gap of two seconds is no ending
 * at a limit of three, and a peer that is gone is told within three seconds of its last packet.
 * Every case runs for many seeds, which draw the link and the moment.
 */
#include "leat_test.h"
#include "sim/run.h"

#define MS LEAT_MILLISECOND
#define LIMIT (3 * LEAT_SECOND)
#define GAP (2 * LEAT_SECOND)
#define WARNING LEAT_SECOND
#define SEEDS 50

static sim_result result;

/* What the server saw, by its own clock. */
typedef struct watcher {
    leat_time last_packet, warned_after, ended_after; /* the two: since the last packet */
    leat_time silent_for;                             /* as PeerResponsive told it */
    unsigned warnings, returns;
    leat_close_source source;
} watcher;

typedef struct rig {
    sim_config config;
    sim_flow flow;
    sim_task tasks[2];
    sim_change changes[3];
    leat_trace_sink sink;
    watcher seen;
    uint64_t dice;
} rig;

static uint64_t between(rig *r, uint64_t low, uint64_t high) {
    return sim_random_between(&r->dice, low, high);
}

static void on_record(void *user, const leat_trace_record *record) {
    rig *r = user;
    if (strcmp(record->name, "packet_received") == 0) {
        r->seen.last_packet = record->time;
    }
}

static void on_event(void *user, sim_side side, const leat_event *event, leat_time now) {
    rig *r = user;
    leat_time silent_for = now - r->seen.last_packet;
    if (side == SIM_CLIENT) {
        return;
    }
    if (event->type == LEAT_EVENT_PEER_UNRESPONSIVE) {
        r->seen.warnings++;
        r->seen.warned_after = silent_for;
    } else if (event->type == LEAT_EVENT_PEER_RESPONSIVE) {
        r->seen.returns++;
        r->seen.silent_for = event->peer_liveness.silent_for;
    } else if (event->type == LEAT_EVENT_CONNECTION_TERMINATED) {
        r->seen.source = event->connection_terminated.source;
        r->seen.ended_after = silent_for;
    }
}

/* A server that watches its client, which says nothing of its own for eight seconds. */
static void make(rig *r, uint64_t seed, leat_time rtt, leat_time jitter, sim_ppm loss) {
    memset(r, 0, sizeof *r);
    r->dice = sim_mix(seed);
    sim_config_init(&r->config);
    r->config.seed = seed;
    for (sim_side side = SIM_CLIENT; side < SIM_SIDES; side++) {
        r->config.link[side] = (sim_link_config){.delay = rtt / 2, .jitter = jitter, .loss = loss};
    }
    r->config.quic[SIM_SERVER].liveness = LIMIT;
    r->tasks[0] = (sim_task){.kind = SIM_TASK_PINGS, .side = SIM_CLIENT, .count = 2,
                             .interval = 8 * LEAT_SECOND};
    r->flow = (sim_flow){.tasks = r->tasks, .task_count = 1};
    r->config.flows = &r->flow;
    r->config.flow_count = 1;
    r->config.changes = r->changes;
    r->sink = (leat_trace_sink){on_record, r};
    r->config.trace[SIM_SERVER] = &r->sink;
    r->config.on_event = on_event;
    r->config.on_event_user = r;
}

/* Nothing leaves on either side; duration 0: for good. */
static void cut(rig *r, leat_time at, leat_time duration) {
    for (sim_side side = SIM_CLIENT; side < SIM_SIDES; side++) {
        r->changes[side] = (sim_change){.kind = SIM_CHANGE_DEATH, .side = side, .at = at,
                                        .duration = duration};
    }
    r->config.change_count = 2;
}

/* A download that takes the whole time. */
static void add_download(rig *r) {
    r->tasks[1] = (sim_task){.kind = SIM_TASK_STREAM, .size = 100, .answer = 5000000};
    r->config.link[SIM_SERVER].rate = 4000000;
    r->config.link[SIM_SERVER].queue = 40;
    r->flow.task_count = 2;
}

static void survive(rig *r) {
    ck_assert_msg(sim_run(&r->config, &result), "%s", result.failure);
    ck_assert(result.flows[0].is_complete);
    /* When all is done the client closes; that packet may get lost as well. */
    bool is_lossy = r->config.link[SIM_CLIENT].loss > 0 || r->changes[SIM_CLIENT].every > 0;
    ck_assert(is_lossy || r->seen.source == LEAT_SOURCE_PEER_APPLICATION);
}

/* ---- the peer is gone ------------------------------------------------------------------------ */

static void lose_peer(rig *r) {
    r->flow.may_die = true;
    ck_assert_msg(sim_run(&r->config, &result), "%s", result.failure);
    ck_assert_msg(r->seen.source == LEAT_SOURCE_LIVENESS_TIMEOUT, "seed %llu: %s",
                  (unsigned long long)r->config.seed, leat_close_source_name(r->seen.source));
    ck_assert_uint_le(r->seen.ended_after, LIMIT);
    ck_assert_uint_ge(r->seen.warnings, r->seen.returns + 1);
    ck_assert_uint_eq(r->seen.warned_after, WARNING);
}

START_TEST(a_killed_peer_is_reported_within_the_limit) {
    static rig r;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        leat_time rtt = (10 + seed % 20 * 10) * MS;
        make(&r, seed, rtt, 20 * MS, 2 * SIM_PERCENT);
        cut(&r, between(&r, 2000, 5000) * MS, 0);
        lose_peer(&r);
    }
}
END_TEST

/* The probes of liveness do not wait for the window, nor for a probe timeout that backs off. */
START_TEST(a_killed_peer_is_reported_in_the_middle_of_a_download) {
    static rig r;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        make(&r, seed, (10 + seed % 20 * 10) * MS, 20 * MS, 2 * SIM_PERCENT);
        add_download(&r);
        cut(&r, between(&r, 2000, 5000) * MS, 0);
        lose_peer(&r);
    }
}
END_TEST

/* ---- the peer comes back --------------------------------------------------------------------- */

START_TEST(a_gap_of_two_seconds_is_survived) {
    static rig r;
    unsigned warnings = 0, returns = 0;
    for (uint64_t seed = 1; seed <= 4 * SEEDS; seed++) {
        make(&r, seed, (10 + seed % 20 * 10) * MS, 0, 0);
        cut(&r, between(&r, 2000, 5000) * MS, GAP);
        survive(&r);
        ck_assert(r.seen.returns == 0 || r.seen.silent_for >= WARNING);
        warnings += r.seen.warnings;
        returns += r.seen.returns;
    }
    ck_assert_uint_eq(warnings, 4 * SEEDS);
    ck_assert_uint_eq(returns, warnings);
}
END_TEST

START_TEST(a_gap_of_two_seconds_is_survived_with_loss_and_jitter) {
    static rig r;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        make(&r, seed, (10 + seed % 10 * 10) * MS, 20 * MS, 2 * SIM_PERCENT);
        cut(&r, between(&r, 2000, 5000) * MS, GAP);
        survive(&r);
    }
}
END_TEST

/* What is in flight when the gap begins is lost; its window must not hold back the probes. */
START_TEST(a_gap_in_the_middle_of_a_download_is_survived) {
    static rig r;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        make(&r, seed, (10 + seed % 20 * 10) * MS, 0, 0);
        add_download(&r);
        cut(&r, between(&r, 2000, 5000) * MS, GAP);
        survive(&r);
        ck_assert_uint_eq(r.seen.returns, r.seen.warnings);
    }
}
END_TEST

/* The server's probes go to an address that is gone: a client that watches too finds it again. */
static void survive_rebinding(sim_change_kind kind) {
    static rig r;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        make(&r, seed, (10 + seed % 20 * 10) * MS, 0, 0);
        leat_time at = between(&r, 2000, 5000) * MS;
        r.config.quic[SIM_CLIENT].liveness = LIMIT;
        if (seed % 2 == 0) {
            add_download(&r);
        }
        cut(&r, at, GAP);
        r.changes[2] = (sim_change){.kind = kind, .at = at + between(&r, 0, 2000) * MS};
        r.config.change_count = 3;
        survive(&r);
    }
}

START_TEST(a_nat_may_change_the_port_in_the_gap) { survive_rebinding(SIM_CHANGE_REBIND_PORT); }
END_TEST

START_TEST(a_nat_may_change_the_address_in_the_gap) {
    survive_rebinding(SIM_CHANGE_REBIND_ADDRESS);
}
END_TEST

/* ---- dead most of the time ------------------------------------------------------------------- */

/*
 * One second on, two off. Each probe timeout is twice the one before (RFC 9002 §6.2.1-5, which
 * knows no bound but the idle timeout), and two probes of three meet a dead link: with nothing else
 * a connection ends by its idle timeout sooner or later, and rightly so. A handshake that begins in
 * the first dead second even must: its probes go out after 1, 3, 7, 15, ... seconds, which is 1 or
 * 0 in a period of three. What helps is a keep-alive (RFC 9000 §10.1.2), on either side: it does
 * not back off, and what is heard from the peer is used at once.
 */
static void make_flicker(rig *r, uint64_t seed, sim_side keeper) {
    make(r, seed, between(r, 10, 200) * MS, 0, 0);
    r->config.quic[SIM_SERVER].liveness = 0;
    r->config.quic[keeper].keep_alive = 500 * MS;
    for (sim_side side = SIM_CLIENT; side < SIM_SIDES; side++) {
        r->config.quic[side].max_idle_timeout = 10 * LEAT_SECOND;
        r->changes[side] = (sim_change){.kind = SIM_CHANGE_DEATH, .side = side, .at = LEAT_SECOND,
                                        .duration = GAP, .every = LEAT_SECOND};
    }
    r->config.change_count = 2;
    r->config.deadline = 600 * LEAT_SECOND;
    add_download(r);
    r->tasks[1].answer = 1000000;
}

static void survive_flicker(sim_side keeper) {
    static rig r;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        r.dice = sim_mix(seed);
        make_flicker(&r, seed, keeper);
        survive(&r);
    }
}

START_TEST(a_server_that_keeps_alive_outlasts_a_flickering_link) { survive_flicker(SIM_SERVER); }
END_TEST

/* TEST RFC 9000 §13.2.4: the server's own probes are minutes apart then; its ACKs ask instead. */
START_TEST(a_client_that_keeps_alive_outlasts_a_flickering_link) { survive_flicker(SIM_CLIENT); }
END_TEST

LEAT_TEST_MAIN("sim/liveness", a_killed_peer_is_reported_within_the_limit,
               a_killed_peer_is_reported_in_the_middle_of_a_download,
               a_gap_of_two_seconds_is_survived,
               a_gap_of_two_seconds_is_survived_with_loss_and_jitter,
               a_gap_in_the_middle_of_a_download_is_survived, a_nat_may_change_the_port_in_the_gap,
               a_nat_may_change_the_address_in_the_gap,
               a_server_that_keeps_alive_outlasts_a_flickering_link,
               a_client_that_keeps_alive_outlasts_a_flickering_link)
