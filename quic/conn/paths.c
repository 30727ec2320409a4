/*
 * Network paths: validation (RFC 9000 §8), and a server that follows its client to new addresses
 * (§9). A path is made when an authentic packet comes from an address pair; the active one carries
 * the connection. The client stays on one path: RFC 9000 §9: NOT IMPLEMENTED: active migration by a
 * client; its socket layer may still rebind.
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
                                      conn->config.initial_rtt, false);
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

static bool is_same_host(const leat_path_state *a, const leat_path_state *b) {
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
    if (!is_same_host(path, conn->paths.active)) {
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

/* ---- validation ------------------------------------------------------------------------------ */

static void tell_path(
    leat_conn *conn, leat_event_type type, const char *progress, const leat_path_state *path) {
    const leat_event event = {.type = type, .path.path = path->addresses};
    leat_trace_migration(conn, progress, path);
    leat_events_push(conn, &event);
}

static void stop_challenge(leat_path_state *path) {
    path->is_challenging = false;
    path->challenge_frame_due = false;
    path->challenge_due = LEAT_TIME_NEVER;
}

/* RFC 9000 §5.1.2: the connection ID of a path that is gone is retired, so that another comes. */
static void forget_path(leat_conn *conn, leat_path_state *path) {
    for (size_t i = 0; i < LEAT_PATHS_MAX; i++) {
        if (conn->paths.all[i] == path) {
            leat_cids_release_path(conn, path);
            close_path(conn, &conn->paths.all[i]);
        }
    }
}

static void forget_dead_paths(leat_conn *conn) {
    for (size_t i = 0; i < LEAT_PATHS_MAX; i++) {
        leat_path_state *path = conn->paths.all[i];
        if (path != NULL && path->is_dead && path != conn->paths.active) {
            forget_path(conn, path);
        }
    }
}

void leat_paths_set_validated(leat_conn *conn, leat_path_state *path) {
    stop_challenge(path);
    /* RFC 9000 §8.2.1: NOT IMPLEMENTED: a second challenge when the first could not be padded: the
     * datagrams that follow have 1200 bytes and more, and their loss says as much. */
    path->is_validated = true;
    if (path == conn->paths.active) {
        conn->paths.fallback = NULL;
        forget_dead_paths(conn);
    }
}

static void make_active(leat_conn *conn, leat_path_state *path) {
    const leat_path_state *before = conn->paths.active;
    const leat_event event = {
        .type = LEAT_EVENT_PATH_CHANGED,
        .path_changed = {.old_path = before->addresses, .new_path = path->addresses,
                         .reason = is_same_host(before, path) ? LEAT_PATH_REBOUND
                                                              : LEAT_PATH_MIGRATED},
    };
    conn->paths.active = path;
    leat_recovery_set_path(&conn->recovery, &path->recovery);
    leat_events_push(conn, &event);
}

/*
 * RFC 9000 §9.3.2: back to the last address that was validated; without one there is nothing left
 * to talk to. RFC 9000 §8.2.4: an address that was validated once and is silent now is waited for.
 */
static void fail_path(leat_conn *conn, leat_path_state *path) {
    leat_conn_paths *paths = &conn->paths;
    bool is_active = path == paths->active;
    stop_challenge(path);
    tell_path(conn, LEAT_EVENT_PATH_FAILED, is_active ? "migration_abandoned" : "probing_abandoned",
              path);
    if (path == paths->active && paths->fallback != NULL) {
        make_active(conn, paths->fallback);
        paths->fallback = NULL;
    } else if (path == paths->active && !path->is_validated) {
        leat_close_silently(conn, LEAT_SOURCE_PROTOCOL_ERROR, LEAT_NO_VIABLE_PATH,
                            "no validated path is left");
    }
    path->is_dead = path == paths->fallback;
    if (path != paths->active && path != paths->fallback) {
        forget_path(conn, path);
    }
}

/* RFC 9000 §8.2.4: three times the larger of the PTO and that of a path nothing is known of. */
static leat_time validation_period(const leat_path_state *path) {
    leat_time pto = leat_rtt_pto_base(&path->recovery.rtt), unknown = 3 * LEAT_INITIAL_RTT;
    return leat_time_multiply(pto > unknown ? pto : unknown, 3);
}

static void next_challenge(leat_conn *conn, leat_path_state *path) {
    if (path->challenges_sent == LEAT_CHALLENGES_MAX || conn->now >= path->validation_deadline) {
        fail_path(conn, path);
        return;
    }
    /* RFC 9000 §8.2.1: data of its own for each one, so that an answer proves that this one
     * arrived. */
    if (!leat_random_bytes(&conn->random, path->challenges[path->challenges_sent], 8)) {
        leat_close_internal(conn, "random source failed");
        return;
    }
    path->challenges_sent++;
    path->challenge_frame_due = true;
    /* RFC 9000 §8.2.1: each one waits twice as long, as probes do. */
    leat_time pto = leat_rtt_pto_base(&path->recovery.rtt);
    leat_time wait = leat_time_multiply(pto, UINT64_C(1) << (path->challenges_sent - 1));
    leat_time due = leat_time_add(conn->now, wait);
    bool is_last = path->challenges_sent == LEAT_CHALLENGES_MAX;
    path->challenge_due = is_last || due > path->validation_deadline ? path->validation_deadline
                                                                     : due;
}

static void start_challenge(leat_conn *conn, leat_path_state *path) {
    if (!path->is_challenging) {
        path->is_challenging = true;
        path->challenges_sent = 0;
        path->validation_deadline = leat_time_add(conn->now, validation_period(path));
        next_challenge(conn, path);
    }
}

leat_time leat_paths_due(const leat_conn *conn) {
    leat_time due = LEAT_TIME_NEVER;
    for (size_t i = 0; i < LEAT_PATHS_MAX; i++) {
        if (conn->paths.all[i] != NULL && conn->paths.all[i]->challenge_due < due) {
            due = conn->paths.all[i]->challenge_due;
        }
    }
    return due;
}

void leat_paths_on_timer(leat_conn *conn) {
    for (size_t i = 0; i < LEAT_PATHS_MAX && leat_conn_is_open(conn); i++) {
        leat_path_state *path = conn->paths.all[i];
        if (path != NULL && path->challenge_due <= conn->now) {
            next_challenge(conn, path);
        }
    }
}

/* ---- following the client -------------------------------------------------------------------- */

static void migrate(leat_conn *conn, leat_path_state *path) {
    leat_path_state *before = conn->paths.active;
    if (before->is_validated) {
        conn->paths.fallback = before;
    }
    if (is_same_host(before, path)) {
        /* RFC 9000 §9.4: a new port on the same host is most likely a NAT on the same path. */
        leat_recovery_path_inherit(&path->recovery, &before->recovery);
    }
    make_active(conn, path);
    leat_trace_migration(conn, "migration_started", path);
    if (!path->is_validated) {
        start_challenge(conn, path);
        /* RFC 9000 §9.3.3: the old path is asked too, in case the packet was forwarded by an
         * attacker. */
        start_challenge(conn, before);
    }
}

void leat_paths_after_packet(leat_conn *conn, const leat_packet_in *packet) {
    /* RFC 9000 §9.3: only a non-probing packet with the highest number moves the connection. */
    bool moves = leat_conn_is_server(conn) && packet->path != conn->paths.active &&
        packet->non_probing &&
                 packet->is_newest && packet->space == LEAT_SPACE_APPLICATION;
    if (moves) {
        migrate(conn, packet->path);
    }
}

/* ---- frames ---------------------------------------------------------------------------------- */

void leat_path_challenge_on_frame(leat_conn *conn, const leat_frame *frame,
                                  leat_packet_in *packet) {
    (void)conn;
    /* RFC 9000 §8.2.2: answered on the path it came in. */
    memcpy(packet->path->response, frame->path_challenge.data, sizeof packet->path->response);
    packet->path->response_due = true;
}

static bool is_answer_to(const leat_path_state *path, const uint8_t data[8]) {
    for (unsigned i = 0; path->is_challenging && i < path->challenges_sent; i++) {
        if (memcmp(path->challenges[i], data, 8) == 0) {
            return true;
        }
    }
    return false;
}

void leat_path_response_on_frame(leat_conn *conn, const leat_frame *frame, leat_packet_in *packet) {
    (void)packet;
    for (size_t i = 0; i < LEAT_PATHS_MAX; i++) {
        leat_path_state *path = conn->paths.all[i];
        if (path != NULL && is_answer_to(path, frame->path_response.data)) {
            /* RFC 9000 §8.2.3: it counts for the path that the challenge went out on, whichever way
             * it came back. */
            leat_paths_set_validated(conn, path);
            bool is_active = path == conn->paths.active;
            tell_path(conn, LEAT_EVENT_PATH_VALIDATED,
                is_active ? "migration_complete" : "probing_successful", path);
            return;
        }
    }
}

bool leat_paths_has_probe(const leat_conn *conn, const leat_path_state *path) {
    return (path->response_due || path->challenge_frame_due) &&
        leat_path_send_limit(conn, path) > 0;
}

leat_path_state *leat_paths_next_to_send(const leat_conn *conn) {
    for (size_t i = 0; i < LEAT_PATHS_MAX && leat_conn_is_open(conn); i++) {
        leat_path_state *path = conn->paths.all[i];
        if (path != NULL && leat_paths_has_probe(conn, path)) {
            return path;
        }
    }
    return conn->paths.active;
}

void leat_paths_write(leat_conn *conn, leat_packet_out *out) {
    leat_path_state *path = out->path;
    leat_frame response = {.kind = LEAT_FRAME_PATH_RESPONSE, .type = 0x1b,
                           .path_response.data = path->response};
    if (path->response_due && leat_out_frame(conn, out, &response, 0, 0, 0)) {
        path->response_due = false;
        out->needs_full_datagram = true;
    }
    if (!path->challenge_frame_due) {
        return;
    }
    const leat_frame challenge = {.kind = LEAT_FRAME_PATH_CHALLENGE, .type = 0x1a,
                                  .path_challenge.data =
                                      path->challenges[path->challenges_sent - 1]};
    if (leat_out_frame(conn, out, &challenge, 0, 0, 0)) {
        path->challenge_frame_due = false;
        out->needs_full_datagram = true;
    }
}
