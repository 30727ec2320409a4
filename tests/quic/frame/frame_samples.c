/* See frame_samples.h. */
#include "frame_samples.h"

#include <leat/quic.h>

const frame_sample frame_samples[] = {
    {LEAT_FRAME_PADDING, "00 00 00", "padding length=3", true},
    {LEAT_FRAME_PING, "01", "ping", false},
    {LEAT_FRAME_ACK, "02 0a 19 00 03", "ack delay=25 ranges=7-10", false},
    {LEAT_FRAME_ACK, "02 4064 00 02 04 01 02 00 00", "ack delay=0 ranges=96-100,91-93,89-89", false},
    {LEAT_FRAME_ACK, "03 0a 19 00 0a 01 02 03", "ack delay=25 ranges=0-10 ect0=1 ect1=2 ce=3", false},
    {LEAT_FRAME_RESET_STREAM, "04 04 07 4400", "reset_stream stream_id=4 error_code=7 final_size=1024", false},
    {LEAT_FRAME_STOP_SENDING, "05 08 4102", "stop_sending stream_id=8 error_code=258", false},
    {LEAT_FRAME_CRYPTO, "06 4100 03 aabbcc", "crypto offset=256 length=3", false},
    {LEAT_FRAME_NEW_TOKEN, "07 03 f1f2f3", "new_token token=0xf1f2f3", false},
    {LEAT_FRAME_STREAM, "08 04 616263", "stream stream_id=4 offset=0 length=3", true},
    {LEAT_FRAME_STREAM, "09 04 616263", "stream stream_id=4 offset=0 length=3 fin", true},
    {LEAT_FRAME_STREAM, "0a 04 03 616263", "stream stream_id=4 offset=0 length=3", false},
    {LEAT_FRAME_STREAM, "0b 04 00", "stream stream_id=4 offset=0 length=0 fin", false},
    {LEAT_FRAME_STREAM, "0c 04 05 616263", "stream stream_id=4 offset=5 length=3", true},
    {LEAT_FRAME_STREAM, "0d 04 05 616263", "stream stream_id=4 offset=5 length=3 fin", true},
    {LEAT_FRAME_STREAM, "0e 04 05 03 616263", "stream stream_id=4 offset=5 length=3", false},
    {LEAT_FRAME_STREAM, "0f 04 05 03 616263", "stream stream_id=4 offset=5 length=3 fin", false},
    {LEAT_FRAME_MAX_DATA, "10 80100000", "max_data maximum=1048576", false},
    {LEAT_FRAME_MAX_STREAM_DATA, "11 04 4400", "max_stream_data stream_id=4 maximum=1024", false},
    {LEAT_FRAME_MAX_STREAMS_BIDI, "12 d000000000000000", "max_streams type=0x12 maximum=1152921504606846976", false},
    {LEAT_FRAME_MAX_STREAMS_UNI, "13 05", "max_streams type=0x13 maximum=5", false},
    {LEAT_FRAME_DATA_BLOCKED, "14 4400", "data_blocked limit=1024", false},
    {LEAT_FRAME_STREAM_DATA_BLOCKED, "15 04 4400", "stream_data_blocked stream_id=4 limit=1024", false},
    {LEAT_FRAME_STREAMS_BLOCKED_BIDI, "16 05", "streams_blocked type=0x16 limit=5", false},
    {LEAT_FRAME_STREAMS_BLOCKED_UNI, "17 05", "streams_blocked type=0x17 limit=5", false},
    {LEAT_FRAME_NEW_CONNECTION_ID, "18 03 01 04 c1c2c3c4 f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
     "new_connection_id sequence_number=3 retire_prior_to=1 connection_id=0xc1c2c3c4 stateless_reset_token=0xf0f1f2f3f4f5f6f7f8f9fafbfcfdfeff", false},
    {LEAT_FRAME_RETIRE_CONNECTION_ID, "19 03", "retire_connection_id sequence_number=3", false},
    {LEAT_FRAME_PATH_CHALLENGE, "1a f0f1f2f3f4f5f6f7", "path_challenge data=0xf0f1f2f3f4f5f6f7", false},
    {LEAT_FRAME_PATH_RESPONSE, "1b f0f1f2f3f4f5f6f7", "path_response data=0xf0f1f2f3f4f5f6f7", false},
    {LEAT_FRAME_CONNECTION_CLOSE, "1c 0a 06 03 627965", "connection_close type=0x1c error_code=10 trigger_frame_type=6 reason=\"bye\"", false},
    {LEAT_FRAME_CONNECTION_CLOSE_APPLICATION, "1d 4100 03 627965", "connection_close type=0x1d error_code=256 reason=\"bye\"", false},
    {LEAT_FRAME_HANDSHAKE_DONE, "1e", "handshake_done", false},
    {LEAT_FRAME_IMMEDIATE_ACK, "1f", "immediate_ack", false},
    {LEAT_FRAME_RESET_STREAM_AT, "24 04 07 4400 05", "reset_stream_at stream_id=4 error_code=7 final_size=1024 reliable_size=5", false},
    {LEAT_FRAME_DATAGRAM, "30 616263", "datagram length=3", true},
    {LEAT_FRAME_DATAGRAM, "31 03 616263", "datagram length=3", false},
    {LEAT_FRAME_ACK_FREQUENCY, "40af 02 09 5388 03", "ack_frequency sequence_number=2 ack_eliciting_threshold=9 requested_max_ack_delay=5000 reordering_threshold=3", false},
};
const size_t frame_sample_count = sizeof frame_samples / sizeof frame_samples[0];

bool frame_is_extension(uint64_t type) {
    static const uint64_t types[] = {0x1f, 0x24, 0x30, 0x31, 0xaf};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (types[i] == type) {
            return true;
        }
    }
    return false;
}

uint64_t frame_parse_exactly(leat_span bytes, leat_frame *frame) {
    uint8_t *copy = malloc(bytes.length + (bytes.length == 0));
    memcpy(copy, bytes.data, bytes.length);
    leat_reader reader = leat_reader_make(copy, bytes.length);
    uint64_t error = leat_frame_parse(&reader, frame);
    ck_assert(error != LEAT_NO_ERROR || leat_reader_at_end(&reader));
    free(copy);
    return error;
}

uint64_t frame_parse_hex(const char *hex, leat_frame *frame) {
    leat_reader reader = leat_reader_of(test_hex(hex));
    return leat_frame_parse(&reader, frame);
}

void frame_assert_error(const char *hex, uint64_t expected) {
    leat_frame frame;
    uint64_t error = frame_parse_exactly(test_hex(hex), &frame);
    ck_assert_msg(error == expected, "%s: error %llu", hex, (unsigned long long)error);
}
