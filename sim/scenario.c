/* How a seed becomes a scenario. Every choice is one draw; the order of draws is the scenario. */
#include "sim/scenario.h"

#include <string.h>

typedef struct dice {
    uint64_t state;
} dice;

static bool chance(dice *d, unsigned percent) {
    return sim_random_chance(&d->state, percent * SIM_PERCENT);
}
static uint64_t between(dice *d, uint64_t low, uint64_t high) {
    return sim_random_between(&d->state, low, high);
}
static uint64_t magnitude(dice *d, uint64_t low, uint64_t high) {
    return sim_random_magnitude(&d->state, low, high);
}
/* A chance of up to `most` percent, small ones as likely as large ones. */
static sim_ppm ppm(dice *d, unsigned most) {
    return (sim_ppm)magnitude(d, SIM_PERCENT / 10, most * SIM_PERCENT);
}
static sim_side any_side(dice *d) { return chance(d, 50) ? SIM_CLIENT : SIM_SERVER; }

/* ---- links ----------------------------------------------------------------------------------- */

static void draw_queue(dice *d, sim_link_config *link) {
    if (chance(d, 60)) {
        link->rate = magnitude(d, 200000, 1000000000);
        link->queue = chance(d, 70) ? magnitude(d, 4, 300) : 0;
        link->codel = chance(d, 25);
        link->marks = chance(d, 50);
        if (chance(d, 15)) {
            link->cross_rate = link->rate / 3;
        }
    }
}

static void draw_faults(dice *d, sim_link_config *link) {
    if (chance(d, 35)) {
        link->loss = ppm(d, 20);
        link->loss_run_max = chance(d, 50) ? (unsigned)between(d, 1, 5) : 0;
    }
    if (chance(d, 15)) {
        link->burst = ppm(d, 2);
        link->burst_length = (unsigned)between(d, 2, 12);
    }
    if (chance(d, 10)) {
        link->drop_numbers = sim_random(&d->state) & sim_random(&d->state) & 0xffff;
    }
    if (chance(d, 20)) {
        link->corruption = ppm(d, 10);
    }
    if (chance(d, 20)) {
        link->duplication = ppm(d, 30);
    }
    if (chance(d, 30)) {
        link->reordering = ppm(d, 30);
        link->reorder_delay = magnitude(d, LEAT_MICROSECOND, 50 * LEAT_MILLISECOND);
    }
    if (chance(d, 15)) {
        link->marking = ppm(d, 20);
    }
    if (chance(d, 10)) {
        link->bleaching = chance(d, 50) ? SIM_ALWAYS : ppm(d, 50);
    }
}

static void draw_links(dice *d, sim_config *config) {
    leat_time delay =
        chance(d, 10) ? 0 : magnitude(d, 10 * LEAT_MICROSECOND, 400 * LEAT_MILLISECOND);
    for (sim_side side = SIM_CLIENT; side < SIM_SIDES; side++) {
        sim_link_config *link = &config->link[side];
        *link = (sim_link_config){.delay = delay};
        if (chance(d, 20)) {
            link->delay += between(d, 0, delay);
        }
        if (chance(d, 30)) {
            link->jitter = magnitude(d, LEAT_MICROSECOND, 30 * LEAT_MILLISECOND);
        }
        draw_queue(d, link);
        if (chance(d, 75)) {
            draw_faults(d, link);
        }
    }
}

/* ---- both sides ------------------------------------------------------------------------------ */

static void draw_limits(dice *d, leat_config *quic) {
    if (chance(d, 40)) {
        quic->max_data = magnitude(d, 2000, 4000000);
        quic->max_stream_data = magnitude(d, 1000, 1000000);
    }
    if (chance(d, 40)) {
        quic->max_streams_bidi = magnitude(d, 1, 200);
        quic->max_streams_uni = magnitude(d, 1, 200);
    }
    if (chance(d, 30)) {
        quic->send_buffer_limit = magnitude(d, 1000, 500000);
        quic->datagram_queue_limit = magnitude(d, 1, 300);
    }
    quic->active_connection_id_limit = between(d, 2, 8);
    quic->manual_credit = chance(d, 20);
    quic->reset_stream_at = !chance(d, 10);
}

static void draw_side(dice *d, sim_side side, leat_config *quic) {
    static const char *const controllers[] = {"newreno", "cubic", "bbr"};
    draw_limits(d, quic);
    /* Long silence happens on bad links; the defaults are for people who wait. */
    quic->max_idle_timeout = 600 * LEAT_SECOND;
    quic->handshake_timeout = 0;
    quic->connection_id_length = between(d, side == SIM_CLIENT ? 1 : 4, LEAT_CID_MAX);
    quic->max_send_udp_payload = chance(d, 50) ? between(d, 1200, 1472) : 1252;
    quic->pacing = chance(d, 85);
    if (chance(d, 30)) {
        quic->max_ack_delay = between(d, 0, 200) * LEAT_MILLISECOND;
        quic->ack_delay_exponent = (uint8_t)between(d, 0, 10);
    }
    if (chance(d, 10)) {
        quic->keep_alive = between(d, 100, 5000) * LEAT_MILLISECOND;
    }
    if (chance(d, 30)) {
        quic->initial_rtt = magnitude(d, LEAT_MILLISECOND, LEAT_SECOND);
    }
    quic->congestion_control = controllers[between(d, 0, 2)];
}

/* ---- versions -------------------------------------------------------------------------------- */

typedef struct version_list {
    uint32_t versions[2];
    size_t count;
} version_list;

static const version_list version_lists[] = {
    {{LEAT_QUIC_VERSION_1, LEAT_QUIC_VERSION_2}, 2},
    {{LEAT_QUIC_VERSION_2, LEAT_QUIC_VERSION_1}, 2},
    {{LEAT_QUIC_VERSION_1}, 1},
    {{LEAT_QUIC_VERSION_2}, 1},
};
#define LISTS_OF_BOTH 2
#define LISTS (sizeof version_lists / sizeof version_lists[0])

/* One side lists both versions, so that there is one in common. */
static void draw_versions(dice *d, sim_config *config) {
    sim_side free_side = any_side(d);
    for (sim_side side = SIM_CLIENT; side < SIM_SIDES; side++) {
        leat_config *quic = &config->quic[side];
        size_t drawn = between(d, 0, (side == free_side ? LISTS : LISTS_OF_BOTH) - 1);
        quic->grease = chance(d, 85);
        if (chance(d, 50)) {
            quic->versions = version_lists[drawn].versions;
            quic->version_count = version_lists[drawn].count;
        }
    }
    const leat_config *client = &config->quic[SIM_CLIENT];
    if (client->versions == NULL || client->version_count == 2) {
        config->quic[SIM_CLIENT].original_version = chance(d, 30) ? LEAT_QUIC_VERSION_2 : 0;
    }
}

/* ---- changes --------------------------------------------------------------------------------- */

static void draw_change(dice *d, const sim_config *config, sim_change *change) {
    *change = (sim_change){.kind = (sim_change_kind)between(d, 0, SIM_CHANGE_KINDS - 1),
                           .side = any_side(d), .at = between(d, 0, 3000) * LEAT_MILLISECOND};
    change->duration = between(d, 1, 2000) * LEAT_MILLISECOND;
    change->every = chance(d, 20) ? change->duration + between(d, 2, 9) * LEAT_SECOND : 0;
    switch (change->kind) {
    case SIM_CHANGE_RATE:
        change->value = (int64_t)(config->link[change->side].rate / between(d, 1, 8));
        change->duration = chance(d, 50) ? change->duration : 0;
        break;
    case SIM_CHANGE_DELAY:
        change->value = (int64_t)magnitude(d, LEAT_MILLISECOND, 300 * LEAT_MILLISECOND);
        change->duration = chance(d, 50) ? change->duration : 0;
        break;
    case SIM_CHANGE_MTU:
        change->value = (int64_t)between(d, 576, 1500);
        break;
    case SIM_CHANGE_WALL_CLOCK:
        change->value = (int64_t)between(d, 0, 2000000) - 1000000;
        break;
    case SIM_CHANGE_REBIND_PORT:
    case SIM_CHANGE_REBIND_ADDRESS:
        change->every = chance(d, 30) ? between(d, 10, 40) * LEAT_SECOND : 0;
        break;
    default:
        break;
    }
}

/* A client that never sends is not found again after its address changed. */
static void keep_path_alive(dice *d, sim_scenario *scenario, const sim_change *change) {
    if (change->kind == SIM_CHANGE_REBIND_PORT || change->kind == SIM_CHANGE_REBIND_ADDRESS) {
        scenario->config.quic[SIM_CLIENT].keep_alive = between(d, 200, 3000) * LEAT_MILLISECOND;
    }
}

static void draw_changes(dice *d, sim_scenario *scenario) {
    size_t count = chance(d, 50) ? between(d, 1, SIM_SCENARIO_CHANGES) : 0;
    for (size_t i = 0; i < count; i++) {
        draw_change(d, &scenario->config, &scenario->changes[i]);
        keep_path_alive(d, scenario, &scenario->changes[i]);
    }
    scenario->config.changes = scenario->changes;
    scenario->config.change_count = count;
}

/* ---- work ------------------------------------------------------------------------------------ */

static void draw_streams(dice *d, uint64_t budget, sim_task *task) {
    task->unidirectional = chance(d, 40);
    task->count = chance(d, 30) ? (unsigned)magnitude(d, 2, 60) : 1;
    budget = budget / task->count + 2;
    task->size = chance(d, 10) ? between(d, 0, 1) : magnitude(d, 1, budget);
    task->answer = chance(d, 20) ? 0 : magnitude(d, 1, budget);
    task->limit = chance(d, 20) ? 0 : between(d, 0, task->size);
    if (task->kind == SIM_TASK_HOLD) {
        task->interval = between(d, 1, 3000) * LEAT_MILLISECOND;
    }
}

static void draw_task(dice *d, uint64_t budget, sim_task *task) {
    static const sim_task_kind kinds[] = {
        SIM_TASK_STREAM,    SIM_TASK_STREAM, SIM_TASK_STREAM,      SIM_TASK_RESET,
        SIM_TASK_STOP,      SIM_TASK_HOLD,   SIM_TASK_DATAGRAMS,   SIM_TASK_DATAGRAMS,
        SIM_TASK_PINGS,     SIM_TASK_PINGS,  SIM_TASK_KEY_UPDATES, SIM_TASK_CONNECTION_IDS,
        SIM_TASK_RESET_AT,  SIM_TASK_PROBES, SIM_TASK_MIGRATIONS,
    };
    *task = (sim_task){.kind = kinds[between(d, 0, sizeof kinds / sizeof kinds[0] - 1)],
                       .side = any_side(d)};
    task->at = chance(d, 50) ? 0 : between(d, 0, 4000) * LEAT_MILLISECOND;
    task->interval = chance(d, 30) ? 0 : magnitude(d, LEAT_MICROSECOND, LEAT_SECOND);
    if (task->kind <= SIM_TASK_HOLD) {
        draw_streams(d, budget, task);
    } else if (task->kind == SIM_TASK_DATAGRAMS) {
        task->count = (unsigned)magnitude(d, 1, 50);
        task->size = between(d, 8, 1500);
    } else {
        task->count = (unsigned)between(d, 1, 4);
    }
    if (task->kind == SIM_TASK_PROBES || task->kind == SIM_TASK_MIGRATIONS) {
        task->side = SIM_CLIENT;
    }
}

/* What takes some twenty seconds of the slower direction, and never too much to compute. */
static uint64_t budget_of(const sim_config *config) {
    uint64_t budget = 400000;
    for (sim_side side = SIM_CLIENT; side < SIM_SIDES; side++) {
        uint64_t rate = config->link[side].rate;
        if (rate != 0 && rate / 8 * 20 < budget) {
            budget = rate / 8 * 20;
        }
    }
    return budget;
}

static void draw_flow(dice *d, uint64_t budget, sim_flow *flow, sim_task *tasks) {
    *flow = (sim_flow){.tasks = tasks, .task_count = between(d, 1, SIM_SCENARIO_TASKS - 1)};
    flow->start = chance(d, 60) ? 0 : between(d, 0, 2000) * LEAT_MILLISECOND;
    flow->resumes = chance(d, 50);
    for (size_t i = 0; i < flow->task_count; i++) {
        draw_task(d, budget / flow->task_count + 1, &tasks[i]);
    }
    if (chance(d, 8)) {
        tasks[flow->task_count++] = (sim_task){.kind = SIM_TASK_CLOSE, .side = any_side(d),
                                               .at = between(d, 0, 4000) * LEAT_MILLISECOND};
    }
}

static void draw_flows(dice *d, sim_scenario *scenario) {
    size_t count = chance(d, 85) ? 1 : between(d, 2, SIM_SCENARIO_FLOWS);
    uint64_t budget = budget_of(&scenario->config) / count;
    for (size_t i = 0; i < count; i++) {
        draw_flow(d, budget, &scenario->flows[i], scenario->tasks[i]);
    }
    scenario->config.flows = scenario->flows;
    scenario->config.flow_count = count;
}

/* ---- endings --------------------------------------------------------------------------------- */

/* The link dies in both directions for longer than anybody waits, perhaps from the beginning. */
static void draw_death(dice *d, sim_scenario *scenario) {
    sim_config *config = &scenario->config;
    leat_time at = chance(d, 30) ? 0 : between(d, 0, 3000) * LEAT_MILLISECOND;
    leat_time duration = between(d, 1, 40) * LEAT_SECOND;
    for (sim_side side = SIM_CLIENT; side < SIM_SIDES; side++) {
        scenario->changes[side] = (sim_change){.kind = SIM_CHANGE_DEATH, .side = side, .at = at,
                                               .duration = duration};
        config->quic[side].max_idle_timeout = between(d, 2, 30) * LEAT_SECOND;
        config->quic[side].handshake_timeout = between(d, 1, 10) * LEAT_SECOND;
        config->quic[side].liveness = chance(d, 50) ? between(d, 2, 6) * LEAT_SECOND : 0;
    }
    config->quic[SIM_SERVER].request_timeout = chance(d, 50) ? between(d, 1, 10) * LEAT_SECOND : 0;
    config->changes = scenario->changes;
    config->change_count = config->change_count > 2 ? config->change_count : 2;
    for (size_t i = 0; i < config->flow_count; i++) {
        scenario->flows[i].may_die = true;
    }
}

/* ---- what paths do to marks and large datagrams ---------------------------------------------- */

static void draw_paths(dice *d, sim_config *config) {
    for (sim_side side = SIM_CLIENT; side < SIM_SIDES; side++) {
        sim_link_config *link = &config->link[side];
        config->quic[side].ecn = chance(d, 90);
        if (chance(d, 5)) {
            link->remarking = chance(d, 50) ? SIM_ALWAYS : ppm(d, 50);
        }
        link->drops_marked = chance(d, 3);
        config->quic[side].max_mtu = chance(d, 30) ? between(d, 1200, 9000) : 0;
        config->quic[side].spin_bit = chance(d, 80);
        if (chance(d, 30)) {
            link->mtu = between(d, 1300, 9000);
        }
    }
}

/* With dice of its own: scenarios of old keep their seeds. */
static void draw_early_data(uint64_t seed, sim_scenario *scenario) {
    dice d = {sim_mix(~seed)};
    scenario->config.early_data = scenario->config.tickets && chance(&d, 70);
    for (size_t i = 0; i < scenario->config.flow_count; i++) {
        scenario->flows[i].rejects_early_data = chance(&d, 30);
    }
}

void sim_scenario_random(sim_scenario *scenario, uint64_t seed) {
    dice d = {sim_mix(seed)};
    memset(scenario, 0, sizeof *scenario);
    sim_config *config = &scenario->config;
    sim_config_init(config);
    config->seed = seed;
    config->deadline = 7200 * LEAT_SECOND;
    config->retry = chance(&d, 15);
    config->tickets = chance(&d, 30);
    config->is_ipv6 = chance(&d, 30);
    config->has_preferred_address = chance(&d, 20);
    config->chain_length = chance(&d, 20) ? (unsigned)between(&d, 2, 10) : 1;
    draw_links(&d, config);
    draw_side(&d, SIM_CLIENT, &config->quic[SIM_CLIENT]);
    draw_side(&d, SIM_SERVER, &config->quic[SIM_SERVER]);
    draw_flows(&d, scenario);
    draw_changes(&d, scenario);
    if (chance(&d, 4)) {
        draw_death(&d, scenario);
    }
    draw_early_data(seed, scenario);
    draw_paths(&d, config);
    draw_versions(&d, config);
}
