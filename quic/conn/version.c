/*
 * Version negotiation of one connection: RFC 9368, and for versions 1 and 2 RFC 9369 §4. The client
 * begins with its original version and lists what else its first flight could be read as; the
 * server may answer in one of these, and says so by the version of its long headers. Until both
 * know, Initial packets of two versions can be on their way. What the client was told by Version
 * Negotiation is believed only when the authenticated handshake agrees (RFC 9368 §4). The packets
 * of Version Negotiation and Retry are read in negotiation.c.
 */
#include "quic/conn/conn_internal.h"
#include "quic/conn/trace.h"

#include <leat/version.h>

#define FRAME_TYPE_CRYPTO 0x06

/* ---- ours ------------------------------------------------------------------------------------ */

static bool is_spoken(const leat_conn *conn, uint32_t version) {
    const leat_conn_versions *versions = &conn->version;
    for (size_t i = 0; i < versions->supported_count; i++) {
        if (versions->supported[i] == version) {
            return true;
        }
    }
    return false;
}

/* RFC 9368 §2.5: what most servers can read, unless it is not wanted. */
static uint32_t first_version(const leat_conn *conn, const leat_config *config) {
    if (config->original_version != 0) {
        return config->original_version;
    }
    return is_spoken(conn, LEAT_VERSION_1) ? LEAT_VERSION_1 : conn->version.supported[0];
}

int leat_version_init(leat_conn *conn, const leat_config *config, const leat_conn_origin *origin) {
    leat_conn_versions *versions = &conn->version;
    versions->supported_count =
        leat_versions_list(config->versions, config->version_count, versions->supported);
    versions->has_preference = config->versions != NULL;
    versions->original = origin != NULL ? origin->version : first_version(conn, config);
    versions->current = versions->original;
    return is_spoken(conn, versions->original) ? LEAT_OK : LEAT_ERR_INVALID;
}

void leat_version_clear(leat_conn *conn) { leat_version_forget_initial(conn); }

uint32_t leat_conn_version(const leat_conn *conn) { return conn->version.current; }

/*
 * RFC 9368 §3: a client lists what its first flight can be read as, a server what it can be reached
 * with; versions of one family make both the same list. RFC 9000 §15: a reserved one among them.
 */
leat_span leat_version_encode_information(leat_conn *conn) {
    leat_conn_versions *versions = &conn->version;
    leat_writer writer = leat_writer_make(versions->information, sizeof versions->information);
    uint32_t reserved = leat_grease_version(conn);
    size_t place = (reserved >> 28) % (versions->supported_count + 1);
    leat_write_u32(&writer, versions->current);
    for (size_t i = 0; i <= versions->supported_count; i++) {
        if (i == place && reserved != 0) {
            leat_write_u32(&writer, reserved);
        }
        if (i < versions->supported_count) {
            leat_write_u32(&writer, versions->supported[i]);
        }
    }
    return (leat_span){versions->information, leat_writer_length(&writer)};
}

/* ---- packets --------------------------------------------------------------------------------- */

/* RFC 9369 §4.1: the server's choice shows in its long headers; the client may not know it yet. */
static bool may_be_initial(const leat_conn *conn, uint32_t version) {
    const leat_conn_versions *versions = &conn->version;
    if (version == versions->current) {
        return true;
    }
    return leat_conn_is_server(conn) ? versions->is_settled && version == versions->original
                                     : !versions->is_settled;
}

leat_drop leat_version_judge(const leat_conn *conn, const leat_packet_header *header) {
    const leat_conn_versions *versions = &conn->version;
    bool is_right = true;
    switch (header->type) {
    case LEAT_PACKET_VERSION_NEGOTIATION:
    case LEAT_PACKET_ONE_RTT:
        return LEAT_DROP_NONE;
    case LEAT_PACKET_UNKNOWN_VERSION:
        return LEAT_DROP_UNKNOWN_VERSION;
    case LEAT_PACKET_RETRY:
    case LEAT_PACKET_ZERO_RTT:
        /* RFC 9369 §4.1: both belong to the first flight. */
        is_right = header->version == versions->original;
        break;
    case LEAT_PACKET_INITIAL:
        is_right = may_be_initial(conn, header->version);
        break;
    default:
        /* RFC 9369 §4.1: until the version is known the packet waits for its keys. */
        is_right = header->version == versions->current || !versions->is_settled;
        break;
    }
    if (!is_spoken(conn, header->version)) {
        return LEAT_DROP_UNKNOWN_VERSION;
    }
    return is_right ? LEAT_DROP_NONE : LEAT_DROP_UNEXPECTED_VERSION;
}

/* ---- Initial keys of two versions ------------------------------------------------------------ */

/* RFC 9001 §5.2: where the first Initial, or the one after a Retry, went. */
static leat_span initial_dcid(const leat_conn *conn) {
    const leat_conn_cids *cids = &conn->cids;
    if (leat_conn_is_server(conn)) {
        return leat_cid_span(&cids->client_dcid);
    }
    return leat_cid_span(cids->was_retried ? &cids->retry_scid : &cids->original_dcid);
}

void leat_version_forget_initial(leat_conn *conn) {
    if (conn->version.others != NULL) {
        leat_keys_discard(conn->version.others);
        leat_free(conn->allocator, conn->version.others);
        conn->version.others = NULL;
    }
}

/* NULL: no memory. One set is kept, so that forged versions cost no more than a derivation. */
static leat_keys *derive_others(leat_conn *conn, uint32_t version) {
    leat_conn_versions *versions = &conn->version;
    if (versions->others == NULL) {
        versions->others = leat_alloc(conn->allocator, sizeof *versions->others);
    }
    leat_keys *keys = versions->others;
    if (keys == NULL) {
        return NULL;
    }
    if (keys->version == NULL || keys->version->version != version) {
        leat_keys_discard(keys);
        if (!leat_keys_install_initial(keys, version, initial_dcid(conn),
                                       conn->config.is_client)) {
            leat_version_forget_initial(conn);
        }
    }
    return versions->others;
}

leat_keys *leat_version_keys(leat_conn *conn, const leat_packet_in *packet) {
    const leat_conn_versions *versions = &conn->version;
    leat_conn_space *space = conn->spaces[packet->space];
    if (packet->header.type == LEAT_PACKET_ZERO_RTT) {
        return leat_early_data_can_read(conn) ? &conn->early->keys : NULL;
    }
    bool is_other = packet->space == LEAT_SPACE_INITIAL &&
                    packet->header.version != versions->current;
    leat_keys *keys = space != NULL ? &space->keys : NULL;
    if (keys != NULL && is_other) {
        keys = leat_conn_is_server(conn) ? versions->others
                                         : derive_others(conn, packet->header.version);
    }
    return keys != NULL && leat_keys_can_read(keys) ? keys : NULL;
}

/* From here on we send in this version; the Initial keys so far stay beside the new ones. */
static bool switch_to(leat_conn *conn, uint32_t version) {
    leat_conn_space *space = conn->spaces[LEAT_SPACE_INITIAL];
    leat_keys *others = derive_others(conn, version);
    if (others == NULL || space == NULL) {
        leat_close_internal(conn, "keys of another version could not be made");
        return false;
    }
    leat_keys before = space->keys;
    space->keys = *others;
    *others = before;
    conn->version.current = version;
    leat_trace_keys(conn, "key_updated", LEAT_SPACE_INITIAL, 0, "tls");
    return true;
}

/* ---- what the client observes ---------------------------------------------------------------- */

void leat_version_on_authentic(leat_conn *conn, const leat_packet_in *packet) {
    leat_conn_versions *versions = &conn->version;
    bool is_choice = packet->header.type == LEAT_PACKET_INITIAL &&
                     packet->header.version != versions->current && conn->config.is_client;
    if (is_choice && switch_to(conn, packet->header.version)) {
        /* RFC 9369 §4.1: whatever else of the original version is under way is not needed. */
        versions->is_settled = true;
        leat_version_forget_initial(conn);
    }
}

void leat_version_on_crypto(leat_conn *conn) {
    if (conn->config.is_client && !conn->version.is_settled) {
        /* RFC 9369 §4.1: the server sends handshake data only in the version that it chose. */
        conn->version.is_settled = true;
        leat_version_forget_initial(conn);
    }
}

uint32_t leat_version_choose(const leat_conn *conn, leat_span offered) {
    const leat_conn_versions *versions = &conn->version;
    for (size_t i = 0; i < versions->supported_count; i++) {
        if (leat_versions_contain(offered, versions->supported[i])) {
            return versions->supported[i];
        }
    }
    return 0;
}

void leat_version_start_over(leat_conn *conn, uint32_t version) {
    conn->version.original = conn->version.current = version;
    conn->version.has_reacted = true;
}

/* ---- version_information --------------------------------------------------------------------- */

/* RFC 9368 §4: the choice after Version Negotiation must be the one that knowledge of all the
 * server's versions would have led to. */
static bool was_downgraded(const leat_conn *conn, const leat_version_information *theirs) {
    const leat_conn_versions *versions = &conn->version;
    for (size_t i = 0; i < versions->supported_count; i++) {
        uint32_t version = versions->supported[i];
        if (leat_versions_contain(theirs->available, version) || version == theirs->chosen) {
            return version != versions->original;
        }
    }
    return true;
}

/* NULL: all is well. */
static const char *check_servers(const leat_conn *conn, const leat_version_information *theirs) {
    const leat_conn_versions *versions = &conn->version;
    if (theirs == NULL) {
        /* RFC 9368 §4: nothing vouches for what came unauthenticated. */
        bool is_as_begun = !versions->has_reacted && versions->current == versions->original;
        return is_as_begun ? NULL : "no version_information after version negotiation";
    }
    if (theirs->chosen != versions->current) {
        return "the server chose another version than it speaks";
    }
    if (versions->has_reacted &&
        (theirs->available.length == 0 || was_downgraded(conn, theirs))) {
        return "the server speaks a better version than Version Negotiation said";
    }
    return NULL;
}

/*
 * RFC 9368 §2.3: the first of ours that the first flight can be read as, where the order was
 * configured. RFC 9369 §4: otherwise the client's own choice stands, which surprises nobody.
 */
static uint32_t choose_compatible(const leat_conn *conn, const leat_version_information *theirs) {
    const leat_conn_versions *versions = &conn->version;
    for (size_t i = 0; versions->has_preference && i < versions->supported_count; i++) {
        uint32_t version = versions->supported[i];
        if (leat_versions_contain(theirs->available, version) &&
            leat_version_is_compatible(versions->original, version)) {
            return version;
        }
    }
    return versions->original;
}

static bool settle_server(leat_conn *conn, const leat_version_information *theirs) {
    uint32_t chosen = theirs != NULL ? choose_compatible(conn, theirs) : conn->version.original;
    conn->version.is_settled = true;
    return chosen == conn->version.current || switch_to(conn, chosen);
}

static bool refuse(leat_conn *conn, uint64_t error_code, const char *why) {
    leat_close_fault(conn, error_code, FRAME_TYPE_CRYPTO, why);
    return false;
}

static bool check_clients(leat_conn *conn, const leat_version_information *theirs) {
    /* RFC 9368 §4: a client that would not take what it chose is confused. */
    if (!leat_versions_contain(theirs->available, theirs->chosen)) {
        return refuse(conn, LEAT_TRANSPORT_PARAMETER_ERROR, "version_information");
    }
    /* RFC 9368 §4: the header of the first flight is not authenticated, this is. */
    if (theirs->chosen != conn->version.original) {
        return refuse(conn, LEAT_VERSION_NEGOTIATION_ERROR,
                      "the client chose another version than it speaks");
    }
    return true;
}

bool leat_version_on_peer_params(leat_conn *conn, const leat_transport_params *peers) {
    leat_version_information theirs;
    bool has = leat_transport_params_has(peers, LEAT_TP_VERSION_INFORMATION) &&
               leat_version_information_parse(&theirs, peers->version_information);
    bool is_agreed;
    if (leat_conn_is_server(conn)) {
        is_agreed = (!has || check_clients(conn, &theirs)) &&
                    settle_server(conn, has ? &theirs : NULL);
    } else {
        const char *why = check_servers(conn, has ? &theirs : NULL);
        is_agreed = why == NULL || refuse(conn, LEAT_VERSION_NEGOTIATION_ERROR, why);
    }
    if (is_agreed && has) {
        leat_trace_versions(conn, theirs.available);
    }
    return is_agreed;
}
