/*
 * The encoder stream of a peer, RFC 9204 §4.3: the first byte is the size of the pieces it comes
 * in, the rest the stream. Cut or whole, it has the same result and leaves the same table.
 */
#include "fuzz.h"
#include "h3/qpack_decoder.h"

#define TABLE 1024

static int feed(leat_qpack_decoder *decoder, leat_span bytes, size_t piece) {
    int result = 0;
    while (result == 0 && bytes.length > 0) {
        size_t length = bytes.length < piece ? bytes.length : piece;
        result = leat_qpack_decoder_read_encoder_stream(
            decoder, (leat_span){bytes.data, length});
        bytes = (leat_span){bytes.data + length, bytes.length - length};
    }
    return result;
}

static void check_table(const leat_qpack_table *table) {
    uint64_t size = 0;
    for (uint64_t i = leat_qpack_table_oldest(table); i < table->insert_count; i++) {
        size += leat_qpack_entry_size(leat_qpack_table_entry(table, i));
    }
    fuzz_require(size == table->size && size <= table->capacity && table->capacity <= TABLE);
}

static void check_same(const leat_qpack_table *a, const leat_qpack_table *b) {
    fuzz_require(a->insert_count == b->insert_count && a->capacity == b->capacity);
    fuzz_require(a->entries.count == b->entries.count);
    for (uint64_t i = leat_qpack_table_oldest(a); i < a->insert_count; i++) {
        leat_qpack_line line_a = leat_qpack_table_line(a, leat_qpack_table_entry(a, i));
        leat_qpack_line line_b = leat_qpack_table_line(b, leat_qpack_table_entry(b, i));
        fuzz_require(leat_span_equal(line_a.name, line_b.name));
        fuzz_require(leat_span_equal(line_a.value, line_b.value));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) {
        return 0;
    }
    leat_span bytes = {data + 1, size - 1};
    leat_qpack_decoder *whole = leat_qpack_decoder_new(NULL, TABLE, 0, 4096);
    leat_qpack_decoder *cut = leat_qpack_decoder_new(NULL, TABLE, 0, 4096);
    int result = feed(whole, bytes, SIZE_MAX);
    fuzz_require(feed(cut, bytes, (size_t)data[0] + 1) == result);
    fuzz_require(result == 0 || result == LEAT_QPACK_ENCODER_STREAM_ERROR);
    check_table(&whole->table);
    check_same(&whole->table, &cut->table);
    leat_qpack_decoder_free(whole);
    leat_qpack_decoder_free(cut);
    return 0;
}
