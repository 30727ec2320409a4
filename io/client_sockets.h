/*
 * The sockets of one client: one for each path that its connection uses. Each is connected, so that
 * the kernel drops what strangers send. Inside of io/.
 */
#ifndef LEAT_IO_CLIENT_SOCKETS_H
#define LEAT_IO_CLIENT_SOCKETS_H

#include "io/loop.h"
#include "io/udp.h"

/* As many as a connection has paths; the one used longest ago makes room. */
#define LEAT_CLIENT_SOCKETS_MAX 4

typedef struct leat_client_socket {
    leat_udp *udp; /* NULL: free */
    leat_address remote;
    uint64_t last_used;
} leat_client_socket;

typedef struct leat_client_sockets {
    leat_loop *loop;
    leat_loop_fn on_ready;
    void *user;
    leat_udp_mode mode;
    uint64_t use_counter;
    leat_client_socket rows[LEAT_CLIENT_SOCKETS_MAX];
} leat_client_sockets;

/* A socket at local towards remote, watched. NULL: message. */
leat_udp *leat_client_sockets_open(leat_client_sockets *sockets, const leat_address *local,
                                   const leat_address *remote, char *message);
/*
 * The socket that serves the path; a remote address that has none yet (a preferred address) gets
 * one. NULL: it cannot be reached.
 */
leat_udp *leat_client_sockets_for(leat_client_sockets *sockets, const leat_path *path);
leat_udp *leat_client_sockets_by_fd(leat_client_sockets *sockets, int fd);
bool leat_client_sockets_are_blocked(const leat_client_sockets *sockets);
/* As leat_udp_was_refused, for any of them. */
bool leat_client_sockets_were_refused(leat_client_sockets *sockets);
/* One that no path came to use. */
void leat_client_sockets_discard(leat_client_sockets *sockets, const leat_udp *udp);
void leat_client_sockets_close(leat_client_sockets *sockets);

#endif
