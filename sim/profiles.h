/*
 * Ten links as they are found in the world, and the table of what each congestion controller makes
 * of them: goodput of one connection, and how two connections share.
 */
#ifndef LEAT_SIM_PROFILES_H
#define LEAT_SIM_PROFILES_H

#include <stdio.h>

#include "sim/run.h"

typedef struct sim_profile {
    const char *name;
    leat_time rtt;
    sim_link_config data; /* acknowledgments come back over the same rate without faults */
} sim_profile;

/* NULL past the end. */
const sim_profile *sim_profile_at(size_t index);
/* Sets both links, for clients that send. */
void sim_profile_apply(const sim_profile *profile, sim_config *config);
/* Windows that no link here fills, so that congestion control alone decides. */
void sim_ample_windows(sim_config *config);
/* Runs everything and writes Markdown. False: a run failed, and its reason is in the text. */
bool sim_table_write(uint64_t seed, FILE *out);

#endif
