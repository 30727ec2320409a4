/* Packet numbers: truncation and recovery, RFC 9000 §17.1, A.2, A.3. */
#ifndef LEAT_QUIC_PACKET_NUMBER_H
#define LEAT_QUIC_PACKET_NUMBER_H

#include <leat/base.h>

#define LEAT_PN_NONE UINT64_MAX /* no packet yet */

/* Bytes (1 to 4) needed to send pn when largest_acked (or LEAT_PN_NONE) is the largest acknowledged one. */
size_t leat_pn_size(uint64_t pn, uint64_t largest_acked);
/* The full number of a truncated one of `size` bytes, given the largest received (or LEAT_PN_NONE). */
uint64_t leat_pn_recover(uint64_t truncated, size_t size, uint64_t largest_received);

#endif
