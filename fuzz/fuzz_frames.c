/*
 * The frames of one packet: RFC 9000 §19. What parses is written, parsed again and written again:
 * both writings must be the same bytes, and both frames must print as the same text.
 */
#include "fuzz.h"
#include "quic/frame/frame_print.h"

#define FRAME_ROOM 70000

static size_t write_frame(const leat_frame *frame, uint8_t *room) {
    leat_writer writer = leat_writer_make(room, FRAME_ROOM);
    leat_frame_write(&writer, frame);
    fuzz_require(!writer.failed);
    return leat_writer_length(&writer);
}

static void check_ack(const leat_frame *frame) {
    leat_ack_walk walk = leat_ack_walk_begin(frame);
    leat_range range;
    uint64_t count = 0, above = frame->ack.largest + 2;
    while (leat_ack_walk_next(&walk, frame, &range)) {
        fuzz_require(range.start < range.end && range.end < above);
        above = range.start;
        count++;
    }
    fuzz_require(count == frame->ack.range_count + 1);
}

/* Types differ where one of them says only that the frame ends with its packet. */
static void check_round_trip(const leat_frame *frame) {
    static uint8_t first[FRAME_ROOM], second[FRAME_ROOM];
    char first_text[512], second_text[512];
    size_t length = write_frame(frame, first);
    leat_reader reader = leat_reader_make(first, length);
    leat_frame again;
    fuzz_require(leat_frame_parse(&reader, &again) == 0 && leat_reader_at_end(&reader));
    fuzz_require(again.kind == frame->kind);
    fuzz_require(write_frame(&again, second) == length && memcmp(first, second, length) == 0);
    leat_frame_print(frame, first_text, sizeof first_text);
    leat_frame_print(&again, second_text, sizeof second_text);
    fuzz_require(strcmp(first_text, second_text) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    leat_reader reader = leat_reader_make(data, size > 65535 ? 65535 : size);
    leat_frame frame;
    while (!leat_reader_at_end(&reader) && leat_frame_parse(&reader, &frame) == 0) {
        if (frame.kind == LEAT_FRAME_ACK) {
            check_ack(&frame);
        }
        check_round_trip(&frame);
    }
    return 0;
}
