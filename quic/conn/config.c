/* The defaults of a configuration, the wall clock, and the keys of session tickets that connections
 * share. */
#include "quic/conn/conn_internal.h"

#include <time.h>

void leat_config_init(leat_config *config, bool is_client) {
    *config = (leat_config){
        .size = sizeof *config,
        .is_client = is_client,
        .certificate_compression = true,
        .max_idle_timeout = 30 * LEAT_SECOND,
        .max_data = 1024 * 1024,
        .max_stream_data = 256 * 1024,
        .max_streams_bidi = 100,
        .max_streams_uni = 100,
        .max_udp_payload_size = 65527,
        .active_connection_id_limit = 4,
        .max_ack_delay = 25 * LEAT_MILLISECOND,
        .ack_delay_exponent = 3,
        .connection_id_length = 8,
        .max_stream_window = 6 * 1024 * 1024,
        .max_connection_window = 15 * 1024 * 1024,
        .min_ack_delay = LEAT_MILLISECOND,
        .reset_stream_at = true,
        .send_buffer_limit = 256 * 1024,
        .max_send_buffer = 6 * 1024 * 1024,
        .datagram_queue_limit = 256,
        .datagram_receive_queue_limit = 1024,
        .max_send_udp_payload = 1252,
        .handshake_timeout = 10 * LEAT_SECOND,
        .initial_rtt = LEAT_INITIAL_RTT,
        .congestion_control = "cubic",
        .pacing = true,
        .ecn = true,
        .spin_bit = true,
        .use_preferred_address = true,
        .grease = true,
    };
}

/* The one place below io that may read a clock: only when no hook was given, and only for
 * certificates and tickets. */
int64_t leat_conn_wall_clock(const leat_config *config) {
    return config->wall_clock != NULL ? config->wall_clock(config->wall_clock_user)
                                      : (int64_t)time(NULL);
}

struct leat_resumption_keys {
    leat_ticket_keys *tickets;
    leat_replay_register *replays; /* what it saw is of these tickets only */
};

leat_resumption_keys *leat_resumption_keys_new(const uint8_t *secret) {
    leat_resumption_keys *keys = leat_alloc(NULL, sizeof *keys);
    if (keys == NULL) {
        return NULL;
    }
    keys->tickets = leat_ticket_keys_new(secret);
    keys->replays = leat_replay_register_new(secret != NULL);
    if (keys->tickets == NULL || keys->replays == NULL) {
        leat_resumption_keys_free(keys);
        return NULL;
    }
    return keys;
}

void leat_resumption_keys_free(leat_resumption_keys *keys) {
    if (keys != NULL) {
        leat_ticket_keys_free(keys->tickets);
        leat_replay_register_free(keys->replays);
        leat_free(NULL, keys);
    }
}

leat_ticket_keys *leat_resumption_ticket_keys(const leat_resumption_keys *keys) {
    return keys != NULL ? keys->tickets : NULL;
}

leat_replay_register *leat_resumption_replays(const leat_resumption_keys *keys) {
    return keys != NULL ? keys->replays : NULL;
}
