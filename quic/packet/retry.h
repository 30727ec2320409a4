/* Retry packets: RFC 9000 §17.2.5 and RFC 9001 §5.8. */
#ifndef LEAT_QUIC_PACKET_RETRY_H
#define LEAT_QUIC_PACKET_RETRY_H

#include "quic/packet/header.h"

/* Writes a whole Retry packet with its tag. */
void leat_retry_write(leat_writer *writer, uint32_t version, leat_span dcid, leat_span scid, leat_span token,
                      leat_span original_dcid, uint8_t random);
/* Whether the tag at the end of packet is right for this original destination CID. */
bool leat_retry_verify(const leat_packet_header *header, leat_span packet, leat_span original_dcid);

#endif
