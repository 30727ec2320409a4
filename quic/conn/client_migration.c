/*
 * A client that goes to another local address, or keeps a path in reserve: RFC 9000 §9.1, §9.2,
 * §9.5. The new path is validated first and the connection moves when the answer has come: until
 * then only probing frames go out there, and a path that does not work costs nothing.
 */
#include "quic/conn/conn_internal.h"

/* What the rules say about leaving for this path; LEAT_OK: it is allowed. */
static int judge(const leat_conn *conn, const leat_path *addresses) {
    const leat_conn_paths *paths = &conn->paths;
    if (!conn->config.is_client || !leat_conn_is_open(conn) || !conn->handshake.is_confirmed) {
        return LEAT_ERR_STATE;
    }
    bool is_known = leat_address_equal(&addresses->remote, &paths->active->addresses.remote) ||
                    leat_address_equal(&addresses->remote, &paths->preferred);
    if (!is_known || leat_path_equal(addresses, &paths->active->addresses)) {
        return LEAT_ERR_INVALID;
    }
    /* RFC 9000 §18.2: the server asked for it; the promise holds for the address of the handshake
     * alone. */
    if (conn->handshake.peers.disable_active_migration &&
        leat_address_equal(&addresses->remote, &paths->first_remote)) {
        return LEAT_ERR_STATE;
    }
    /* RFC 9000 §9.5: without connection IDs the server may not find us again, and everybody on the
     * way can link both paths. */
    return leat_cids_of_path(conn, paths->active)->length > 0 ? LEAT_OK : LEAT_ERR_STATE;
}

static leat_path_state *find_exact(const leat_conn *conn, const leat_path *addresses) {
    for (size_t i = 0; i < LEAT_PATHS_MAX; i++) {
        leat_path_state *path = conn->paths.all[i];
        if (path != NULL && leat_path_equal(&path->addresses, addresses)) {
            return path;
        }
    }
    return NULL;
}

int leat_migration_start(leat_conn *conn, const leat_path *addresses, bool moves) {
    leat_path_state *path = find_exact(conn, addresses);
    if (path == NULL) {
        int err = leat_paths_open(conn, addresses, &path);
        if (err != LEAT_OK) {
            return err;
        }
    }
    if (path->is_validated && moves) {
        leat_migration_move(conn, path);
        return LEAT_OK;
    }
    path->moves_when_validated |= moves;
    path->leave_due = LEAT_TIME_NEVER;
    leat_path_start_challenge(conn, path);
    return LEAT_OK;
}

/* The last word counts: whatever else was on its way to become the active path is not any more. */
static void abandon_moves(leat_conn *conn) {
    for (size_t i = 0; i < LEAT_PATHS_MAX; i++) {
        leat_path_state *path = conn->paths.all[i];
        if (path != NULL && path->moves_when_validated) {
            leat_paths_forget(conn, path);
        }
    }
}

static leat_path complete(const leat_conn *conn, const leat_path *path) {
    leat_path whole = *path;
    if (path->remote.family == LEAT_ADDRESS_NONE && conn->paths.active != NULL) {
        whole.remote = conn->paths.active->addresses.remote;
    }
    return whole;
}

int leat_conn_migrate(leat_conn *conn, const leat_path *path, leat_time now) {
    const leat_path target = complete(conn, path);
    leat_timers_set_now(conn, now);
    int err = judge(conn, &target);
    if (err != LEAT_OK) {
        return err;
    }
    bool awaits_preferred = leat_preferred_address_is_awaited(conn);
    const leat_path preferred = {target.local, conn->paths.preferred};
    abandon_moves(conn);
    err = leat_migration_start(conn, &target, true);
    if (err == LEAT_OK && awaits_preferred && !leat_path_equal(&target, &preferred)) {
        /* RFC 9000 §9.6.3: both addresses of the server are asked from the new one of ours. Without
         * an ID for it the preferred one is given up. */
        (void)leat_migration_start(conn, &preferred, true);
    }
    leat_timers_finish_call(conn);
    return err;
}

int leat_conn_probe_path(leat_conn *conn, const leat_path *path, leat_time now) {
    const leat_path target = complete(conn, path);
    leat_timers_set_now(conn, now);
    int err = judge(conn, &target);
    if (err == LEAT_OK) {
        err = leat_migration_start(conn, &target, false);
    }
    leat_timers_finish_call(conn);
    return err;
}
