/* The fake connection of the HTTP/3 tests, and the calls of leat/quic.h that only WebTransport
 * makes. */
#ifndef TESTS_WEBTRANSPORT_WT_FAKE_H
#define TESTS_WEBTRANSPORT_WT_FAKE_H

#include "h3/fake_conn.h"

typedef struct wt_fake {
    leat_conn conn; /* first: the calls find the rest by it */
    bool is_terminating, takes_no_datagrams;
    int liveness; /* how many want it */
} wt_fake;

#endif
