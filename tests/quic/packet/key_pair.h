/* Two ends that share 1-RTT or Initial keys, and packets between them. */
#ifndef LEAT_TESTS_KEY_PAIR_H
#define LEAT_TESTS_KEY_PAIR_H

#include "leat_test.h"
#include "quic/packet/builder.h"
#include "quic/packet/number.h"

typedef struct key_pair {
    leat_keys client, server;
} key_pair;

extern const uint16_t key_pair_suites[3];

/* Keys of both directions from two fixed secrets, ready for key update. */
void key_pair_make(key_pair *pair, uint16_t suite);
void key_pair_free(key_pair *pair);

/* A 1-RTT packet with the DCID c1c2c3c4, one PING and the current phase of `keys`. Returns its
 * size. */
size_t key_pair_seal(leat_keys *keys, uint64_t pn, uint8_t packet[64]);
/* Opens a copy of it. */
leat_open_status key_pair_open(leat_keys *keys, const uint8_t *packet, size_t size,
                               uint64_t largest_received, leat_opened *opened);
/* Both: what `from` seals `to` opens. */
leat_open_status key_pair_send(leat_keys *from, leat_keys *to, uint64_t pn, leat_opened *opened);

#endif
