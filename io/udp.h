/*
 * Non-blocking UDP sockets. A receive call hands over a batch of datagrams or GRO trains with their
 * addresses and ECN marks; a send call takes what leat_conn_datagrams_to_send filled. What the
 * kernel can do (GSO, GRO, many messages per call) is found out when the socket is opened. Errors
 * the network reports are hints: no datagram and no error ends anything here.
 */
#ifndef LEAT_IO_UDP_H
#define LEAT_IO_UDP_H

#include <leat/quic.h>

typedef struct leat_udp leat_udp;
typedef unsigned leat_udp_mode; /* flags */
enum {
    LEAT_UDP_BEST = 0,
    LEAT_UDP_PLAIN = 1,  /* one datagram per system call, as POSIX has it */
    LEAT_UDP_SHARED = 2, /* others of this program bind the same address: SO_REUSEPORT */
};

/* The most a send call takes: what one IPv4 datagram, and so one GSO train, can carry. */
#define LEAT_UDP_TRAIN_MAX 65507

typedef struct leat_udp_received {
    uint8_t *data; /* may be changed in place */
    size_t length, segment_size;
    leat_path path;
    uint8_t ecn;
} leat_udp_received;
typedef void (*leat_udp_fn)(void *user, const leat_udp_received *received);

/* Binds to local, and connects to remote unless it is NULL. NULL: message. */
leat_udp *leat_udp_open(const leat_address *local, const leat_address *remote, leat_udp_mode mode,
                        char *message);
void leat_udp_close(leat_udp *udp);
int leat_udp_fd(const leat_udp *udp);
/* As bound, with the port the system chose. */
const leat_address *leat_udp_local(const leat_udp *udp);
/* One batch of what has arrived; returns how many. */
size_t leat_udp_receive(leat_udp *udp, leat_udp_fn fn, void *user);
/*
 * Sends, or keeps a copy until the socket takes it: then is_blocked, and nothing more may be sent
 * before a flush succeeded.
 */
void leat_udp_send(leat_udp *udp, const uint8_t *bytes, size_t length,
                   const leat_transmit *transmit);
bool leat_udp_is_blocked(const leat_udp *udp);
/* Tries what was kept again, when the socket is writable. */
void leat_udp_flush(leat_udp *udp);
/*
 * Whether the network said since the last call that nobody listens there. Only a hint: anybody can
 * forge it.
 */
bool leat_udp_was_refused(leat_udp *udp);
/* Whether the interface refused a datagram of the last leat_udp_send as too large. */
bool leat_udp_was_too_large(const leat_udp *udp);

#endif
