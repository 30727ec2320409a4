/*
 * UDP sockets: opening them, and what was not taken by the kernel at once. Moving datagrams:
 * udp_posix.c, udp_batch.c.
 */
#include "io/sockaddr.h"
#include "io/udp_impl.h"

#include "base/alloc.h"

#include <leat/tls.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A burst of handshakes must fit: the usual 208 KiB hold some ninety Initials. */
#define SOCKET_BUFFER (4 * 1024 * 1024)

static void set_buffer(int fd, int option, int forced_option) {
    int size = SOCKET_BUFFER;
    if (forced_option == 0 || setsockopt(fd, SOL_SOCKET, forced_option, &size, sizeof size) != 0) {
        (void)setsockopt(fd, SOL_SOCKET, option, &size, sizeof size);
    }
}

static void set_buffers(int fd) {
#if defined(SO_RCVBUFFORCE) && defined(SO_SNDBUFFORCE)
    set_buffer(fd, SO_RCVBUF, SO_RCVBUFFORCE);
    set_buffer(fd, SO_SNDBUF, SO_SNDBUFFORCE);
#else
    set_buffer(fd, SO_RCVBUF, 0);
    set_buffer(fd, SO_SNDBUF, 0);
#endif
}

static void explain(char *message, const char *what, const leat_address *address) {
    char text[LEAT_ADDRESS_TEXT_MAX];
    int error = errno;
    leat_address_format(address, text);
    if (error == EADDRINUSE) {
        snprintf(message, LEAT_MESSAGE_MAX,
                 "UDP port %u is in use at %s: stop the other program or choose another port",
                 (unsigned)address->port, text);
    } else {
        snprintf(message, LEAT_MESSAGE_MAX, "cannot %s %s: %s", what, text, strerror(error));
    }
    errno = error;
}

static bool bind_socket(leat_udp *udp, const leat_address *local, const leat_address *remote,
                        char *message) {
    struct sockaddr_storage name;
    socklen_t length = leat_sockaddr_write(local, &name);
    if (bind(udp->fd, (const struct sockaddr *)&name, length) != 0) {
        explain(message, "listen on", local);
        return false;
    }
    if (remote != NULL) {
        length = leat_sockaddr_write(remote, &name);
        if (connect(udp->fd, (const struct sockaddr *)&name, length) != 0) {
            explain(message, "reach", remote);
            return false;
        }
        udp->is_connected = true;
    }
    length = sizeof name;
    if (getsockname(udp->fd, (struct sockaddr *)&name, &length) != 0 ||
        !leat_sockaddr_parse(&name, &udp->local)) {
        explain(message, "read the address of", local);
        return false;
    }
    return true;
}

/* Linux spreads what comes over all sockets that share a port, by the addresses of both ends. */
static bool share_port(int fd) {
#ifdef SO_REUSEPORT
    const int on = 1;
    return setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0;
#else
    (void)fd;
    errno = ENOTSUP;
    return false;
#endif
}

static bool set_up(leat_udp *udp, const leat_address *local, const leat_address *remote,
                   leat_udp_mode mode, char *message) {
    bool is_ipv6 = local->family == LEAT_ADDRESS_IPV6;
    udp->fd = socket(is_ipv6 ? AF_INET6 : AF_INET, SOCK_DGRAM, 0);
    if (udp->fd < 0) {
        explain(message, "make a socket for", local);
        return false;
    }
    fcntl(udp->fd, F_SETFL, O_NONBLOCK);
    fcntl(udp->fd, F_SETFD, FD_CLOEXEC);
    set_buffers(udp->fd);
    leat_udp_set_options(udp->fd, is_ipv6);
    if ((mode & LEAT_UDP_SHARED) != 0 && !share_port(udp->fd)) {
        explain(message, "share", local);
        return false;
    }
    if (!bind_socket(udp, local, remote, message)) {
        return false;
    }
    udp->receive = leat_udp_receive_plain;
    udp->send = leat_udp_send_plain;
    udp->buffer_count = 1;
#ifdef LEAT_HAVE_MMSG
    if ((mode & LEAT_UDP_PLAIN) == 0) {
        (void)leat_udp_use_batches(udp);
    }
#endif
    udp->buffers = leat_alloc_array(NULL, udp->buffer_count, LEAT_UDP_BUFFER);
    if (udp->buffers == NULL) {
        snprintf(message, LEAT_MESSAGE_MAX, "out of memory for a socket's buffers");
    }
    return udp->buffers != NULL;
}

leat_udp *leat_udp_open(const leat_address *local, const leat_address *remote, leat_udp_mode mode,
                        char *message) {
    leat_udp *udp = leat_alloc(NULL, sizeof *udp);
    if (udp == NULL) {
        snprintf(message, LEAT_MESSAGE_MAX, "out of memory for a socket");
        return NULL;
    }
    udp->fd = -1;
    if (!set_up(udp, local, remote, mode, message)) {
        int error = errno;
        leat_udp_close(udp);
        errno = error;
        return NULL;
    }
    return udp;
}

void leat_udp_close(leat_udp *udp) {
    if (udp == NULL) {
        return;
    }
    if (udp->fd >= 0) {
        close(udp->fd);
    }
    leat_free(NULL, udp->buffers);
    leat_free(NULL, udp->pending);
    leat_free(NULL, udp);
}

int leat_udp_fd(const leat_udp *udp) { return udp->fd; }
const leat_address *leat_udp_local(const leat_udp *udp) { return &udp->local; }
bool leat_udp_is_blocked(const leat_udp *udp) { return udp->pending_done < udp->pending_length; }

bool leat_udp_was_refused(leat_udp *udp) {
    bool was_refused = udp->was_refused;
    udp->was_refused = false;
    return was_refused;
}

bool leat_udp_was_too_large(const leat_udp *udp) { return udp->was_too_large; }

size_t leat_udp_receive(leat_udp *udp, leat_udp_fn fn, void *user) {
    return udp->receive(udp, fn, user);
}

/*
 * Without memory to keep them, the datagrams are lost, as any router on the way might have lost
 * them.
 */
static void keep(leat_udp *udp, const uint8_t *bytes, size_t length,
                 const leat_transmit *transmit) {
    if (udp->pending == NULL) {
        udp->pending = leat_alloc(NULL, LEAT_UDP_TRAIN_MAX);
    }
    if (udp->pending != NULL && length <= LEAT_UDP_TRAIN_MAX) {
        memcpy(udp->pending, bytes, length);
        udp->pending_length = length;
        udp->pending_done = 0;
        udp->pending_transmit = *transmit;
    }
}

void leat_udp_send(leat_udp *udp, const uint8_t *bytes, size_t length,
                   const leat_transmit *transmit) {
    udp->was_too_large = false;
    size_t done = udp->send(udp, bytes, length, transmit);
    if (done < length) {
        keep(udp, bytes + done, length - done, transmit);
    }
}

void leat_udp_flush(leat_udp *udp) {
    if (leat_udp_is_blocked(udp)) {
        udp->pending_done += udp->send(udp, udp->pending + udp->pending_done,
                                       udp->pending_length - udp->pending_done,
                                       &udp->pending_transmit);
    }
}
