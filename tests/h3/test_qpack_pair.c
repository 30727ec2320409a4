/*
 * Our encoder against our decoder with real header lists, at three settings and three manners of
 * acknowledging. Prints what the encoding takes, for comparison with the files of other encoders.
 */
#include "leat_test.h"
#include "qif.h"

#define NO_LIMIT (1 << 24)

typedef enum manner { ACKNOWLEDGE_AT_ONCE, ACKNOWLEDGE_NEVER, ACKNOWLEDGE_LATER } manner;

/* Both ends, and what is under way between them. */
typedef struct qpack_pair {
    leat_qpack_encoder *encoder;
    leat_qpack_decoder *decoder;
    leat_buffer to_encoder, to_decoder; /* decoder stream, encoder stream */
    leat_buffer *sections;
    size_t *waiting; /* lists that were sent and not decoded yet */
    size_t waiting_count;
    uint64_t seed;
    size_t section_bytes, encoder_stream_bytes;
} qpack_pair;

static uint64_t below(qpack_pair *pair, uint64_t limit) {
    uint64_t value = 0;
    test_random(&pair->seed, (uint8_t *)&value, 4);
    return value % limit;
}

static void move_output(leat_buffer *to, leat_span output) {
    ck_assert_int_eq(leat_buffer_append(to, output.data, output.length), 0);
}

static void deliver_to_decoder(qpack_pair *pair, size_t length) {
    leat_span bytes = {pair->to_decoder.data, length};
    ck_assert_int_eq(leat_qpack_decoder_read_encoder_stream(pair->decoder, bytes), 0);
    leat_buffer_consume(&pair->to_decoder, length);
}

static void deliver_to_encoder(qpack_pair *pair, size_t length) {
    leat_span output = leat_qpack_decoder_output(pair->decoder);
    move_output(&pair->to_encoder, output);
    leat_qpack_decoder_consume(pair->decoder, output.length);
    length = length < pair->to_encoder.length ? length : pair->to_encoder.length;
    leat_span bytes = {pair->to_encoder.data, length};
    ck_assert_int_eq(leat_qpack_encoder_read_decoder_stream(pair->encoder, bytes), 0);
    leat_buffer_consume(&pair->to_encoder, length);
}

/* The stream of list k is 4k. False: blocked. */
static bool decode_list(qpack_pair *pair, const qif_set *qif, size_t list) {
    leat_qpack_section section;
    leat_span bytes = {pair->sections[list].data, pair->sections[list].length};
    int result = leat_qpack_decode(pair->decoder, 4 * list, bytes, &section);
    if (result == LEAT_QPACK_BLOCKED) {
        return false;
    }
    ck_assert_int_eq(result, 0);
    ck_assert_uint_eq(section.count, qif->lists[list].count);
    for (size_t i = 0; i < section.count; i++) {
        const leat_h3_header *expected = &qif->headers[qif->lists[list].first + i];
        ck_assert(leat_span_equal(section.headers[i].name, expected->name));
        ck_assert(leat_span_equal(section.headers[i].value, expected->value));
    }
    return true;
}

static void encode_list(qpack_pair *pair, const qif_set *qif, size_t list) {
    qif_list range = qif->lists[list];
    leat_buffer_init(&pair->sections[list], NULL, NO_LIMIT);
    ck_assert_int_eq(leat_qpack_encode(pair->encoder, 4 * list, &qif->headers[range.first],
                         range.count, &pair->sections[list]), 0);
    leat_span output = leat_qpack_encoder_output(pair->encoder);
    move_output(&pair->to_decoder, output);
    pair->section_bytes += pair->sections[list].length;
    pair->encoder_stream_bytes += output.length;
    leat_qpack_encoder_consume(pair->encoder, output.length);
    pair->waiting[pair->waiting_count++] = list;
}

/* Decodes what can be decoded, in random order. */
static void decode_some(qpack_pair *pair, const qif_set *qif, size_t tries) {
    for (; tries > 0 && pair->waiting_count > 0; tries--) {
        size_t place = (size_t)below(pair, pair->waiting_count);
        if (decode_list(pair, qif, pair->waiting[place])) {
            pair->waiting[place] = pair->waiting[--pair->waiting_count];
        }
    }
}

static void step(qpack_pair *pair, const qif_set *qif, size_t list, manner how) {
    encode_list(pair, qif, list);
    if (how != ACKNOWLEDGE_LATER) {
        deliver_to_decoder(pair, pair->to_decoder.length);
        ck_assert(decode_list(pair, qif, list));
        pair->waiting_count = 0;
    } else {
        deliver_to_decoder(pair, (size_t)below(pair, pair->to_decoder.length + 1));
        decode_some(pair, qif, 3);
    }
    if (how == ACKNOWLEDGE_AT_ONCE) {
        deliver_to_encoder(pair, SIZE_MAX);
    } else if (how == ACKNOWLEDGE_LATER && below(pair, 4) == 0) {
        deliver_to_encoder(pair, (size_t)below(pair, 64));
    }
}

static void run_pair(const char *name, uint64_t table, uint64_t blocked, manner how) {
    static const char *const manners[] = {"at once", "never", "later"};
    qif_set *qif = qif_load(qif_own_tree(), name);
    qpack_pair pair = {.seed = table + how};
    pair.encoder = leat_qpack_encoder_new(NULL, table);
    pair.decoder = leat_qpack_decoder_new(NULL, table, blocked, NO_LIMIT);
    ck_assert_int_eq(leat_qpack_encoder_set_peer_limits(pair.encoder, table, blocked), 0);
    leat_buffer_init(&pair.to_encoder, NULL, NO_LIMIT);
    leat_buffer_init(&pair.to_decoder, NULL, NO_LIMIT);
    pair.sections = calloc(qif->list_count, sizeof *pair.sections);
    pair.waiting = calloc(qif->list_count, sizeof *pair.waiting);
    for (size_t list = 0; list < qif->list_count; list++) {
        step(&pair, qif, list, how);
    }
    deliver_to_decoder(&pair, pair.to_decoder.length);
    decode_some(&pair, qif, 100 * qif->list_count);
    ck_assert_uint_eq(pair.waiting_count, 0);
    deliver_to_encoder(&pair, SIZE_MAX);
    printf("# %s %u.%u acknowledged %s: %zu bytes, %zu of them encoder stream\n", name,
        (unsigned)table, (unsigned)blocked, manners[how],
        pair.section_bytes + pair.encoder_stream_bytes, pair.encoder_stream_bytes);
    for (size_t list = 0; list < qif->list_count; list++) {
        leat_buffer_clear(&pair.sections[list]);
    }
    leat_buffer_clear(&pair.to_encoder);
    leat_buffer_clear(&pair.to_decoder);
    leat_qpack_encoder_free(pair.encoder);
    leat_qpack_decoder_free(pair.decoder);
    free(pair.sections);
    free(pair.waiting);
    qif_free(qif);
}

static void run_all(uint64_t table, uint64_t blocked, manner how) {
    static const char *const names[] = {
        "examples", "fb-req-hq", "fb-resp-hq", "netbsd", "netbsd-hq"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        run_pair(names[i], table, blocked, how);
    }
}

/* TEST RFC 9204 §2.1-1. */
START_TEST(every_list_survives_without_a_dynamic_table) { run_all(0, 0, ACKNOWLEDGE_AT_ONCE); }
END_TEST

START_TEST(every_list_survives_when_acknowledged_at_once) {
    run_all(256, 100, ACKNOWLEDGE_AT_ONCE);
    run_all(4096, 100, ACKNOWLEDGE_AT_ONCE);
}
END_TEST

START_TEST(every_list_survives_when_never_acknowledged) {
    run_all(256, 100, ACKNOWLEDGE_NEVER);
    run_all(4096, 100, ACKNOWLEDGE_NEVER);
}
END_TEST

START_TEST(every_list_survives_loss_and_late_acknowledgments) {
    run_all(256, 100, ACKNOWLEDGE_LATER);
    run_all(4096, 100, ACKNOWLEDGE_LATER);
    run_all(4096, 3, ACKNOWLEDGE_LATER);
}
END_TEST

START_TEST(no_stream_blocks_when_none_may) {
    run_all(256, 0, ACKNOWLEDGE_AT_ONCE);
    run_all(4096, 0, ACKNOWLEDGE_LATER);
}
END_TEST

LEAT_TEST_MAIN("h3/qpack pair", every_list_survives_without_a_dynamic_table,
    every_list_survives_when_acknowledged_at_once, every_list_survives_when_never_acknowledged,
    every_list_survives_loss_and_late_acknowledgments, no_stream_blocks_when_none_may)
