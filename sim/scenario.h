/*
 * A random scenario from a seed: links of every kind with every fault, up to four connections,
 * limits from tiny to ample, and work of every kind. What the seed decides stays inside what QUIC
 * promises to survive, so every run must end with everything done, except where it says may_die.
 */
#ifndef LEAT_SIM_SCENARIO_H
#define LEAT_SIM_SCENARIO_H

#include "sim/run.h"

#define SIM_SCENARIO_FLOWS 4
#define SIM_SCENARIO_TASKS 8
#define SIM_SCENARIO_CHANGES 8

typedef struct sim_scenario {
    sim_config config;
    sim_change changes[SIM_SCENARIO_CHANGES];
    sim_flow flows[SIM_SCENARIO_FLOWS];
    sim_task tasks[SIM_SCENARIO_FLOWS][SIM_SCENARIO_TASKS];
} sim_scenario;

/* The scenario points into itself: it must not be copied. */
void sim_scenario_random(sim_scenario *scenario, uint64_t seed);

#endif
