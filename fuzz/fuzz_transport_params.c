/*
 * Transport parameters: RFC 9000 §18. The first bit of the input says who sent them. What is
 * accepted is written and read again: both readings must agree.
 */
#include "fuzz.h"
#include "quic/conn/transport_params.h"

#include <string.h>

static void check_round_trip(const leat_transport_params *params, bool from_client) {
    uint8_t bytes[LEAT_TRANSPORT_PARAMS_MAX];
    leat_transport_params again;
    leat_writer writer = leat_writer_make(bytes, sizeof bytes);
    leat_transport_params_write(&writer, params);
    fuzz_require(!writer.failed);
    const leat_span written = {bytes, leat_writer_length(&writer)};
    fuzz_require(leat_transport_params_parse(&again, written, from_client) == NULL);
    fuzz_require(again.initial_max_data == params->initial_max_data);
    fuzz_require(again.max_idle_timeout == params->max_idle_timeout);
    fuzz_require(again.max_ack_delay == params->max_ack_delay);
    fuzz_require(again.active_connection_id_limit == params->active_connection_id_limit);
    fuzz_require(again.max_datagram_frame_size == params->max_datagram_frame_size);
    fuzz_require(again.disable_active_migration == params->disable_active_migration);
    fuzz_require(leat_cid_equal(
        &again.initial_source_connection_id, &params->initial_source_connection_id));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    leat_transport_params params;
    if (size == 0) {
        return 0;
    }
    bool from_client = (data[0] & 1) != 0;
    const leat_span encoded = {data + 1, size - 1};
    if (leat_transport_params_parse(&params, encoded, from_client) == NULL) {
        check_round_trip(&params, from_client);
    }
    return 0;
}
