/*
 * How well our QPACK encoder compresses, beside six others: the same header lists under the same
 * settings, and the bytes of field sections and encoder stream that vectors/qpack/sizes.txt has of
 * the others. What we encode is decoded again; where LEAT_QIFS_OUT points our streams are written
 * in the offline interop format, for decoders that are not ours.
 */
#include "leat_test.h"
#include "qif.h"

#define ENCODERS 6
#define UNLIMITED ((size_t)1 << 30)

typedef struct settings {
    char name[32]; /* of the header lists */
    unsigned table, blocked, is_acknowledged;
    size_t others[ENCODERS]; /* 0: not known */
} settings;

typedef struct run {
    leat_qpack_encoder *encoder;
    leat_qpack_decoder *decoder;
    bool is_acknowledged;
    FILE *file;
    size_t bytes;
} run;

static void write_block(run *r, uint64_t stream_id, leat_span bytes) {
    uint8_t head[12];
    leat_writer writer = leat_writer_make(head, sizeof head);
    leat_write_u64(&writer, stream_id);
    leat_write_u32(&writer, (uint32_t)bytes.length);
    r->bytes += bytes.length;
    if (r->file != NULL && bytes.length > 0) {
        fwrite(head, 1, sizeof head, r->file);
        fwrite(bytes.data, 1, bytes.length, r->file);
    }
}

static void expect_same(const leat_qpack_section *section, const leat_h3_header *headers,
                        size_t count) {
    ck_assert_uint_eq(section->count, count);
    for (size_t i = 0; i < count; i++) {
        ck_assert(leat_span_equal(section->headers[i].name, headers[i].name) &&
                  leat_span_equal(section->headers[i].value, headers[i].value));
    }
}

static void send_instructions(run *r) {
    leat_span instructions = leat_qpack_encoder_output(r->encoder);
    write_block(r, 0, instructions);
    ck_assert_int_eq(leat_qpack_decoder_read_encoder_stream(r->decoder, instructions), 0);
    leat_qpack_encoder_consume(r->encoder, instructions.length);
}

static void send_acknowledgments(run *r) {
    leat_span output = leat_qpack_decoder_output(r->decoder);
    if (r->is_acknowledged) {
        ck_assert_int_eq(leat_qpack_encoder_read_decoder_stream(r->encoder, output), 0);
    }
    leat_qpack_decoder_consume(r->decoder, output.length);
}

static void encode_list(run *r, uint64_t stream_id, const leat_h3_header *headers, size_t count) {
    leat_buffer section;
    leat_qpack_section decoded;
    leat_buffer_init(&section, NULL, UNLIMITED);
    ck_assert_int_eq(leat_qpack_encode(r->encoder, stream_id, headers, count, &section), 0);
    send_instructions(r);
    leat_span bytes = {section.data, section.length};
    write_block(r, stream_id, bytes);
    ck_assert_int_eq(leat_qpack_decode(r->decoder, stream_id, bytes, &decoded), 0);
    expect_same(&decoded, headers, count);
    send_acknowledgments(r);
    leat_buffer_clear(&section);
}

static FILE *open_output(const settings *s) {
    const char *folder = getenv("LEAT_QIFS_OUT");
    char path[1024];
    if (folder == NULL) {
        return NULL;
    }
    snprintf(path, sizeof path, "%s/%s.out.%u.%u.%u", folder, s->name, s->table, s->blocked,
             s->is_acknowledged);
    return fopen(path, "wb");
}

static size_t encode_all(const settings *s) {
    qif_set *qif = qif_load(qif_own_tree(), s->name);
    run r = {.encoder = leat_qpack_encoder_new(NULL, s->table),
             .decoder = leat_qpack_decoder_new(NULL, s->table, s->blocked, UNLIMITED),
             .is_acknowledged = s->is_acknowledged != 0,
             .file = open_output(s)};
    leat_qpack_encoder_set_peer_limits(r.encoder, s->table, s->blocked);
    for (size_t i = 0; i < qif->list_count; i++) {
        encode_list(&r, i + 1, &qif->headers[qif->lists[i].first], qif->lists[i].count);
    }
    leat_qpack_encoder_free(r.encoder);
    leat_qpack_decoder_free(r.decoder);
    if (r.file != NULL) {
        fclose(r.file);
    }
    qif_free(qif);
    return r.bytes;
}

static size_t best_of(const settings *s) {
    size_t best = SIZE_MAX;
    for (size_t i = 0; i < ENCODERS; i++) {
        best = s->others[i] > 0 && s->others[i] < best ? s->others[i] : best;
    }
    return best;
}

/* Without a table nobody is shorter; with the usual one nobody is shorter by more than 2 %. */
static size_t longest_allowed(const settings *s) {
    size_t best = best_of(s);
    bool is_usual = s->table == 4096 && s->blocked == 100 && s->is_acknowledged;
    return s->table == 0 ? best : is_usual ? best + best / 50 : SIZE_MAX;
}

static void compare(const settings *s) {
    size_t ours = encode_all(s), best = best_of(s);
    printf("# | %s | %u/%u/%u | %zu |", s->name, s->table, s->blocked, s->is_acknowledged, ours);
    for (size_t i = 0; i < ENCODERS; i++) {
        printf(s->others[i] > 0 ? " %zu |" : " - |", s->others[i]);
    }
    printf(" %+.1f %% |\n", ((double)ours / (double)best - 1) * 100);
    ck_assert_uint_le(ours, longest_allowed(s));
}

static bool read_settings(FILE *file, settings *s) {
    return fscanf(file, "%31s %u %u %u %zu %zu %zu %zu %zu %zu", s->name, &s->table, &s->blocked,
                  &s->is_acknowledged, &s->others[0], &s->others[1], &s->others[2], &s->others[3],
                  &s->others[4], &s->others[5]) == 4 + ENCODERS;
}

START_TEST(what_we_encode_is_about_as_short_as_the_shortest_of_six_encoders) {
    char path[600];
    settings s;
    size_t count = 0;
    snprintf(path, sizeof path, "%s/../sizes.txt", qif_own_tree());
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fscanf(file, "#%*[^\n]"), 0);
    printf("# | header lists | table/blocked/acknowledged | leat | f5 | ls-qpack | nghttp3 |"
           " proxygen | qthingey | quinn | leat to the best |\n"
           "# |---|---|---|---|---|---|---|---|---|---|\n");
    for (; read_settings(file, &s); count++) {
        compare(&s);
    }
    fclose(file);
    ck_assert_uint_eq(count, 48);
}
END_TEST

LEAT_TEST_MAIN("h3/qpack ratio",
    what_we_encode_is_about_as_short_as_the_shortest_of_six_encoders)
