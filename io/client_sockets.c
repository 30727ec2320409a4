/* The table of a client's sockets: opened when a path needs one, found by the path's addresses. */
#include "io/client_sockets.h"

#include <leat/tls.h>

static void close_row(leat_client_sockets *sockets, leat_client_socket *row) {
    if (row->udp != NULL) {
        leat_loop_unwatch(sockets->loop, leat_udp_fd(row->udp));
        leat_udp_close(row->udp);
        row->udp = NULL;
    }
}

static leat_client_socket *row_for_new(leat_client_sockets *sockets) {
    leat_client_socket *oldest = &sockets->rows[0];
    for (size_t i = 0; i < LEAT_CLIENT_SOCKETS_MAX; i++) {
        leat_client_socket *row = &sockets->rows[i];
        if (row->udp == NULL) {
            return row;
        }
        oldest = row->last_used < oldest->last_used ? row : oldest;
    }
    close_row(sockets, oldest);
    return oldest;
}

leat_udp *leat_client_sockets_open(leat_client_sockets *sockets, const leat_address *local,
                                   const leat_address *remote, char *message) {
    leat_udp *udp = leat_udp_open(local, remote, sockets->mode, message);
    if (udp == NULL) {
        return NULL;
    }
    if (leat_loop_watch(sockets->loop, leat_udp_fd(udp), sockets->on_ready, sockets->user) !=
        LEAT_OK) {
        leat_udp_close(udp);
        return NULL;
    }
    *row_for_new(sockets) = (leat_client_socket){udp, *remote, ++sockets->use_counter};
    return udp;
}

/* Two sockets towards one address differ in their ports; else the remote address says it all. */
static leat_client_socket *find(leat_client_sockets *sockets, const leat_path *path) {
    leat_client_socket *found = NULL;
    for (size_t i = 0; i < LEAT_CLIENT_SOCKETS_MAX; i++) {
        leat_client_socket *row = &sockets->rows[i];
        if (row->udp == NULL || !leat_address_equal(&row->remote, &path->remote)) {
            continue;
        }
        if (leat_udp_local(row->udp)->port == path->local.port) {
            return row;
        }
        found = row;
    }
    return found;
}

leat_udp *leat_client_sockets_for(leat_client_sockets *sockets, const leat_path *path) {
    char message[LEAT_MESSAGE_MAX];
    leat_client_socket *row = find(sockets, path);
    if (row == NULL) {
        const leat_address any = {.family = path->remote.family};
        return leat_client_sockets_open(sockets, &any, &path->remote, message);
    }
    row->last_used = ++sockets->use_counter;
    return row->udp;
}

leat_udp *leat_client_sockets_by_fd(leat_client_sockets *sockets, int fd) {
    for (size_t i = 0; i < LEAT_CLIENT_SOCKETS_MAX; i++) {
        leat_udp *udp = sockets->rows[i].udp;
        if (udp != NULL && leat_udp_fd(udp) == fd) {
            return udp;
        }
    }
    return NULL;
}

bool leat_client_sockets_are_blocked(const leat_client_sockets *sockets) {
    bool any = false;
    for (size_t i = 0; i < LEAT_CLIENT_SOCKETS_MAX; i++) {
        const leat_udp *udp = sockets->rows[i].udp;
        any |= udp != NULL && leat_udp_is_blocked(udp);
    }
    return any;
}

bool leat_client_sockets_were_refused(leat_client_sockets *sockets) {
    bool any = false;
    for (size_t i = 0; i < LEAT_CLIENT_SOCKETS_MAX; i++) {
        leat_udp *udp = sockets->rows[i].udp;
        any |= udp != NULL && leat_udp_was_refused(udp);
    }
    return any;
}

void leat_client_sockets_discard(leat_client_sockets *sockets, const leat_udp *udp) {
    for (size_t i = 0; i < LEAT_CLIENT_SOCKETS_MAX; i++) {
        if (sockets->rows[i].udp == udp) {
            close_row(sockets, &sockets->rows[i]);
        }
    }
}

void leat_client_sockets_close(leat_client_sockets *sockets) {
    for (size_t i = 0; i < LEAT_CLIENT_SOCKETS_MAX; i++) {
        close_row(sockets, &sockets->rows[i]);
    }
}
