/*
 * Ancillary data of UDP messages: local addresses, ECN marks (RFC 9000 §13.4) and segment sizes;
 * and the socket options that make the kernel deliver them. Whatever the system lacks is left out,
 * and the bound address stands in.
 */
#include "io/sockaddr.h"
#include "io/udp_impl.h"

#include <netinet/udp.h>
#include <string.h>

#if defined(__linux__) && !defined(UDP_SEGMENT)
#define UDP_SEGMENT 103
#endif
#if defined(__linux__) && !defined(UDP_GRO)
#define UDP_GRO 104
#endif

#define ECN_MASK 3

static void turn_on(int fd, int level, int option, int value) {
    (void)setsockopt(fd, level, option, &value, sizeof value);
}

void leat_udp_set_options(int fd, bool is_ipv6) {
    if (is_ipv6) {
        turn_on(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
#ifdef IPV6_RECVPKTINFO
        turn_on(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
#endif
#ifdef IPV6_RECVTCLASS
        turn_on(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
#endif
        /*
         * RFC 9000 §14: packets must not be fragmented. PROBE: what ICMP claims of the path is not
         * acted on (attack A30).
         */
#ifdef IPV6_PMTUDISC_PROBE
        turn_on(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE);
#endif
        return;
    }
#ifdef IP_PKTINFO
    turn_on(fd, IPPROTO_IP, IP_PKTINFO, 1);
#endif
#ifdef IP_RECVTOS
    turn_on(fd, IPPROTO_IP, IP_RECVTOS, 1);
#endif
#ifdef IP_PMTUDISC_PROBE
    turn_on(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
#endif
}

/* ---- receiving ---- */

void leat_udp_message_for_receive(leat_udp_message *message, uint8_t *buffer) {
    message->bytes = (struct iovec){.iov_base = buffer, .iov_len = LEAT_UDP_BUFFER};
    message->header = (struct msghdr){
        .msg_name = &message->name,
        .msg_namelen = sizeof message->name,
        .msg_iov = &message->bytes,
        .msg_iovlen = 1,
        .msg_control = message->control,
        .msg_controllen = sizeof message->control,
    };
}

/* Marks come as one byte or as an int, depending on the system. */
static int control_integer(const struct cmsghdr *control) {
    int value = 0;
    if (control->cmsg_len >= CMSG_LEN(sizeof value)) {
        memcpy(&value, CMSG_DATA(control), sizeof value);
    } else {
        value = *CMSG_DATA(control);
    }
    return value;
}

static void parse_ipv4_control(const struct cmsghdr *control, leat_udp_received *received) {
#ifdef IP_PKTINFO
    if (control->cmsg_type == IP_PKTINFO) {
        struct in_pktinfo info;
        memcpy(&info, CMSG_DATA(control), sizeof info);
        memcpy(received->path.local.ip, &info.ipi_addr, 4);
    }
#endif
    bool is_tos = control->cmsg_type == IP_TOS;
#ifdef IP_RECVTOS
    is_tos = is_tos || control->cmsg_type == IP_RECVTOS;
#endif
    if (is_tos) {
        received->ecn = (uint8_t)(control_integer(control) & ECN_MASK);
    }
}

static void parse_ipv6_control(const struct cmsghdr *control, leat_udp_received *received) {
#ifdef IPV6_PKTINFO
    if (control->cmsg_type == IPV6_PKTINFO) {
        struct in6_pktinfo info;
        memcpy(&info, CMSG_DATA(control), sizeof info);
        memcpy(received->path.local.ip, &info.ipi6_addr, 16);
        /*
         * A zone means something for link-local addresses only; elsewhere it would make equal paths
         * differ.
         */
        bool is_link_local = IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr);
        received->path.local.scope_id = is_link_local ? (uint32_t)info.ipi6_ifindex : 0;
    }
#endif
#ifdef IPV6_TCLASS
    if (control->cmsg_type == IPV6_TCLASS) {
        received->ecn = (uint8_t)(control_integer(control) & ECN_MASK);
    }
#endif
}

static void parse_control(struct msghdr *header, leat_udp_received *received) {
    for (struct cmsghdr *control = CMSG_FIRSTHDR(header); control != NULL;
         control = CMSG_NXTHDR(header, control)) {
        if (control->cmsg_level == IPPROTO_IP) {
            parse_ipv4_control(control, received);
        } else if (control->cmsg_level == IPPROTO_IPV6) {
            parse_ipv6_control(control, received);
        }
#ifdef UDP_GRO
        if (control->cmsg_level == IPPROTO_UDP && control->cmsg_type == UDP_GRO) {
            size_t segment_size = (size_t)control_integer(control);
            received->segment_size = segment_size < received->length ? segment_size : 0;
        }
#endif
    }
}

bool leat_udp_message_parse(const leat_udp *udp, leat_udp_message *message, size_t length,
                            leat_udp_received *received) {
    *received = (leat_udp_received){.data = message->bytes.iov_base, .length = length};
    received->path.local = udp->local;
    if (length == 0 || (message->header.msg_flags & MSG_TRUNC) != 0 ||
        !leat_sockaddr_parse(&message->name, &received->path.remote)) {
        return false;
    }
    parse_control(&message->header, received);
    return true;
}

/* ---- sending ---- */

static void add_control(struct msghdr *header, int level, int type, const void *data,
                        size_t length) {
    struct cmsghdr *control = (struct cmsghdr *)(void *)((uint8_t *)header->msg_control +
                                                         header->msg_controllen);
    control->cmsg_level = level;
    control->cmsg_type = type;
    control->cmsg_len = CMSG_LEN(length);
    memcpy(CMSG_DATA(control), data, length);
    header->msg_controllen += CMSG_SPACE(length);
}

/*
 * RFC 9000 §9: an answer leaves from the address the question was sent to, also where the socket
 * has many.
 */
static void add_source(struct msghdr *header, const leat_address *local) {
    if (local->family == LEAT_ADDRESS_IPV6) {
#ifdef IPV6_PKTINFO
        struct in6_pktinfo info = {.ipi6_ifindex = local->scope_id};
        memcpy(&info.ipi6_addr, local->ip, 16);
        add_control(header, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
#endif
        return;
    }
#ifdef IP_PKTINFO
    struct in_pktinfo info = {0};
    memcpy(&info.ipi_spec_dst, local->ip, 4);
    add_control(header, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
#endif
}

void leat_udp_message_for_send(const leat_udp *udp, leat_udp_message *message, const uint8_t *bytes,
                               size_t length, size_t segment_size, const leat_transmit *transmit) {
    memset(message->control, 0, sizeof message->control);
    message->bytes = (struct iovec){.iov_base = (void *)(uintptr_t)bytes, .iov_len = length};
    message->header = (struct msghdr){
        .msg_iov = &message->bytes, .msg_iovlen = 1, .msg_control = message->control};
    struct msghdr *header = &message->header;
    if (!udp->is_connected) {
        header->msg_name = &message->name;
        header->msg_namelen = leat_sockaddr_write(&transmit->path.remote, &message->name);
        if (!leat_address_is_any(&transmit->path.local)) {
            add_source(header, &transmit->path.local);
        }
    }
    if (transmit->ecn != LEAT_ECN_NOT_ECT) {
        bool is_ipv6 = transmit->path.remote.family == LEAT_ADDRESS_IPV6;
        int mark = transmit->ecn;
        add_control(header, is_ipv6 ? IPPROTO_IPV6 : IPPROTO_IP, is_ipv6 ? IPV6_TCLASS : IP_TOS,
                    &mark, sizeof mark);
    }
#ifdef UDP_SEGMENT
    if (segment_size > 0) {
        uint16_t size = (uint16_t)segment_size;
        add_control(header, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof size);
    }
#else
    (void)segment_size;
#endif
    if (header->msg_controllen == 0) {
        header->msg_control = NULL;
    }
}
