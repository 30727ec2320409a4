/*
 * leat/early_data.h: 0-RTT (RFC 9001 §4.6, RFC 8446 §2.3) on a leat_conn: off unless config.early_data.
 *
 * A client with a session that allows it hears ProtocolNegotiated right after leat_conn_connect and
 * may open streams, send, and send datagrams at once, within the limits remembered from the earlier
 * connection. If the server accepts, nothing else happens: HandshakeCompleted says
 * early_data_accepted, and what was lost goes again in 1-RTT packets. If it does not,
 * EarlyDataRejected comes, then ProtocolNegotiated once more (with what the server chose now), then
 * HandshakeCompleted. With EarlyDataRejected all that was done before is undone: every stream is gone
 * with its bytes and its user pointer, without an event of its own, stream IDs begin anew, nothing
 * counts against any limit, and datagrams have the fate lost or expired. The layers above begin anew
 * as well; what is worth sending again is for the application to decide.
 *
 * A server needs resumption_keys. It must not let early data do anything that may not happen twice:
 * whoever recorded it can send it again. The keys remember what was accepted lately, so that no copy
 * is accepted while it counts as fresh (RFC 8446 §8); several processes with one secret do not know
 * that of each other: give each a secret of its own, or leave early data off. With a secret that
 * outlives the process early data is rejected for the first 21 s, as what came before is not known.
 * StreamDataReceived has `early`; leat_conn_stream_is_early says the same of a stream.
 *
 * session_application: what the application protocol binds to sessions (RFC 9001 §4.6.3, RFC 9114
 * §7.2.4.2). Server: early data is accepted only when it is equal to what the ticket remembers.
 * Client: kept with the tickets that arrive, and there again when early data is sent.
 */
#ifndef LEAT_EARLY_DATA_H
#define LEAT_EARLY_DATA_H

#include <leat/quic.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Server: bytes of this stream came as early data and may be a replay. False once the handshake is complete. */
LEAT_API bool leat_conn_stream_is_early(const leat_conn *conn, uint64_t stream_id);
/* Client: what is sent now is early data. */
LEAT_API bool leat_conn_is_sending_early_data(const leat_conn *conn);
/* Both: the server accepted early data. */
LEAT_API bool leat_conn_early_data_accepted(const leat_conn *conn);
/* Client: the session_application remembered with the session in use for early data, until the handshake is
 * complete; empty otherwise. */
LEAT_API leat_span leat_conn_session_application(const leat_conn *conn);
/* Client: tickets that arrive from now on remember these bytes (copied). LEAT_ERR_TOO_LARGE, LEAT_ERR_NOMEM. */
LEAT_API int leat_conn_set_session_application(leat_conn *conn, leat_span bytes);

#ifdef __cplusplus
}
#endif
#endif
