/*
 * Grease: what has no meaning, sent so that others keep ignoring it: the fixed bit (RFC 9287),
 * reserved versions (RFC 9000 §15, RFC 9368 §3) and reserved transport parameters (RFC 9000 §18.1).
 * All of it comes from the connection's random source, and when that fails there is none. HTTP/3
 * has its own.
 */
#include "quic/conn/conn_internal.h"

/* The longest value of a reserved transport parameter. */
#define VALUE_MAX 16

static bool draw(leat_conn *conn, void *bytes, size_t length) {
    return leat_grease_is_on(&conn->config) && leat_random_bytes(&conn->random, bytes, length);
}

static bool peer_agreed(const leat_conn *conn) {
    return conn->handshake.has_peer_params &&
           leat_transport_params_has(&conn->handshake.peers, LEAT_TP_GREASE_QUIC_BIT);
}

bool leat_grease_clears_fixed_bit(leat_conn *conn) {
    leat_conn_grease *grease = &conn->grease;
    /* RFC 9287 §3.1: never before the peer's transport parameters of this connection are known. */
    if (!leat_grease_is_on(&conn->config) || !peer_agreed(conn)) {
        return false;
    }
    if (grease->bits_left == 0) {
        if (!draw(conn, &grease->bits, sizeof grease->bits)) {
            return false;
        }
        grease->bits_left = 64;
    }
    /* RFC 9287 §3.1: unpredictable, so that nobody learns to expect either value. */
    return (grease->bits >> --grease->bits_left & 1) != 0;
}

uint32_t leat_grease_version(leat_conn *conn) {
    uint8_t random;
    return draw(conn, &random, sizeof random) ? leat_version_reserved(random) : 0;
}

void leat_grease_write_parameter(leat_conn *conn, leat_writer *writer) {
    struct {
        uint32_t number;
        uint8_t length;
        uint8_t value[VALUE_MAX];
    } random;
    if (draw(conn, &random, sizeof random)) {
        /* RFC 9000 §18.1: identifiers of the form 31 * N + 27 are never assigned. */
        leat_write_varint(writer, UINT64_C(31) * random.number + 27);
        size_t length = random.length % (VALUE_MAX + 1);
        leat_write_varint(writer, length);
        leat_write_bytes(writer, random.value, length);
    }
}
