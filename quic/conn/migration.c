/*
 * Which path carries the connection: a server that follows its client to new addresses, goes back
 * when they turn out to be false, and gives up what does not answer (RFC 9000 §9.3, §9.4).
 * RFC 9000 §9: NOT IMPLEMENTED: active migration by a client; its socket layer may still rebind.
 */
#include "quic/conn/conn_internal.h"
#include "quic/conn/trace.h"

static void tell_path(
    leat_conn *conn, leat_event_type type, const char *progress, const leat_path_state *path) {
    const leat_event event = {.type = type, .path.path = path->addresses};
    leat_trace_migration(conn, progress, path);
    leat_events_push(conn, &event);
}

static void make_active(leat_conn *conn, leat_path_state *path) {
    const leat_path_state *before = conn->paths.active;
    const leat_event event = {
        .type = LEAT_EVENT_PATH_CHANGED,
        .path_changed = {.old_path = before->addresses, .new_path = path->addresses,
                         .reason = leat_path_is_same_host(before, path) ? LEAT_PATH_REBOUND
                                                                        : LEAT_PATH_MIGRATED},
    };
    conn->paths.active = path;
    leat_recovery_set_path(&conn->recovery, &path->recovery);
    leat_events_push(conn, &event);
}

static void forget_dead_paths(leat_conn *conn) {
    for (size_t i = 0; i < LEAT_PATHS_MAX; i++) {
        leat_path_state *path = conn->paths.all[i];
        if (path != NULL && path->is_dead && path != conn->paths.active) {
            leat_paths_forget(conn, path);
        }
    }
}

void leat_paths_set_validated(leat_conn *conn, leat_path_state *path) {
    leat_path_stop_challenge(path);
    /* RFC 9000 §8.2.1: NOT IMPLEMENTED: a second challenge when the first could not be padded: the
     * datagrams that follow have 1200 bytes and more, and their loss says as much. */
    path->is_validated = true;
    if (path == conn->paths.active) {
        conn->paths.fallback = NULL;
        forget_dead_paths(conn);
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
    if (path == paths->active && paths->fallback != NULL) {
        make_active(conn, paths->fallback);
        paths->fallback = NULL;
    } else if (path == paths->active && !path->is_validated) {
        leat_close_silently(conn, LEAT_SOURCE_PROTOCOL_ERROR, LEAT_NO_VIABLE_PATH,
                            "no validated path is left");
    }
    path->is_dead = path == paths->fallback;
    if (path != paths->active && path != paths->fallback) {
        leat_paths_forget(conn, path);
    }
}

void leat_migration_on_response(leat_conn *conn, leat_path_state *path) {
    leat_paths_set_validated(conn, path);
    bool is_active = path == conn->paths.active;
    tell_path(conn, LEAT_EVENT_PATH_VALIDATED,
              is_active ? "migration_complete" : "probing_successful", path);
}

static void migrate(leat_conn *conn, leat_path_state *path) {
    leat_path_state *before = conn->paths.active;
    if (before->is_validated) {
        conn->paths.fallback = before;
    }
    if (leat_path_is_same_host(before, path)) {
        /* RFC 9000 §9.4: a new port on the same host is most likely a NAT on the same path. */
        leat_recovery_path_inherit(&path->recovery, &before->recovery);
    }
    make_active(conn, path);
    leat_trace_migration(conn, "migration_started", path);
    if (!path->is_validated) {
        leat_path_start_challenge(conn, path);
        /* RFC 9000 §9.3.3: the old path is asked too, in case the packet was forwarded by an
         * attacker. */
        leat_path_start_challenge(conn, before);
    }
}

void leat_paths_after_packet(leat_conn *conn, const leat_packet_in *packet) {
    /* RFC 9000 §9.3: only a non-probing packet with the highest number moves the connection. */
    bool moves = leat_conn_is_server(conn) && packet->path != conn->paths.active &&
                 packet->non_probing && packet->is_newest &&
                 packet->space == LEAT_SPACE_APPLICATION;
    if (moves) {
        migrate(conn, packet->path);
    }
}
