/*
 * --qlog: every connection's trace as a file of its own, named by the original destination
 * connection ID and the side: FOLDER/0123456789abcdef_server.sqlog. A disk that is full costs
 * records, never the connection.
 */
#ifndef LEAT_TOOLS_QLOG_FILES_H
#define LEAT_TOOLS_QLOG_FILES_H

#include <leat/quic.h>

#include "options.h"

typedef struct qlog_files qlog_files;

/*
 * folder NULL: nothing is done. The folder is made if it is not there. False: one line is on
 * stderr. Sets quic->trace; the connections must be gone before qlog_files_close.
 */
bool qlog_files_open(
    const option_table *table, const char *folder, qlog_files **files, leat_config *quic);
void qlog_files_close(qlog_files *files); /* may be NULL */

#endif
