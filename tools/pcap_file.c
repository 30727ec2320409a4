/*
 * The classic pcap format with raw IP packets (LINKTYPE_RAW), nanosecond time stamps: RFC 791 or
 * RFC 8200 and RFC 768 headers around each datagram.
 */
#include "pcap_file.h"

#include "base/bytes.h"

#define MAGIC_NANOSECONDS 0xa1b23c4d
#define LINKTYPE_RAW 101
#define SNAPLEN 65535
#define IPV4_HEADER 20
#define IPV6_HEADER 40
#define UDP_HEADER 8
#define PROTOCOL_UDP 17
#define HOP_LIMIT 64
#define DONT_FRAGMENT 0x4000

FILE *pcap_file_open(const char *path) {
    uint8_t bytes[24];
    FILE *file = fopen(path, "wb");
    leat_writer writer = leat_writer_make(bytes, sizeof bytes);
    leat_write_u32(&writer, MAGIC_NANOSECONDS);
    leat_write_u16(&writer, 2);
    leat_write_u16(&writer, 4);
    leat_write_u32(&writer, 0);
    leat_write_u32(&writer, 0);
    leat_write_u32(&writer, SNAPLEN);
    leat_write_u32(&writer, LINKTYPE_RAW);
    if (file != NULL) {
        fwrite(bytes, 1, leat_writer_length(&writer), file);
    }
    return file;
}

/* RFC 1071: the ones' complement of the ones' complement sum of 16-bit words. */
static uint16_t checksum(const uint8_t *bytes, size_t length) {
    uint32_t sum = 0;
    for (size_t i = 0; i + 1 < length; i += 2) {
        sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
    }
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~(sum + (sum >> 16));
}

static void write_ipv4(leat_writer *writer, size_t length, const leat_path *path) {
    uint8_t *header = writer->next;
    leat_write_u16(writer, 0x4500);
    leat_write_u16(writer, (uint16_t)(IPV4_HEADER + UDP_HEADER + length));
    leat_write_u16(writer, 0);
    leat_write_u16(writer, DONT_FRAGMENT);
    leat_write_u16(writer, HOP_LIMIT << 8 | PROTOCOL_UDP);
    leat_write_u16(writer, 0);
    leat_write_bytes(writer, path->local.ip, 4);
    leat_write_bytes(writer, path->remote.ip, 4);
    uint16_t sum = checksum(header, IPV4_HEADER);
    header[10] = (uint8_t)(sum >> 8);
    header[11] = (uint8_t)sum;
}

static void write_ipv6(leat_writer *writer, size_t length, const leat_path *path) {
    leat_write_u32(writer, 0x60000000);
    leat_write_u16(writer, (uint16_t)(UDP_HEADER + length));
    leat_write_u8(writer, PROTOCOL_UDP);
    leat_write_u8(writer, HOP_LIMIT);
    leat_write_bytes(writer, path->local.ip, 16);
    leat_write_bytes(writer, path->remote.ip, 16);
}

/* RFC 768: a checksum of zero says that there is none. */
static void write_udp(leat_writer *writer, size_t length, const leat_path *path) {
    leat_write_u16(writer, path->local.port);
    leat_write_u16(writer, path->remote.port);
    leat_write_u16(writer, (uint16_t)(UDP_HEADER + length));
    leat_write_u16(writer, 0);
}

void pcap_file_write(FILE *file, const uint8_t *bytes, size_t length, const leat_path *path,
                     leat_time time) {
    uint8_t headers[16 + IPV6_HEADER + UDP_HEADER];
    leat_writer writer = leat_writer_make(headers, sizeof headers);
    bool is_ipv4 = path->local.family == LEAT_ADDRESS_IPV4;
    size_t captured = (is_ipv4 ? IPV4_HEADER : IPV6_HEADER) + UDP_HEADER + length;
    leat_write_u32(&writer, (uint32_t)(time / LEAT_SECOND));
    leat_write_u32(&writer, (uint32_t)(time % LEAT_SECOND));
    leat_write_u32(&writer, (uint32_t)captured);
    leat_write_u32(&writer, (uint32_t)captured);
    if (is_ipv4) {
        write_ipv4(&writer, length, path);
    } else {
        write_ipv6(&writer, length, path);
    }
    write_udp(&writer, length, path);
    fwrite(headers, 1, leat_writer_length(&writer), file);
    fwrite(bytes, 1, length, file);
}
