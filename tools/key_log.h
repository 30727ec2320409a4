/* --keylog: TLS secrets appended to a file in the NSS key log format, for Wireshark. */
#ifndef LEAT_TOOLS_KEY_LOG_H
#define LEAT_TOOLS_KEY_LOG_H

#include <leat/quic.h>
#include <stdio.h>

#include "options.h"

/* path NULL: nothing is done. False: one line is on stderr. *file is to be closed with
 * key_log_close. */
bool key_log_open(const option_table *table, const char *path, FILE **file, leat_config *quic);
void key_log_close(FILE *file); /* may be NULL */

#endif
