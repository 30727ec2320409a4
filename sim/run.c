/*
 * The clock of a run: the next thing that happens is an arrival, a timer, a change, a connection
 * that begins or a piece of work; everything due at one time is done in this order.
 */
#include "sim/run.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "sim/world.h"

#define STEPS_AT_ONE_TIME 1000
#define DEFAULT_DELAY (10 * LEAT_MILLISECOND)
#define DEFAULT_DEADLINE (600 * LEAT_SECOND)

void sim_config_init(sim_config *config) {
    static const uint16_t groups[] = {0x001d}; /* X25519: shares have one length everywhere */
    *config = (sim_config){.deadline = DEFAULT_DEADLINE, .seed = 1};
    for (sim_side side = SIM_CLIENT; side < SIM_SIDES; side++) {
        leat_config_init(&config->quic[side], side == SIM_CLIENT);
        config->quic[side].max_datagram_frame_size = 65535;
        config->quic[side].certificate_compression = false; /* runs do not depend on who has zlib */
        config->quic[side].groups = groups;
        config->quic[side].group_count = 1;
        config->link[side].delay = DEFAULT_DELAY;
    }
}

uint64_t sim_goodput(const sim_flow_result *result) {
    leat_time duration = result->ended - result->begun;
    return duration == 0 ? 0 : (uint64_t)((double)result->bytes * 8e9 / (double)duration);
}

void world_fail(world *w, const char *format, ...) {
    va_list arguments;
    if (world_has_failed(w)) {
        return;
    }
    int length = snprintf(w->result->failure, SIM_FAILURE_MAX, "seed %llu at %.6f s: ",
                          (unsigned long long)w->config->seed, (double)w->now / 1e9);
    va_start(arguments, format);
    vsnprintf(w->result->failure + length, SIM_FAILURE_MAX - (size_t)length, format, arguments);
    va_end(arguments);
}

void world_digest(world *w, const void *bytes, size_t length) {
    for (size_t at = 0; at < length; at += sizeof(uint64_t)) {
        uint64_t word = 0;
        memcpy(&word, (const char *)bytes + at,
               length - at < sizeof word ? length - at : sizeof word);
        w->digest = sim_mix(w->digest ^ word) + length;
    }
}

/* ---- set-up ---------------------------------------------------------------------------------- */

static bool make_flows(world *w) {
    const sim_config *config = w->config;
    w->flows = calloc(config->flow_count + 1, sizeof *w->flows);
    w->changes = calloc(config->change_count + 1, sizeof *w->changes);
    if (w->flows == NULL || w->changes == NULL || config->flow_count > SIM_FLOWS_MAX) {
        return false;
    }
    for (size_t i = 0; i < config->flow_count; i++) {
        flow *f = &w->flows[i];
        *f = (flow){.plan = &config->flows[i], .result = &w->result->flows[i], .number = i};
        f->progress = calloc(f->plan->task_count + 1, sizeof *f->progress);
        if (f->progress == NULL) {
            return false;
        }
        for (size_t task = 0; task < f->plan->task_count; task++) {
            f->progress[task].next = LEAT_TIME_NEVER;
        }
    }
    for (size_t i = 0; i < config->change_count; i++) {
        w->changes[i] = (active_change){.plan = config->changes[i], .at = config->changes[i].at};
    }
    return true;
}

static void open_world(world *w) {
    for (sim_side side = SIM_CLIENT; side < SIM_SIDES; side++) {
        w->links[side] = sim_link_new(&w->config->link[side], sim_mix(w->config->seed * 2 + side));
    }
    if (w->links[SIM_CLIENT] == NULL || w->links[SIM_SERVER] == NULL || !make_flows(w)) {
        world_fail(w, "no memory");
        return;
    }
    ends_open(w);
}

static void note_features(world *w) {
    uint64_t *feature = w->result->occurrences.feature;
    const leat_config *quic = w->config->quic;
    feature[SIM_FEATURE_RETRY] += w->config->retry;
    feature[SIM_FEATURE_UNPACED] += !quic[SIM_CLIENT].pacing || !quic[SIM_SERVER].pacing;
    feature[SIM_FEATURE_MANY_CONNECTIONS] += w->config->flow_count > 1;
    for (size_t i = 0; i < w->config->flow_count; i++) {
        const char *name = w->config->flows[i].congestion_control;
        name = name == NULL ? quic[SIM_SERVER].congestion_control : name;
        name = name == NULL ? "cubic" : name;
        feature[SIM_FEATURE_NEWRENO] += strcmp(name, "newreno") == 0;
        feature[SIM_FEATURE_CUBIC] += strcmp(name, "cubic") == 0;
        feature[SIM_FEATURE_BBR] += strcmp(name, "bbr") == 0;
    }
}

static void sum_up(world *w) {
    sim_result *result = w->result;
    result->finished = w->now;
    result->digest = w->digest;
    result->occurrences.runs = 1;
    for (sim_side side = SIM_CLIENT; side < SIM_SIDES && w->links[side] != NULL; side++) {
        result->digest = sim_mix(result->digest ^ sim_link_digest(w->links[side]));
        for (sim_link_count count = 0; count < SIM_LINK_COUNTS; count++) {
            result->occurrences.link[count] += sim_link_counted(w->links[side], count);
        }
    }
    result->memory_peak = w->memory.peak;
    result->allocations = w->memory.allocations;
    note_features(w);
}

static void close_world(world *w) {
    sum_up(w);
    ends_close(w);
    for (size_t i = 0; w->flows != NULL && i < w->config->flow_count; i++) {
        streams_clear(&w->flows[i]);
        work_clear(&w->flows[i]);
    }
    free(w->flows);
    free(w->changes);
    nat_clear(&w->nat);
    sim_link_free(w->links[SIM_CLIENT]);
    sim_link_free(w->links[SIM_SERVER]);
    if (w->memory.live_blocks != 0) {
        world_fail(w, "%zu allocations of %zu bytes were never freed", w->memory.live_blocks,
                   w->memory.live_bytes);
    }
}

/* ---- the clock ------------------------------------------------------------------------------- */

static bool is_over(const world *w) {
    for (size_t i = 0; i < w->config->flow_count; i++) {
        if (!w->flows[i].is_started) {
            return false;
        }
    }
    return w->ends[SIM_CLIENT].conns == NULL && w->ends[SIM_SERVER].conns == NULL;
}

static leat_time next_time(const world *w) {
    leat_time next = changes_next(w);
    for (sim_side side = SIM_CLIENT; side < SIM_SIDES; side++) {
        next = earlier(next, sim_link_next(w->links[side]));
        next = earlier(next, end_next(&w->ends[side], w->now));
    }
    for (size_t i = 0; i < w->config->flow_count; i++) {
        if (!w->flows[i].is_started) {
            leat_time start = w->flows[i].plan->start;
            leat_time awake = w->ends[SIM_CLIENT].stalled_until;
            next = earlier(next, start > awake ? start : awake);
        }
    }
    return w->config->sample_every != 0 ? earlier(next, w->next_sample) : next;
}

static void start_flows(world *w) {
    for (size_t i = 0; i < w->config->flow_count; i++) {
        flow *f = &w->flows[i];
        bool is_due = f->plan->start <= w->now && w->now >= w->ends[SIM_CLIENT].stalled_until;
        if (!f->is_started && is_due) {
            f->is_started = true;
            end_connect(&w->ends[SIM_CLIENT], f);
        }
    }
}

static void deliver(world *w) {
    for (sim_side side = SIM_CLIENT; side < SIM_SIDES; side++) {
        sim_datagram *datagram;
        while ((datagram = sim_link_take(w->links[side], w->now)) != NULL) {
            end_arrive(&w->ends[OTHER(side)], datagram);
        }
    }
}

static void sample_end(world *w, size_t number, sim_side side) {
    const end_conn *c = w->flows[number].ends[side];
    leat_stats stats = {.size = sizeof stats};
    if (c != NULL) {
        leat_conn_get_stats(c->conn, &stats);
        const sim_sample sample = {
            .time = w->now, .flow = number, .side = side,
            .congestion_window = stats.congestion_window,
            .bytes_in_flight = stats.bytes_in_flight,
            .packets_lost = stats.packets_lost,
            .delivered = w->flows[number].result->bytes,
            .smoothed_rtt = stats.smoothed_rtt, .latest_rtt = stats.latest_rtt,
        };
        w->config->on_sample(w->config->on_sample_user, &sample);
    }
}

static void take_samples(world *w) {
    if (w->config->sample_every == 0 || w->now < w->next_sample) {
        return;
    }
    w->next_sample = w->now + w->config->sample_every;
    for (size_t i = 0; i < w->config->flow_count; i++) {
        sample_end(w, i, SIM_CLIENT);
        sample_end(w, i, SIM_SERVER);
    }
}

void world_fail_undone(world *w, const char *why) {
    for (size_t i = 0; i < w->config->flow_count; i++) {
        const flow *f = &w->flows[i];
        for (size_t task = 0; task < f->plan->task_count; task++) {
            const sim_task *plan = &f->plan->tasks[task];
            unsigned count = plan->count > 1 ? plan->count : 1;
            if (f->progress[task].done < count) {
                world_fail(w, "%s; connection %zu, task %zu (%s): %u of %u begun, %u done", why, i,
                           task, sim_task_name(plan->kind), f->progress[task].begun, count,
                           f->progress[task].done);
            }
        }
    }
    world_fail(w, "%s; everything is done", why);
}

static bool step(world *w) {
    leat_time next = next_time(w);
    if (next > w->config->deadline) {
        world_fail_undone(w, "the deadline is over");
        return false;
    }
    w->idle_steps = next > w->now ? 0 : w->idle_steps + 1;
    w->now = next > w->now ? next : w->now;
    if (w->idle_steps > STEPS_AT_ONE_TIME) {
        world_fail(w, "time stands still");
    }
    changes_apply(w);
    start_flows(w);
    deliver(w);
    end_work(&w->ends[SIM_CLIENT]);
    end_work(&w->ends[SIM_SERVER]);
    take_samples(w);
    return !world_has_failed(w);
}

bool sim_run(const sim_config *config, sim_result *result) {
    *result = (sim_result){0};
    world *w = calloc(1, sizeof *w);
    if (w == NULL) {
        return false;
    }
    w->config = config;
    w->result = result;
    memory_init(&w->memory);
    open_world(w);
    if (!world_has_failed(w)) {
        while (!is_over(w) && step(w)) {
        }
    }
    close_world(w);
    free(w);
    return result->failure[0] == '\0';
}
