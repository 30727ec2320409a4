/*
 * Path MTU discovery of a connection, RFC 9000 §14.2 to §14.4: where the search of
 * quic/recovery/mtu.h ends, and when a probe is worth its datagram. Probes need no timer: they go
 * with other packets, so that they do not keep a silent connection alive.
 */
#include "quic/conn/conn_internal.h"

/* An Ethernet frame without the headers of IP and UDP. */
#define ETHERNET_IPV4 1472
#define ETHERNET_IPV6 1452

static size_t ceiling_of(const leat_conn *conn, const leat_path_state *path) {
    size_t ceiling = conn->config.max_mtu;
    if (ceiling == 0) {
        bool is_ipv4 = path->addresses.remote.family == LEAT_ADDRESS_IPV4;
        ceiling = is_ipv4 ? ETHERNET_IPV4 : ETHERNET_IPV6;
    }
    size_t first = conn->config.max_send_udp_payload;
    ceiling = ceiling > first ? ceiling : first;
    /* RFC 9000 §18.2: datagrams above the peer's limit would be dropped. */
    uint64_t peers = conn->handshake.has_peer_params ? conn->handshake.peers.max_udp_payload_size
                                                     : UINT64_MAX;
    return peers < ceiling ? (size_t)peers : ceiling;
}

void leat_mtu_set_limits(leat_conn *conn, leat_path_state *path) {
    leat_mtu_set_ceiling(&path->recovery.mtu, ceiling_of(conn, path));
    leat_recovery_path_apply_mtu(&path->recovery);
}

/* Whoever sends little has nothing from a larger MTU. */
static bool is_worthwhile(const leat_conn *conn, const leat_path_state *path) {
    return path->sends_full || conn->datagrams.sent_count > 0;
}

size_t leat_mtu_probe_size(const leat_conn *conn, const leat_path_state *path) {
    const leat_conn_space *space = conn->spaces[LEAT_SPACE_APPLICATION];
    bool may_probe = leat_conn_is_open(conn) && conn->handshake.is_confirmed &&
                     path->is_validated && path == conn->paths.active && space->probes == 0 &&
                     is_worthwhile(conn, path);
    size_t size = may_probe ? leat_mtu_next_probe(&path->recovery.mtu, conn->now) : 0;
    /* RFC 9000 §14.4: a probe takes its place in the congestion window. */
    return leat_recovery_has_window(&path->recovery, size) ? size : 0;
}

void leat_conn_on_datagram_too_large(leat_conn *conn, size_t size, leat_time now) {
    leat_timers_set_now(conn, now);
    if (conn->paths.active != NULL) {
        leat_mtu_on_refused(&conn->paths.active->recovery.mtu, size, conn->now);
        leat_recovery_path_apply_mtu(&conn->paths.active->recovery);
        leat_timers_finish_call(conn);
    }
}
