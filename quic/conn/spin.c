/*
 * The latency spin bit, RFC 9000 §17.4: the client turns it with each round trip, the server
 * returns it, and whoever stands between can read the round trip time off it. One path in sixteen
 * does not take part, so that those who never do are not the only ones.
 */
#include "quic/conn/conn_internal.h"

/* RFC 9000 §17.4: of 256 paths so many keep the bit to themselves. */
#define SILENT_OF_256 16

void leat_spin_begin(leat_conn *conn, leat_path_state *path) {
    uint8_t random[2] = {0, 0};
    /* Without randomness the path is a silent one with a constant bit. */
    bool has_random = leat_random_bytes(&conn->random, random, sizeof random);
    leat_spin *spin = &path->spin;
    *spin = (leat_spin){.cid_sequence = path->cid_sequence};
    spin->takes_part = has_random && conn->config.spin_bit && random[0] >= SILENT_OF_256;
    spin->value = !spin->takes_part && (random[1] & 1) != 0;
}

bool leat_spin_value(leat_path_state *path) {
    leat_spin *spin = &path->spin;
    if (spin->takes_part && spin->cid_sequence != path->cid_sequence) {
        /* RFC 9000 §17.4: the bit must not link one connection ID to the next. */
        spin->value = false;
    }
    spin->cid_sequence = path->cid_sequence;
    return spin->value;
}

void leat_spin_on_received(leat_conn *conn, const leat_packet_in *packet) {
    leat_spin *spin = &packet->path->spin;
    if (packet->header.type != LEAT_PACKET_ONE_RTT || !spin->takes_part) {
        return;
    }
    /* RFC 9000 §17.4: only the packet with the highest number of this path, or reordering spins. */
    if (!spin->has_received || packet->opened.pn > spin->largest_received) {
        spin->has_received = true;
        spin->largest_received = packet->opened.pn;
        spin->value = packet->opened.spin != conn->config.is_client;
    }
}
