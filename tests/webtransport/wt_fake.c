/* The calls: see wt_fake.h. */
#include "webtransport/wt_fake.h"

#include <string.h>

static wt_fake *fake_of(const leat_conn *conn) {
    return (wt_fake *)(uintptr_t)conn;
}

void leat_conn_want_liveness(leat_conn *conn, bool wanted) {
    fake_of(conn)->liveness += wanted ? 1 : -1;
}
bool leat_conn_is_terminating(const leat_conn *conn) {
    return conn->is_failed || fake_of(conn)->is_terminating;
}

uint64_t leat_conn_peer_max_datagram_frame_size(const leat_conn *conn) {
    return fake_of(conn)->takes_no_datagrams ? 0 : 65535;
}
