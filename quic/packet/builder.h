/*
 * Builds one packet in the caller's buffer:
 *  1. leat_builder_begin writes the header; frames then go through `payload`, sticky at the packet's size limit.
 *  2. leat_builder_pad_to grows the payload with PADDING.
 *  3. leat_builder_finish fills in the length, pads for the header protection sample (RFC 9001 §5.4.2) and seals.
 * Nothing has to be undone when a packet is not finished. A packet without frames, or whose payload writer failed (a
 * frame is torn), is not sealed.
 */
#ifndef LEAT_QUIC_PACKET_BUILDER_H
#define LEAT_QUIC_PACKET_BUILDER_H

#include "quic/packet/protect.h"

typedef struct leat_builder {
    leat_writer payload; /* frames are written here */
    uint8_t *packet;     /* first byte of the packet */
    leat_packet_type type;
    uint64_t pn;
    size_t pn_offset, pn_length;
    size_t length_offset; /* of the 2-byte Length field; 0 in a short header */
    bool ack_eliciting, in_flight, is_probing_only; /* set by whoever writes frames */
} leat_builder;

typedef struct leat_builder_header {
    leat_packet_type type; /* Initial, 0-RTT, Handshake, 1-RTT */
    uint32_t version;
    leat_span dcid, scid, token;
    bool spin, key_phase;
    bool clears_fixed_bit;
    uint64_t pn, largest_acked;
} leat_builder_header;

/* False when `room` is too small for a packet with at least a few bytes of frames. */
bool leat_builder_begin(leat_builder *builder, uint8_t *out, size_t room, const leat_builder_header *header);
static inline size_t leat_builder_payload_length(const leat_builder *builder) {
    return leat_writer_length(&builder->payload);
}
/* Bytes the packet would have if finished now, with tag. */
size_t leat_builder_size(const leat_builder *builder);
/* PADDING until the finished packet has `size` bytes (does nothing when it is larger already). */
void leat_builder_pad_to(leat_builder *builder, size_t size);
/* The finished size, or 0 when there is no frame, the payload failed or sealing failed. */
size_t leat_builder_finish(leat_builder *builder, leat_keys *keys);

#endif
