/*
 * The table of network paths: an address pair each, with the state that belongs to it alone (RFC
 * 9000 §9.4), and how much may be sent to an address that is not validated yet (§8.1). A path is
 * made when an authentic packet comes from an address pair; the active one carries the connection.
 * How a path is validated is in path_validation.c, how the connection moves in migration.c.
 */
#include "quic/conn/conn_internal.h"
#include "quic/conn/trace.h"

#include <string.h>

/* RFC 9000 §8.1: sent at most three times what was received, until the address is validated. */
#define AMPLIFICATION_FACTOR 3

/* ---- the table of paths ---------------------------------------------------------------------- */

static int open_path(leat_conn *conn, leat_path_state **slot, const leat_path *addresses) {
    leat_path_state *path = leat_alloc(conn->allocator, sizeof *path);
    if (path == NULL) {
        return LEAT_ERR_NOMEM;
    }
    int err = leat_recovery_path_init(&path->recovery, conn->allocator,
                                      conn->config.congestion_controller,
                                      conn->config.max_send_udp_payload,
                                      conn->config.initial_rtt, conn->config.ecn);
    if (err != LEAT_OK) {
        leat_free(conn->allocator, path);
        return err;
    }
    path->addresses = *addresses;
    path->challenge_due = LEAT_TIME_NEVER;
    *slot = path;
    return LEAT_OK;
}

static void close_path(leat_conn *conn, leat_path_state **slot) {
    leat_path_state *path = *slot;
    *slot = NULL;
    if (conn->paths.fallback == path) {
        conn->paths.fallback = NULL;
    }
    leat_recovery_path_clear(&conn->recovery, &path->recovery);
    leat_free(conn->allocator, path);
}

int leat_paths_init(leat_conn *conn, const leat_path *addresses, bool is_validated) {
    leat_conn_paths *paths = &conn->paths;
    int err = open_path(conn, &paths->all[0], addresses);
    if (err == LEAT_OK) {
        paths->active = paths->all[0];
        /* RFC 9000 §8.1: a client chose its server's address and owes it no proof. */
        paths->active->is_validated = is_validated || conn->config.is_client;
        leat_recovery_set_path(&conn->recovery, &paths->active->recovery);
    }
    return err;
}

void leat_paths_clear(leat_conn *conn) {
    for (size_t i = 0; i < LEAT_PATHS_MAX; i++) {
        if (conn->paths.all[i] != NULL) {
            close_path(conn, &conn->paths.all[i]);
        }
    }
    conn->paths.active = NULL;
}

leat_path_state *leat_paths_find(const leat_conn *conn, const leat_path *addresses) {
    for (size_t i = 0; i < LEAT_PATHS_MAX; i++) {
        leat_path_state *path = conn->paths.all[i];
        if (path == NULL) {
            continue;
        }
        /* A client's socket may learn its local address late; what counts is that the
         * server stays. */
        bool is_same = conn->config.is_client
                ? leat_address_equal(&path->addresses.remote, &addresses->remote)
                : leat_path_equal(&path->addresses, addresses);
        if (is_same) {
            return path;
        }
    }
    return NULL;
}

bool leat_paths_accepts(const leat_conn *conn, const leat_path *addresses) {
    /* RFC 9000 §9: servers do not move, and nobody moves before the handshake is confirmed. */
    bool may_move = leat_conn_is_server(conn) && conn->handshake.is_confirmed;
    return may_move || leat_paths_find(conn, addresses) != NULL;
}

bool leat_path_is_same_host(const leat_path_state *a, const leat_path_state *b) {
    return a->addresses.remote.family == b->addresses.remote.family &&
           memcmp(a->addresses.remote.ip, b->addresses.remote.ip,
                  sizeof a->addresses.remote.ip) == 0;
}

/* What the peer accepts holds on every path. */
static void inherit_size(leat_path_state *path, const leat_path_state *from) {
    if (from->recovery.max_datagram_size != path->recovery.max_datagram_size) {
        leat_recovery_path_set_datagram_size(&path->recovery, from->recovery.max_datagram_size);
    }
}

/* RFC 9000 §9.5: one ID towards two hosts would let observers link them. Without a spare one it has
 * to go on. */
static void choose_cid(leat_conn *conn, leat_path_state *path) {
    path->cid_sequence = conn->paths.active->cid_sequence;
    if (!leat_path_is_same_host(path, conn->paths.active)) {
        leat_cids_take_for_path(conn, path);
    }
}

/* A free slot, or that of the path used longest ago. */
static leat_path_state **slot_for_new_path(leat_conn *conn) {
    leat_path_state **oldest = NULL;
    for (size_t i = 0; i < LEAT_PATHS_MAX; i++) {
        leat_path_state **slot = &conn->paths.all[i];
        if (*slot == NULL) {
            return slot;
        }
        bool is_needed = *slot == conn->paths.active || *slot == conn->paths.fallback;
        if (!is_needed && (oldest == NULL || (*slot)->last_used < (*oldest)->last_used)) {
            oldest = slot;
        }
    }
    leat_cids_release_path(conn, *oldest);
    close_path(conn, oldest);
    return oldest;
}

bool leat_paths_on_authentic(leat_conn *conn, leat_packet_in *packet) {
    if (packet->path == NULL) {
        packet->path = leat_paths_find(conn, packet->addresses);
    }
    if (packet->path == NULL) {
        leat_path_state **slot = slot_for_new_path(conn);
        if (open_path(conn, slot, packet->addresses) != LEAT_OK) {
            return false;
        }
        packet->path = *slot;
        packet->path->bytes_received = packet->datagram_length;
        inherit_size(packet->path, conn->paths.active);
        choose_cid(conn, packet->path);
        leat_trace_path(conn, packet->path);
    }
    packet->path->last_used = ++conn->paths.use_counter;
    packet->path->is_dead = false;
    return true;
}

/* RFC 9000 §5.1.2: the connection ID of a path that is gone is retired, so that another comes. */
void leat_paths_forget(leat_conn *conn, leat_path_state *path) {
    for (size_t i = 0; i < LEAT_PATHS_MAX; i++) {
        if (conn->paths.all[i] == path) {
            leat_cids_release_path(conn, path);
            close_path(conn, &conn->paths.all[i]);
        }
    }
}

/* ---- amplification --------------------------------------------------------------------------- */

size_t leat_path_send_limit(const leat_conn *conn, const leat_path_state *path) {
    (void)conn;
    if (path->is_validated) {
        return SIZE_MAX;
    }
    uint64_t allowed = AMPLIFICATION_FACTOR * path->bytes_received;
    uint64_t left = allowed > path->bytes_sent ? allowed - path->bytes_sent : 0;
    return left >= LEAT_PACKET_ROOM ? (size_t)left : 0;
}

void leat_path_on_sent(leat_conn *conn, leat_path_state *path, size_t bytes) {
    (void)conn;
    path->bytes_sent += bytes;
}

/* ---- sending --------------------------------------------------------------------------------- */

leat_path_state *leat_paths_next_to_send(const leat_conn *conn) {
    for (size_t i = 0; i < LEAT_PATHS_MAX && leat_conn_is_open(conn); i++) {
        leat_path_state *path = conn->paths.all[i];
        if (path != NULL && leat_paths_has_probe(conn, path)) {
            return path;
        }
    }
    return conn->paths.active;
}
