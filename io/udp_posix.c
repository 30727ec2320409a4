/*
 * One datagram per system call: what every POSIX system can do, and what the faster way is compared
 * with.
 */
#include "io/udp_impl.h"

#include <errno.h>

/*
 * Datagrams of one receive call: so many that the loop gets round, so few that sending is not
 * starved.
 */
#define RECEIVE_BATCH 64

size_t leat_udp_receive_plain(leat_udp *udp, leat_udp_fn fn, void *user) {
    leat_udp_message message;
    size_t count = 0;
    for (int i = 0; i < RECEIVE_BATCH; i++) {
        leat_udp_message_for_receive(&message, udp->buffers);
        ssize_t length = recvmsg(udp->fd, &message.header, 0);
        if (length < 0) {
            /* Attack A31: the error of an earlier send says nothing about what can be received. */
            udp->was_refused = udp->was_refused || errno == ECONNREFUSED;
            bool is_drained = errno == EAGAIN || errno == EWOULDBLOCK;
            if (is_drained) {
                break;
            }
            continue;
        }
        leat_udp_received received;
        if (leat_udp_message_parse(udp, &message, (size_t)length, &received)) {
            fn(user, &received);
            count++;
        }
    }
    return count;
}

leat_udp_outcome leat_udp_send_outcome(leat_udp *udp, int error) {
    if (error == EAGAIN || error == EWOULDBLOCK || error == ENOBUFS) {
        return LEAT_UDP_LATER;
    }
    if (error == EINTR) {
        return LEAT_UDP_AGAIN;
    }
    /* RFC 9000 §14.2.1: the interface says so, not a message that anybody can forge. */
    udp->was_too_large |= error == EMSGSIZE;
    if (error == ECONNREFUSED && !udp->was_refused) {
        /* Left over from an earlier datagram; reading it has cleared it. */
        udp->was_refused = true;
        return LEAT_UDP_AGAIN;
    }
    return LEAT_UDP_LOST;
}

size_t leat_udp_send_plain(leat_udp *udp, const uint8_t *bytes, size_t length,
                           const leat_transmit *transmit) {
    leat_udp_message message;
    size_t done = 0;
    while (done < length) {
        size_t left = length - done,
               size = left < transmit->segment_size ? left : transmit->segment_size;
        leat_udp_message_for_send(udp, &message, bytes + done, size, 0, transmit);
        leat_udp_outcome outcome = LEAT_UDP_SENT;
        if (sendmsg(udp->fd, &message.header, 0) < 0) {
            outcome = leat_udp_send_outcome(udp, errno);
        }
        if (outcome == LEAT_UDP_LATER) {
            break;
        }
        done += outcome == LEAT_UDP_AGAIN ? 0 : size;
    }
    return done;
}
