/*
 * leat/version.h: which version of QUIC a connection speaks (RFC 9368, RFC 9369).
 *
 * leat_config.versions lists what an end speaks, in order of preference. A client begins with
 * original_version and tells the server, in its transport parameters, what else it speaks. The
 * server may answer in another of these at no cost: one with a list takes the first of its own that
 * the client speaks too, one without (versions NULL) stays with what the client began with. A
 * server that does not speak the client's version at all answers with Version Negotiation; the
 * client then begins anew, within the same leat_conn, with the first of its list that the server
 * offers. What an attacker changes on the way is found out in the handshake and ends the connection
 * with LEAT_VERSION_NEGOTIATION_ERROR; no version in common ends it as LEAT_SOURCE_VERSION_MISMATCH.
 *
 * RFC 9369 §5: session tickets and tokens are good for the version of the connection that gave
 * them.
 */
#ifndef LEAT_VERSION_H
#define LEAT_VERSION_H

#include <leat/quic.h>

#ifdef __cplusplus
extern "C" {
#endif

/* RFC 9000 §15, RFC 9369 §3.1. */
#define LEAT_QUIC_VERSION_1 UINT32_C(0x00000001)
#define LEAT_QUIC_VERSION_2 UINT32_C(0x6b3343cf)

/* The version of the long headers sent; negotiated once the peer's transport parameters are known. */
LEAT_API uint32_t leat_conn_version(const leat_conn *conn);

#ifdef __cplusplus
}
#endif
#endif
