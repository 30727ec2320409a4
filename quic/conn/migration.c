/*
 * Which path carries the connection: RFC 9000 §9.3, §9.4, §9.6.2. A server follows its client to
 * new addresses, goes back when they turn out to be false, and gives up what does not answer; a
 * client comes here when a path that it chose (client_migration.c) has been validated. The
 * application is told of an address only when it is validated.
 */
#include "quic/conn/conn_internal.h"
#include "quic/conn/trace.h"

static void tell_path(leat_conn *conn, leat_event_type type, const char *progress,
                      const leat_path_state *path) {
    const leat_event event = {.type = type, .path.path = path->addresses};
    leat_trace_migration(conn, progress, path);
    leat_events_push(conn, &event);
}

/* RFC 9000 §9.3: until it is validated anybody could have written the address. */
static void tell_change(leat_conn *conn) {
    leat_conn_paths *paths = &conn->paths;
    const leat_path *now = &paths->active->addresses;
    if (!paths->active->is_validated || leat_path_equal(&paths->told, now)) {
        return;
    }
    const leat_event event = {
        .type = LEAT_EVENT_PATH_CHANGED,
        .path_changed = {.old_path = paths->told, .new_path = *now,
                         .reason = leat_path_is_same_host(&paths->told, now) ? LEAT_PATH_REBOUND
                                                                             : LEAT_PATH_MIGRATED},
    };
    paths->told = *now;
    leat_events_push(conn, &event);
}

/* ---- paths that are left --------------------------------------------------------------------- */

static void forget_dead_paths(leat_conn *conn) {
    for (size_t i = 0; i < LEAT_PATHS_MAX; i++) {
        leat_path_state *path = conn->paths.all[i];
        if (path != NULL && path->is_dead && path != conn->paths.active) {
            leat_paths_forget(conn, path);
        }
    }
}

/* RFC 9000 §9.6.2: a server speaks from its old address until it has validated the path to its
 * preferred one, so the client listens there. */
static bool is_spoken_from(const leat_conn *conn, const leat_path_state *path) {
    return conn->config.is_client && !conn->paths.is_followed &&
           !leat_address_equal(&path->addresses.remote, &conn->paths.active->addresses.remote);
}

/* RFC 9000 §5.1.2: IDs that are not used any more are retired; what is under way on the path that
 * was left has three PTO to arrive. */
static void leave_old_paths(leat_conn *conn) {
    leat_time period = leat_time_multiply(leat_recovery_pto(&conn->recovery), 3);
    for (size_t i = 0; i < LEAT_PATHS_MAX; i++) {
        leat_path_state *path = conn->paths.all[i];
        bool is_left = path != NULL && path->was_active && path != conn->paths.active &&
                       !is_spoken_from(conn, path);
        if (is_left && path->leave_due == LEAT_TIME_NEVER) {
            path->leave_due = leat_time_add(conn->now, period);
        }
    }
}

/* The active path is validated: there is no way back that would have to be kept. */
static void settle(leat_conn *conn) {
    conn->paths.fallback = NULL;
    forget_dead_paths(conn);
    leave_old_paths(conn);
    tell_change(conn);
}

/* ---- moving ---------------------------------------------------------------------------------- */

static void make_active(leat_conn *conn, leat_path_state *path) {
    conn->paths.active = path;
    path->was_active = true;
    path->moves_when_validated = false;
    path->leave_due = LEAT_TIME_NEVER;
    conn->recovery.pto_count = 0; /* nothing was lost here yet */
    leat_recovery_set_path(&conn->recovery, &path->recovery);
}

static bool is_other_local(const leat_path_state *a, const leat_path_state *b) {
    return !leat_address_equal(&a->addresses.local, &b->addresses.local);
}

/*
 * RFC 9000 §9.5: a peer that moved and left no ID to spare ought to hear nothing here. But what
 * asks for more IDs would go to the address that it has left, and no side would ever hear of the
 * other again: to be linked is less bad.
 */
static void share_cid(leat_path_state *path, const leat_path_state *with) {
    if (path->cid_sequence == LEAT_CID_SEQUENCE_NONE) {
        path->cid_sequence = with->cid_sequence;
    }
}

void leat_migration_move(leat_conn *conn, leat_path_state *path) {
    leat_path_state *before = conn->paths.active;
    bool is_fresh = !path->was_active;
    share_cid(path, before);
    if (before->is_validated) {
        conn->paths.fallback = before;
    }
    if (is_fresh && leat_path_is_same_host(&before->addresses, &path->addresses)) {
        /* RFC 9000 §9.4: a new port on the same host is most likely a NAT on the same path. */
        leat_recovery_path_inherit(&path->recovery, &before->recovery);
    }
    if (leat_conn_is_server(conn) && is_other_local(before, path)) {
        conn->paths.left_local = before->addresses.local;
    }
    make_active(conn, path);
    leat_trace_migration(conn, "migration_started", path);
    if (path->is_validated) {
        settle(conn);
        return;
    }
    if (!conn->handshake.is_complete) {
        return; /* asked by leat_migration_on_handshake_packet, when there are 1-RTT packets */
    }
    leat_path_start_challenge(conn, path);
    /* RFC 9000 §9.3.3: the old path is asked too, in case the packet was forwarded by an
     * attacker. */
    leat_path_start_challenge(conn, before);
}

static void follow_client(leat_conn *conn, const leat_packet_in *packet) {
    leat_path_state *path = packet->path, *active = conn->paths.active;
    if (path == active) {
        return;
    }
    if (!path->is_validated && conn->handshake.is_complete) {
        /* RFC 9000 §9.6.3: a probe from a new address is a reason to ask as well. */
        leat_path_start_challenge(conn, path);
    }
    /* RFC 9000 §9.3: only a non-probing packet with the highest number moves the connection. */
    if (!packet->non_probing || !packet->is_newest) {
        return;
    }
    if (is_other_local(path, active) && !path->is_validated) {
        /* RFC 9000 §9.6.2: a server speaks from its preferred address when that path is validated,
         * not before. */
        path->moves_when_validated = true;
        share_cid(path, active);
        return;
    }
    leat_migration_move(conn, path);
}

static void follow_server(leat_conn *conn, const leat_packet_in *packet) {
    leat_conn_paths *paths = &conn->paths;
    if (!paths->is_followed && packet->non_probing && packet->path == paths->active &&
        leat_address_equal(&paths->active->addresses.remote, &paths->preferred)) {
        paths->is_followed = true;
        leave_old_paths(conn);
    }
}

void leat_paths_after_packet(leat_conn *conn, const leat_packet_in *packet) {
    if (leat_conn_is_server(conn)) {
        follow_client(conn, packet);
    } else {
        follow_server(conn, packet);
    }
}

/* ---- what validation says -------------------------------------------------------------------- */

void leat_paths_set_validated(leat_conn *conn, leat_path_state *path) {
    leat_path_stop_challenge(path);
    path->is_validated = true;
    if (path == conn->paths.active) {
        settle(conn);
    }
}

/*
 * RFC 9000 §8.1: a Handshake packet proves the address at which the handshake began: only who lives
 * there could make its keys. From anywhere else somebody may have forwarded it: three times its
 * bytes may go there until it has answered.
 */
void leat_migration_on_handshake_packet(leat_conn *conn, leat_path_state *path) {
    if (leat_address_equal(&path->addresses.remote, &conn->paths.first_remote)) {
        leat_paths_set_validated(conn, path);
    }
    if (conn->handshake.is_complete && !conn->paths.active->is_validated) {
        leat_path_start_challenge(conn, conn->paths.active);
    }
}

/* RFC 9000 §9.6.3: there is one move at a time, and the preferred address wins. */
static void abandon_other_moves(leat_conn *conn, const leat_path_state *winner) {
    bool is_final = !leat_preferred_address_is_awaited(conn) ||
                    leat_address_equal(&winner->addresses.remote, &conn->paths.preferred);
    for (size_t i = 0; is_final && i < LEAT_PATHS_MAX; i++) {
        leat_path_state *path = conn->paths.all[i];
        if (path != NULL && path != winner && path->moves_when_validated) {
            leat_paths_forget(conn, path);
        }
    }
}

/*
 * RFC 9000 §8.2.1: an answer to a small datagram proves the address, and with it lifts the limit on
 * what may be sent; whether the path carries 1200 bytes is asked next.
 */
static void ask_for_full_size(leat_conn *conn, leat_path_state *path) {
    path->is_validated = true;
    leat_path_stop_challenge(path);
    leat_path_start_challenge(conn, path);
    path->is_size_asked = true;
    tell_change(conn);
}

void leat_migration_on_response(leat_conn *conn, leat_path_state *path, bool is_full) {
    bool is_active = path == conn->paths.active, moves = path->moves_when_validated;
    if (!path->is_size_asked) {
        tell_path(conn, LEAT_EVENT_PATH_VALIDATED,
                  is_active || moves ? "migration_complete" : "probing_successful", path);
    }
    if (!is_full) {
        ask_for_full_size(conn, path);
        return;
    }
    leat_paths_set_validated(conn, path);
    if (moves) {
        abandon_other_moves(conn, path);
        leat_migration_move(conn, path);
    }
}

/*
 * RFC 9000 §9.3.2: back to the last address that was validated; without one there is nothing left
 * to talk to. RFC 9000 §8.2.4: an address that was validated once and is silent now is waited for.
 */
void leat_migration_on_failed(leat_conn *conn, leat_path_state *path) {
    leat_conn_paths *paths = &conn->paths;
    bool is_active = path == paths->active;
    leat_path_stop_challenge(path);
    tell_path(conn, LEAT_EVENT_PATH_FAILED, is_active ? "migration_abandoned" : "probing_abandoned",
              path);
    if (is_active && paths->fallback != NULL) {
        make_active(conn, paths->fallback);
        paths->fallback = NULL;
        tell_change(conn);
    } else if (is_active && !path->is_validated) {
        leat_close_silently(conn, LEAT_SOURCE_PROTOCOL_ERROR, LEAT_NO_VIABLE_PATH,
                            "no validated path is left");
    }
    path->is_dead = path == paths->fallback;
    if (path != paths->active && path != paths->fallback) {
        leat_paths_forget(conn, path);
    }
}
