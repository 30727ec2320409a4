/*
 * 0-RTT: early_data.c. Its packets have keys of their own and share the packet number space of
 * 1-RTT. What they carry is remembered limits' and a resumed session's: leat/quic.h says what an
 * application sees of it.
 */
#ifndef LEAT_QUIC_CONN_EARLY_DATA_H
#define LEAT_QUIC_CONN_EARLY_DATA_H

#include <leat/early_data.h>

#include "quic/conn/packets.h"
#include "quic/conn/transport_params.h"

/* What the application protocol may bind to a ticket; with the limits it has to fit into
 * LEAT_SESSION_APPLICATION_MAX. */
#define LEAT_SESSION_BYTES_MAX 256

/* There while 0-RTT packets can be written (client) or read (server). */
typedef struct leat_conn_early {
    leat_keys keys;
    leat_transport_params remembered; /* client: the limits that hold until the server's are known */
    leat_span application;            /* client: remembered bytes, inside of the session */
    leat_time discard_at;             /* server: RFC 9001 §4.9.3 */
} leat_conn_early;

/* ---- hooks of TLS ---- */
/* What is remembered with a session: the version, limits, and bytes of the application protocol. */
size_t leat_early_data_write_session(leat_conn *conn, uint8_t *out, size_t room);
/* Client: takes what was remembered into use. Server: whether it still holds. */
bool leat_early_data_can_use(leat_conn *conn, leat_span alpn, leat_span application);
bool leat_early_data_install(leat_conn *conn, const leat_cipher_suite *suite,
                             const uint8_t *secret);
/* Client: NULL, or the limit that the server reduced although it accepted early data. */
const char *leat_early_data_check_params(const leat_conn *conn, const leat_transport_params *peers);
/* Client: the server rejected it: all that was sent early was never sent. */
void leat_early_data_reject(leat_conn *conn);

/* ---- packets ---- */
/* Client: what the application space sends now goes into 0-RTT packets. */
bool leat_early_data_is_writing(const leat_conn *conn);
/* Server: 0-RTT packets may be opened, or may be one day. */
bool leat_early_data_can_read(const leat_conn *conn);
bool leat_early_data_may_come(const leat_conn *conn);
/* The keys are gone for good: nothing for whoever has none. */
void leat_early_data_discard(leat_conn *conn);
/* Server: a 1-RTT packet came, so that only reordered 0-RTT packets are still on their way. */
void leat_early_data_on_one_rtt(leat_conn *conn);
leat_time leat_early_data_due(const leat_conn *conn);

#endif
