/*
 * Addresses: what the NAT in front of the clients shows to the server, which of it is still
 * current, and what RFC 9000 §8 allows a server to send to each of them. Nothing ever gets an
 * outside address that somebody had before.
 */
#include <stdlib.h>

#include "quic/packet/header.h"
#include "sim/world.h"

#define CLIENT_PORT 10000
#define SERVER_PORT 443
#define OUTSIDE_PORT 20000
#define OUTSIDE_PORTS (65536 - OUTSIDE_PORT)
#define PREFERRED_PORT 444
#define AMPLIFICATION 3
/* Networks: inside, of servers, and outside from 3 on: one for each host of a client. */
#define INSIDE 1
#define SERVERS 2
#define OUTSIDE 3
#define HOSTS_MAX 200

static leat_address make_address(const world *w, uint8_t network, uint8_t host, uint16_t port) {
    if (w->config->is_ipv6) {
        leat_address address = {
            .family = LEAT_ADDRESS_IPV6, .port = port, .ip = {0x20, 1, 0xd, 0xb8}};
        address.ip[4] = network;
        address.ip[15] = host;
        return address;
    }
    return (leat_address){.family = LEAT_ADDRESS_IPV4, .port = port, .ip = {192, 0, network, host}};
}

leat_address nat_client_at(const world *w, size_t flow_number, unsigned host) {
    return make_address(w, INSIDE, (uint8_t)(1 + host % HOSTS_MAX),
                        (uint16_t)(CLIENT_PORT + flow_number));
}

leat_address nat_client(const world *w, size_t flow_number) {
    return nat_client_at(w, flow_number, 0);
}

leat_address nat_server(const world *w) { return make_address(w, SERVERS, 1, SERVER_PORT); }
leat_address nat_preferred(const world *w) { return make_address(w, SERVERS, 1, PREFERRED_PORT); }

static uint8_t network_of(const leat_address *address) {
    return address->family == LEAT_ADDRESS_IPV6 ? address->ip[4] : address->ip[2];
}

static uint8_t host_of(const leat_address *address) {
    return address->family == LEAT_ADDRESS_IPV6 ? address->ip[15] : address->ip[3];
}

leat_address nat_outside(const world *w, const leat_address *inside) {
    uint8_t network = (uint8_t)(OUTSIDE + host_of(inside) - 1);
    unsigned number = inside->port - CLIENT_PORT;
    unsigned offset = (w->nat.port_epoch * SIM_FLOWS_MAX + number) % OUTSIDE_PORTS;
    return make_address(w, network, (uint8_t)(1 + w->nat.host_epoch),
                        (uint16_t)(OUTSIDE_PORT + offset));
}


static size_t flow_number(const leat_address *outside) {
    return (size_t)(outside->port - OUTSIDE_PORT) % SIM_FLOWS_MAX;
}

leat_address nat_inside(const world *w, const leat_address *outside) {
    unsigned host = (unsigned)(network_of(outside) - OUTSIDE);
    return nat_client_at(w, flow_number(outside), host);
}

flow *nat_find(world *w, const leat_address *outside, bool *is_current) {
    size_t number = flow_number(outside);
    if (outside->port < OUTSIDE_PORT || number >= w->config->flow_count) {
        return NULL;
    }
    leat_address inside = nat_inside(w, outside), current = nat_outside(w, &inside);
    *is_current = leat_address_equal(&current, outside);
    return &w->flows[number];
}

/* ---- what each address may be sent ----------------------------------------------------------- */

static seen_address *see(world *w, const leat_address *address) {
    nat *n = &w->nat;
    for (size_t i = n->count; i > 0; i--) {
        if (leat_address_equal(&n->seen[i - 1].address, address)) {
            return &n->seen[i - 1];
        }
    }
    if (n->count == n->room) {
        size_t room = n->room * 2 + 8;
        seen_address *more = realloc(n->seen, room * sizeof *more);
        if (more == NULL) {
            world_fail(w, "no memory");
            return NULL;
        }
        n->seen = more;
        n->room = room;
    }
    n->seen[n->count] = (seen_address){.address = *address};
    return &n->seen[n->count++];
}

static bool is_first_of_flow(const world *w, const leat_address *address) {
    for (size_t i = 0; i < w->nat.count; i++) {
        const seen_address *other = &w->nat.seen[i];
        if (other->is_first && flow_number(&other->address) == flow_number(address)) {
            return leat_address_equal(&other->address, address);
        }
    }
    return true;
}

static bool is_retry(const uint8_t *bytes, size_t length) {
    leat_packet_header header;
    return leat_packet_header_parse(&header, (leat_span){bytes, length}, 0) == LEAT_DROP_NONE &&
           header.type == LEAT_PACKET_RETRY;
}

static bool has_token(const sim_datagram *datagram) {
    leat_packet_header header;
    leat_span bytes = {datagram->bytes, datagram->length};
    return leat_packet_header_parse(&header, bytes, 0) == LEAT_DROP_NONE &&
           header.type == LEAT_PACKET_INITIAL && header.token.length > 0 && !datagram->is_corrupted;
}

void nat_on_server_received(world *w, const sim_datagram *datagram) {
    seen_address *from = see(w, &datagram->path.local);
    if (from != NULL) {
        from->received += datagram->length;
        from->is_first = from->is_first ||
                         (!datagram->is_corrupted && is_first_of_flow(w, &from->address));
        /* RFC 9000 §8.1.2: the token of a Retry that went to this address proves it. */
        from->is_validated = from->is_validated || (from->was_retried && has_token(datagram));
    }
    w->arriving = from;
}

/*
 * RFC 9000 §8.1: a Handshake packet proves the address that its keys were made for, as only who
 * lives there could read them. From anywhere else it might have been forwarded.
 */
void nat_on_handshake_packet(world *w) {
    if (w->arriving != NULL) {
        w->arriving->is_validated = w->arriving->is_validated || w->arriving->is_first;
    }
}

void nat_on_server_sends(world *w, const leat_address *to, const uint8_t *bytes, size_t length) {
    seen_address *address = see(w, to);
    if (address == NULL) {
        return;
    }
    address->sent += length;
    address->was_retried = address->was_retried || is_retry(bytes, length);
    if (!address->is_validated && address->sent > AMPLIFICATION * address->received) {
        world_fail(w, "%llu bytes went to an address that is not validated and sent %llu",
                   (unsigned long long)address->sent, (unsigned long long)address->received);
    }
}

void nat_on_validated(world *w, const leat_address *address) {
    seen_address *known = see(w, address);
    if (known != NULL) {
        known->is_validated = true;
    }
}

void nat_clear(nat *n) { free(n->seen); }
