/*
 * pcap and pcapng files for `leat decode`, read by libpcap: the UDP datagrams in them, over IPv4
 * and IPv6, from the links that captures usually have. Fragments are not put together.
 */
#include "decode.h"

#include <pcap/pcap.h>

#define PROTOCOL_UDP 17
#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_IPV6 0x86dd
#define ETHERTYPE_VLAN 0x8100

/* What stands before the IP packet: `skip` bytes, then an EtherType, or nothing that says which IP
 * it is. */
static const struct {
    int link;
    size_t skip;
    bool has_ethertype;
    size_t after; /* bytes behind the EtherType */
} links[] = {
    {DLT_EN10MB, 12, true, 0},
    {DLT_LINUX_SLL, 14, true, 0},
    {DLT_LINUX_SLL2, 0, true, 18},
    {DLT_NULL, 4, false, 0},
    {DLT_LOOP, 4, false, 0},
    {DLT_RAW, 0, false, 0},
    {DLT_IPV4, 0, false, 0},
    {DLT_IPV6, 0, false, 0},
};
#define LINKS (sizeof links / sizeof links[0])

static bool skip_link(leat_reader *reader, size_t link) {
    leat_read_bytes(reader, links[link].skip);
    if (!links[link].has_ethertype) {
        return !reader->failed;
    }
    uint16_t ethertype = leat_read_u16(reader);
    if (ethertype == ETHERTYPE_VLAN) {
        leat_read_u16(reader);
        ethertype = leat_read_u16(reader);
    }
    leat_read_bytes(reader, links[link].after);
    return !reader->failed && (ethertype == ETHERTYPE_IPV4 || ethertype == ETHERTYPE_IPV6);
}

/* RFC 791 §3.1. */
static bool read_ipv4(leat_reader *reader, leat_path *path) {
    uint8_t first = leat_read_u8(reader);
    leat_read_bytes(reader, 5);
    bool is_fragment = (leat_read_u16(reader) & 0x3fff) != 0;
    leat_read_u8(reader);
    uint8_t protocol = leat_read_u8(reader);
    leat_read_u16(reader);
    path->local.family = path->remote.family = LEAT_ADDRESS_IPV4;
    leat_read_copy(reader, path->local.ip, 4);
    leat_read_copy(reader, path->remote.ip, 4);
    size_t header = (size_t)(first & 0x0f) * 4;
    leat_read_bytes(reader, header < 20 ? 0 : header - 20);
    return !reader->failed && header >= 20 && !is_fragment && protocol == PROTOCOL_UDP;
}

/* RFC 8200 §3; extension headers, which QUIC has no use for, are not looked through. */
static bool read_ipv6(leat_reader *reader, leat_path *path) {
    leat_read_bytes(reader, 6);
    uint8_t next_header = leat_read_u8(reader);
    leat_read_u8(reader);
    path->local.family = path->remote.family = LEAT_ADDRESS_IPV6;
    leat_read_copy(reader, path->local.ip, 16);
    leat_read_copy(reader, path->remote.ip, 16);
    return !reader->failed && next_header == PROTOCOL_UDP;
}

/* The payload of a UDP datagram (RFC 768); false: it is none. `missing`: bytes that were not
 * captured. */
static bool find_datagram(leat_span packet, size_t link, leat_path *path, leat_span *payload,
                          size_t *missing) {
    leat_reader reader = leat_reader_of(packet);
    if (!skip_link(&reader, link) || leat_reader_left(&reader) == 0) {
        return false;
    }
    int version = *reader.next >> 4;
    if (version == 4 ? !read_ipv4(&reader, path)
                     : version != 6 || !read_ipv6(&reader, path)) {
        return false;
    }
    path->local.port = leat_read_u16(&reader);
    path->remote.port = leat_read_u16(&reader);
    size_t length = leat_read_u16(&reader);
    leat_read_u16(&reader);
    if (reader.failed || length < 8) {
        return false;
    }
    size_t left = leat_reader_left(&reader);
    *missing = length - 8 > left ? length - 8 - left : 0;
    *payload = leat_read_bytes(&reader, length - 8 - *missing);
    return true;
}

static void decode_captured(decode_state *decoder, leat_span packet, size_t link,
                            leat_buffer *copy) {
    leat_path path = {.local = {.family = LEAT_ADDRESS_NONE}};
    leat_span payload;
    size_t missing;
    if (!find_datagram(packet, link, &path, &payload, &missing)) {
        return;
    }
    if (missing > 0) {
        show(&decoder->out, "not_captured", NULL, "%zu bytes of the next datagram", missing);
    }
    /* Opening a packet changes it, and libpcap's bytes are not ours. */
    copy->length = 0;
    if (leat_buffer_append(copy, payload.data, payload.length) != 0) {
        show(&decoder->out, "not_followed", NULL, "no memory for a datagram");
        return;
    }
    decode_datagram(decoder, &path, copy->data, copy->length);
}

static int read_packets(decode_state *decoder, pcap_t *capture, size_t link, const char *name) {
    struct pcap_pkthdr *header;
    const u_char *data;
    int result;
    leat_buffer copy;
    leat_buffer_init(&copy, decoder->allocator, 65535);
    while ((result = pcap_next_ex(capture, &header, &data)) == 1) {
        decode_captured(decoder, (leat_span){data, header->caplen}, link, &copy);
    }
    leat_buffer_clear(&copy);
    if (result == PCAP_ERROR) {
        fprintf(stderr, "leat decode: %s: %s\n", name, pcap_geterr(capture));
        return 1;
    }
    return 0;
}

int decode_capture(decode_state *decoder, FILE *file, const char *name) {
    char message[PCAP_ERRBUF_SIZE];
    pcap_t *capture = pcap_fopen_offline(file, message);
    if (capture == NULL) {
        fprintf(stderr, "leat decode: %s: %s\n", name, message);
        fclose(file);
        return 1;
    }
    size_t link = 0;
    while (link < LINKS && links[link].link != pcap_datalink(capture)) {
        link++;
    }
    int status = 1;
    if (link == LINKS) {
        fprintf(stderr, "leat decode: %s: packets of link type %d are not known\n", name,
                pcap_datalink(capture));
    } else {
        status = read_packets(decoder, capture, link, name);
    }
    pcap_close(capture); /* and the file */
    return status;
}
