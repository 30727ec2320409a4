/* Frames as text: quic/frame/frame_print.c. */
#include "frame_samples.h"
#include "quic/frame/frame_print.h"

START_TEST(samples_print_as_expected) {
    for (size_t i = 0; i < frame_sample_count; i++) {
        leat_frame frame;
        char text[256];
        frame_parse_hex(frame_samples[i].hex, &frame);
        size_t length = leat_frame_print(&frame, text, sizeof text);
        ck_assert_str_eq(text, frame_samples[i].text);
        ck_assert_uint_eq(length, strlen(text));
    }
}
END_TEST

START_TEST(text_stays_within_its_room) {
    for (size_t i = 0; i < frame_sample_count; i++) {
        for (size_t room = 0; room < 160; room++) {
            leat_frame frame;
            char *text = malloc(room + (room == 0));
            frame_parse_hex(frame_samples[i].hex, &frame);
            size_t length = leat_frame_print(&frame, text, room);
            ck_assert(room == 0 || (length < room && text[length] == '\0'));
            ck_assert(strncmp(text, frame_samples[i].text, length) == 0);
            free(text);
        }
    }
}
END_TEST

START_TEST(an_unknown_frame_prints_its_type) {
    leat_frame frame = {.kind = LEAT_FRAME_KIND_COUNT, .type = 0x1234};
    char text[64];
    leat_frame_print(&frame, text, sizeof text);
    ck_assert_str_eq(text, "unknown type=0x1234");
}
END_TEST

START_TEST(bytes_of_the_peer_cannot_break_the_line) {
    leat_frame frame;
    char text[128];
    frame_parse_hex("1d 00 04 610a1b62", &frame);
    leat_frame_print(&frame, text, sizeof text);
    ck_assert_str_eq(text, "connection_close type=0x1d error_code=0 reason=0x610a1b62");
}
END_TEST

LEAT_TEST_MAIN("quic/frame print", samples_print_as_expected, text_stays_within_its_room,
               an_unknown_frame_prints_its_type, bytes_of_the_peer_cannot_break_the_line)
