/*
 * Which file answers for which frame: what happens when it arrives, when a packet with it is
 * acknowledged, and when one is lost. What a frame may stand in, and whether it asks for an ACK, is
 * the business of the table in quic/frame.
 */
#include "quic/conn/conn_internal.h"

const leat_frame_handler leat_frame_handlers[LEAT_FRAME_KIND_COUNT] = {
    [LEAT_FRAME_PADDING] = {false, NULL, NULL, NULL},
    [LEAT_FRAME_PING] = {true, NULL, leat_ping_on_acked, leat_ping_on_lost},
    [LEAT_FRAME_ACK] = {false, leat_acks_on_frame, leat_acks_on_ack_acked, NULL},
    [LEAT_FRAME_RESET_STREAM] = {false, leat_reset_stream_on_frame, leat_reset_stream_on_acked, leat_reset_stream_on_lost},
    [LEAT_FRAME_STOP_SENDING] = {false, leat_stop_sending_on_frame, NULL, leat_stop_sending_on_lost},
    [LEAT_FRAME_CRYPTO] = {false, leat_crypto_on_frame, leat_crypto_on_acked, leat_crypto_on_lost},
    [LEAT_FRAME_NEW_TOKEN] = {false, leat_new_token_on_frame, leat_new_token_on_acked, leat_new_token_on_lost},
    [LEAT_FRAME_STREAM] = {false, leat_streams_on_frame, leat_streams_on_acked, leat_streams_on_lost},
    [LEAT_FRAME_MAX_DATA] = {false, leat_max_data_on_frame, NULL, leat_max_data_on_lost},
    [LEAT_FRAME_MAX_STREAM_DATA] = {false, leat_max_stream_data_on_frame, NULL, leat_max_stream_data_on_lost},
    [LEAT_FRAME_MAX_STREAMS_BIDI] = {false, leat_max_streams_on_frame, NULL, leat_max_streams_on_lost},
    [LEAT_FRAME_MAX_STREAMS_UNI] = {false, leat_max_streams_on_frame, NULL, leat_max_streams_on_lost},
    /* RFC 9000 §4.1: what blocks the peer is known here already; the news only matters
     * to traces. */
    [LEAT_FRAME_DATA_BLOCKED] = {false, NULL, NULL, leat_data_blocked_on_lost},
    [LEAT_FRAME_STREAM_DATA_BLOCKED] = {false, leat_stream_data_blocked_on_frame, NULL, leat_stream_data_blocked_on_lost},
    [LEAT_FRAME_STREAMS_BLOCKED_BIDI] = {false, NULL, NULL, leat_streams_blocked_on_lost},
    [LEAT_FRAME_STREAMS_BLOCKED_UNI] = {false, NULL, NULL, leat_streams_blocked_on_lost},
    [LEAT_FRAME_NEW_CONNECTION_ID] = {false, leat_new_connection_id_on_frame, NULL, leat_new_connection_id_on_lost},
    [LEAT_FRAME_RETIRE_CONNECTION_ID] = {false, leat_retire_connection_id_on_frame, leat_retire_connection_id_on_acked,
                                         leat_retire_connection_id_on_lost},
    /* RFC 9000 §13.3: a lost PATH_CHALLENGE is followed by a new one with other data, a lost
     * response by nothing. */
    [LEAT_FRAME_PATH_CHALLENGE] = {false, leat_path_challenge_on_frame, NULL, NULL},
    [LEAT_FRAME_PATH_RESPONSE] = {false, leat_path_response_on_frame, NULL, NULL},
    [LEAT_FRAME_CONNECTION_CLOSE] = {false, leat_close_on_frame, NULL, NULL},
    [LEAT_FRAME_CONNECTION_CLOSE_APPLICATION] = {false, leat_close_on_frame, NULL, NULL},
    [LEAT_FRAME_HANDSHAKE_DONE] = {false, leat_handshake_done_on_frame, NULL, leat_handshake_done_on_lost},
    [LEAT_FRAME_IMMEDIATE_ACK] = {true, leat_immediate_ack_on_frame, NULL, NULL},
    [LEAT_FRAME_RESET_STREAM_AT] = {false, leat_reset_stream_at_on_frame, leat_reset_stream_at_on_acked, leat_reset_stream_at_on_lost},
    [LEAT_FRAME_DATAGRAM] = {true, leat_datagrams_on_frame, leat_datagrams_on_acked, leat_datagrams_on_lost},
    [LEAT_FRAME_ACK_FREQUENCY] = {true, leat_ack_frequency_on_frame, leat_ack_frequency_on_acked, leat_ack_frequency_on_lost},
};
