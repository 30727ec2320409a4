/*
 * Packet headers of a whole datagram, without keys: RFC 9000 §17. The first input byte is the
 * length of our connection IDs, the rest the datagram. Whatever parses must lie inside the
 * datagram, and routing must agree with it.
 */
#include "fuzz.h"
#include "quic/packet/header.h"
#include "quic/packet/retry.h"

static void require_inside(leat_span part, leat_span whole) {
    fuzz_require(part.length == 0 ||
                 (part.data >= whole.data && part.length <= whole.length &&
                  part.data - whole.data <= (ptrdiff_t)(whole.length - part.length)));
}

static void check_header(const leat_packet_header *header, leat_span datagram, size_t cid_length) {
    leat_span dcid;
    fuzz_require(header->length > 0 && header->length <= datagram.length);
    fuzz_require(header->pn_offset <= header->length);
    require_inside(header->dcid, datagram);
    require_inside(header->scid, datagram);
    require_inside(header->token, datagram);
    require_inside(header->versions, datagram);
    fuzz_require(leat_packet_dcid(datagram, cid_length, &dcid));
    fuzz_require(dcid.length == header->dcid.length);
    fuzz_require(dcid.length == 0 || dcid.data == header->dcid.data);
    if (header->type == LEAT_PACKET_RETRY) {
        leat_retry_verify(header, datagram, header->dcid);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) {
        return 0;
    }
    size_t cid_length = data[0] % (LEAT_CID_MAX + 1);
    leat_span datagram = {data + 1, size - 1};
    leat_packet_header header;
    while (datagram.length > 0 &&
           leat_packet_header_parse(&header, datagram, cid_length) == LEAT_DROP_NONE) {
        check_header(&header, datagram, cid_length);
        datagram.data += header.length;
        datagram.length -= header.length;
    }
    return 0;
}
