/* Frames as text, by the rows of the table. */
#include "quic/frame/frame_print.h"

#include "base/text.h"

static void print_field(leat_text *text, const leat_frame *frame, const leat_frame_field *field) {
    const char *place = (const char *)frame + field->offset;
    leat_span span;
    uint64_t number;
    leat_text_printf(text, " %s=", field->name);
    switch (field->kind) {
    case LEAT_FIELD_VARINT:
    case LEAT_FIELD_STREAM_COUNT:
        memcpy(&number, place, sizeof number);
        leat_text_printf(text, "%llu", (unsigned long long)number);
        return;
    case LEAT_FIELD_8_BYTES:
    case LEAT_FIELD_16_BYTES:
        span.length = field->kind == LEAT_FIELD_8_BYTES ? 8 : 16;
        memcpy(&span.data, place, sizeof span.data);
        break;
    default:
        memcpy(&span, place, sizeof span);
    }
    leat_text_bytes(text, span);
}

static void print_ack(leat_text *text, const leat_frame *frame) {
    leat_ack_walk walk = leat_ack_walk_begin(frame);
    leat_range range;
    const char *separator = " ranges=";
    leat_text_printf(text, " delay=%llu", (unsigned long long)frame->ack.delay);
    while (leat_ack_walk_next(&walk, frame, &range)) {
        leat_text_printf(text, "%s%llu-%llu", separator, (unsigned long long)range.start,
                         (unsigned long long)(range.end - 1));
        separator = ",";
    }
    if (frame->ack.has_ecn) {
        leat_text_printf(text, " ect0=%llu ect1=%llu ce=%llu", (unsigned long long)frame->ack.ect0,
                         (unsigned long long)frame->ack.ect1, (unsigned long long)frame->ack.ce);
    }
}

/* Two kinds share a name where the type says only which streams or whose error. */
static bool shares_name(leat_frame_kind kind) {
    const char *name = leat_frame_table[kind].name;
    return (kind > 0 && strcmp(name, leat_frame_table[kind - 1].name) == 0) ||
           (kind + 1 < LEAT_FRAME_KIND_COUNT && strcmp(name, leat_frame_table[kind + 1].name) == 0);
}

static void print_content(leat_text *text, const leat_frame *frame) {
    const leat_frame_field *field = leat_frame_table[frame->kind].fields;
    switch (frame->kind) {
    case LEAT_FRAME_PADDING:
        leat_text_printf(text, " length=%zu", frame->padding.length);
        break;
    case LEAT_FRAME_ACK:
        print_ack(text, frame);
        break;
    case LEAT_FRAME_STREAM:
        leat_text_printf(text, " stream_id=%llu offset=%llu length=%zu%s",
                         (unsigned long long)frame->stream.stream_id,
                         (unsigned long long)frame->stream.offset, frame->stream.data.length,
                         frame->stream.fin ? " fin" : "");
        break;
    case LEAT_FRAME_CRYPTO:
        leat_text_printf(text, " offset=%llu length=%zu", (unsigned long long)frame->crypto.offset,
                         frame->crypto.data.length);
        break;
    case LEAT_FRAME_DATAGRAM:
        leat_text_printf(text, " length=%zu", frame->datagram.data.length);
        break;
    default:
        for (; field->kind != LEAT_FIELD_END; field++) {
            print_field(text, frame, field);
        }
    }
}

size_t leat_frame_print(const leat_frame *frame, char *text, size_t room) {
    if (room == 0) {
        return 0;
    }
    leat_text out = leat_text_make(text, room);
    if (frame->kind >= LEAT_FRAME_KIND_COUNT) {
        leat_text_printf(&out, "unknown type=0x%llx", (unsigned long long)frame->type);
    } else {
        leat_text_printf(&out, "%s", leat_frame_table[frame->kind].name);
        if (shares_name(frame->kind)) {
            leat_text_printf(&out, " type=0x%llx",
                             (unsigned long long)leat_frame_table[frame->kind].first);
        }
        print_content(&out, frame);
    }
    return (size_t)(out.next - out.start);
}
