/* The QPACK encoder: what it writes, what it never evicts, what it keeps to, what it refuses. */
#include "h3/qpack_encoder.h"

#include "leat_test.h"

#define UNLIMITED (1 << 24)

static leat_h3_header line_of(const char *name, const char *value) {
    return (leat_h3_header){{(const uint8_t *)name, strlen(name)},
        {(const uint8_t *)value, strlen(value)}, false};
}

static leat_qpack_encoder *new_encoder(uint64_t capacity, uint64_t blocked) {
    leat_qpack_encoder *encoder = leat_qpack_encoder_new(NULL, capacity);
    ck_assert_ptr_nonnull(encoder);
    ck_assert_int_eq(leat_qpack_encoder_set_peer_limits(encoder, capacity, blocked), 0);
    return encoder;
}

/* One section with one line, as hex. */
static const char *encode(leat_qpack_encoder *encoder, uint64_t stream_id, leat_h3_header header) {
    leat_buffer out;
    leat_buffer_init(&out, NULL, UNLIMITED);
    ck_assert_int_eq(leat_qpack_encode(encoder, stream_id, &header, 1, &out), 0);
    const char *hex = test_to_hex(out.data, out.length);
    leat_buffer_clear(&out);
    return hex;
}

#define expect_section(encoder, stream_id, name, value, hex) \
    ck_assert_str_eq(encode(encoder, stream_id, line_of(name, value)), hex)

static void expect_output(leat_qpack_encoder *encoder, const char *hex) {
    leat_span output = leat_qpack_encoder_output(encoder);
    ck_assert_bytes(output.data, output.length, hex);
    leat_qpack_encoder_consume(encoder, output.length);
}

static int feed(leat_qpack_encoder *encoder, const char *hex) {
    return leat_qpack_encoder_read_decoder_stream(encoder, test_hex(hex));
}

static uint64_t entries(const leat_qpack_encoder *encoder) {
    return encoder->table.entries.count;
}

/* Inserts by showing the line, twice where there is no free room or no stream may block. */
static void insert(leat_qpack_encoder *encoder, const char *name, const char *value) {
    uint64_t before = encoder->table.insert_count;
    encode(encoder, 0, line_of(name, value));
    if (encoder->table.insert_count == before) {
        encode(encoder, 0, line_of(name, value));
    }
    ck_assert_uint_eq(encoder->table.insert_count, before + 1);
}

START_TEST(lines_of_the_static_table_are_one_index) {
    leat_qpack_encoder *encoder = new_encoder(0, 0);
    expect_section(encoder, 0, ":method", "GET", "0000d1");
    expect_section(encoder, 0, "x-frame-options", "sameorigin", "0000ff23");
    leat_qpack_encoder_free(encoder);
}
END_TEST

START_TEST(names_of_the_static_table_are_referred_to) {
    leat_qpack_encoder *encoder = new_encoder(0, 0);
    expect_section(encoder, 0, ":path", "aaa", "0000518218c7");
    expect_section(encoder, 0, "x-frame-options", "\x01", "00005f520101");
    leat_qpack_encoder_free(encoder);
}
END_TEST

START_TEST(other_lines_are_literals) {
    leat_qpack_encoder *encoder = new_encoder(0, 0);
    expect_section(encoder, 0, "\x02", "\x01", "000021020101");
    expect_section(encoder, 0, "", "", "00002000");
    leat_qpack_encoder_free(encoder);
}
END_TEST

/* TEST RFC 9204 §4.5.4-1, RFC 9204 §4.5.4-2, RFC 9204 §7.1.3-1, RFC 9204 §7.1.3-2: although the
 * static table has the line. */
START_TEST(never_indexed_lines_are_literals_with_the_bit) {
    leat_qpack_encoder *encoder = new_encoder(4096, 10);
    leat_h3_header header = line_of(":method", "GET");
    header.never_index = true;
    ck_assert_str_eq(encode(encoder, 0, header), "00007f0203474554");
    header = line_of("\x02", "\x01");
    header.never_index = true;
    for (int i = 0; i < 3; i++) {
        ck_assert_str_eq(encode(encoder, 0, header), "000031020101");
    }
    expect_output(encoder, "");
    leat_qpack_encoder_free(encoder);
}
END_TEST

/* RFC 9204 §7.1.3: without being told. */
START_TEST(credentials_and_short_cookies_never_enter_the_table) {
    static const char *const rows[][2] = {
        {"authorization", "Basic a-very-long-secret-value-indeed"}, {"proxy-authorization", "x"},
        {"cookie", "a=1234567890123456"}, {"set-cookie", "a=b"}};
    leat_qpack_encoder *encoder = new_encoder(4096, 10);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (int k = 0; k < 3; k++) {
            encode(encoder, 0, line_of(rows[i][0], rows[i][1]));
        }
    }
    ck_assert_uint_eq(encoder->table.insert_count, 0);
    insert(encoder, "cookie", "a=12345678901234567890");
    leat_qpack_encoder_free(encoder);
}
END_TEST

/* TEST RFC 9204 §3.2.3-3. */
START_TEST(nothing_is_sent_to_a_peer_without_a_table) {
    leat_qpack_encoder *encoder = leat_qpack_encoder_new(NULL, 4096);
    for (int i = 0; i < 3; i++) {
        encode(encoder, 0, line_of("name", "value"));
    }
    ck_assert_int_eq(leat_qpack_encoder_set_peer_limits(encoder, 0, 100), 0);
    for (int i = 0; i < 3; i++) {
        encode(encoder, 0, line_of("name", "value"));
    }
    expect_output(encoder, "");
    leat_qpack_encoder_free(encoder);
}
END_TEST

/* TEST RFC 9204 §3.2.3-1, RFC 9204 §4.3.1-1. */
START_TEST(the_capacity_is_the_smaller_of_ours_and_the_peers) {
    leat_qpack_encoder *encoder = leat_qpack_encoder_new(NULL, 4096);
    ck_assert_int_eq(leat_qpack_encoder_set_peer_limits(encoder, 100, 1), 0);
    insert(encoder, "\x02", "\x01");
    expect_output(encoder, "3f45 4102 0101");
    leat_qpack_encoder_free(encoder);
    encoder = leat_qpack_encoder_new(NULL, 100);
    ck_assert_int_eq(leat_qpack_encoder_set_peer_limits(encoder, 4096, 1), 0);
    insert(encoder, "\x02", "\x01");
    expect_output(encoder, "3f45 4102 0101");
    leat_qpack_encoder_free(encoder);
}
END_TEST

/* TEST RFC 9204 §4.5.1.1: counts wrap by the peer's maximum, not by the capacity we chose. */
START_TEST(insert_counts_wrap_by_the_maximum_of_the_peer) {
    leat_qpack_encoder *encoder = leat_qpack_encoder_new(NULL, 100);
    ck_assert_int_eq(leat_qpack_encoder_set_peer_limits(encoder, 4096, 100), 0);
    for (char value[] = "a"; value[0] < 'i'; value[0]++) {
        char name[] = {(char)(value[0] + 8), '\0'};
        insert(encoder, name, value);
        ck_assert_int_eq(feed(encoder, "80"), 0);
    }
    /* required 8, Base 8, relative 0 */
    expect_section(encoder, 4, "p", "h", "090080");
    leat_qpack_encoder_free(encoder);
}
END_TEST

/* TEST RFC 9204 §3.2.3-2. */
START_TEST(remembered_limits_may_grow_and_a_capacity_may_not_change) {
    leat_qpack_encoder *encoder = leat_qpack_encoder_new(NULL, 4096);
    ck_assert_int_eq(leat_qpack_encoder_set_peer_limits(encoder, 0, 0), 0);
    ck_assert_int_eq(leat_qpack_encoder_set_peer_limits(encoder, 200, 5), 0);
    ck_assert_int_eq(leat_qpack_encoder_set_peer_limits(encoder, 200, 6), 0);
    ck_assert_int_eq(leat_qpack_encoder_set_peer_limits(encoder, 200, 5), LEAT_ERR_STATE);
    ck_assert_int_eq(leat_qpack_encoder_set_peer_limits(encoder, 201, 6), LEAT_ERR_STATE);
    ck_assert_int_eq(leat_qpack_encoder_set_peer_limits(encoder, 0, 6), LEAT_ERR_STATE);
    leat_qpack_encoder_free(encoder);
}
END_TEST

START_TEST(a_line_is_inserted_at_once_while_there_is_room) {
    leat_qpack_encoder *encoder = new_encoder(4096, 10);
    /* TEST RFC 9204 §4.5.1.2-1: required 1, Base 0, post-Base 0 */
    expect_section(encoder, 0, "\x02", "\x01", "028010");
    expect_output(encoder, "3fe11f 4102 0101");
    /* required 1, Base 1, relative 0 */
    expect_section(encoder, 0, "\x02", "\x01", "020080");
    expect_output(encoder, "");
    leat_qpack_encoder_free(encoder);
}
END_TEST

/* Room for one. */
START_TEST(a_line_that_needs_the_place_of_another_is_inserted_when_it_comes_again) {
    leat_qpack_encoder *encoder = new_encoder(64, 10);
    insert(encoder, "\x02", "\x01");
    ck_assert_int_eq(feed(encoder, "80"), 0);
    leat_qpack_encoder_consume(encoder, SIZE_MAX);
    expect_section(encoder, 0, "\x03", "\x01", "000021030101");
    expect_output(encoder, "");
    expect_section(encoder, 0, "\x03", "\x01", "038010");
    expect_output(encoder, "4103 0101");
    leat_qpack_encoder_free(encoder);
}
END_TEST

/* What may not be referred to yet would be sent twice. */
START_TEST(without_blocking_a_line_is_inserted_when_it_comes_again) {
    leat_qpack_encoder *encoder = new_encoder(4096, 0);
    expect_section(encoder, 0, "\x02", "\x01", "000021020101");
    expect_output(encoder, "");
    expect_section(encoder, 0, "\x02", "\x01", "000021020101");
    expect_output(encoder, "3fe11f 4102 0101");
    leat_qpack_encoder_free(encoder);
}
END_TEST

START_TEST(a_name_with_ever_new_values_is_not_inserted_before_one_repeats) {
    leat_qpack_encoder *encoder = new_encoder(4096, 10);
    char value[] = "a";
    for (; value[0] < 'm'; value[0]++) {
        encode(encoder, 0, line_of("date", value));
    }
    ck_assert_uint_eq(encoder->table.insert_count, 6);
    encode(encoder, 0, line_of("date", "l"));
    ck_assert_uint_eq(encoder->table.insert_count, 7);
    leat_qpack_encoder_free(encoder);
}
END_TEST

START_TEST(inserts_refer_to_names_of_both_tables) {
    leat_qpack_encoder *encoder = new_encoder(4096, 10);
    insert(encoder, ":path", "\x01");
    expect_output(encoder, "3fe11f c1 0101");
    insert(encoder, "\x02", "\x01");
    expect_output(encoder, "4102 0101");
    insert(encoder, "\x02", "\x03");
    expect_output(encoder, "80 0103");
    leat_qpack_encoder_free(encoder);
}
END_TEST

/* Room for one, which may not go yet. */
START_TEST(literals_refer_to_names_of_the_dynamic_table) {
    leat_qpack_encoder *encoder = new_encoder(64, 10);
    insert(encoder, "\x02", "\x01");
    leat_h3_header header = line_of("\x02", "\x04");
    ck_assert_str_eq(encode(encoder, 0, header), "0200400104");
    header.never_index = true;
    ck_assert_str_eq(encode(encoder, 0, header), "0200600104");
    leat_qpack_encoder_free(encoder);
}
END_TEST

/* TEST RFC 9204 §2.1.2-1. */
START_TEST(no_more_streams_may_block_than_the_peer_allows) {
    leat_qpack_encoder *encoder = new_encoder(4096, 2);
    insert(encoder, "\x02", "\x01"); /* stream 0 refers to it and is at risk */
    expect_section(encoder, 4, "\x02", "\x01", "020080");
    expect_section(encoder, 8, "\x02", "\x01", "000021020101");
    /* a stream at risk may take more risks */
    expect_section(encoder, 4, "\x02", "\x01", "020080");
    /* known to have arrived: no risk any more */
    ck_assert_int_eq(feed(encoder, "01"), 0);
    expect_section(encoder, 8, "\x02", "\x01", "020080");
    leat_qpack_encoder_free(encoder);
}
END_TEST

START_TEST(nothing_unacknowledged_is_referred_to_when_no_stream_may_block) {
    leat_qpack_encoder *encoder = new_encoder(4096, 0);
    insert(encoder, "\x02", "\x01");
    expect_section(encoder, 0, "\x02", "\x01", "000021020101");
    ck_assert_int_eq(feed(encoder, "01"), 0);
    expect_section(encoder, 0, "\x02", "\x01", "020080");
    leat_qpack_encoder_free(encoder);
}
END_TEST

START_TEST(a_section_acknowledgment_tells_that_entries_arrived) {
    leat_qpack_encoder *encoder = new_encoder(4096, 1);
    insert(encoder, "\x02", "\x01");
    ck_assert_int_eq(feed(encoder, "80"), 0);
    ck_assert_uint_eq(encoder->known_received_count, 1);
    ck_assert_uint_eq(encoder->outstanding.count, 0);
    leat_qpack_encoder_free(encoder);
}
END_TEST

START_TEST(a_cancellation_releases_and_tells_nothing_of_entries) {
    leat_qpack_encoder *encoder = new_encoder(4096, 1);
    insert(encoder, "\x02", "\x01");
    encode(encoder, 0, line_of("\x02", "\x01"));
    ck_assert_uint_eq(encoder->outstanding.count, 2);
    ck_assert_int_eq(feed(encoder, "40"), 0);
    ck_assert_uint_eq(encoder->outstanding.count, 0);
    ck_assert_uint_eq(encoder->known_received_count, 0);
    ck_assert_int_eq(feed(encoder, "44"), 0); /* a stream without sections */
    leat_qpack_encoder_free(encoder);
}
END_TEST

START_TEST(a_section_that_was_not_sent_is_not_waited_for) {
    leat_qpack_encoder *encoder = new_encoder(4096, 1);
    insert(encoder, "\x02", "\x01");
    encode(encoder, 4, line_of(":method", "GET"));
    leat_qpack_encoder_unsend(encoder); /* that one referred to nothing */
    ck_assert_uint_eq(encoder->outstanding.count, 1);
    encode(encoder, 0, line_of("\x02", "\x01"));
    leat_qpack_encoder_unsend(encoder);
    leat_qpack_encoder_unsend(encoder);
    ck_assert_uint_eq(encoder->outstanding.count, 1);
    ck_assert_int_eq(feed(encoder, "80"), 0);
    ck_assert_int_eq(feed(encoder, "80"), LEAT_QPACK_DECODER_STREAM_ERROR);
    leat_qpack_encoder_free(encoder);
}
END_TEST

/* TEST RFC 9204 §4.4.1-1. */
START_TEST(acknowledging_more_sections_than_were_sent_is_an_error) {
    leat_qpack_encoder *encoder = new_encoder(4096, 1);
    insert(encoder, "\x02", "\x01");
    ck_assert_int_eq(feed(encoder, "80"), 0);
    ck_assert_int_eq(feed(encoder, "80"), LEAT_QPACK_DECODER_STREAM_ERROR);
    leat_qpack_encoder_free(encoder);
    encoder = new_encoder(4096, 1);
    encode(encoder, 4, line_of(":method", "GET"));
    ck_assert_int_eq(feed(encoder, "84"), LEAT_QPACK_DECODER_STREAM_ERROR);
    leat_qpack_encoder_free(encoder);
}
END_TEST

/* TEST RFC 9204 §4.4.3-1. */
START_TEST(an_increment_of_zero_or_too_much_is_an_error) {
    static const char *const rows[] = {"00", "02", "3f 80 ff ff ff ff ff ff 3f", "01 01"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        leat_qpack_encoder *encoder = new_encoder(4096, 1);
        insert(encoder, "\x02", "\x01");
        ck_assert_int_eq(feed(encoder, rows[i]), LEAT_QPACK_DECODER_STREAM_ERROR);
        leat_qpack_encoder_free(encoder);
    }
}
END_TEST

START_TEST(an_integer_too_long_on_the_decoder_stream_is_an_error) {
    leat_qpack_encoder *encoder = new_encoder(4096, 1);
    static const uint8_t bytes[] = {
        0x7f, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80};
    int result = 0;
    for (size_t i = 0; i < sizeof bytes && result == 0; i++) {
        result = leat_qpack_encoder_read_decoder_stream(encoder, (leat_span){bytes + i, 1});
    }
    ck_assert_int_eq(result, LEAT_QPACK_DECODER_STREAM_ERROR);
    leat_qpack_encoder_free(encoder);
}
END_TEST

START_TEST(the_decoder_stream_may_be_cut_anywhere) {
    for (size_t cut = 0; cut <= 4; cut++) {
        leat_qpack_encoder *encoder = new_encoder(4096, 10);
        insert(encoder, "\x02", "\x01");
        encode(encoder, 1000, line_of("\x02", "\x01"));
        static const uint8_t bytes[] = {0xff, 0xe9, 0x06, 0x80}; /* stream 1000, stream 0 */
        leat_span first = {bytes, cut};
        leat_span second = {bytes + cut, sizeof bytes - cut};
        ck_assert_int_eq(leat_qpack_encoder_read_decoder_stream(encoder, first), 0);
        ck_assert_int_eq(leat_qpack_encoder_read_decoder_stream(encoder, second), 0);
        ck_assert_uint_eq(encoder->outstanding.count, 0);
        leat_qpack_encoder_free(encoder);
    }
}
END_TEST

/* TEST RFC 9204 §2.1.1-1, RFC 9204 §3.2.2-1, RFC 9204 §4.3.1-3: two entries of 34 bytes fit. */
START_TEST(an_entry_that_a_section_refers_to_is_not_evicted) {
    leat_qpack_encoder *encoder = new_encoder(70, 10);
    insert(encoder, "\x02", "\x01");
    insert(encoder, "\x03", "\x01");
    ck_assert_int_eq(feed(encoder, "02"), 0); /* both arrived, both are referred to */
    for (int i = 0; i < 3; i++) {
        encode(encoder, 4, line_of("\x04", "\x01"));
    }
    ck_assert_uint_eq(encoder->table.insert_count, 2);
    ck_assert_int_eq(feed(encoder, "80"), 0); /* the section that holds the first entry */
    expect_section(encoder, 8, "\x04", "\x01", "048010");
    leat_qpack_encoder_free(encoder);
}
END_TEST

START_TEST(an_entry_that_has_perhaps_not_arrived_is_not_evicted) {
    leat_qpack_encoder *encoder = new_encoder(70, 10);
    insert(encoder, "\x02", "\x01");
    insert(encoder, "\x02", "\x02");
    ck_assert_int_eq(feed(encoder, "40"), 0); /* stream 0 cancelled: no references are left */
    ck_assert_uint_eq(encoder->outstanding.count, 0);
    encode(encoder, 4, line_of("\x02", "\x03"));
    encode(encoder, 4, line_of("\x02", "\x03"));
    ck_assert_uint_eq(encoder->table.insert_count, 2);
    ck_assert_int_eq(feed(encoder, "01"), 0);
    encode(encoder, 4, line_of("\x02", "\x03"));
    ck_assert_uint_eq(encoder->table.insert_count, 3);
    leat_qpack_encoder_free(encoder);
}
END_TEST

/* Room for three entries; the section refers to the oldest, whose place a fourth would need. */
START_TEST(a_section_does_not_evict_what_it_refers_to_itself) {
    leat_qpack_encoder *encoder = new_encoder(120, 10);
    insert(encoder, "\x02", "\x01");
    insert(encoder, "\x03", "\x01");
    insert(encoder, "\x04", "\x01");
    ck_assert_int_eq(feed(encoder, "80 80 80"), 0);
    leat_h3_header headers[2] = {line_of("\x02", "\x01"), line_of("\x05", "\x01")};
    encode(encoder, 4, headers[1]);
    leat_buffer out;
    leat_buffer_init(&out, NULL, UNLIMITED);
    ck_assert_int_eq(leat_qpack_encode(encoder, 8, headers, 2, &out), 0);
    ck_assert_bytes(out.data, out.length, "02 02 82 2105 0101");
    ck_assert_uint_eq(encoder->table.insert_count, 3);
    ck_assert_int_eq(feed(encoder, "88"), 0);
    encode(encoder, 8, headers[1]);
    ck_assert_uint_eq(encoder->table.insert_count, 4);
    leat_buffer_clear(&out);
    leat_qpack_encoder_free(encoder);
}
END_TEST

/* RFC 9204 §2.1.1.1. */
START_TEST(an_entry_about_to_go_is_duplicated_when_it_is_used) {
    leat_qpack_encoder *encoder = new_encoder(3 * 34, 10);
    insert(encoder, "\x02", "\x01");
    insert(encoder, "\x02", "\x02");
    insert(encoder, "\x02", "\x03");
    ck_assert_int_eq(feed(encoder, "80 80 80"), 0);
    leat_qpack_encoder_consume(encoder, SIZE_MAX);
    encode(encoder, 4, line_of("\x02", "\x01"));
    expect_output(encoder, "02");
    ck_assert_uint_eq(encoder->table.insert_count, 4);
    leat_qpack_encoder_free(encoder);
}
END_TEST

/* TEST RFC 9204 §2.1.3-1. */
START_TEST(no_instruction_is_written_that_cannot_be_sent_whole) {
    leat_qpack_encoder *encoder = new_encoder(4096, 10);
    leat_qpack_encoder_set_stream_room(encoder, 6);
    encode(encoder, 0, line_of("\x02", "\x01"));
    expect_section(encoder, 0, "\x02", "\x01", "000021020101");
    expect_output(encoder, "");
    leat_qpack_encoder_set_stream_room(encoder, 7);
    expect_section(encoder, 0, "\x02", "\x01", "028010");
    expect_output(encoder, "3fe11f 4102 0101");
    encode(encoder, 0, line_of("\x02", "\x04"));
    encode(encoder, 0, line_of("\x02", "\x04"));
    expect_output(encoder, ""); /* what was taken has used the room up */
    leat_qpack_encoder_free(encoder);
}
END_TEST

/* A peer that neither acknowledges nor reads: RFC 9204 §7.3. */
START_TEST(a_silent_peer_costs_a_bounded_amount_of_memory) {
    test_memory memory;
    test_memory_init(&memory);
    leat_qpack_encoder *encoder = leat_qpack_encoder_new(&memory.allocator, 65536);
    ck_assert_int_eq(leat_qpack_encoder_set_peer_limits(encoder, 65536, UINT64_MAX), 0);
    leat_buffer out;
    leat_buffer_init(&out, NULL, UNLIMITED);
    size_t bytes = 0;
    for (uint64_t i = 0; i < 100000; i++) {
        char value[32];
        snprintf(value, sizeof value, "%llu", (unsigned long long)(i / 2));
        leat_h3_header headers[2] = {line_of("some-name", value), line_of("a", "b")};
        ck_assert_int_eq(leat_qpack_encode(encoder, 4 * i, headers, 2, &out), 0);
        out.length = 0;
        bytes = i == 10000 ? memory.bytes_live : bytes;
    }
    ck_assert_uint_eq(memory.bytes_live, bytes);
    ck_assert_uint_le(encoder->outstanding.count, LEAT_QPACK_OUTSTANDING_MAX);
    ck_assert_uint_le(encoder->output.length, LEAT_QPACK_ENCODER_OUTPUT_MAX);
    leat_buffer_clear(&out);
    leat_qpack_encoder_free(encoder);
    ck_assert_uint_eq(memory.live, 0);
}
END_TEST

START_TEST(an_entry_larger_than_the_table_stays_a_literal) {
    leat_qpack_encoder *encoder = new_encoder(64, 10);
    for (int i = 0; i < 3; i++) {
        encode(encoder, 0, line_of("a-long-name-of-24-bytes.", "value678."));
    }
    ck_assert_uint_eq(entries(encoder), 0);
    insert(encoder, "a-long-name-of-24-bytes.", "value678");
    leat_qpack_encoder_free(encoder);
}
END_TEST

START_TEST(a_full_output_buffer_is_left_as_it_was) {
    leat_qpack_encoder *encoder = new_encoder(0, 0);
    leat_buffer out;
    leat_buffer_init(&out, NULL, 64);
    ck_assert_int_eq(leat_buffer_append(&out, "before", 6), 0);
    char value[100];
    memset(value, 'x', 99);
    value[99] = '\0';
    leat_h3_header header = line_of("name", value);
    ck_assert_int_eq(leat_qpack_encode(encoder, 0, &header, 1, &out), LEAT_ERR_TOO_LARGE);
    ck_assert_uint_eq(out.length, 6);
    ck_assert_mem_eq(out.data, "before", 6);
    header = line_of(":method", "GET");
    ck_assert_int_eq(leat_qpack_encode(encoder, 0, &header, 1, &out), 0);
    ck_assert_mem_eq(out.data, "before\0\0\xd1", 9);
    leat_buffer_clear(&out);
    leat_qpack_encoder_free(encoder);
}
END_TEST

/* Each allocation fails in turn: out of memory or a section that is right without the table. */
START_TEST(every_allocation_of_the_encoder_may_fail) {
    for (size_t fail_at = 1;; fail_at++) {
        test_memory memory;
        test_memory_init(&memory);
        memory.fail_at = fail_at;
        leat_qpack_encoder *encoder = leat_qpack_encoder_new(&memory.allocator, 256);
        leat_qpack_decoder *decoder = leat_qpack_decoder_new(NULL, 256, 10, 4096);
        leat_buffer out;
        leat_buffer_init(&out, &memory.allocator, UNLIMITED);
        if (encoder != NULL) {
            ck_assert_int_eq(leat_qpack_encoder_set_peer_limits(encoder, 256, 10), 0);
        }
        for (uint64_t i = 0; i < 40 && encoder != NULL; i++) {
            leat_h3_header header = line_of("some-name", i % 4 < 2 ? "some-value" : "another");
            out.length = 0;
            int result = leat_qpack_encode(encoder, 4 * i, &header, 1, &out);
            leat_span output = leat_qpack_encoder_output(encoder);
            ck_assert_int_eq(leat_qpack_decoder_read_encoder_stream(decoder, output), 0);
            leat_qpack_encoder_consume(encoder, output.length);
            if (result == LEAT_ERR_NOMEM) {
                ck_assert_uint_eq(out.length, 0);
                continue;
            }
            leat_qpack_section section;
            leat_span bytes = {out.data, out.length};
            ck_assert_int_eq(result, 0);
            ck_assert_int_eq(leat_qpack_decode(decoder, 4 * i, bytes, &section), 0);
            ck_assert(leat_span_equal(section.headers[0].value, header.value));
        }
        leat_qpack_encoder_free(encoder);
        leat_qpack_decoder_free(decoder);
        leat_buffer_clear(&out);
        ck_assert_uint_eq(memory.live, 0);
        if (memory.allocations < fail_at) {
            break;
        }
    }
}
END_TEST

LEAT_TEST_MAIN("h3/qpack encoder", lines_of_the_static_table_are_one_index,
    names_of_the_static_table_are_referred_to, other_lines_are_literals,
    never_indexed_lines_are_literals_with_the_bit,
    credentials_and_short_cookies_never_enter_the_table,
    nothing_is_sent_to_a_peer_without_a_table,
    the_capacity_is_the_smaller_of_ours_and_the_peers,
    insert_counts_wrap_by_the_maximum_of_the_peer,
    remembered_limits_may_grow_and_a_capacity_may_not_change,
    a_line_is_inserted_at_once_while_there_is_room,
    a_line_that_needs_the_place_of_another_is_inserted_when_it_comes_again,
    without_blocking_a_line_is_inserted_when_it_comes_again,
    a_name_with_ever_new_values_is_not_inserted_before_one_repeats,
    inserts_refer_to_names_of_both_tables,
    literals_refer_to_names_of_the_dynamic_table, no_more_streams_may_block_than_the_peer_allows,
    nothing_unacknowledged_is_referred_to_when_no_stream_may_block,
    a_section_acknowledgment_tells_that_entries_arrived,
    a_cancellation_releases_and_tells_nothing_of_entries,
    a_section_that_was_not_sent_is_not_waited_for,
    acknowledging_more_sections_than_were_sent_is_an_error,
    an_increment_of_zero_or_too_much_is_an_error,
    an_integer_too_long_on_the_decoder_stream_is_an_error, the_decoder_stream_may_be_cut_anywhere,
    an_entry_that_a_section_refers_to_is_not_evicted,
    an_entry_that_has_perhaps_not_arrived_is_not_evicted,
    a_section_does_not_evict_what_it_refers_to_itself,
    an_entry_about_to_go_is_duplicated_when_it_is_used,
    no_instruction_is_written_that_cannot_be_sent_whole,
    a_silent_peer_costs_a_bounded_amount_of_memory, an_entry_larger_than_the_table_stays_a_literal,
    a_full_output_buffer_is_left_as_it_was, every_allocation_of_the_encoder_may_fail)
