/*
 * Parsing packet headers without keys: RFC 9000 §17 and the invariants of RFC 8999. What a header
 * says is not authenticated yet: whoever calls drops a bad packet silently and never closes a
 * connection because of it.
 */
#include "quic/packet/version.h"

#define LONG_HEADER 0x80

static const char *const type_names[LEAT_PACKET_TYPE_COUNT] = {
    [LEAT_PACKET_INITIAL] = "initial",
    [LEAT_PACKET_ZERO_RTT] = "0RTT",
    [LEAT_PACKET_HANDSHAKE] = "handshake",
    [LEAT_PACKET_ONE_RTT] = "1RTT",
    [LEAT_PACKET_RETRY] = "retry",
    [LEAT_PACKET_VERSION_NEGOTIATION] = "version_negotiation",
    [LEAT_PACKET_UNKNOWN_VERSION] = "unknown",
};

static const struct {
    const char *name, *trigger;
} drops[LEAT_DROP_COUNT] = {
    [LEAT_DROP_NONE] = {"none", "general"},
    [LEAT_DROP_TOO_SHORT] = {"too_short", "invalid"},
    [LEAT_DROP_FIXED_BIT] = {"fixed_bit", "invalid"},
    [LEAT_DROP_CID_LENGTH] = {"cid_length", "invalid"},
    [LEAT_DROP_LENGTH] = {"length", "invalid"},
    [LEAT_DROP_SMALL_INITIAL] = {"small_initial", "invalid"},
    [LEAT_DROP_UNKNOWN_VERSION] = {"unknown_version", "unsupported"},
    [LEAT_DROP_UNEXPECTED_VERSION] = {"unexpected_version", "invalid"},
    [LEAT_DROP_UNEXPECTED_TYPE] = {"unexpected_type", "invalid"},
    [LEAT_DROP_UNKNOWN_CID] = {"unknown_cid", "connection_unknown"},
    [LEAT_DROP_COALESCED_CID] = {"coalesced_cid", "invalid"},
    [LEAT_DROP_NO_KEYS] = {"no_keys", "key_unavailable"},
    [LEAT_DROP_KEYS_DISCARDED] = {"keys_discarded", "key_unavailable"},
    [LEAT_DROP_AUTHENTICATION] = {"authentication", "decryption_failure"},
    [LEAT_DROP_DUPLICATE] = {"duplicate", "duplicate"},
    [LEAT_DROP_RETRY_TAG] = {"retry_tag", "invalid"},
    [LEAT_DROP_TOKEN] = {"token", "invalid"},
    [LEAT_DROP_CLOSED] = {"closed", "general"},
    [LEAT_DROP_PATH] = {"path", "rejected"},
    [LEAT_DROP_LIMIT] = {"limit", "rejected"},
};

const char *leat_packet_type_name(leat_packet_type type) {
    return type < LEAT_PACKET_TYPE_COUNT ? type_names[type] : "unknown";
}

const char *leat_drop_name(leat_drop drop) {
    return drop < LEAT_DROP_COUNT ? drops[drop].name : "unknown";
}

const char *leat_drop_trigger(leat_drop drop) {
    return drop < LEAT_DROP_COUNT ? drops[drop].trigger : "general";
}

leat_space leat_packet_space(leat_packet_type type) {
    switch (type) {
    case LEAT_PACKET_INITIAL:
        return LEAT_SPACE_INITIAL;
    case LEAT_PACKET_HANDSHAKE:
        return LEAT_SPACE_HANDSHAKE;
    default:
        return LEAT_SPACE_APPLICATION;
    }
}

static leat_drop parse_short(leat_packet_header *header, leat_reader *reader, size_t cid_length) {
    header->dcid = leat_read_bytes(reader, cid_length);
    if (reader->failed) {
        return LEAT_DROP_TOO_SHORT;
    }
    header->type = LEAT_PACKET_ONE_RTT;
    header->pn_offset = 1 + cid_length;
    return LEAT_DROP_NONE;
}

static leat_drop parse_version_negotiation(leat_packet_header *header, leat_reader *reader) {
    header->type = LEAT_PACKET_VERSION_NEGOTIATION;
    header->versions = leat_read_rest(reader);
    /* RFC 8999 §6: a list that is empty or cut inside a version is ignored. */
    bool is_whole = header->versions.length > 0 && header->versions.length % 4 == 0;
    return is_whole ? LEAT_DROP_NONE : LEAT_DROP_LENGTH;
}

static leat_drop parse_retry(leat_packet_header *header, leat_reader *reader) {
    header->type = LEAT_PACKET_RETRY;
    size_t left = leat_reader_left(reader);
    if (left < LEAT_RETRY_TAG) {
        return LEAT_DROP_TOO_SHORT;
    }
    header->token = leat_read_bytes(reader, left - LEAT_RETRY_TAG);
    return LEAT_DROP_NONE;
}

/* Initial, 0-RTT and Handshake: the Length field says where a coalesced next packet begins. */
static leat_drop parse_with_length(leat_packet_header *header, leat_reader *reader,
                                   const uint8_t *start) {
    if (header->type == LEAT_PACKET_INITIAL) {
        header->token = leat_read_vector_varint(reader);
    }
    uint64_t length = leat_read_varint(reader);
    if (reader->failed) {
        return LEAT_DROP_TOO_SHORT;
    }
    if (length > leat_reader_left(reader)) {
        return LEAT_DROP_LENGTH;
    }
    header->pn_offset = (size_t)(reader->next - start);
    header->length = header->pn_offset + (size_t)length;
    return LEAT_DROP_NONE;
}

static leat_drop parse_known_version(leat_packet_header *header, const leat_version_row *row,
                                     leat_reader *reader, const uint8_t *start) {
    /* RFC 9000 §17.2-3, §17.2-6: longer connection IDs belong to other versions. */
    if (header->dcid.length > LEAT_CID_MAX || header->scid.length > LEAT_CID_MAX) {
        return LEAT_DROP_CID_LENGTH;
    }
    header->type = row->types[header->first_byte >> 4 & 3];
    return header->type == LEAT_PACKET_RETRY ? parse_retry(header, reader)
                                             : parse_with_length(header, reader, start);
}

leat_drop leat_packet_header_parse(leat_packet_header *header, leat_span bytes,
                                   size_t short_cid_length) {
    leat_reader reader = leat_reader_of(bytes);
    *header = (leat_packet_header){.first_byte = leat_read_u8(&reader), .length = bytes.length};
    if (reader.failed) {
        return LEAT_DROP_TOO_SHORT;
    }
    if ((header->first_byte & LONG_HEADER) == 0) {
        return parse_short(header, &reader, short_cid_length);
    }
    header->version = leat_read_u32(&reader);
    /* RFC 9000 §17.2-4, §17.2-7: up to 255 bytes, which Version Negotiation has to echo. */
    header->dcid = leat_read_vector8(&reader);
    header->scid = leat_read_vector8(&reader);
    if (reader.failed) {
        return LEAT_DROP_TOO_SHORT;
    }
    if (header->version == 0) {
        return parse_version_negotiation(header, &reader);
    }
    const leat_version_row *row = leat_version_find(header->version);
    if (row == NULL) {
        header->type = LEAT_PACKET_UNKNOWN_VERSION;
        return LEAT_DROP_NONE;
    }
    return parse_known_version(header, row, &reader, bytes.data);
}

bool leat_packet_dcid(leat_span bytes, size_t short_cid_length, leat_span *dcid) {
    leat_reader reader = leat_reader_of(bytes);
    if ((leat_read_u8(&reader) & LONG_HEADER) == 0) {
        *dcid = leat_read_bytes(&reader, short_cid_length);
    } else {
        leat_read_u32(&reader);
        *dcid = leat_read_vector8(&reader);
    }
    return !reader.failed;
}

bool leat_cid_from_span(leat_cid *cid, leat_span span) {
    if (span.length > LEAT_CID_MAX) {
        return false;
    }
    *cid = (leat_cid){.length = (uint8_t)span.length};
    if (span.length > 0) {
        memcpy(cid->bytes, span.data, span.length);
    }
    return true;
}

bool leat_cid_equal(const leat_cid *a, const leat_cid *b) {
    return a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0;
}

void leat_cid_write(leat_writer *writer, leat_span cid) {
    if (cid.length > UINT8_MAX) {
        writer->failed = true;
        return;
    }
    leat_write_u8(writer, (uint8_t)cid.length);
    leat_write_bytes(writer, cid.data, cid.length);
}

void leat_version_negotiation_write(leat_writer *writer, leat_span dcid, leat_span scid,
                                    const uint32_t *versions, size_t count, uint8_t random) {
    /* RFC 9000 §17.2.1-2: the fixed bit stays set, the other unused bits are arbitrary. */
    leat_write_u8(writer, (uint8_t)(LONG_HEADER | LEAT_FIXED_BIT | (random & 0x3f)));
    leat_write_u32(writer, 0);
    leat_cid_write(writer, dcid);
    leat_cid_write(writer, scid);
    /* RFC 9000 §6.3: a version of the pattern 0x?a?a?a?a, so that clients keep ignoring unknown
     * ones. */
    uint32_t grease = leat_version_reserved(random);
    size_t grease_place = random % (count + 1);
    for (size_t i = 0; i < count; i++) {
        if (i == grease_place) {
            leat_write_u32(writer, grease);
        }
        leat_write_u32(writer, versions[i]);
    }
    if (grease_place == count) {
        leat_write_u32(writer, grease);
    }
}
