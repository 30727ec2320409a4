/*
 * Stateless reset: RFC 9000 §10.3. Tokens are a keyed function of our connection IDs, so that an
 * endpoint that lost its state can still end connections it once had, and recognises the same from
 * its peers' endpoints.
 */
#include "quic/endpoint/endpoint.h"

#include "crypto/hash.h"
#include "crypto/secret.h"

#include <string.h>

/* RFC 9000 §10.3: five unpredictable bytes and the token. */
#define RESET_MIN (5 + LEAT_RESET_TOKEN)

/*
 * RFC 9000 §10.3-4: resets above this size are all of this size; below, each is a byte shorter than
 * its cause.
 */
#define RESET_MAX 42

bool leat_endpoint_reset_token(const leat_endpoint *endpoint, leat_span cid,
                               uint8_t token[LEAT_RESET_TOKEN]) {
    uint8_t mac[LEAT_HASH_MAX];
    if (!leat_hmac(LEAT_HASH_SHA256, endpoint->reset_secret, sizeof endpoint->reset_secret,
                   cid.data, cid.length, mac)) {
        return false;
    }
    memcpy(token, mac, LEAT_RESET_TOKEN);
    leat_wipe(mac, sizeof mac);
    return true;
}

leat_endpoint_entry *leat_endpoint_find_reset(const leat_endpoint *endpoint, leat_span datagram) {
    if (datagram.length < RESET_MIN) {
        return NULL;
    }
    /*
     * RFC 9000 §10.3.1-3: the map's keyed hash is compared first: what its timing tells is of the
     * hash, not of the token. Tokens are 16 secret bytes, so the address they came from adds
     * nothing and is not compared.
     */
    const uint8_t *token = datagram.data + (datagram.length - LEAT_RESET_TOKEN);
    const leat_endpoint_key *key = leat_map_get(&endpoint->reset_tokens, token, LEAT_RESET_TOKEN);
    return key == NULL ? NULL : key->entry;
}

static size_t write_reset(const leat_endpoint *endpoint, leat_span dcid, size_t length,
                          leat_reply *reply) {
    if (!leat_random_bytes(&endpoint->random, reply->bytes, length - LEAT_RESET_TOKEN) ||
        !leat_endpoint_reset_token(endpoint, dcid, reply->bytes + (length - LEAT_RESET_TOKEN))) {
        return 0;
    }
    /* RFC 9000 §10.3-7: looks like a short header. */
    reply->bytes[0] = (uint8_t)((reply->bytes[0] & 0x3f) | 0x40);
    return length;
}

static void send_reset(leat_endpoint *endpoint, const leat_endpoint_datagram *datagram,
                       leat_span dcid) {
    /*
     * RFC 9000 §10.3.3-1: shorter than its cause, so that two endpoints that lost their state fall
     * silent (attack C19).
     */
    size_t length = datagram->bytes.length - 1;
    length = length > RESET_MAX ? RESET_MAX : length;
    /*
     * Attack C20: the rate is taken before the HMAC, so that a flood costs less to drop than to
     * send.
     */
    if (length < RESET_MIN || datagram->path->remote.port == 0 ||
        !leat_endpoint_take_rate(endpoint, datagram->now)) {
        return;
    }
    leat_reply *reply = leat_endpoint_reply_begin(endpoint, datagram);
    if (reply != NULL) {
        leat_endpoint_reply_end(reply, write_reset(endpoint, dcid, length, reply));
    }
}

void leat_endpoint_on_unknown_packet(leat_endpoint *endpoint,
                                     const leat_endpoint_datagram *datagram) {
    /*
     * RFC 9000 §10.3.1-1: nobody's connection ID: exactly the case in which a reset must be looked
     * for.
     */
    leat_endpoint_entry *entry = leat_endpoint_find_reset(endpoint, datagram->bytes);
    if (entry != NULL) {
        leat_conn_on_stateless_reset(entry->conn, datagram->now);
        leat_endpoint_mark_ready(entry);
        return;
    }
    leat_span dcid;
    /*
     * RFC 9000 §10.3.2-2: all our connection IDs have one length; there is none to answer for where
     * they are empty.
     */
    if (leat_packet_dcid(datagram->bytes, endpoint->config.connection_id_length, &dcid) &&
        dcid.length > 0) {
        send_reset(endpoint, datagram, dcid);
    }
    leat_endpoint_drop(endpoint, datagram, LEAT_DROP_UNKNOWN_CID);
}
