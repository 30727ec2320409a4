/*
 * A server's preferred address: RFC 9000 §9.6, §18.2, §21.5.3. The transport parameter as bytes,
 * what a server offers, and the client that asks there once the handshake is confirmed and moves
 * when it is answered. What a server does when its client arrives is in migration.c.
 */
#include "quic/conn/conn_internal.h"

#include <string.h>

/* ---- bytes ----------------------------------------------------------------------------------- */

static bool is_zero(const uint8_t *bytes, size_t length) {
    uint8_t any = 0;
    for (size_t i = 0; i < length; i++) {
        any |= bytes[i];
    }
    return any == 0;
}

/* RFC 9000 §18.2: zeros say that this family is not offered. */
static void read_address(leat_reader *reader, leat_address_family family, size_t length,
                         leat_address *address) {
    *address = (leat_address){0};
    leat_read_copy(reader, address->ip, length);
    address->port = leat_read_u16(reader);
    if (!is_zero(address->ip, length) && address->port != 0) {
        address->family = (uint8_t)family;
    }
}

bool leat_preferred_address_parse(leat_reader *reader, leat_preferred_address *preferred) {
    read_address(reader, LEAT_ADDRESS_IPV4, 4, &preferred->v4);
    read_address(reader, LEAT_ADDRESS_IPV6, 16, &preferred->v6);
    leat_span cid = leat_read_vector8(reader);
    leat_read_copy(reader, preferred->reset_token, sizeof preferred->reset_token);
    /* RFC 9000 §18.2: an empty connection ID is an error of its own. */
    return leat_reader_at_end(reader) && cid.length > 0 &&
           leat_cid_from_span(&preferred->cid, cid);
}

void leat_preferred_address_write(leat_writer *writer, const leat_preferred_address *preferred) {
    size_t mark = leat_write_vector_begin(writer, 1);
    leat_write_bytes(writer, preferred->v4.ip, 4);
    leat_write_u16(writer, preferred->v4.port);
    leat_write_bytes(writer, preferred->v6.ip, 16);
    leat_write_u16(writer, preferred->v6.port);
    leat_write_u8(writer, preferred->cid.length);
    leat_write_bytes(writer, preferred->cid.bytes, preferred->cid.length);
    leat_write_bytes(writer, preferred->reset_token, sizeof preferred->reset_token);
    leat_write_vector_end(writer, mark, 1);
}

/* ---- server ---------------------------------------------------------------------------------- */

bool leat_preferred_address_is_offered(const leat_conn *conn) {
    const leat_config *config = &conn->config;
    bool has_address = config->preferred_address_v4.family == LEAT_ADDRESS_IPV4 ||
                       config->preferred_address_v6.family == LEAT_ADDRESS_IPV6;
    /* RFC 9000 §18.2: not without connection IDs of ours. */
    return leat_conn_is_server(conn) && has_address && config->connection_id_length > 0;
}

void leat_preferred_address_fill(const leat_conn *conn, leat_preferred_address *preferred) {
    const leat_local_cid *second = &conn->cids.local[1];
    *preferred = (leat_preferred_address){.cid = second->cid};
    if (conn->config.preferred_address_v4.family == LEAT_ADDRESS_IPV4) {
        preferred->v4 = conn->config.preferred_address_v4;
    }
    if (conn->config.preferred_address_v6.family == LEAT_ADDRESS_IPV6) {
        preferred->v6 = conn->config.preferred_address_v6;
    }
    memcpy(preferred->reset_token, second->reset_token, sizeof preferred->reset_token);
}

/* ---- client ---------------------------------------------------------------------------------- */

typedef enum reach { REACH_NOWHERE, REACH_HOST, REACH_LINK, REACH_FAR } reach;

static reach reach_of(const leat_address *address) {
    const uint8_t *ip = address->ip;
    static const uint8_t loopback6[16] = {[15] = 1};
    if (address->family == LEAT_ADDRESS_IPV4) {
        bool is_nobody = ip[0] == 0 || ip[0] >= 224;
        bool is_link = ip[0] == 169 && ip[1] == 254;
        return is_nobody ? REACH_NOWHERE : ip[0] == 127 ? REACH_HOST : is_link ? REACH_LINK
                                                                               : REACH_FAR;
    }
    if (memcmp(ip, loopback6, sizeof loopback6) == 0) {
        return REACH_HOST;
    }
    bool is_link = ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80;
    return ip[0] == 0xff || is_zero(ip, 16) ? REACH_NOWHERE : is_link ? REACH_LINK : REACH_FAR;
}

/*
 * RFC 9000 §21.5.6: a server must not aim its client at what only the client can reach: this host
 * or this link, unless the server is there itself.
 */
static bool is_acceptable(const leat_conn *conn, const leat_address *address) {
    const leat_address *current = &conn->paths.first_remote;
    reach to = reach_of(address);
    return address->family == current->family && to != REACH_NOWHERE && to >= reach_of(current) &&
           !leat_address_equal(address, current);
}

const char *leat_preferred_address_on_params(leat_conn *conn) {
    leat_conn_paths *paths = &conn->paths;
    const leat_preferred_address *offer = &conn->handshake.peers.preferred_address;
    if (!leat_transport_params_has(&conn->handshake.peers, LEAT_TP_PREFERRED_ADDRESS)) {
        return NULL;
    }
    /* RFC 9000 §18.2: who uses no connection IDs has none for another address. */
    if (leat_cids_of_path(conn, paths->active)->length == 0) {
        return "preferred_address";
    }
    leat_cids_add_preferred(conn, offer);
    const leat_address *address = paths->first_remote.family == LEAT_ADDRESS_IPV6 ? &offer->v6
                                                                                  : &offer->v4;
    /* Our own packets must be found by an ID when the server's address changes. */
    bool can_follow = leat_cids_first_local(conn)->length > 0;
    if (conn->config.use_preferred_address && can_follow && is_acceptable(conn, address)) {
        paths->preferred = *address;
    }
    return NULL;
}

bool leat_preferred_address_is_awaited(const leat_conn *conn) {
    for (size_t i = 0; i < LEAT_PATHS_MAX; i++) {
        const leat_path_state *path = conn->paths.all[i];
        if (path != NULL && path->moves_when_validated &&
            leat_address_equal(&path->addresses.remote, &conn->paths.preferred)) {
            return true;
        }
    }
    return false;
}

void leat_preferred_address_on_confirmed(leat_conn *conn) {
    const leat_conn_paths *paths = &conn->paths;
    if (paths->preferred.family != LEAT_ADDRESS_NONE) {
        /* RFC 9000 §9.6.1: asked there first; without an answer the client stays where it is, and
         * it does when there is no ID or memory for another path. */
        const leat_path path = {paths->active->addresses.local, paths->preferred};
        (void)leat_migration_start(conn, &path, true);
    }
}
