/*
 * What a client may get instead of a handshake: Version Negotiation (RFC 9000 §6, RFC 9368 §2.1)
 * and Retry (§8.1.2, §17.2.5 of RFC 9000). Both come unauthenticated or nearly so, and count only
 * before anything else was received.
 */
#include "quic/conn/conn_internal.h"
#include "quic/conn/trace.h"
#include "quic/packet/retry.h"

static bool is_first_answer(const leat_conn *conn) {
    return conn->receive.packets == 0 && !conn->cids.was_retried;
}

/* RFC 9368 §2.1, §2.4: another connection by the rules, in the same object: nothing of the first
 * attempt is left but our connection ID. */
static void start_over(leat_conn *conn, uint32_t version) {
    leat_version_start_over(conn, version);
    if (conn->early != NULL) {
        leat_early_data_reject(conn);
    }
    /* RFC 9369 §5: a token is good for the version that it came with. */
    leat_buffer_clear(&conn->tokens.initial);
    if (!leat_cids_renew_first(conn) ||
        !leat_crypto_restart_initial(conn, leat_cid_span(&conn->cids.original_dcid))) {
        leat_close_internal(conn, "no resources for another version");
        return;
    }
    leat_trace_versions(conn, (leat_span){NULL, 0});
    leat_handshake_start_over(conn);
}

leat_drop leat_negotiation_on_version_negotiation(leat_conn *conn, const leat_packet_in *packet) {
    const leat_packet_header *header = &packet->header;
    /* RFC 9000 §6.2, §17.2.1: it must echo both IDs of our Initial, which an off-path attacker has
     * not seen. */
    bool echoes = leat_span_equal(header->dcid, leat_cid_span(leat_cids_first_local(conn))) &&
                  leat_span_equal(header->scid, leat_cid_span(&conn->cids.original_dcid));
    /* RFC 9368 §4: one reaction, or an attacker could go on choosing. */
    if (!is_first_answer(conn) || !echoes || conn->version.has_reacted) {
        return LEAT_DROP_UNEXPECTED_TYPE;
    }
    /* RFC 9000 §6.2, RFC 9368 §2.1: a server that lists our version would have used it. */
    if (leat_versions_contain(header->versions, conn->version.original)) {
        return LEAT_DROP_UNEXPECTED_VERSION;
    }
    leat_trace_packet_received(conn, packet);
    uint32_t version = leat_version_choose(conn, header->versions);
    if (version != 0) {
        start_over(conn, version);
    } else {
        leat_close_silently(conn, LEAT_SOURCE_VERSION_MISMATCH, LEAT_NO_ERROR,
                            "the server speaks none of our versions");
    }
    return LEAT_DROP_NONE;
}

static bool take_token(leat_conn *conn, leat_span token) {
    leat_buffer *initial = &conn->tokens.initial;
    leat_buffer_consume(initial, initial->length);
    return leat_buffer_append(initial, token.data, token.length) == LEAT_OK;
}

leat_drop leat_negotiation_on_retry(leat_conn *conn, const leat_packet_in *packet) {
    const leat_packet_header *header = &packet->header;
    leat_conn_cids *cids = &conn->cids;
    if (!is_first_answer(conn) || !leat_cids_is_ours(cids, header->dcid)) {
        return LEAT_DROP_UNEXPECTED_TYPE;
    }
    /* RFC 9000 §17.2.5.1-2: an empty token validates nothing, an unchanged ID would not show that a
     * Retry happened. */
    if (header->token.length == 0 ||
        leat_span_equal(header->scid, leat_cid_span(&cids->original_dcid))) {
        return LEAT_DROP_TOKEN;
    }
    const leat_span whole = {packet->bytes, packet->length};
    if (!leat_retry_verify(header, whole, leat_cid_span(&cids->original_dcid))) {
        return LEAT_DROP_RETRY_TAG;
    }
    if (header->token.length > LEAT_TOKEN_SIZE_MAX) {
        return LEAT_DROP_LIMIT;
    }
    leat_trace_packet_received(conn, packet);
    leat_cid_from_span(&cids->retry_scid, header->scid);
    cids->was_retried = true;
    leat_cids_set_peer(conn, header->scid);
    if (!take_token(conn, header->token) || !leat_crypto_install_initial(conn, header->scid)) {
        leat_close_internal(conn, "out of memory for Retry");
        return LEAT_DROP_NONE;
    }
    /* RFC 9000 §17.2.5.3: the same ClientHello goes again, under new keys and with packet numbers
     * that go on. */
    const leat_recovery_hooks hooks = leat_acks_hooks(conn);
    leat_recovery_lose_all(&conn->recovery, LEAT_SPACE_INITIAL, &hooks);
    if (conn->early != NULL) { /* and so does early data: the server kept none of it */
        leat_recovery_lose_all(&conn->recovery, LEAT_SPACE_APPLICATION, &hooks);
    }
    return LEAT_DROP_NONE;
}
