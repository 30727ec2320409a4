/*
 * Many datagrams per system call, where the kernel can: recvmmsg with GRO, and GSO or else
 * sendmmsg. A whole train costs little more than one datagram this way.
 */
#include "io/udp_impl.h"

#include <errno.h>
#include <netinet/udp.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

#define RECEIVE_BATCH 16
#define SEND_BATCH 64

/* The kernel's UDP_MAX_SEGMENTS, before it was doubled. */
#define GSO_SEGMENTS 64

static size_t receive_batch(leat_udp *udp, leat_udp_fn fn, void *user) {
    leat_udp_message messages[RECEIVE_BATCH];
    struct mmsghdr headers[RECEIVE_BATCH];
    for (size_t i = 0; i < RECEIVE_BATCH; i++) {
        leat_udp_message_for_receive(&messages[i], udp->buffers + i * LEAT_UDP_BUFFER);
        headers[i] = (struct mmsghdr){.msg_hdr = messages[i].header};
    }
    int received_count = recvmmsg(udp->fd, headers, RECEIVE_BATCH, MSG_DONTWAIT, NULL);
    if (received_count < 0) {
        udp->was_refused = udp->was_refused || errno == ECONNREFUSED;
        return 0;
    }
    size_t count = 0;
    for (size_t i = 0; i < (size_t)received_count; i++) {
        leat_udp_received received;
        messages[i].header = headers[i].msg_hdr;
        if (leat_udp_message_parse(udp, &messages[i], headers[i].msg_len, &received)) {
            fn(user, &received);
            count++;
        }
    }
    return count;
}

static size_t segments_of(size_t length, size_t segment_size) {
    return (length + segment_size - 1) / segment_size;
}

/*
 * One train by GSO. A card or path without it says EIO, a segment size it cannot carry EINVAL: then
 * there is no GSO.
 */
static leat_udp_outcome send_train(leat_udp *udp, const uint8_t *bytes, size_t length,
                                   const leat_transmit *transmit) {
    leat_udp_message message;
    bool is_train = length > transmit->segment_size;
    leat_udp_message_for_send(udp, &message, bytes, length, is_train ? transmit->segment_size : 0,
                              transmit);
    if (sendmsg(udp->fd, &message.header, 0) >= 0) {
        return LEAT_UDP_SENT;
    }
    if (is_train && (errno == EIO || errno == EINVAL)) {
        udp->has_gso = false;
        return LEAT_UDP_AGAIN;
    }
    return leat_udp_send_outcome(udp, errno);
}

/*
 * Up to SEND_BATCH datagrams by sendmmsg; returns the bytes done with, 0 when the socket is full.
 */
static size_t send_many(leat_udp *udp, const uint8_t *bytes, size_t length,
                        const leat_transmit *transmit) {
    leat_udp_message messages[SEND_BATCH];
    struct mmsghdr headers[SEND_BATCH];
    size_t count = segments_of(length, transmit->segment_size);
    count = count > SEND_BATCH ? SEND_BATCH : count;
    for (size_t i = 0; i < count; i++) {
        size_t offset = i * transmit->segment_size, left = length - offset;
        size_t size = left < transmit->segment_size ? left : transmit->segment_size;
        leat_udp_message_for_send(udp, &messages[i], bytes + offset, size, 0, transmit);
        headers[i] = (struct mmsghdr){.msg_hdr = messages[i].header};
    }
    for (;;) {
        int sent = sendmmsg(udp->fd, headers, (unsigned)count, 0);
        leat_udp_outcome outcome = sent > 0 ? LEAT_UDP_SENT : leat_udp_send_outcome(udp, errno);
        if (outcome == LEAT_UDP_AGAIN) {
            continue;
        }
        size_t taken = outcome == LEAT_UDP_LATER ? 0 : outcome == LEAT_UDP_LOST ? 1 : (size_t)sent;
        return taken * transmit->segment_size < length ? taken * transmit->segment_size : length;
    }
}

static size_t send_batch(leat_udp *udp, const uint8_t *bytes, size_t length,
                         const leat_transmit *transmit) {
    size_t done = 0;
    while (done < length) {
        size_t left = length - done, step = left;
        if (udp->has_gso) {
            size_t segments = LEAT_UDP_TRAIN_MAX / transmit->segment_size;
            segments = segments > GSO_SEGMENTS ? GSO_SEGMENTS : segments == 0 ? 1 : segments;
            step = left < segments * transmit->segment_size ? left
                                                            : segments * transmit->segment_size;
            leat_udp_outcome outcome = send_train(udp, bytes + done, step, transmit);
            if (outcome == LEAT_UDP_LATER) {
                break;
            }
            step = outcome == LEAT_UDP_AGAIN ? 0 : step;
        } else {
            step = send_many(udp, bytes + done, left, transmit);
            if (step == 0) {
                break;
            }
        }
        done += step;
    }
    return done;
}

bool leat_udp_use_batches(leat_udp *udp) {
    int value = 0;
    socklen_t length = sizeof value;
    udp->receive = receive_batch;
    udp->send = send_batch;
    udp->buffer_count = RECEIVE_BATCH;
    udp->has_gso = getsockopt(udp->fd, IPPROTO_UDP, UDP_SEGMENT, &value, &length) == 0;
    value = 1;
    return setsockopt(udp->fd, IPPROTO_UDP, UDP_GRO, &value, sizeof value) == 0;
}
