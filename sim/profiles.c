/*
 * Everything runs for a fixed time and is cut off then: what arrived by that time counts. Jain's
 * index of two shares is 1 when they are equal and 0.5 when one has all.
 */
#include "sim/profiles.h"

#include <string.h>

#define DURATION (20 * LEAT_SECOND)
#define ENDLESS (UINT64_C(1) << 40)
#define AMPLE (16 * 1024 * 1024)
#define MBPS 1000000
#define MS LEAT_MILLISECOND
#define CONTROLLERS 3
#define SHARES 3

static const sim_profile profiles[] = {
    {"local network, 100 Mbps, 1 ms", 1 * MS, {.rate = 100 * MBPS, .queue = 100}},
    {"fibre, 100 Mbps, 20 ms", 20 * MS, {.rate = 100 * MBPS, .queue = 200}},
    {"DSL, 20 Mbps, 30 ms", 30 * MS, {.rate = 20 * MBPS, .queue = 60}},
    {"interop runner, 10 Mbps, 30 ms, 25 packets", 30 * MS, {.rate = 10 * MBPS, .queue = 25}},
    {"long and fat, 50 Mbps, 150 ms", 150 * MS, {.rate = 50 * MBPS, .queue = 600}},
    {"bloated, 5 Mbps, 40 ms, 400 packets", 40 * MS, {.rate = 5 * MBPS, .queue = 400}},
    {"shallow, 50 Mbps, 40 ms, 16 packets", 40 * MS, {.rate = 50 * MBPS, .queue = 16}},
    {"CoDel, 20 Mbps, 40 ms", 40 * MS, {.rate = 20 * MBPS, .queue = 300, .codel = true}},
    {"Wi-Fi, 30 Mbps, 20 ms, jitter 8 ms, loss 1 %", 20 * MS,
     {.rate = 30 * MBPS, .queue = 120, .jitter = 8 * MS, .loss = SIM_PERCENT}},
    {"satellite, 10 Mbps, 600 ms, loss 0.5 %", 600 * MS,
     {.rate = 10 * MBPS, .queue = 600, .loss = SIM_PERCENT / 2}},
};
#define PROFILES (sizeof profiles / sizeof profiles[0])

static const char *const controllers[CONTROLLERS] = {"newreno", "cubic", "bbr"};
/* Who shares with whom, beside each with itself. */
static const unsigned rivals[SHARES][2] = {{1, 0}, {2, 0}, {2, 1}};

const sim_profile *sim_profile_at(size_t index) {
    return index < PROFILES ? &profiles[index] : NULL;
}

void sim_profile_apply(const sim_profile *profile, sim_config *config) {
    config->link[SIM_CLIENT] = profile->data;
    config->link[SIM_CLIENT].delay = profile->rtt / 2;
    config->link[SIM_SERVER] = (sim_link_config){.rate = profile->data.rate,
                                                 .delay = profile->rtt - profile->rtt / 2};
}

void sim_ample_windows(sim_config *config) {
    for (sim_side side = SIM_CLIENT; side < SIM_SIDES; side++) {
        config->quic[side].max_data = config->quic[side].max_stream_data = AMPLE;
        config->quic[side].send_buffer_limit = AMPLE;
    }
}

/* Uploads that begin together, by these controllers. */
static bool race(const sim_profile *profile, uint64_t seed, const char *const *names, size_t count,
                 sim_result *result) {
    static const sim_task tasks[] = {
        {.kind = SIM_TASK_STREAM, .size = ENDLESS},
        {.kind = SIM_TASK_CLOSE, .at = DURATION},
    };
    sim_flow flows[2] = {{.tasks = tasks, .task_count = 2}, {.tasks = tasks, .task_count = 2}};
    sim_config config;
    sim_config_init(&config);
    sim_ample_windows(&config);
    sim_profile_apply(profile, &config);
    config.seed = seed;
    config.flows = flows;
    config.flow_count = count;
    for (size_t i = 0; i < count; i++) {
        flows[i].congestion_control = names[i];
    }
    return sim_run(&config, result);
}

static double megabits(const sim_flow_result *flow) {
    return (double)flow->bytes * 8 / ((double)DURATION / 1e9) / MBPS;
}

static bool write_goodput(const sim_profile *profile, uint64_t seed, FILE *out) {
    sim_result result;
    fprintf(out, "| %s |", profile->name);
    for (size_t i = 0; i < CONTROLLERS; i++) {
        if (!race(profile, seed, &controllers[i], 1, &result)) {
            fprintf(out, " %s |\n", result.failure);
            return false;
        }
        const leat_stats *stats = &result.flows[0].stats[SIM_CLIENT];
        double goodput = megabits(&result.flows[0]);
        fprintf(out, " %.1f Mbps (%.0f %%), %.1f %% lost, %.0f ms |", goodput,
                goodput * MBPS * 100 / (double)profile->data.rate,
                (double)stats->packets_lost * 100 / (double)stats->packets_sent,
                (double)stats->smoothed_rtt / 1e6);
    }
    fprintf(out, "\n");
    return true;
}

static bool write_fairness(const sim_profile *profile, uint64_t seed, FILE *out) {
    sim_result result;
    fprintf(out, "| %s |", profile->name);
    for (size_t i = 0; i < CONTROLLERS + SHARES; i++) {
        bool is_same = i < CONTROLLERS;
        const unsigned *rival = rivals[is_same ? 0 : i - CONTROLLERS];
        const char *const names[2] = {controllers[is_same ? i : rival[0]],
                                      controllers[is_same ? i : rival[1]]};
        if (!race(profile, seed, names, 2, &result)) {
            fprintf(out, " %s |\n", result.failure);
            return false;
        }
        double a = megabits(&result.flows[0]), b = megabits(&result.flows[1]);
        if (is_same) {
            fprintf(out, " %.2f |", (a + b) * (a + b) / (2 * (a * a + b * b)));
        } else {
            fprintf(out, " %.0f : %.0f |", a * 100 / (a + b), b * 100 / (a + b));
        }
    }
    fprintf(out, "\n");
    return true;
}

bool sim_table_write(uint64_t seed, FILE *out) {
    bool ok = true;
    fprintf(out,
            "# Congestion control on ten links\n\n"
            "Made by `leat sim table`: simulated links, %.0f s of virtual time, seed %llu. The same "
            "seed makes the same table.\n\n"
            "## Goodput of one connection\n\n"
            "Bytes of the stream that arrived, and their share of the link's rate (headers of IP, "
            "UDP and QUIC take some five percent); packets\nthat the sender declared lost; its "
            "smoothed RTT at the end, which shows the queue it keeps.\n\n"
            "| link | NewReno | CUBIC | BBRv3 |\n| --- | --- | --- | --- |\n",
            (double)DURATION / 1e9, (unsigned long long)seed);
    for (size_t i = 0; i < PROFILES; i++) {
        ok = write_goodput(&profiles[i], seed, out) && ok;
    }
    fprintf(out,
            "\n## Two connections that begin together\n\n"
            "Jain's index of two of a kind: 1 is an even share, 0.5 is one that has all. Then the "
            "shares of unlike pairs, in percent.\n\n"
            "| link | NewReno | CUBIC | BBRv3 | CUBIC : NewReno | BBRv3 : NewReno | BBRv3 : CUBIC |\n"
            "| --- | --- | --- | --- | --- | --- | --- |\n");
    for (size_t i = 0; i < PROFILES; i++) {
        ok = write_fairness(&profiles[i], seed, out) && ok;
    }
    return ok;
}
