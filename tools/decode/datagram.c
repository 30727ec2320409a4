/*
 * Datagrams for `leat decode`: which connection they belong to, the packets in them
 * (RFC 9000 §12.2, §17) and, where there are keys, their frames.
 */
#include "decode.h"
#include "quic/conn/transport_params.h"
#include "quic/packet/number.h"
#include "quic/packet/retry.h"

#include <leat/quic.h>

/* A datagram's connection; NULL: none that is known. */
typedef struct match {
    decode_connection *connection;
    decode_sender sender;
    size_t cid_length; /* of the destination CID in a short header */
} match;

static const char *const sections[LEAT_PACKET_TYPE_COUNT] = {
    [LEAT_PACKET_INITIAL] = "RFC 9000 §17.2.2",
    [LEAT_PACKET_ZERO_RTT] = "RFC 9000 §17.2.3",
    [LEAT_PACKET_HANDSHAKE] = "RFC 9000 §17.2.4",
    [LEAT_PACKET_ONE_RTT] = "RFC 9000 §17.3.1",
    [LEAT_PACKET_RETRY] = "RFC 9000 §17.2.5",
    [LEAT_PACKET_VERSION_NEGOTIATION] = "RFC 9000 §17.2.1",
    [LEAT_PACKET_UNKNOWN_VERSION] = "RFC 8999 §5.1",
};

static bool is_long(const uint8_t *bytes) { return (bytes[0] & 0x80) != 0; }

/* ---- which connection --------------------------------------------------------------- */

static bool starts_with(leat_span bytes, leat_span cid, bool is_whole) {
    return (is_whole ? bytes.length == cid.length : bytes.length >= cid.length) &&
           memcmp(bytes.data, cid.data, cid.length) == 0;
}

/* An empty CID says nothing: then the addresses have to fit (RFC 9000 §5.2). */
static bool is_addressed(const decode_connection *connection, leat_span cid, leat_span bytes,
                         bool is_whole, decode_sender sender, const leat_path *path) {
    if (cid.length > 0) {
        return starts_with(bytes, cid, is_whole);
    }
    return (!is_whole || bytes.length == 0) &&
           leat_address_equal(&connection->addresses[sender], &path->local) &&
           leat_address_equal(&connection->addresses[1 - sender], &path->remote);
}

static bool match_side(match *found, decode_connection *connection, decode_sender sender,
                       leat_span bytes, bool is_whole, const leat_path *path) {
    const decode_side *receiver = &connection->sides[1 - sender];
    for (size_t i = 0; i < receiver->cid_count && i < DECODE_CIDS_MAX; i++) {
        leat_span cid = leat_cid_span(&receiver->cids[i]);
        if (is_addressed(connection, cid, bytes, is_whole, sender, path)) {
            *found = (match){connection, sender, cid.length};
            return true;
        }
    }
    leat_span original = leat_cid_span(&connection->original_dcid);
    if (sender == CLIENT && is_whole && original.length > 0 &&
        starts_with(bytes, original, true)) {
        *found = (match){connection, CLIENT, original.length};
        return true;
    }
    return false;
}

static match find_connection(decode_state *decoder, const leat_path *path, leat_span datagram) {
    match found = {NULL, CLIENT, decoder->short_cid_length};
    bool is_whole = is_long(datagram.data);
    leat_span dcid = {datagram.data + 1, datagram.length - 1};
    if (is_whole && !leat_packet_dcid(datagram, 0, &dcid)) {
        return found;
    }
    decode_connection *connection = decoder->connections;
    for (; connection != NULL; connection = connection->next) {
        if (match_side(&found, connection, SERVER, dcid, is_whole, path) ||
            match_side(&found, connection, CLIENT, dcid, is_whole, path)) {
            break;
        }
    }
    return found;
}

/* A connection begins with a client's Initial; what is given by hand may stand alone. */
static void begin_connection(decode_state *decoder, match *found, const leat_packet_header *header,
                             const leat_path *path) {
    leat_span original = decoder->original_dcid;
    if (header->type == LEAT_PACKET_INITIAL) {
        bool is_server = original.length > 0 && !leat_span_equal(original, header->dcid);
        leat_span dcid = original.length > 0 ? original : header->dcid;
        found->sender = is_server ? SERVER : CLIENT;
        found->connection = is_server
            ? decode_connection_new(decoder, dcid, &path->remote, &path->local)
            : decode_connection_new(decoder, dcid, &path->local, &path->remote);
    } else if (header->type == LEAT_PACKET_ONE_RTT && decoder->suite != NULL) {
        found->connection =
            decode_connection_new(decoder, header->dcid, &path->local, &path->remote);
        if (found->connection != NULL) {
            decode_remember_cid(&found->connection->sides[SERVER], header->dcid);
        }
    }
}

/* ---- headers ------------------------------------------------------------------------ */

static void show_long_bits(output *out, uint8_t first, bool is_open, const char *section) {
    show(out, "header_form", "RFC 9000 §17.2", "1 (long)");
    show(out, "fixed_bit", "RFC 9000 §17.2", "%d", first >> 6 & 1);
    show(out, "long_packet_type", section, "%d", first >> 4 & 3);
    if (is_open) {
        show(out, "reserved_bits", "RFC 9000 §17.2", "%d", first >> 2 & 3);
        show(out, "packet_number_length", "RFC 9000 §17.2", "%d bytes", (first & 3) + 1);
    }
}

static void show_short_bits(output *out, uint8_t first, bool is_open) {
    const char *section = sections[LEAT_PACKET_ONE_RTT];
    show(out, "header_form", section, "0 (short)");
    show(out, "fixed_bit", section, "%d", first >> 6 & 1);
    show(out, "spin_bit", "RFC 9000 §17.4", "%d", first >> 5 & 1);
    if (is_open) {
        show(out, "reserved_bits", section, "%d", first >> 3 & 3);
        show(out, "key_phase", "RFC 9001 §6", "%d", first >> 2 & 1);
        show(out, "packet_number_length", section, "%d bytes", (first & 3) + 1);
    }
}

static void show_versions(output *out, leat_span versions) {
    leat_reader reader = leat_reader_of(versions);
    while (leat_reader_left(&reader) > 0) {
        show_code(out, "supported_version", sections[LEAT_PACKET_VERSION_NEGOTIATION],
                  leat_read_u32(&reader), 8, NULL);
    }
}

/* `first`: the first byte, without its protection when is_open. */
static void show_header(output *out, const leat_packet_header *header, uint8_t first,
                        bool is_open) {
    const char *section = sections[header->type];
    if (header->type == LEAT_PACKET_ONE_RTT) {
        show_short_bits(out, first, is_open);
        show_hex(out, "destination_connection_id", section, header->dcid);
        return;
    }
    if (header->type <= LEAT_PACKET_RETRY) {
        show_long_bits(out, first, is_open, section);
    } else {
        show(out, "header_form", "RFC 8999 §5.1", "1 (long)");
    }
    show_code(out, "version", "RFC 9000 §17.2", header->version, 8, NULL);
    show_hex(out, "destination_connection_id", "RFC 9000 §17.2", header->dcid);
    show_hex(out, "source_connection_id", "RFC 9000 §17.2", header->scid);
    if (header->type == LEAT_PACKET_INITIAL) {
        show_number(out, "token_length", section, header->token.length);
        show_hex(out, "token", section, header->token);
    }
    if (header->type <= LEAT_PACKET_HANDSHAKE) {
        show_number(out, "length", "RFC 9000 §17.2", header->length - header->pn_offset);
    }
    show_versions(out, header->versions);
}

/* ---- frames ------------------------------------------------------------------------- */

static void follow_frame(decode_state *decoder, decode_connection *connection, decode_sender sender,
                         leat_packet_type type, const leat_frame *frame) {
    switch (frame->kind) {
    case LEAT_FRAME_CRYPTO:
        decode_crypto(decoder, connection, sender, leat_packet_space(type), frame->crypto.offset,
                      frame->crypto.data);
        break;
    case LEAT_FRAME_STREAM:
        decode_stream_data(decoder, connection, sender, frame->stream.stream_id,
                           frame->stream.offset, frame->stream.data, frame->stream.fin);
        break;
    case LEAT_FRAME_DATAGRAM:
        if (connection->is_h3) {
            decode_http_datagram(decoder, frame->datagram.data);
        }
        break;
    case LEAT_FRAME_NEW_CONNECTION_ID:
        decode_remember_cid(&connection->sides[sender], frame->new_connection_id.connection_id);
        break;
    case LEAT_FRAME_RESET_STREAM: {
        decode_stream *stream =
            decode_stream_of(&connection->sides[sender], frame->reset_stream.stream_id);
        if (stream != NULL) {
            stream->is_ended = true;
        }
        break;
    }
    default:
        break;
    }
}

void decode_payload(decode_state *decoder, decode_connection *connection, decode_sender sender,
                    leat_packet_type type, leat_span payload) {
    output *out = &decoder->out;
    leat_reader reader = leat_reader_of(payload);
    if (payload.length == 0) {
        show(out, "fault", "RFC 9000 §12.4", "a packet without frames");
    }
    while (leat_reader_left(&reader) > 0) {
        leat_frame frame;
        const uint8_t *start = reader.next;
        uint64_t error = leat_frame_parse(&reader, &frame);
        if (error != 0) {
            leat_span rest = {start, (size_t)(payload.data + payload.length - start)};
            show(out, "fault", "RFC 9000 §12.4", "%s at byte %zu of the payload",
                 leat_transport_error_name(error), (size_t)(start - payload.data));
            show_hex(out, "rest", NULL, rest);
            return;
        }
        const leat_frame_row *row = &leat_frame_table[frame.kind];
        show(out, "frame", row->section, "%s at byte %zu of the payload", row->name,
             (size_t)(start - payload.data));
        show_inner(out);
        if (!leat_frame_is_allowed(frame.kind, type)) {
            show(out, "fault", "RFC 9000 §12.4", "this frame must not stand in this packet");
        }
        decode_frame_fields(decoder, &connection->sides[sender], &frame);
        follow_frame(decoder, connection, sender, type, &frame);
        show_outer(out);
    }
}

/* ---- packets ------------------------------------------------------------------------ */

static const char *open_fault(leat_open_status status) {
    switch (status) {
    case LEAT_OPEN_TOO_SHORT:
        return "the packet is too short for a header protection sample";
    case LEAT_OPEN_AUTHENTICATION:
    case LEAT_OPEN_INTEGRITY_LIMIT:
        return "it does not authenticate: the keys are those of another connection, or the packet "
               "is damaged";
    default:
        return "the keys cannot be used";
    }
}

static void show_protected(output *out, const leat_packet_header *header, uint8_t first,
                           const char *why) {
    show_header(out, header, first, false);
    show(out, "protected", "RFC 9001 §5", "%zu bytes not decrypted: %s",
         header->length - header->pn_offset, why);
}

static void show_opened(decode_state *decoder, const match *found, const leat_packet_header *header,
                        uint8_t first, leat_open_status status, const leat_opened *opened) {
    output *out = &decoder->out;
    show_header(out, header, first, true);
    show_number(out, "packet_number", "RFC 9000 §17.1", opened->pn);
    if (opened->key_updated) {
        show(out, "key_update", "RFC 9001 §6", "the sender's first packet with the next keys");
    }
    if (status == LEAT_OPEN_RESERVED_BITS) {
        show(out, "fault", "RFC 9000 §17.2", "reserved bits are set");
    } else if (status == LEAT_OPEN_KEY_UPDATE) {
        show(out, "fault", "RFC 9001 §6.4", "newer keys than packets with higher numbers");
    }
    decode_payload(decoder, found->connection, found->sender, header->type,
                   (leat_span){opened->payload, opened->payload_length});
}

static void on_authentic(const match *found, const leat_packet_header *header, uint64_t pn,
                         const leat_path *path) {
    decode_side *side = &found->connection->sides[found->sender];
    uint64_t *largest = &side->largest[leat_packet_space(header->type)];
    if (*largest == LEAT_PN_NONE || pn > *largest) {
        *largest = pn;
    }
    if (header->type != LEAT_PACKET_ONE_RTT) {
        decode_remember_cid(side, header->scid);
    }
    /* RFC 9000 §9: where the newest address of the client is matters for empty connection IDs. */
    found->connection->addresses[found->sender] = path->local;
    found->connection->addresses[1 - found->sender] = path->remote;
}

static void decode_protected(decode_state *decoder, const match *found,
                             const leat_packet_header *header, uint8_t *packet,
                             const leat_path *path) {
    const char *why = "it belongs to no connection whose beginning was seen";
    uint8_t first = packet[0];
    leat_keys *keys = NULL;
    if (found->connection != NULL) {
        keys = decode_keys(decoder, found->connection, found->sender, header, &why);
    }
    if (keys == NULL) {
        show_protected(&decoder->out, header, first, why);
        return;
    }
    leat_opened opened;
    uint64_t largest =
        found->connection->sides[found->sender].largest[leat_packet_space(header->type)];
    leat_open_status status = leat_packet_open(keys, header, packet, largest, &opened);
    if (status != LEAT_OPEN_OK && opened.payload == NULL) {
        show_protected(&decoder->out, header, first, open_fault(status));
        return;
    }
    on_authentic(found, header, opened.pn, path);
    show_opened(decoder, found, header, packet[0], status, &opened);
}

/* RFC 9001 §5.2-4: after a Retry the Initial keys come from the connection ID that it brings. */
static void decode_retry(decode_state *decoder, const match *found,
                         const leat_packet_header *header, leat_span packet) {
    output *out = &decoder->out;
    decode_connection *connection = found->connection;
    const char *section = sections[LEAT_PACKET_RETRY];
    leat_span tag = {packet.data + header->length - LEAT_RETRY_TAG, LEAT_RETRY_TAG};
    show_header(out, header, header->first_byte, false);
    show_hex(out, "retry_token", section, header->token);
    show_hex(out, "retry_integrity_tag", "RFC 9001 §5.8", tag);
    leat_span original = connection == NULL ? decoder->original_dcid
                                            : leat_cid_span(&connection->first_dcid);
    if (original.length == 0) {
        return;
    }
    bool is_valid = leat_retry_verify(header, packet, original);
    show(out, "retry_integrity", "RFC 9001 §5.8", is_valid ? "valid" : "not valid");
    if (is_valid && connection != NULL && !connection->is_retried) {
        connection->is_retried = true;
        leat_cid_from_span(&connection->original_dcid, header->scid);
        leat_keys_discard(&connection->sides[CLIENT].keys[LEAT_LEVEL_INITIAL]);
        leat_keys_discard(&connection->sides[SERVER].keys[LEAT_LEVEL_INITIAL]);
    }
}

/* The bytes used; all of them when the next packet cannot be found. */
static size_t decode_packet(decode_state *decoder, match *found, const leat_path *path,
                            uint8_t *bytes, size_t length, size_t at) {
    output *out = &decoder->out;
    leat_packet_header header;
    leat_span packet = {bytes, length};
    leat_drop drop = leat_packet_header_parse(&header, packet, found->cid_length);
    if (drop != LEAT_DROP_NONE) {
        show(out, "not_quic", "RFC 9000 §17", "at byte %zu: %s", at, leat_drop_name(drop));
        show_inner(out);
        show_hex(out, "rest", NULL, packet);
        show_outer(out);
        return length;
    }
    if (found->connection == NULL) {
        begin_connection(decoder, found, &header, path);
    }
    show(out, "packet", sections[header.type], "%s at byte %zu, %zu bytes",
         leat_packet_type_name(header.type), at, header.length);
    show_inner(out);
    if (found->connection != NULL) {
        show(out, "connection", NULL, "%u, from the %s", found->connection->number,
             found->sender == CLIENT ? "client" : "server");
    }
    if (header.type == LEAT_PACKET_RETRY) {
        decode_retry(decoder, found, &header, packet);
    } else if (header.type > LEAT_PACKET_RETRY) {
        show_header(out, &header, header.first_byte, false);
    } else {
        decode_protected(decoder, found, &header, bytes, path);
    }
    show_outer(out);
    return header.length;
}

static void show_datagram(decode_state *decoder, const leat_path *path, size_t length) {
    char from[LEAT_ADDRESS_TEXT_MAX], to[LEAT_ADDRESS_TEXT_MAX];
    decoder->datagram_count++;
    if (path->local.family == LEAT_ADDRESS_NONE) {
        show(&decoder->out, "datagram", NULL, "%u, %zu bytes", decoder->datagram_count, length);
        return;
    }
    show(&decoder->out, "datagram", NULL, "%u, %s > %s, %zu bytes", decoder->datagram_count,
         leat_address_format(&path->local, from), leat_address_format(&path->remote, to), length);
}

void decode_datagram(decode_state *decoder, const leat_path *path, uint8_t *bytes, size_t length) {
    show_datagram(decoder, path, length);
    if (length == 0) {
        return;
    }
    match found = find_connection(decoder, path, (leat_span){bytes, length});
    show_inner(&decoder->out);
    for (size_t at = 0; at < length;) {
        at += decode_packet(decoder, &found, path, bytes + at, length - at, at);
    }
    show_outer(&decoder->out);
}
