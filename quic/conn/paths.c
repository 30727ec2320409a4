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
    path->challenge_due = path->leave_due = LEAT_TIME_NEVER;
    leat_mtu_set_limits(conn, path);
    leat_spin_begin(conn, path);
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
        paths->active->was_active = true;
        paths->told = *addresses;
        paths->first_remote = addresses->remote;
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

/*
 * How well a packet's addresses fit the path; 0: not at all. A client's socket may learn its local
 * address late, or a system may change it below us: for a client it counts that the server stays,
 * and the local address only decides between paths.
 */
static unsigned fit(const leat_conn *conn, const leat_path_state *path,
                    const leat_path *addresses) {
    if (leat_path_equal(&path->addresses, addresses)) {
        return 4;
    }
    if (!conn->config.is_client ||
        !leat_address_equal(&path->addresses.remote, &addresses->remote)) {
        return 0;
    }
    if (path->addresses.local.port == addresses->local.port) {
        return 3;
    }
    return path == conn->paths.active ? 2 : 1;
}

leat_path_state *leat_paths_find(const leat_conn *conn, const leat_path *addresses) {
    leat_path_state *best = NULL;
    unsigned best_fit = 0;
    for (size_t i = 0; i < LEAT_PATHS_MAX; i++) {
        leat_path_state *path = conn->paths.all[i];
        unsigned fits = path != NULL ? fit(conn, path, addresses) : 0;
        if (fits > best_fit) {
            best = path;
            best_fit = fits;
        }
    }
    return best;
}

bool leat_paths_accepts(const leat_conn *conn, const leat_path *addresses) {
    /* RFC 9000 §9.6: a client hears its server only where it sent something itself. A server hears
     * its client from anywhere: before the handshake is confirmed no client moves by choice, but a
     * NAT in front of it may. */
    return leat_conn_is_server(conn) || leat_paths_find(conn, addresses) != NULL;
}

static bool is_same_ip(const leat_address *a, const leat_address *b) {
    return a->family == b->family && memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

bool leat_path_is_same_host(const leat_path *a, const leat_path *b) {
    static const uint8_t any[sizeof a->local.ip];
    bool is_unknown = memcmp(a->local.ip, any, sizeof any) == 0;
    bool is_same_local = leat_address_equal(&a->local, &b->local) ||
                         (!is_unknown && is_same_ip(&a->local, &b->local));
    return is_same_local && is_same_ip(&a->remote, &b->remote);
}

/*
 * RFC 9000 §9.5: one ID on two paths would let observers link them. Who keeps using the same ID of
 * ours did not move by choice: there ours may stay the same, and must when there is no other. Who
 * chose another one does it on purpose: without a spare one its probes are not answered.
 */
static void choose_cid(leat_conn *conn, leat_path_state *path, leat_span dcid) {
    const leat_path_state *active = conn->paths.active;
    bool is_deliberate = conn->handshake.is_confirmed &&
                         !leat_span_equal(leat_cid_span(&active->arrives_at), dcid);
    path->cid_sequence = active->cid_sequence;
    if (leat_cids_of_path(conn, active)->length == 0 ||
        (!is_deliberate && leat_path_is_same_host(&path->addresses, &active->addresses))) {
        return;
    }
    if (!leat_cids_take_for_path(conn, path) && is_deliberate) {
        path->cid_sequence = LEAT_CID_SEQUENCE_NONE;
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

static leat_path_state *add_path(leat_conn *conn, const leat_path *addresses) {
    leat_path_state **slot = slot_for_new_path(conn);
    if (open_path(conn, slot, addresses) != LEAT_OK) {
        return NULL;
    }
    return *slot;
}

int leat_paths_open(leat_conn *conn, const leat_path *addresses, leat_path_state **path) {
    leat_path_state *made = add_path(conn, addresses);
    if (made == NULL) {
        return LEAT_ERR_NOMEM;
    }
    made->cid_sequence = LEAT_CID_SEQUENCE_NONE;
    made->last_used = ++conn->paths.use_counter;
    if (!leat_cids_take_for_path(conn, made)) {
        leat_paths_forget(conn, made);
        return LEAT_ERR_STATE;
    }
    leat_trace_path(conn, made);
    *path = made;
    return LEAT_OK;
}

/* RFC 9000 §9.6.2: what is new and comes to the address that the server has left is dropped. */
static bool is_for_left_address(const leat_conn *conn, const leat_packet_in *packet) {
    return packet->is_newest && conn->paths.left_local.family != LEAT_ADDRESS_NONE &&
           leat_address_equal(&packet->addresses->local, &conn->paths.left_local);
}

bool leat_paths_on_authentic(leat_conn *conn, leat_packet_in *packet) {
    if (is_for_left_address(conn, packet)) {
        return false;
    }
    if (packet->path == NULL) {
        packet->path = leat_paths_find(conn, packet->addresses);
    }
    if (packet->path == NULL) {
        packet->path = add_path(conn, packet->addresses);
        if (packet->path == NULL) {
            return false;
        }
        packet->path->bytes_received = packet->datagram_length;
        choose_cid(conn, packet->path, packet->header.dcid);
        leat_trace_path(conn, packet->path);
    }
    leat_path_state *path = packet->path;
    path->last_used = ++conn->paths.use_counter;
    path->is_dead = false;
    if (!leat_span_equal(leat_cid_span(&path->arrives_at), packet->header.dcid)) {
        leat_cid_from_span(&path->arrives_at, packet->header.dcid);
    }
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
    if (path->cid_sequence == LEAT_CID_SEQUENCE_NONE) {
        return 0;
    }
    /* RFC 9000 §8.1: the limit is a server's. A client asks only where its server told it to, and
     * in PATH_CHALLENGE frames that are few (§21.5.3). */
    if (path->is_validated || conn->config.is_client) {
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
