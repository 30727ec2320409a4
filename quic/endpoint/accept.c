/*
 * The first packet of a connection: RFC 9000 §5.2.2, §8.1 and §14.1. An Initial goes down a ladder
 * of cheap checks, each of which may end in silence or in a stateless reply; only the last rung
 * makes a connection. Nothing of the packet has been decrypted here but its token (tokens.c).
 */
#include "quic/endpoint/endpoint.h"

/* Attack A23: one Initial to a broadcast or multicast address would be answered by everybody. */
static bool is_unicast(const leat_address *address) {
    if (address->family == LEAT_ADDRESS_IPV6) {
        return address->ip[0] != 0xff;
    }
    return address->family != LEAT_ADDRESS_IPV4 || address->ip[0] < 224;
}

/* Why a long header packet of no connection cannot open one, by its header alone. */
static leat_drop check_header(const leat_endpoint *endpoint, const leat_endpoint_datagram *datagram,
                              const leat_packet_header *header) {
    bool is_client_only = endpoint->config.server == NULL;
    if (is_client_only) {
        return LEAT_DROP_UNKNOWN_CID;
    }
    if (!is_unicast(&datagram->path->local) || datagram->path->remote.port == 0) {
        return LEAT_DROP_PATH;
    }
    /* RFC 9000 §17.2-1; RFC 9287 §3.1: a client may know from its token that we do without. */
    if (!leat_packet_has_fixed_bit(header) && !endpoint->config.server->grease) {
        return LEAT_DROP_FIXED_BIT;
    }
    /* RFC 9000 §5.2.2-5: Handshake packets of nobody are too early to mean anything. */
    /* RFC 9000 §5.2.2-6: only an Initial opens a connection; 0-RTT ahead of it is not kept. */
    /* RFC 9000 §6.1-1: Version Negotiation is never answered, least of all with itself. */
    if (header->type != LEAT_PACKET_INITIAL && header->type != LEAT_PACKET_UNKNOWN_VERSION) {
        return LEAT_DROP_UNEXPECTED_TYPE;
    }
    /* RFC 9000 §14.1-3: what did not cost the sender 1200 bytes gets no answer. */
    /* RFC 9000 §5.2.2-2: nor in another version. */
    if (datagram->bytes.length < LEAT_INITIAL_DATAGRAM_MIN) {
        return LEAT_DROP_SMALL_INITIAL;
    }
    /* RFC 9000 §7.2-1: shorter ones would make the first keys guessable. */
    if (header->type == LEAT_PACKET_INITIAL && header->dcid.length < LEAT_CLIENT_DCID_MIN) {
        return LEAT_DROP_CID_LENGTH;
    }
    return LEAT_DROP_NONE;
}

static bool wants_retry(const leat_endpoint *endpoint) {
    size_t above = endpoint->config.retry_above_handshakes;
    return endpoint->config.retry || (above > 0 && endpoint->handshakes >= above);
}

static bool is_full(const leat_endpoint *endpoint) {
    return endpoint->entries.count >= endpoint->config.max_connections ||
           endpoint->handshakes >= endpoint->config.max_handshakes;
}

/* The last rung: memory is spent from here on. */
static leat_endpoint_entry *make_connection(leat_endpoint *endpoint,
                                            const leat_endpoint_datagram *datagram,
                                            const leat_packet_header *header,
                                            const leat_conn_origin *origin) {
    leat_endpoint_entry *entry = leat_endpoint_entry_new(endpoint, &datagram->path->remote);
    if (entry == NULL) {
        return NULL;
    }
    int error = LEAT_OK;
    leat_conn *conn = NULL;
    /*
     * RFC 9000 §7.2: until the client has seen our connection ID, its packets carry the one it
     * invented.
     */
    if (leat_endpoint_add_route(entry, header->dcid) == LEAT_OK) {
        conn = leat_conn_create(endpoint->config.server, &entry->owner, origin, datagram->path,
                                datagram->now, &error);
    }
    if (conn == NULL || leat_endpoint_entry_adopt(entry, conn) != LEAT_OK) {
        if (conn != NULL) {
            leat_conn_free(conn);
        }
        leat_endpoint_entry_free(entry);
        return NULL;
    }
    entry->is_new = true;
    entry->is_handshaking = true;
    endpoint->handshakes++;
    return entry;
}

static leat_endpoint_entry *on_initial(leat_endpoint *endpoint,
                                       const leat_endpoint_datagram *datagram,
                                       const leat_packet_header *header) {
    leat_conn_origin origin = {.version = header->version};
    if (!leat_cid_from_span(&origin.client_dcid, header->dcid) ||
        !leat_cid_from_span(&origin.client_scid, header->scid)) {
        leat_endpoint_drop(endpoint, datagram, LEAT_DROP_CID_LENGTH);
        return NULL;
    }
    if (is_full(endpoint)) {
        /*
         * RFC 9000 §5.2.2-4: NOT IMPLEMENTED: a refusal costs keys per packet just when there is
         * nothing to spare (attack A20).
         */
        leat_endpoint_drop(endpoint, datagram, LEAT_DROP_LIMIT);
        return NULL;
    }
    origin.original_dcid = origin.client_dcid;
    /*
     * RFC 9000 §8.1.3-10: a token is looked at whether validation is asked for or not; one of
     * somebody else's proves nothing.
     */
    if (!leat_endpoint_check_token(endpoint, datagram, header, &origin)) {
        /*
         * RFC 9000 §8.1.2-2: this client accepts no second Retry; better it learns now than by
         * waiting.
         */
        leat_endpoint_reply_close(endpoint, datagram, header, LEAT_INVALID_TOKEN);
        return NULL;
    }
    if (!origin.address_validated && wants_retry(endpoint)) {
        leat_endpoint_reply_retry(endpoint, datagram, header);
        return NULL;
    }
    leat_endpoint_entry *entry = make_connection(endpoint, datagram, header, &origin);
    if (entry == NULL) {
        leat_endpoint_drop(endpoint, datagram, LEAT_DROP_LIMIT);
    }
    return entry;
}

/* RFC 9000 §6.1: a version that exists but is not offered is like one never heard of. */
static void forget_version(const leat_endpoint *endpoint, leat_packet_header *header) {
    uint32_t offered[LEAT_VERSIONS_MAX];
    size_t count = leat_endpoint_versions(endpoint, offered);
    bool is_unwanted = header->type <= LEAT_PACKET_RETRY && header->type != LEAT_PACKET_ONE_RTT;
    for (size_t i = 0; i < count; i++) {
        is_unwanted = is_unwanted && offered[i] != header->version;
    }
    if (is_unwanted) {
        header->type = LEAT_PACKET_UNKNOWN_VERSION;
    }
}

leat_endpoint_entry *leat_endpoint_accept(leat_endpoint *endpoint,
                                          const leat_endpoint_datagram *datagram) {
    leat_packet_header header;
    leat_drop reason = leat_packet_header_parse(&header, datagram->bytes,
                                                endpoint->config.connection_id_length);
    if (reason == LEAT_DROP_NONE) {
        forget_version(endpoint, &header);
        reason = check_header(endpoint, datagram, &header);
    }
    if (reason != LEAT_DROP_NONE) {
        leat_endpoint_drop(endpoint, datagram, reason);
        return NULL;
    }
    if (header.type == LEAT_PACKET_UNKNOWN_VERSION) {
        leat_endpoint_reply_version_negotiation(endpoint, datagram, &header);
        return NULL;
    }
    return on_initial(endpoint, datagram, &header);
}
