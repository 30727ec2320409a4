/*
 * A picture of a run as SVG: congestion window and bytes in flight, round trip times, losses, and
 * what arrived, over time. One column of colours for each connection.
 */
#ifndef LEAT_SIM_PLOT_H
#define LEAT_SIM_PLOT_H

#include <stdio.h>

#include "sim/run.h"

typedef struct sim_plot sim_plot;

/* Keeps the samples of this side. NULL: no memory. */
sim_plot *sim_plot_new(sim_side side);
void sim_plot_free(sim_plot *plot);
/* For sim_config.on_sample; user is the plot. */
void sim_plot_add(void *user, const sim_sample *sample);
void sim_plot_write(const sim_plot *plot, const char *title, FILE *out);

#endif
