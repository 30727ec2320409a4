/* The rows of the frame table. Ordered by kind, which is also the order of frame types. */
#include "quic/frame/frame_table.h"

#include "quic/frame/frame_codec.h"

#define ALWAYS (LEAT_IN_INITIAL | LEAT_IN_ZERO_RTT | LEAT_IN_HANDSHAKE | LEAT_IN_ONE_RTT)
#define NOT_EARLY (LEAT_IN_INITIAL | LEAT_IN_HANDSHAKE | LEAT_IN_ONE_RTT)
#define DATA (LEAT_IN_ZERO_RTT | LEAT_IN_ONE_RTT)
#define AT(member) offsetof(leat_frame, member)

const leat_frame_row leat_frame_table[LEAT_FRAME_KIND_COUNT] = {
    [LEAT_FRAME_PADDING] = {.name = "padding", .first = 0x00, .last = 0x00, .allowed = ALWAYS, .probing = true, .in_flight = true, .section = "RFC 9000 §19.1"},
    [LEAT_FRAME_PING] = {.name = "ping", .first = 0x01, .last = 0x01, .allowed = ALWAYS, .ack_eliciting = true, .in_flight = true, .section = "RFC 9000 §19.2"},
    [LEAT_FRAME_ACK] = {.name = "ack", .first = 0x02, .last = 0x03, .allowed = NOT_EARLY, .section = "RFC 9000 §19.3"},
    [LEAT_FRAME_RESET_STREAM] = {.name = "reset_stream", .first = 0x04, .last = 0x04, .allowed = DATA, .ack_eliciting = true, .in_flight = true, .section = "RFC 9000 §19.4",
        .fields = {{LEAT_FIELD_VARINT, "stream_id", AT(reset_stream.stream_id)}, {LEAT_FIELD_VARINT, "error_code", AT(reset_stream.error_code)}, {LEAT_FIELD_VARINT, "final_size", AT(reset_stream.final_size)}}},
    [LEAT_FRAME_STOP_SENDING] = {.name = "stop_sending", .first = 0x05, .last = 0x05, .allowed = DATA, .ack_eliciting = true, .in_flight = true, .section = "RFC 9000 §19.5",
        .fields = {{LEAT_FIELD_VARINT, "stream_id", AT(stop_sending.stream_id)}, {LEAT_FIELD_VARINT, "error_code", AT(stop_sending.error_code)}}},
    [LEAT_FRAME_CRYPTO] = {.name = "crypto", .first = 0x06, .last = 0x06, .allowed = NOT_EARLY, .ack_eliciting = true, .in_flight = true, .section = "RFC 9000 §19.6",
        .fields = {{LEAT_FIELD_VARINT, "offset", AT(crypto.offset)}, {LEAT_FIELD_BYTES, "data", AT(crypto.data)}}},
    [LEAT_FRAME_NEW_TOKEN] = {.name = "new_token", .first = 0x07, .last = 0x07, .allowed = LEAT_IN_ONE_RTT, .ack_eliciting = true, .in_flight = true, .section = "RFC 9000 §19.7",
        .fields = {{LEAT_FIELD_TOKEN, "token", AT(new_token.token)}}},
    [LEAT_FRAME_STREAM] = {.name = "stream", .first = 0x08, .last = 0x0f, .allowed = DATA, .ack_eliciting = true, .in_flight = true, .section = "RFC 9000 §19.8"},
    [LEAT_FRAME_MAX_DATA] = {.name = "max_data", .first = 0x10, .last = 0x10, .allowed = DATA, .ack_eliciting = true, .in_flight = true, .section = "RFC 9000 §19.9",
        .fields = {{LEAT_FIELD_VARINT, "maximum", AT(max_data.maximum)}}},
    [LEAT_FRAME_MAX_STREAM_DATA] = {.name = "max_stream_data", .first = 0x11, .last = 0x11, .allowed = DATA, .ack_eliciting = true, .in_flight = true, .section = "RFC 9000 §19.10",
        .fields = {{LEAT_FIELD_VARINT, "stream_id", AT(max_stream_data.stream_id)}, {LEAT_FIELD_VARINT, "maximum", AT(max_stream_data.maximum)}}},
    [LEAT_FRAME_MAX_STREAMS_BIDI] = {.name = "max_streams", .first = 0x12, .last = 0x12, .allowed = DATA, .ack_eliciting = true, .in_flight = true, .section = "RFC 9000 §19.11",
        .fields = {{LEAT_FIELD_STREAM_COUNT, "maximum", AT(max_streams.maximum)}}},
    [LEAT_FRAME_MAX_STREAMS_UNI] = {.name = "max_streams", .first = 0x13, .last = 0x13, .allowed = DATA, .ack_eliciting = true, .in_flight = true, .section = "RFC 9000 §19.11",
        .fields = {{LEAT_FIELD_STREAM_COUNT, "maximum", AT(max_streams.maximum)}}},
    [LEAT_FRAME_DATA_BLOCKED] = {.name = "data_blocked", .first = 0x14, .last = 0x14, .allowed = DATA, .ack_eliciting = true, .in_flight = true, .section = "RFC 9000 §19.12",
        .fields = {{LEAT_FIELD_VARINT, "limit", AT(data_blocked.limit)}}},
    [LEAT_FRAME_STREAM_DATA_BLOCKED] = {.name = "stream_data_blocked", .first = 0x15, .last = 0x15, .allowed = DATA, .ack_eliciting = true, .in_flight = true, .section = "RFC 9000 §19.13",
        .fields = {{LEAT_FIELD_VARINT, "stream_id", AT(stream_data_blocked.stream_id)}, {LEAT_FIELD_VARINT, "limit", AT(stream_data_blocked.limit)}}},
    [LEAT_FRAME_STREAMS_BLOCKED_BIDI] = {.name = "streams_blocked", .first = 0x16, .last = 0x16, .allowed = DATA, .ack_eliciting = true, .in_flight = true, .section = "RFC 9000 §19.14",
        .fields = {{LEAT_FIELD_STREAM_COUNT, "limit", AT(streams_blocked.limit)}}},
    [LEAT_FRAME_STREAMS_BLOCKED_UNI] = {.name = "streams_blocked", .first = 0x17, .last = 0x17, .allowed = DATA, .ack_eliciting = true, .in_flight = true, .section = "RFC 9000 §19.14",
        .fields = {{LEAT_FIELD_STREAM_COUNT, "limit", AT(streams_blocked.limit)}}},
    [LEAT_FRAME_NEW_CONNECTION_ID] = {.name = "new_connection_id", .first = 0x18, .last = 0x18, .allowed = DATA, .ack_eliciting = true, .probing = true, .in_flight = true, .section = "RFC 9000 §19.15",
        .fields = {{LEAT_FIELD_VARINT, "sequence_number", AT(new_connection_id.sequence)}, {LEAT_FIELD_VARINT, "retire_prior_to", AT(new_connection_id.retire_prior_to)},
                   {LEAT_FIELD_CID, "connection_id", AT(new_connection_id.connection_id)}, {LEAT_FIELD_16_BYTES, "stateless_reset_token", AT(new_connection_id.reset_token)}}},
    /* RFC 9000 §12.5: no connection ID was issued that 0-RTT could retire, and no challenge came
     * that it could answer. */
    [LEAT_FRAME_RETIRE_CONNECTION_ID] = {.name = "retire_connection_id", .first = 0x19, .last = 0x19, .allowed = LEAT_IN_ONE_RTT, .ack_eliciting = true, .in_flight = true, .section = "RFC 9000 §19.16",
        .fields = {{LEAT_FIELD_VARINT, "sequence_number", AT(retire_connection_id.sequence)}}},
    [LEAT_FRAME_PATH_CHALLENGE] = {.name = "path_challenge", .first = 0x1a, .last = 0x1a, .allowed = DATA, .ack_eliciting = true, .probing = true, .in_flight = true, .section = "RFC 9000 §19.17",
        .fields = {{LEAT_FIELD_8_BYTES, "data", AT(path_challenge.data)}}},
    [LEAT_FRAME_PATH_RESPONSE] = {.name = "path_response", .first = 0x1b, .last = 0x1b, .allowed = LEAT_IN_ONE_RTT, .ack_eliciting = true, .probing = true, .in_flight = true, .section = "RFC 9000 §19.18",
        .fields = {{LEAT_FIELD_8_BYTES, "data", AT(path_response.data)}}},
    [LEAT_FRAME_CONNECTION_CLOSE] = {.name = "connection_close", .first = 0x1c, .last = 0x1c, .allowed = ALWAYS, .section = "RFC 9000 §19.19",
        .fields = {{LEAT_FIELD_VARINT, "error_code", AT(connection_close.error_code)}, {LEAT_FIELD_VARINT, "trigger_frame_type", AT(connection_close.frame_type)}, {LEAT_FIELD_BYTES, "reason", AT(connection_close.reason)}}},
    /* RFC 9000 §12.5-1: an application has nothing to say before its keys are there. */
    [LEAT_FRAME_CONNECTION_CLOSE_APPLICATION] = {.name = "connection_close", .first = 0x1d, .last = 0x1d, .allowed = DATA, .section = "RFC 9000 §19.19",
        .fields = {{LEAT_FIELD_VARINT, "error_code", AT(connection_close.error_code)}, {LEAT_FIELD_BYTES, "reason", AT(connection_close.reason)}}},
    [LEAT_FRAME_HANDSHAKE_DONE] = {.name = "handshake_done", .first = 0x1e, .last = 0x1e, .allowed = LEAT_IN_ONE_RTT, .ack_eliciting = true, .in_flight = true, .section = "RFC 9000 §19.20"},
    /* draft-ietf-quic-ack-frequency §3: not in 0-RTT, because min_ack_delay is not remembered. */
    [LEAT_FRAME_IMMEDIATE_ACK] = {.name = "immediate_ack", .first = 0x1f, .last = 0x1f, .allowed = LEAT_IN_ONE_RTT, .ack_eliciting = true, .in_flight = true, .section = "draft-ietf-quic-ack-frequency §5"},
    [LEAT_FRAME_RESET_STREAM_AT] = {.name = "reset_stream_at", .first = 0x24, .last = 0x24, .allowed = DATA, .ack_eliciting = true, .in_flight = true, .section = "draft-ietf-quic-reliable-stream-reset-10 §4",
        .fields = {{LEAT_FIELD_VARINT, "stream_id", AT(reset_stream_at.stream_id)}, {LEAT_FIELD_VARINT, "error_code", AT(reset_stream_at.error_code)}, {LEAT_FIELD_VARINT, "final_size", AT(reset_stream_at.final_size)},
                   {LEAT_FIELD_VARINT, "reliable_size", AT(reset_stream_at.reliable_size)}}},
    [LEAT_FRAME_DATAGRAM] = {.name = "datagram", .first = 0x30, .last = 0x31, .allowed = DATA, .ack_eliciting = true, .in_flight = true, .section = "RFC 9221 §4"},
    [LEAT_FRAME_ACK_FREQUENCY] = {.name = "ack_frequency", .first = 0xaf, .last = 0xaf, .allowed = LEAT_IN_ONE_RTT, .ack_eliciting = true, .in_flight = true, .section = "draft-ietf-quic-ack-frequency §4",
        .fields = {{LEAT_FIELD_VARINT, "sequence_number", AT(ack_frequency.sequence)}, {LEAT_FIELD_VARINT, "ack_eliciting_threshold", AT(ack_frequency.eliciting_threshold)},
                   {LEAT_FIELD_VARINT, "requested_max_ack_delay", AT(ack_frequency.max_ack_delay)}, {LEAT_FIELD_VARINT, "reordering_threshold", AT(ack_frequency.reordering_threshold)}}},
};

leat_frame_kind leat_frame_kind_of(uint64_t type) {
    size_t low = 0, high = LEAT_FRAME_KIND_COUNT;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (leat_frame_table[middle].last < type) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    bool is_known = low < LEAT_FRAME_KIND_COUNT && leat_frame_table[low].first <= type;
    return is_known ? (leat_frame_kind)low : LEAT_FRAME_KIND_COUNT;
}
