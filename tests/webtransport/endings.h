/* The endings of a session as rows: what the peer or we do, and the SessionClosed that tells it. */
#ifndef TESTS_WEBTRANSPORT_ENDINGS_H
#define TESTS_WEBTRANSPORT_ENDINGS_H

#include "webtransport/wt_rig.h"

typedef struct wt_ending_row {
    const char *name;
    void (*happen)(wt_rig *rig, uint64_t session_id);
    const char *closed; /* the line without "SessionClosed session_id=N " */
    bool ends_connection;
    bool leaves_the_stream; /* the peer's side of the CONNECT stream is still open */
} wt_ending_row;

/* In order of precedence when several are in one datagram. */
extern const wt_ending_row wt_endings[];
extern const size_t wt_endings_count;
/* The first of the rows after the precedence list: endings that have none of their own. */
extern const size_t wt_endings_ranked;

#define CLEAN_TAIL " clean=yes connection_usable=yes silent_for=0ms datagrams_dropped=0\n"
#define BROKEN_TAIL " clean=no connection_usable=yes silent_for=0ms datagrams_dropped=0\n"
#define GONE_TAIL " clean=no connection_usable=no silent_for=3000ms datagrams_dropped=0\n"

#endif
