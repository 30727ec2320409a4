/* Building one packet in place: RFC 9000 §17.2 and §17.3. Which frames go in is decided in
 * quic/conn. */
#include "quic/packet/builder.h"

#include "quic/packet/number.h"

#include <assert.h>

#define LONG_HEADER     0x80
#define PAYLOAD_LEAST   8      /* a packet with less room for frames is not worth its header */
#define SAMPLE_LEAST    4      /* RFC 9001 §5.4.2: packet number and payload together */
#define LONG_LENGTH_MAX 0x3fff /* what the 2-byte Length field can say */

/* RFC 9287 §3.1: whoever knows that the peer agreed may clear the fixed bit. */
static unsigned fixed_bit(const leat_builder_header *header) {
    return header->clears_fixed_bit ? 0 : LEAT_FIXED_BIT;
}

static void write_long_header(leat_builder *builder, leat_writer *writer,
                              const leat_builder_header *header) {
    const leat_version_row *row = leat_version_find(header->version);
    assert(header->type <= LEAT_PACKET_HANDSHAKE && row != NULL);
    unsigned first_byte =
        LONG_HEADER | fixed_bit(header) | leat_version_type_bits(row, header->type);
    leat_write_u8(writer, (uint8_t)(first_byte | (builder->pn_length - 1)));
    leat_write_u32(writer, header->version);
    leat_cid_write(writer, header->dcid);
    leat_cid_write(writer, header->scid);
    if (header->type == LEAT_PACKET_INITIAL) {
        leat_write_varint(writer, header->token.length);
        leat_write_bytes(writer, header->token.data, header->token.length);
    }
    builder->length_offset = leat_writer_length(writer);
    leat_write_varint_sized(writer, 0, 2);
}

static void write_short_header(const leat_builder *builder, leat_writer *writer,
                               const leat_builder_header *header) {
    unsigned first_byte =
        fixed_bit(header) | (header->spin ? 0x20 : 0) | (header->key_phase ? 0x04 : 0);
    leat_write_u8(writer, (uint8_t)(first_byte | (builder->pn_length - 1)));
    leat_write_bytes(writer, header->dcid.data, header->dcid.length);
}

bool leat_builder_begin(leat_builder *builder, uint8_t *out, size_t room,
                        const leat_builder_header *header) {
    *builder = (leat_builder){.packet = out, .type = header->type, .pn = header->pn};
    builder->pn_length = leat_pn_size(header->pn, header->largest_acked);
    leat_writer writer = leat_writer_make(out, room);
    if (header->type == LEAT_PACKET_ONE_RTT) {
        write_short_header(builder, &writer, header);
    } else {
        write_long_header(builder, &writer, header);
    }
    builder->pn_offset = leat_writer_length(&writer);
    for (size_t i = builder->pn_length; i-- > 0;) {
        leat_write_u8(&writer, (uint8_t)(header->pn >> (8 * i)));
    }
    size_t left = leat_writer_room(&writer);
    if (writer.failed || left < PAYLOAD_LEAST + LEAT_AEAD_TAG) {
        return false;
    }
    left -= LEAT_AEAD_TAG;
    size_t most = LONG_LENGTH_MAX - LEAT_AEAD_TAG - builder->pn_length;
    bool is_capped = builder->length_offset != 0 && left > most;
    builder->payload = leat_writer_make(writer.next, is_capped ? most : left);
    return true;
}

size_t leat_builder_size(const leat_builder *builder) {
    size_t protected_length = builder->pn_length + leat_builder_payload_length(builder);
    protected_length = protected_length < SAMPLE_LEAST ? SAMPLE_LEAST : protected_length;
    return builder->pn_offset + protected_length + LEAT_AEAD_TAG;
}

void leat_builder_pad_to(leat_builder *builder, size_t size) {
    size_t unpadded = builder->pn_offset + builder->pn_length +
                      leat_builder_payload_length(builder) + LEAT_AEAD_TAG;
    if (size > unpadded) {
        size_t room = leat_writer_room(&builder->payload);
        leat_write_zeros(&builder->payload, size - unpadded < room ? size - unpadded : room);
    }
}

size_t leat_builder_finish(leat_builder *builder, leat_keys *keys) {
    /* RFC 9000 §12.4-1: at least one frame; and a torn one is never sent. */
    if (builder->payload.failed || leat_builder_payload_length(builder) == 0) {
        return 0;
    }
    size_t size = leat_builder_size(builder);
    leat_builder_pad_to(builder, size);
    if (builder->length_offset != 0) {
        leat_writer length = leat_writer_make(builder->packet + builder->length_offset, 2);
        leat_write_varint_sized(&length, size - builder->pn_offset, 2);
    }
    bool sealed = leat_packet_seal(keys, builder->packet, builder->pn_offset, builder->pn_length,
                                   leat_builder_payload_length(builder), builder->pn);
    return sealed ? size : 0;
}
