/*
 * Transport parameters (RFC 9000 §18.2, RFC 9221 §3, RFC 9287 §3, RFC 9368 §3): one row per
 * parameter; parser and writer both walk the rows. Checks of single values are here; what needs the
 * connection is in handshake.c (the connection IDs of RFC 9000 §7.3) and version.c.
 */
#ifndef LEAT_QUIC_CONN_TRANSPORT_PARAMS_H
#define LEAT_QUIC_CONN_TRANSPORT_PARAMS_H

#include "quic/packet/header.h"

typedef enum leat_tp {
    LEAT_TP_ORIGINAL_DESTINATION_CONNECTION_ID,
    LEAT_TP_MAX_IDLE_TIMEOUT,
    LEAT_TP_STATELESS_RESET_TOKEN,
    LEAT_TP_MAX_UDP_PAYLOAD_SIZE,
    LEAT_TP_INITIAL_MAX_DATA,
    LEAT_TP_INITIAL_MAX_STREAM_DATA_BIDI_LOCAL,
    LEAT_TP_INITIAL_MAX_STREAM_DATA_BIDI_REMOTE,
    LEAT_TP_INITIAL_MAX_STREAM_DATA_UNI,
    LEAT_TP_INITIAL_MAX_STREAMS_BIDI,
    LEAT_TP_INITIAL_MAX_STREAMS_UNI,
    LEAT_TP_ACK_DELAY_EXPONENT,
    LEAT_TP_MAX_ACK_DELAY,
    LEAT_TP_DISABLE_ACTIVE_MIGRATION,
    LEAT_TP_PREFERRED_ADDRESS,
    LEAT_TP_ACTIVE_CONNECTION_ID_LIMIT,
    LEAT_TP_INITIAL_SOURCE_CONNECTION_ID,
    LEAT_TP_RETRY_SOURCE_CONNECTION_ID,
    LEAT_TP_MAX_DATAGRAM_FRAME_SIZE,
    LEAT_TP_RESET_STREAM_AT,
    LEAT_TP_RESET_STREAM_AT_07,
    LEAT_TP_MIN_ACK_DELAY,
    LEAT_TP_VERSION_INFORMATION,
    LEAT_TP_GREASE_QUIC_BIT,
    LEAT_TP_COUNT
} leat_tp;

/* RFC 9000 §18.2. An address that is all zeros is not offered; its family is NONE. */
typedef struct leat_preferred_address {
    leat_address v4, v6;
    leat_cid cid;
    uint8_t reset_token[16];
} leat_preferred_address;

typedef struct leat_transport_params {
    uint32_t present; /* bit per leat_tp: came in the message, or goes out */
    bool disable_active_migration, grease_quic_bit;
    bool reset_stream_at; /* either number of it */
    leat_cid original_destination_connection_id, initial_source_connection_id,
        retry_source_connection_id;
    uint8_t stateless_reset_token[16];
    leat_preferred_address preferred_address;
    uint64_t max_idle_timeout; /* ms */
    uint64_t max_udp_payload_size;
    uint64_t initial_max_data, initial_max_stream_data_bidi_local,
        initial_max_stream_data_bidi_remote,
        initial_max_stream_data_uni, initial_max_streams_bidi, initial_max_streams_uni;
    uint64_t ack_delay_exponent, max_ack_delay; /* ms */
    uint64_t min_ack_delay;                     /* us */
    uint64_t active_connection_id_limit, max_datagram_frame_size;
    /* RFC 9368 §3: borrowed from the message, and well-formed. */
    leat_span version_information;
} leat_transport_params;

/* Our own are always shorter; a bound for the buffer that they are written to. */
#define LEAT_TRANSPORT_PARAMS_MAX 512

static inline bool leat_transport_params_has(const leat_transport_params *params, leat_tp tp) {
    return (params->present >> tp & 1) != 0;
}

void leat_transport_params_default(leat_transport_params *params);
/* NULL when all is well, otherwise what is wrong (TRANSPORT_PARAMETER_ERROR). from_client:
 * server-only ones are errors. */
const char *leat_transport_params_parse(leat_transport_params *params, leat_span encoded,
                                        bool from_client);
/* Writes the present ones, and integers that differ from their default. */
void leat_transport_params_write(leat_writer *writer, const leat_transport_params *params);
const char *leat_transport_params_name(leat_tp tp);
/* RFC 9000 §7.4.1: only the limits that a client remembers for 0-RTT. */
void leat_transport_params_write_remembered(leat_writer *writer,
                                            const leat_transport_params *params);
/* The name of a remembered limit that is lower now than it was then, or NULL. */
const char *leat_transport_params_reduced(const leat_transport_params *now,
                                          const leat_transport_params *then);

#endif
