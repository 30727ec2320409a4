/* See server_peer.h. */
#include "server_peer.h"

#include "fuzz.h"

/* ---- what comes from the server ---- */

static const leat_space space_of_type[LEAT_PACKET_TYPE_COUNT] = {
    [LEAT_PACKET_INITIAL] = LEAT_SPACE_INITIAL,
    [LEAT_PACKET_HANDSHAKE] = LEAT_SPACE_HANDSHAKE,
    [LEAT_PACKET_ONE_RTT] = LEAT_SPACE_APPLICATION,
};

leat_keys *raw_peer_keys(raw_peer *peer, leat_space space) {
    if (peer->client != NULL && peer->client->spaces[space] != NULL) {
        return &peer->client->spaces[space]->keys;
    }
    return space == LEAT_SPACE_INITIAL && peer->client == NULL ? &peer->initial : NULL;
}

/* Every frame the server sends is one, and may stand where it stands. */
static void check_frames(const leat_opened *opened, leat_packet_type type) {
    leat_reader reader = leat_reader_make(opened->payload, opened->payload_length);
    fuzz_require(opened->payload_length > 0);
    while (!leat_reader_at_end(&reader)) {
        leat_frame frame;
        fuzz_require(leat_frame_parse(&reader, &frame) == 0);
        fuzz_require(leat_frame_is_allowed(frame.kind, type));
    }
}

static void check_packet(raw_peer *peer, const leat_packet_header *header, uint8_t *packet) {
    bool has_keys = header->type == LEAT_PACKET_INITIAL || header->type == LEAT_PACKET_HANDSHAKE ||
                    header->type == LEAT_PACKET_ONE_RTT;
    leat_space space = space_of_type[header->type];
    leat_keys *keys = has_keys ? raw_peer_keys(peer, space) : NULL;
    leat_opened opened;
    if (keys == NULL || !leat_keys_can_read(keys)) {
        return;
    }
    if (leat_packet_open(keys, header, packet, peer->largest_seen[space], &opened) ==
        LEAT_OPEN_OK) {
        bool is_first = peer->largest_seen[space] == LEAT_PN_NONE;
        peer->largest_seen[space] = is_first || opened.pn > peer->largest_seen[space]
                                        ? opened.pn
                                        : peer->largest_seen[space];
        check_frames(&opened, header->type);
    }
}

void raw_peer_check_datagram(raw_peer *peer, uint8_t *bytes, size_t length) {
    for (size_t offset = 0; offset < length;) {
        leat_packet_header header;
        leat_span rest = {bytes + offset, length - offset};
        if (leat_packet_header_parse(&header, rest, peer->scid.length) != LEAT_DROP_NONE) {
            break;
        }
        check_packet(peer, &header, bytes + offset);
        offset += header.length;
    }
}

/* ---- what goes to it ---- */

static size_t seal(raw_peer *peer, leat_packet_type type, leat_span frames, uint8_t *out,
                   size_t room) {
    leat_space space = space_of_type[type];
    leat_keys *keys = raw_peer_keys(peer, space);
    leat_builder builder;
    leat_builder_header header = {
        .type = type,
        .version = LEAT_VERSION_1,
        .dcid = leat_cid_span(&peer->dcid),
        .scid = leat_cid_span(&peer->scid),
        .key_phase = keys != NULL && keys->phase,
        .pn = peer->next_pn[space],
        .largest_acked = LEAT_PN_NONE,
    };
    if (keys == NULL || !leat_keys_can_write(keys) ||
        !leat_builder_begin(&builder, out, room, &header)) {
        return 0;
    }
    leat_write_bytes(&builder.payload, frames.data, frames.length);
    if (builder.payload.failed) {
        return 0;
    }
    if (type == LEAT_PACKET_INITIAL) {
        leat_builder_pad_to(&builder, LEAT_MIN_DATAGRAM);
    }
    peer->next_pn[space]++;
    return leat_builder_finish(&builder, keys);
}

void raw_peer_send_frames(raw_peer *peer, leat_packet_type type, leat_span frames) {
    static uint8_t packet[2048];
    size_t length = seal(peer, type, frames, packet, sizeof packet);
    if (length > 0) {
        peer->has_sent_handshake = peer->has_sent_handshake || type == LEAT_PACKET_HANDSHAKE;
        peer->deliver(peer->user, packet, length);
    }
}

static uint64_t *offset_of(raw_peer *peer, uint64_t stream_id) {
    for (size_t i = 0; i < RAW_PEER_STREAMS; i++) {
        if (peer->streams[i].id == stream_id || peer->streams[i].id == UINT64_MAX) {
            peer->streams[i].id = stream_id;
            return &peer->streams[i].offset;
        }
    }
    return NULL;
}

void raw_peer_send_stream(raw_peer *peer, uint64_t stream_id, leat_span bytes, bool fin) {
    uint64_t *offset = offset_of(peer, stream_id);
    static uint8_t frames[1400];
    while (offset != NULL) {
        size_t part = bytes.length < 1200 ? bytes.length : 1200;
        bool is_last = part == bytes.length;
        leat_frame frame = {.kind = LEAT_FRAME_STREAM,
                            .type = 0x08,
                            .stream = {.stream_id = stream_id,
                                       .offset = *offset,
                                       .data = {bytes.data, part},
                                       .fin = fin && is_last}};
        leat_writer writer = leat_writer_make(frames, sizeof frames);
        leat_frame_write(&writer, &frame);
        raw_peer_send_frames(peer, LEAT_PACKET_ONE_RTT,
                             (leat_span){frames, leat_writer_length(&writer)});
        *offset += part;
        bytes = (leat_span){bytes.data + part, bytes.length - part};
        if (is_last) {
            break;
        }
    }
}

void raw_peer_send_datagram(raw_peer *peer, leat_span bytes) {
    static uint8_t frames[1400];
    leat_writer writer = leat_writer_make(frames, sizeof frames);
    if (leat_datagram_frame_write(&writer, &bytes, 1)) {
        raw_peer_send_frames(peer, LEAT_PACKET_ONE_RTT,
                             (leat_span){frames, leat_writer_length(&writer)});
    }
}

void raw_peer_send_ack(raw_peer *peer, leat_packet_type type) {
    uint8_t frames[64];
    leat_writer writer = leat_writer_make(frames, sizeof frames);
    uint64_t largest = peer->largest_seen[space_of_type[type]];
    if (largest != LEAT_PN_NONE) {
        leat_range range = {largest, largest + 1};
        if (leat_ack_write(&writer, &range, 1, 0, NULL)) {
            raw_peer_send_frames(peer, type, (leat_span){frames, leat_writer_length(&writer)});
        }
    }
}

/* ---- life ---- */

void raw_peer_init(raw_peer *peer, void (*deliver)(void *user, uint8_t *bytes, size_t length),
                   void *user) {
    *peer = (raw_peer){.deliver = deliver, .user = user};
    for (size_t i = 0; i < RAW_PEER_STREAMS; i++) {
        peer->streams[i].id = UINT64_MAX;
    }
    for (size_t i = 0; i < LEAT_SPACE_COUNT; i++) {
        peer->largest_seen[i] = LEAT_PN_NONE;
    }
}

void raw_peer_take_over(raw_peer *peer, leat_conn *client) {
    peer->client = client;
    peer->dcid = *leat_cids_of_path(client, client->paths.active);
    peer->scid = *leat_cids_first_local(client);
    for (size_t i = 0; i < LEAT_SPACE_COUNT; i++) {
        peer->next_pn[i] = client->spaces[i] == NULL ? 0 : client->spaces[i]->next_pn + 1;
    }
}

void raw_peer_begin(raw_peer *peer) {
    peer->dcid = (leat_cid){.length = 8, .bytes = {0xd, 0xc, 1, 2, 3, 4, 5, 6}};
    peer->scid = (leat_cid){.length = 8, .bytes = {0x5, 0xc, 1, 2, 3, 4, 5, 6}};
    fuzz_require(leat_keys_install_initial(&peer->initial, LEAT_VERSION_1,
                                           leat_cid_span(&peer->dcid), true));
}

void raw_peer_clear(raw_peer *peer) { leat_keys_discard(&peer->initial); }
