/* See key_pair.h. */
#include "key_pair.h"

const uint16_t key_pair_suites[3] = {0x1301, 0x1302, 0x1303};

void key_pair_make(key_pair *pair, uint16_t suite_id) {
    const leat_cipher_suite *suite = leat_cipher_suite_find(suite_id);
    uint8_t of_client[LEAT_HASH_MAX], of_server[LEAT_HASH_MAX];
    memset(of_client, 0xc1, sizeof of_client);
    memset(of_server, 0x5e, sizeof of_server);
    memset(pair, 0, sizeof *pair);
    ck_assert(leat_keys_install(&pair->client, LEAT_VERSION_1, true, suite, of_client));
    ck_assert(leat_keys_install(&pair->client, LEAT_VERSION_1, false, suite, of_server));
    ck_assert(leat_keys_install(&pair->server, LEAT_VERSION_1, true, suite, of_server));
    ck_assert(leat_keys_install(&pair->server, LEAT_VERSION_1, false, suite, of_client));
    ck_assert(leat_keys_make_updatable(&pair->client));
    ck_assert(leat_keys_make_updatable(&pair->server));
}

void key_pair_free(key_pair *pair) {
    leat_keys_discard(&pair->client);
    leat_keys_discard(&pair->server);
}

size_t key_pair_seal(leat_keys *keys, uint64_t pn, uint8_t packet[64]) {
    leat_builder builder;
    leat_builder_header header = {.type = LEAT_PACKET_ONE_RTT,
                                  .version = LEAT_VERSION_1,
                                  .dcid = test_hex("c1c2c3c4"),
                                  .key_phase = keys->phase,
                                  .pn = pn,
                                  .largest_acked = LEAT_PN_NONE};
    ck_assert(leat_builder_begin(&builder, packet, 64, &header));
    leat_write_u8(&builder.payload, 0x01);
    return leat_builder_finish(&builder, keys);
}

leat_open_status key_pair_open(leat_keys *keys, const uint8_t *packet, size_t size,
                               uint64_t largest_received, leat_opened *opened) {
    static uint8_t copy[2048];
    leat_packet_header header;
    ck_assert_uint_le(size, sizeof copy);
    memcpy(copy, packet, size);
    ck_assert_int_eq(leat_packet_header_parse(&header, (leat_span){copy, size}, 4), LEAT_DROP_NONE);
    return leat_packet_open(keys, &header, copy, largest_received, opened);
}

leat_open_status key_pair_send(leat_keys *from, leat_keys *to, uint64_t pn, leat_opened *opened) {
    uint8_t packet[64];
    size_t size = key_pair_seal(from, pn, packet);
    ck_assert_uint_gt(size, 0);
    return key_pair_open(to, packet, size, pn == 0 ? LEAT_PN_NONE : pn - 1, opened);
}
