/*
 * The capsule protocol of RFC 9297 §3: an endless row of type, length, value in the DATA of an
 * extended CONNECT stream. Frame and packet borders mean nothing here. DATAGRAM capsules become
 * datagrams in request.c.
 */
#include "h3/capsule.h"

#include "base/alloc.h"

leat_h3_capsule_reader *leat_h3_capsule_reader_new(const leat_allocator *allocator) {
    leat_h3_capsule_reader *reader = leat_alloc(allocator, sizeof *reader);
    if (reader != NULL) {
        /* RFC 9297 §3.5-5: nothing longer is ever of use; an endless capsule costs no memory. */
        leat_buffer_init(&reader->value, allocator, LEAT_H3_CAPSULE_MAX);
    }
    return reader;
}

void leat_h3_capsule_reader_free(leat_h3_capsule_reader *reader, const leat_allocator *allocator) {
    if (reader != NULL) {
        leat_buffer_clear(&reader->value);
        leat_free(allocator, reader);
    }
}

bool leat_h3_capsule_reader_is_between(const leat_h3_capsule_reader *reader) {
    return leat_tlv_is_between(&reader->reader);
}

/* RFC 9297 §5.4: types that only check that unknown ones are ignored. */
static bool is_grease(uint64_t type) { return type >= 0x17 && (type - 0x17) % 0x29 == 0; }

static void begin_capsule(leat_h3_capsule_reader *reader) {
    reader->value.length = 0;
    /* RFC 9297 §3.2-3: skipped whatever their length. */
    reader->is_told = is_grease(reader->reader.type);
}

/* Collects the value until it is complete or as long as anybody wants it. True: it stands in
 * *value. */
static int collect_value(leat_h3_capsule_reader *reader, leat_span *input, leat_span *value) {
    uint64_t wanted =
        reader->reader.length < LEAT_H3_CAPSULE_MAX ? reader->reader.length : LEAT_H3_CAPSULE_MAX;
    leat_span piece = leat_span_take(input, wanted - reader->value.length);
    reader->reader.left -= piece.length;
    if (piece.length == wanted) {
        *value = piece;
        return 1;
    }
    if (leat_buffer_append(&reader->value, piece.data, piece.length) != 0) {
        return LEAT_ERR_NOMEM;
    }
    *value = (leat_span){reader->value.data, reader->value.length};
    return reader->value.length == wanted;
}

static int read_value(leat_h3_capsule_reader *reader, leat_span *input, leat_h3_capsule *capsule) {
    int result = 0;
    if (!reader->is_told) {
        result = collect_value(reader, input, &capsule->value);
        reader->is_told = result == 1;
        capsule->type = reader->reader.type;
        capsule->length = reader->reader.length;
    } else {
        leat_tlv_read_value(&reader->reader, input);
    }
    if (reader->reader.left == 0) {
        leat_tlv_next(&reader->reader);
    }
    return result;
}

int leat_h3_capsule_read(
    leat_h3_capsule_reader *reader, leat_span *input, leat_h3_capsule *capsule) {
    while (input->length > 0) {
        if (reader->reader.part != LEAT_TLV_VALUE) {
            if (!leat_tlv_read_head(&reader->reader, input)) {
                return 0;
            }
            begin_capsule(reader);
        }
        int result = read_value(reader, input, capsule);
        if (result != 0) {
            return result;
        }
    }
    return 0;
}
