/* What `leat sim` keeps of a run for other programs: qlog, a capture, and its secrets. */
#ifndef LEAT_TOOLS_SIM_RECORDING_H
#define LEAT_TOOLS_SIM_RECORDING_H

#include "../qlog_files.h"
#include "sim/run.h"

typedef struct recording {
    qlog_files *qlog[SIM_SIDES];
    FILE *pcap, *key_log;
} recording;

/* Each may be NULL: not wanted. Sets the hooks of config. False: one line is on stderr; close it
 * all the same. */
bool recording_open(const option_table *table, recording *r, const char *qlog, const char *pcap,
                    const char *key_log, sim_config *config);
/* After the run. False: something could not be written. */
bool recording_close(recording *r);

#endif
