/* What protect.c and key_update.c share; nobody else needs it. */
#ifndef LEAT_QUIC_PACKET_KEY_UPDATE_H
#define LEAT_QUIC_PACKET_KEY_UPDATE_H

#include "quic/packet/protect.h"

/* AEAD key and IV of a traffic secret, and their end (a cleared key can be cleared again). */
bool leat_packet_key_make(leat_packet_key *key, const leat_version_row *version, const leat_cipher_suite *suite,
                          const uint8_t *secret);
void leat_packet_key_clear(leat_packet_key *key);

/* RFC 9001 §6.3, §6.5: which read key a 1-RTT packet of this key phase and number is tried with. One, always. */
leat_packet_key *leat_keys_choose_read(leat_keys *keys, bool phase, uint64_t pn);
/* An authentic packet: moves to the next key phase when it was opened with the next key. */
leat_open_status leat_keys_on_opened(leat_keys *keys, const leat_packet_key *key, uint64_t pn, bool *updated);
/* LEAT_OPEN_AUTHENTICATION or, at the limit of RFC 9001 §6.6, LEAT_OPEN_INTEGRITY_LIMIT. */
leat_open_status leat_keys_count_failed_open(leat_keys *keys);
uint64_t leat_keys_confidentiality_limit(const leat_keys *keys);

#endif
