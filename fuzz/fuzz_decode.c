/*
 * leat decode. The first byte says what follows: datagrams as they come from a network, which
 * mostly cannot be opened; or decrypted payloads, which lead into frames, handshake messages,
 * streams and HTTP/3. Each is one byte of direction and kind, two of length, and its bytes.
 */
#include "fuzz.h"
#include "tools/decode/decode.h"

static decode_connection *begin(decode_state *decoder) {
    static const uint8_t dcid[] = {0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08};
    const leat_address nowhere = {.family = LEAT_ADDRESS_NONE};
    decode_connection *connection =
        decode_connection_new(decoder, (leat_span){dcid, sizeof dcid}, &nowhere, &nowhere);
    fuzz_require(connection != NULL);
    return connection;
}

static void feed_datagram(decode_state *decoder, leat_span bytes) {
    static uint8_t copy[65536];
    const leat_path nowhere = {.local = {.family = LEAT_ADDRESS_NONE}};
    memcpy(copy, bytes.data, bytes.length);
    decode_datagram(decoder, &nowhere, copy, bytes.length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char key_log[] = "CLIENT_TRAFFIC_SECRET_0 00 11\n\nSERVER_TRAFFIC_SECRET_0\n";
    static const leat_packet_type types[] = {LEAT_PACKET_INITIAL, LEAT_PACKET_ZERO_RTT,
                                             LEAT_PACKET_HANDSHAKE, LEAT_PACKET_ONE_RTT};
    decode_state decoder = {.out = {.data_shown = 32}, .largest = UINT64_MAX};
    decoder.key_log = (leat_span){(const uint8_t *)key_log, sizeof key_log - 1};
    leat_reader reader = leat_reader_make(data, size);
    bool has_payloads = (leat_read_u8(&reader) & 1) != 0;
    decode_connection *connection = has_payloads ? begin(&decoder) : NULL;
    while (leat_reader_left(&reader) > 0) {
        uint8_t head = leat_read_u8(&reader);
        leat_span bytes = leat_read_vector16(&reader);
        if (reader.failed) {
            bytes = (leat_span){reader.next, (size_t)(reader.end - reader.next)};
        }
        if (has_payloads) {
            decode_payload(&decoder, connection, (head & 1) != 0 ? SERVER : CLIENT,
                           types[head >> 1 & 3], bytes);
        } else if (bytes.length > 0 && bytes.length < 65536) {
            feed_datagram(&decoder, bytes);
        }
    }
    fuzz_require(decoder.out.depth == 0);
    decode_connections_free(&decoder);
    return 0;
}
