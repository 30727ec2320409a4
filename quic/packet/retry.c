/*
 * Retry packets and their integrity tag: RFC 9000 §17.2.5, RFC 9001 §5.8. The tag proves only that
 * the sender saw the client's first Initial. When to send one and how to go on after one is decided
 * in quic/endpoint and quic/conn.
 */
#include "quic/packet/retry.h"

#include "crypto/secret.h"
#include "quic/packet/protect.h"

/*
 * The longest Retry we make or check. Its token has to fit in the next Initial beside a
 * ClientHello; this bound keeps a jumbo datagram from costing a copy of 64 KB on the stack.
 */
#define RETRY_MAX 2048
#define LONG_HEADER 0x80

bool leat_retry_tag(uint32_t version, leat_span original_dcid, leat_span retry_without_tag,
                    uint8_t tag[LEAT_RETRY_TAG]) {
    uint8_t pseudo_packet[1 + LEAT_CID_MAX + RETRY_MAX];
    const leat_version_row *row = leat_version_find(version);
    leat_writer writer = leat_writer_make(pseudo_packet, sizeof pseudo_packet);
    leat_cid_write(&writer, original_dcid);
    leat_write_bytes(&writer, retry_without_tag.data, retry_without_tag.length);
    if (row == NULL || original_dcid.length > LEAT_CID_MAX || writer.failed) {
        return false;
    }
    leat_aead *aead = leat_aead_new(LEAT_AES_128_GCM, row->retry_key);
    leat_span aad = {pseudo_packet, leat_writer_length(&writer)};
    bool sealed = aead != NULL && leat_aead_seal(aead, row->retry_nonce, 0, aad, tag, 0);
    leat_aead_free(aead);
    return sealed;
}

void leat_retry_write(leat_writer *writer, uint32_t version, leat_span dcid, leat_span scid,
                      leat_span token, leat_span original_dcid, uint8_t random) {
    uint8_t tag[LEAT_RETRY_TAG];
    const uint8_t *start = writer->next;
    const leat_version_row *row = leat_version_find(version);
    if (row == NULL) {
        writer->failed = true;
        return;
    }
    uint8_t type_bits = leat_version_type_bits(row, LEAT_PACKET_RETRY);
    leat_write_u8(writer, (uint8_t)(LONG_HEADER | LEAT_FIXED_BIT | type_bits | (random & 0x0f)));
    leat_write_u32(writer, version);
    leat_cid_write(writer, dcid);
    leat_cid_write(writer, scid);
    leat_write_bytes(writer, token.data, token.length);
    leat_span without_tag = {start, (size_t)(writer->next - start)};
    if (!writer->failed && leat_retry_tag(version, original_dcid, without_tag, tag)) {
        leat_write_bytes(writer, tag, sizeof tag);
    } else {
        writer->failed = true;
    }
}

bool leat_retry_verify(const leat_packet_header *header, leat_span packet,
                       leat_span original_dcid) {
    uint8_t tag[LEAT_RETRY_TAG];
    /* RFC 9000 §17.2.5.2-4: a Retry without a token would only cost a round trip. */
    if (header->type != LEAT_PACKET_RETRY || header->token.length == 0 ||
        packet.length < LEAT_RETRY_TAG) {
        return false;
    }
    leat_span without_tag = {packet.data, packet.length - LEAT_RETRY_TAG};
    /* RFC 9000 §17.2.5.2-3. */
    return leat_retry_tag(header->version, original_dcid, without_tag, tag) &&
           leat_constant_time_equal(tag, packet.data + without_tag.length, sizeof tag);
}
