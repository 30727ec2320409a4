/*
 * Packet number spaces and their keys from first to last: RFC 9001 §4.9 (discarding), §5.2 (Initial
 * keys), §6 (key update). A space is made when its first key comes and freed with its keys; nothing
 * of it outlives them.
 */
#include "quic/conn/conn_internal.h"
#include "quic/conn/trace.h"

static bool draw_first_skip(leat_conn *conn, leat_conn_space *space) {
    uint8_t random = 0;
    bool drawn = leat_random_bytes(&conn->random, &random, 1);
    space->skip_pn = UINT64_C(16) + random;
    return drawn;
}

int leat_crypto_open_space(leat_conn *conn, leat_space id) {
    if (conn->spaces[id] != NULL || conn->discarded[id]) {
        return LEAT_OK;
    }
    leat_conn_space *space = leat_alloc(conn->allocator, sizeof *space);
    if (space == NULL) {
        return LEAT_ERR_NOMEM;
    }
    bool acks_at_once = id != LEAT_SPACE_APPLICATION;
    leat_ack_tracker_init(&space->acks, conn->allocator, acks_at_once, conn->config.max_ack_delay);
    leat_send_buffer_init(&space->crypto_send, conn->allocator, LEAT_CRYPTO_SEND_MAX);
    leat_recv_buffer_init(&space->crypto_recv, conn->allocator, LEAT_CRYPTO_RECEIVE_MAX);
    conn->spaces[id] = space;
    return draw_first_skip(conn, space) ? LEAT_OK : LEAT_ERR_RANDOM;
}

static void free_space(leat_conn *conn, leat_space id) {
    leat_conn_space *space = conn->spaces[id];
    if (space != NULL) {
        leat_keys_discard(&space->keys);
        leat_ack_tracker_clear(&space->acks);
        leat_send_buffer_clear(&space->crypto_send);
        leat_recv_buffer_clear(&space->crypto_recv);
        leat_free(conn->allocator, space);
        conn->spaces[id] = NULL;
    }
}

void leat_crypto_free_spaces(leat_conn *conn) {
    for (leat_space id = 0; id < LEAT_SPACE_COUNT; id++) {
        free_space(conn, id);
    }
}

void leat_crypto_discard_space(leat_conn *conn, leat_space id) {
    if (conn->spaces[id] == NULL) {
        return;
    }
    leat_trace_keys(conn, "key_discarded", id, conn->handshake.key_updates, NULL);
    leat_recovery_discard_space(&conn->recovery, id);
    free_space(conn, id);
    conn->discarded[id] = true;
    if (id == LEAT_SPACE_INITIAL) {
        leat_version_forget_initial(conn);
    }
}

bool leat_crypto_install_initial(leat_conn *conn, leat_span dcid) {
    if (leat_crypto_open_space(conn, LEAT_SPACE_INITIAL) != LEAT_OK) {
        return false;
    }
    leat_keys *keys = &conn->spaces[LEAT_SPACE_INITIAL]->keys;
    leat_keys_discard(keys);
    leat_version_forget_initial(conn);
    leat_trace_keys(conn, "key_updated", LEAT_SPACE_INITIAL, 0, "tls");
    return leat_keys_install_initial(keys, conn->version.current, dcid, conn->config.is_client);
}

bool leat_crypto_restart_initial(leat_conn *conn, leat_span dcid) {
    free_space(conn, LEAT_SPACE_INITIAL);
    leat_recovery_restart_space(&conn->recovery, LEAT_SPACE_INITIAL);
    return leat_crypto_install_initial(conn, dcid);
}

bool leat_crypto_install_secret(leat_conn *conn, leat_space id, bool write,
                                const leat_cipher_suite *suite,
                                const uint8_t *secret) {
    if (leat_crypto_open_space(conn, id) != LEAT_OK || conn->spaces[id] == NULL) {
        return false;
    }
    leat_keys *keys = &conn->spaces[id]->keys;
    if (!leat_keys_install(keys, conn->version.current, write, suite, secret)) {
        return false;
    }
    conn->receive.keys_arrived |= !write;
    leat_trace_key(conn, "key_updated", id, write, 0, "tls");
    bool is_whole = id == LEAT_SPACE_APPLICATION && leat_keys_can_read(keys) &&
        leat_keys_can_write(keys);
    return !is_whole || leat_keys_make_updatable(keys);
}

/* ---- discarding ------------------------------------------------------------------------------ */

void leat_crypto_on_handshake_packet_sent(leat_conn *conn) {
    /* RFC 9001 §4.9.1: a client needs no Initial keys once it has sent a Handshake packet. */
    if (conn->config.is_client) {
        leat_crypto_discard_space(conn, LEAT_SPACE_INITIAL);
    }
}

/*
 * RFC 9001 §6.5: reordered packets of the old phase can be read for three PTOs from the first
 * packet of the new one on, which may come long after our own update.
 */
static void start_discarding_previous(leat_conn *conn) {
    const leat_conn_space *space = conn->spaces[LEAT_SPACE_APPLICATION];
    if (space != NULL && conn->handshake.previous_keys_deadline == LEAT_TIME_NEVER &&
        leat_keys_can_discard_previous(&space->keys)) {
        leat_time period = leat_time_multiply(leat_recovery_pto(&conn->recovery), 3);
        conn->handshake.previous_keys_deadline = leat_time_add(conn->now, period);
    }
}

void leat_crypto_after_packet(leat_conn *conn, const leat_packet_in *packet) {
    if (leat_conn_is_server(conn) && packet->space == LEAT_SPACE_HANDSHAKE) {
        /* RFC 9001 §4.9.1: a Handshake packet proves that the client saw our Initial. */
        leat_crypto_discard_space(conn, LEAT_SPACE_INITIAL);
        leat_migration_on_handshake_packet(conn, packet->path);
    }
    if (packet->header.type == LEAT_PACKET_ONE_RTT) {
        leat_early_data_on_one_rtt(conn);
    }
    if (conn->handshake.is_confirmed) {
        /* RFC 9001 §4.9.2. After the packet: other frames in it may still speak of these spaces. */
        leat_crypto_discard_space(conn, LEAT_SPACE_INITIAL);
        leat_crypto_discard_space(conn, LEAT_SPACE_HANDSHAKE);
    }
    start_discarding_previous(conn);
}

/* ---- key update ------------------------------------------------------------------------------ */

void leat_crypto_on_key_update(leat_conn *conn, bool by_peer) {
    const leat_event event = {.type = LEAT_EVENT_KEY_UPDATED, .key_updated.by_peer = by_peer};
    conn->handshake.previous_keys_deadline = LEAT_TIME_NEVER;
    conn->handshake.key_updates++;
    leat_trace_keys(conn, "key_updated", LEAT_SPACE_APPLICATION, conn->handshake.key_updates,
        by_peer ? "remote_update" : "local_update");
    leat_events_push(conn, &event);
}

leat_time leat_crypto_previous_keys_due(const leat_conn *conn) {
    return conn->handshake.previous_keys_deadline;
}

void leat_crypto_discard_previous_keys(leat_conn *conn) {
    conn->handshake.previous_keys_deadline = LEAT_TIME_NEVER;
    if (conn->spaces[LEAT_SPACE_APPLICATION] != NULL) {
        leat_keys_discard_previous(&conn->spaces[LEAT_SPACE_APPLICATION]->keys);
        leat_trace_key(conn, "key_discarded", LEAT_SPACE_APPLICATION, false,
            conn->handshake.key_updates - 1, NULL);
    }
}

static bool can_update(const leat_conn *conn) {
    /* RFC 9001 §6.1: after the handshake is confirmed, and after the last update
     * was acknowledged. */
    return leat_conn_is_open(conn) && conn->handshake.is_confirmed &&
           leat_keys_can_update(&conn->spaces[LEAT_SPACE_APPLICATION]->keys);
}

int leat_conn_request_key_update(leat_conn *conn) {
    if (!can_update(conn)) {
        return LEAT_ERR_STATE;
    }
    if (!leat_keys_update(&conn->spaces[LEAT_SPACE_APPLICATION]->keys)) {
        return LEAT_ERR_CRYPTO;
    }
    leat_crypto_on_key_update(conn, false);
    conn->send.is_dirty = true;
    return LEAT_OK;
}

void leat_crypto_keep_keys_fresh(leat_conn *conn) {
    if (can_update(conn) && leat_keys_needs_update(&conn->spaces[LEAT_SPACE_APPLICATION]->keys)) {
        leat_conn_request_key_update(conn);
    }
}
