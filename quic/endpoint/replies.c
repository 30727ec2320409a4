/*
 * Answers that need no connection: Version Negotiation (RFC 9000 §6, RFC 9368 §2.1), Retry (§8.1.2)
 * and the refusal of an Initial. They are smaller than what caused them and wait in a bounded
 * queue; when it is full the client may try again.
 */
#include "quic/endpoint/endpoint.h"

#include "quic/packet/builder.h"
#include "quic/packet/retry.h"

#include <string.h>

/* RFC 9000 §19.19: CONNECTION_CLOSE of the transport. */
#define FRAME_CONNECTION_CLOSE 0x1c
#define FRAME_CRYPTO 0x06

bool leat_endpoint_take_rate(leat_endpoint *endpoint, leat_time now) {
    leat_rate *rate = &endpoint->reply_rate;
    leat_time interval = LEAT_SECOND / LEAT_REPLY_RATE;
    leat_time passed = now > rate->refilled ? now - rate->refilled : 0;
    if (passed / interval >= LEAT_REPLY_BURST) {
        rate->tokens = LEAT_REPLY_BURST;
        rate->refilled = now;
    } else {
        rate->refilled += passed / interval * interval;
        rate->tokens += passed / interval;
        rate->tokens = rate->tokens > LEAT_REPLY_BURST ? LEAT_REPLY_BURST : rate->tokens;
    }
    if (rate->tokens == 0) {
        return false;
    }
    rate->tokens--;
    return true;
}

leat_reply *leat_endpoint_reply_begin(leat_endpoint *endpoint,
                                      const leat_endpoint_datagram *datagram) {
    leat_reply *reply = leat_ring_push(&endpoint->replies);
    if (reply == NULL) {
        leat_endpoint_drop(endpoint, datagram, LEAT_DROP_LIMIT);
        return NULL;
    }
    reply->path = *datagram->path;
    return reply;
}

/*
 * A reply that could not be written stays in its place, empty, and is skipped when its turn comes.
 */
void leat_endpoint_reply_end(leat_reply *reply, size_t length) {
    reply->length = length <= sizeof reply->bytes ? length : 0;
}

size_t leat_endpoint_next_reply(leat_endpoint *endpoint, uint8_t *buffer, size_t capacity,
                                leat_transmit *transmit) {
    size_t length = 0;
    while (length == 0 && endpoint->replies.count > 0) {
        const leat_reply *reply = leat_ring_front(&endpoint->replies);
        if (reply->length <= capacity) {
            length = reply->length;
            memcpy(buffer, reply->bytes, length);
            *transmit = (leat_transmit){
                .path = reply->path, .segment_size = length, .ecn = LEAT_ECN_NOT_ECT};
        }
        leat_ring_pop(&endpoint->replies);
    }
    return length;
}

size_t leat_endpoint_versions(const leat_endpoint *endpoint, uint32_t versions[LEAT_VERSIONS_MAX]) {
    const leat_config *server = endpoint->config.server;
    return server == NULL ? 0
                          : leat_versions_list(server->versions, server->version_count, versions);
}

void leat_endpoint_reply_version_negotiation(leat_endpoint *endpoint,
                                             const leat_endpoint_datagram *datagram,
                                             const leat_packet_header *header) {
    uint32_t versions[LEAT_VERSIONS_MAX];
    size_t count = leat_endpoint_versions(endpoint, versions);
    uint8_t random;
    leat_reply *reply = leat_endpoint_reply_begin(endpoint, datagram);
    if (reply == NULL || !leat_random_bytes(&endpoint->random, &random, sizeof random)) {
        return;
    }
    leat_writer writer = leat_writer_make(reply->bytes, sizeof reply->bytes);
    /* RFC 9000 §17.2.1: the connection IDs come back the other way round. */
    leat_version_negotiation_write(&writer, header->scid, header->dcid, versions, count, random);
    leat_endpoint_reply_end(reply, writer.failed ? 0 : leat_writer_length(&writer));
}

/*
 * RFC 9000 §17.2.5.1-1: never the connection ID the client chose. Long enough to be accepted as its
 * next one (§7.2-1).
 */
static bool draw_retry_scid(const leat_endpoint *endpoint, leat_span client_dcid, leat_cid *scid) {
    size_t length = endpoint->config.connection_id_length;
    scid->length = (uint8_t)(length < LEAT_CLIENT_DCID_MIN ? LEAT_CLIENT_DCID_MIN : length);
    for (int draw = 0; draw < LEAT_CID_DRAWS; draw++) {
        if (!leat_random_bytes(&endpoint->random, scid->bytes, scid->length)) {
            return false;
        }
        leat_endpoint_mark_worker(endpoint, scid);
        if (!leat_span_equal(leat_cid_span(scid), client_dcid)) {
            return true;
        }
    }
    return false;
}

static size_t write_retry(leat_endpoint *endpoint, const leat_endpoint_datagram *datagram,
                          const leat_packet_header *header, leat_reply *reply) {
    leat_token_info info = {.kind = LEAT_TOKEN_RETRY, .issued = leat_endpoint_wall_clock(endpoint),
                            .version = header->version};
    uint8_t token[LEAT_TOKEN_MAX], random;
    if (!leat_cid_from_span(&info.original_dcid, header->dcid) ||
        !draw_retry_scid(endpoint, header->dcid, &info.retry_scid) ||
        !leat_random_bytes(&endpoint->random, &random, sizeof random)) {
        return 0;
    }
    size_t length = leat_token_seal(endpoint->token_keys, &endpoint->random, &info,
                                    &datagram->path->remote, token);
    if (length == 0) {
        return 0;
    }
    leat_writer writer = leat_writer_make(reply->bytes, sizeof reply->bytes);
    leat_retry_write(&writer, header->version, header->scid, leat_cid_span(&info.retry_scid),
                     (leat_span){token, length}, header->dcid, random);
    return writer.failed ? 0 : leat_writer_length(&writer);
}

void leat_endpoint_reply_retry(leat_endpoint *endpoint, const leat_endpoint_datagram *datagram,
                               const leat_packet_header *header) {
    leat_reply *reply = leat_endpoint_reply_begin(endpoint, datagram);
    if (reply != NULL) {
        leat_endpoint_reply_end(reply, write_retry(endpoint, datagram, header, reply));
    }
}

static size_t write_close(const leat_packet_header *header, uint64_t error_code,
                          leat_reply *reply) {
    leat_keys keys = {0};
    leat_builder builder;
    leat_builder_header initial = {
        .type = LEAT_PACKET_INITIAL,
        .version = header->version,
        .dcid = header->scid,
        .scid = header->dcid,
        .largest_acked = UINT64_MAX,
    };
    size_t length = 0;
    if (leat_keys_install_initial(&keys, header->version, header->dcid, false) &&
        leat_builder_begin(&builder, reply->bytes, sizeof reply->bytes, &initial)) {
        leat_write_varint(&builder.payload, FRAME_CONNECTION_CLOSE);
        leat_write_varint(&builder.payload, error_code);
        leat_write_varint(&builder.payload, FRAME_CRYPTO);
        leat_write_varint(&builder.payload, 0); /* no reason phrase */
        length = leat_builder_finish(&builder, &keys);
    }
    leat_keys_discard(&keys);
    return length;
}

void leat_endpoint_reply_close(leat_endpoint *endpoint, const leat_endpoint_datagram *datagram,
                               const leat_packet_header *header, uint64_t error_code) {
    leat_endpoint_drop(endpoint, datagram, LEAT_DROP_TOKEN);
    if (!leat_endpoint_take_rate(endpoint, datagram->now)) {
        return;
    }
    leat_reply *reply = leat_endpoint_reply_begin(endpoint, datagram);
    if (reply != NULL) {
        leat_endpoint_reply_end(reply, write_close(header, error_code, reply));
    }
}
