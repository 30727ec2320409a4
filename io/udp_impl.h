/* Inside of the UDP sockets: the object, and the two ways to move datagrams. */
#ifndef LEAT_IO_UDP_IMPL_H
#define LEAT_IO_UDP_IMPL_H

#include "io/udp.h"

#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

/* A datagram as large as UDP allows, or a GRO train. */
#define LEAT_UDP_BUFFER 65536

struct leat_udp {
    int fd;
    leat_address local;
    bool is_connected;
    bool has_gso;
    bool was_refused;
    bool was_too_large;
    /*
     * Both are udp_posix.c's or udp_batch.c's. send returns how many bytes are done with; less than
     * length: try later.
     */
    size_t (*receive)(leat_udp *udp, leat_udp_fn fn, void *user);
    size_t (*send)(leat_udp *udp, const uint8_t *bytes, size_t length,
                   const leat_transmit *transmit);
    uint8_t *buffers;
    size_t buffer_count; /* of LEAT_UDP_BUFFER bytes each */
    uint8_t *pending;    /* LEAT_UDP_TRAIN_MAX bytes, made when first needed */
    size_t pending_length, pending_done;
    leat_transmit pending_transmit;
};

/* A message header with everything it points at. */
typedef struct leat_udp_message {
    struct msghdr header;
    struct iovec bytes;
    struct sockaddr_storage name;
    _Alignas(max_align_t) uint8_t control[256];
} leat_udp_message;

/* ---- udp_control.c: what travels beside the bytes ---- */
void leat_udp_message_for_receive(leat_udp_message *message, uint8_t *buffer);
/* False: to be ignored (cut, or without a usable address). */
bool leat_udp_message_parse(const leat_udp *udp, leat_udp_message *message, size_t length,
                            leat_udp_received *received);
/* segment_size: 0 for one datagram without GSO. */
void leat_udp_message_for_send(const leat_udp *udp, leat_udp_message *message, const uint8_t *bytes,
                               size_t length, size_t segment_size, const leat_transmit *transmit);
/* Asks the kernel for addresses and ECN marks, for DF, and for no IPv4 on IPv6 sockets. */
void leat_udp_set_options(int fd, bool is_ipv6);

/* ---- udp_posix.c ---- */
size_t leat_udp_receive_plain(leat_udp *udp, leat_udp_fn fn, void *user);
size_t leat_udp_send_plain(leat_udp *udp, const uint8_t *bytes, size_t length,
                           const leat_transmit *transmit);

typedef enum leat_udp_outcome {
    LEAT_UDP_SENT,
    LEAT_UDP_LATER,
    LEAT_UDP_AGAIN,
    LEAT_UDP_LOST
} leat_udp_outcome;
/* What errno after a failed send means: nothing is worse than a lost datagram. */
leat_udp_outcome leat_udp_send_outcome(leat_udp *udp, int error);

/* ---- udp_batch.c ---- */
bool leat_udp_use_batches(leat_udp *udp);

#endif
