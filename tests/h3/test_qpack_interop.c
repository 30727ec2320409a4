/* Our decoder against what six other encoders wrote (qpackers/qifs): see vectors/README.md. */
#include "leat_test.h"
#include "qif.h"

#define NO_LIMIT (1 << 24)

static void expect_list(const leat_qpack_section *section, const qif_set *qif,
    const qif_block *block, const char *path) {
    ck_assert_uint_lt(block->list, qif->list_count);
    qif_list list = qif->lists[block->list];
    ck_assert_msg(section->count == list.count, "%s: %zu headers instead of %zu in stream %llu",
        path, section->count, list.count, (unsigned long long)block->stream_id);
    for (size_t i = 0; i < list.count; i++) {
        const leat_h3_header *expected = &qif->headers[list.first + i];
        const leat_h3_header *header = &section->headers[i];
        ck_assert_msg(leat_span_equal(header->name, expected->name) &&
                leat_span_equal(header->value, expected->value),
            "%s: header %zu of list %zu differs", path, i, block->list);
    }
}

/* Encoders of the set assume that the table has its full capacity from the start. */
static leat_qpack_decoder *decoder_with_table(uint64_t table, uint64_t blocked) {
    leat_qpack_decoder *decoder = leat_qpack_decoder_new(NULL, table, blocked, NO_LIMIT);
    uint8_t bytes[16] = {0x3f};
    size_t length = 1;
    if (table >= 31) {
        for (table -= 31; table >= 128; table >>= 7) {
            bytes[length++] = (uint8_t)(0x80 | table);
        }
        bytes[length++] = (uint8_t)table;
        leat_span instruction = {bytes, length};
        ck_assert_int_eq(leat_qpack_decoder_read_encoder_stream(decoder, instruction), 0);
    }
    return decoder;
}

/* Encoder stream bytes arrive `lag` blocks late, one section per blocked stream waits. */
typedef struct decode_run {
    const qif_encoded *file;
    const qif_set *qif;
    leat_qpack_decoder *decoder;
    size_t decoded, blocked;
} decode_run;

static void decode_block(decode_run *run, const qif_block *block) {
    leat_qpack_section section;
    int result = leat_qpack_decode(run->decoder, block->stream_id, block->bytes, &section);
    if (result == LEAT_QPACK_BLOCKED) {
        run->blocked++;
        return;
    }
    ck_assert_msg(result == 0, "%s: stream %llu: %d", run->file->path,
        (unsigned long long)block->stream_id, result);
    expect_list(&section, run->qif, block, run->file->path);
    run->decoded++;
}

static void decode_unblocked(decode_run *run) {
    uint64_t stream_id;
    while (leat_qpack_decoder_next_unblocked(run->decoder, &stream_id)) {
        for (size_t i = 0; i < run->file->block_count; i++) {
            if (run->file->blocks[i].stream_id == stream_id) {
                run->blocked--;
                decode_block(run, &run->file->blocks[i]);
            }
        }
    }
}

/* In pieces of `cut` bytes. */
static void feed_encoder_stream(decode_run *run, leat_span bytes, size_t cut) {
    while (bytes.length > 0) {
        leat_span piece = {bytes.data, bytes.length < cut ? bytes.length : cut};
        ck_assert_int_eq(leat_qpack_decoder_read_encoder_stream(run->decoder, piece), 0);
        bytes = (leat_span){bytes.data + piece.length, bytes.length - piece.length};
        decode_unblocked(run);
    }
}

static void decode_file(const qif_encoded *file, const qif_set *qif, size_t cut) {
    decode_run run = {.file = file, .qif = qif};
    run.decoder = decoder_with_table(file->table, file->blocked);
    for (size_t i = 0; i < file->block_count; i++) {
        if (file->blocks[i].stream_id == 0) {
            feed_encoder_stream(&run, file->blocks[i].bytes, cut);
        } else {
            decode_block(&run, &file->blocks[i]);
        }
        leat_span output = leat_qpack_decoder_output(run.decoder);
        leat_qpack_decoder_consume(run.decoder, output.length);
    }
    ck_assert_uint_eq(run.blocked, 0);
    ck_assert_msg(run.decoded == qif->list_count, "%s: %zu of %zu lists", file->path, run.decoded,
        qif->list_count);
    leat_qpack_decoder_free(run.decoder);
}

static void decode_whole(const char *tree, const qif_encoded *file) {
    qif_set *qif = qif_load(tree, file->name);
    decode_file(file, qif, SIZE_MAX);
    qif_free(qif);
}

static void decode_in_pieces(const char *tree, const qif_encoded *file) {
    qif_set *qif = qif_load(tree, file->name);
    decode_file(file, qif, 1);
    decode_file(file, qif, 7);
    qif_free(qif);
}

START_TEST(what_other_encoders_wrote_decodes_to_its_header_lists) {
    ck_assert_uint_ge(qif_each_encoded(qif_own_tree(), decode_whole), 20);
}
END_TEST

START_TEST(the_encoder_stream_may_be_cut_anywhere) {
    ck_assert_uint_ge(qif_each_encoded(qif_own_tree(), decode_in_pieces), 20);
}
END_TEST

START_TEST(all_files_of_the_full_set_decode_when_it_is_there) {
    const char *tree = getenv("LEAT_QIFS");
    if (tree == NULL) {
        printf("# skipped: LEAT_QIFS does not name the full set\n");
        return;
    }
    size_t count = qif_each_encoded(tree, decode_whole);
    printf("# %zu files\n", count);
    ck_assert_uint_gt(count, 0);
}
END_TEST

/* 0 or the first error of any block. */
static int decode_error_file(const char *name) {
    char path[600];
    snprintf(path, sizeof path, "%s/errors/%s", qif_own_tree(), name);
    size_t length;
    uint8_t *bytes = qif_read_file(path, &length);
    qif_encoded encoded = {0};
    ck_assert(qif_split((leat_span){bytes, length}, &encoded));
    leat_qpack_decoder *decoder = decoder_with_table(4096, 16);
    int result = 0;
    for (size_t i = 0; i < encoded.block_count && result == 0; i++) {
        const qif_block *block = &encoded.blocks[i];
        leat_qpack_section section;
        result = block->stream_id == 0
            ? leat_qpack_decoder_read_encoder_stream(decoder, block->bytes)
            : leat_qpack_decode(decoder, block->stream_id, block->bytes, &section);
    }
    leat_qpack_decoder_free(decoder);
    free(encoded.blocks);
    free(bytes);
    return result;
}

START_TEST(every_error_file_is_refused_with_the_right_code) {
    static const struct {
        const char *name;
        int result;
    } rows[] = {
        {"err1", LEAT_QPACK_DECOMPRESSION_FAILED},
        {"err2", LEAT_QPACK_DECOMPRESSION_FAILED},
        {"err3", LEAT_QPACK_DECOMPRESSION_FAILED},
        {"err4", LEAT_QPACK_DECOMPRESSION_FAILED},
        {"err5", LEAT_QPACK_DECOMPRESSION_FAILED},
        {"err6", LEAT_QPACK_DECOMPRESSION_FAILED},
        {"err7", LEAT_QPACK_DECOMPRESSION_FAILED},
        {"err8", LEAT_QPACK_DECOMPRESSION_FAILED},
        {"err9", 0}, /* valid by RFC 9204: static index 0 */
        {"err10", 0}, /* static index 62 */
        {"err11", LEAT_QPACK_ENCODER_STREAM_ERROR},
        {"err12", LEAT_QPACK_ENCODER_STREAM_ERROR},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ck_assert_msg(decode_error_file(rows[i].name) == rows[i].result, "%s", rows[i].name);
    }
}
END_TEST

LEAT_TEST_MAIN("h3/qpack interop", what_other_encoders_wrote_decodes_to_its_header_lists,
    the_encoder_stream_may_be_cut_anywhere, all_files_of_the_full_set_decode_when_it_is_there,
    every_error_file_is_refused_with_the_right_code)
