/*
 * ACK frames: RFC 9000 §19.3. On the wire the ranges descend from the largest packet number; a gap
 * and a length count from the smallest number of the range above, each less by what makes zero
 * useless. The number of ranges costs no memory: they stay encoded in the packet and are walked
 * there.
 */
#include "quic/frame/frame_hand.h"

#include <leat/quic.h>

#define TYPE_ACK     0x02
#define TYPE_ACK_ECN 0x03

/* One Gap and ACK Range Length: moves *smallest down to that of the next range. False: below zero.
 */
static bool step_range(leat_reader *reader, uint64_t *smallest, uint64_t *largest) {
    uint64_t gap = leat_read_varint(reader);
    uint64_t length = leat_read_varint(reader);
    /* RFC 9000 §19.3.1: between two ranges at least one number is missing. */
    if (*smallest < 2 || gap > *smallest - 2) {
        return false;
    }
    *largest = *smallest - 2 - gap;
    if (length > *largest) {
        return false;
    }
    *smallest = *largest - length;
    return true;
}

uint64_t leat_ack_frame_parse(leat_reader *reader, leat_frame *frame) {
    frame->ack.largest = leat_read_varint(reader);
    frame->ack.delay = leat_read_varint(reader);
    frame->ack.range_count = leat_read_varint(reader);
    frame->ack.first_range = leat_read_varint(reader);
    /* RFC 9000 §19.3.1-1; and each range takes two bytes at least, so a huge count is refused at
     * once. */
    if (frame->ack.first_range > frame->ack.largest ||
        frame->ack.range_count > leat_reader_left(reader) / 2) {
        return LEAT_FRAME_ENCODING_ERROR;
    }
    uint64_t smallest = frame->ack.largest - frame->ack.first_range, largest;
    const uint8_t *start = reader->next;
    for (uint64_t i = 0; i < frame->ack.range_count; i++) {
        if (!step_range(reader, &smallest, &largest) || reader->failed) {
            return LEAT_FRAME_ENCODING_ERROR;
        }
    }
    frame->ack.ranges = (leat_span){start, (size_t)(reader->next - start)};
    frame->ack.has_ecn = frame->type == TYPE_ACK_ECN;
    if (frame->ack.has_ecn) {
        frame->ack.ect0 = leat_read_varint(reader);
        frame->ack.ect1 = leat_read_varint(reader);
        frame->ack.ce = leat_read_varint(reader);
    }
    return LEAT_NO_ERROR;
}

leat_ack_walk leat_ack_walk_begin(const leat_frame *ack) {
    return (leat_ack_walk){.reader = leat_reader_of(ack->ack.ranges), .left = ack->ack.range_count};
}

bool leat_ack_walk_next(leat_ack_walk *walk, const leat_frame *ack, leat_range *range) {
    uint64_t largest = ack->ack.largest;
    if (!walk->started) {
        walk->started = true;
        walk->smallest = largest - ack->ack.first_range;
    } else if (walk->left == 0 || !step_range(&walk->reader, &walk->smallest, &largest)) {
        return false;
    } else {
        walk->left--;
    }
    *range = (leat_range){walk->smallest, largest + 1};
    return true;
}

static void write_ecn(leat_writer *writer, const uint64_t ecn[3]) {
    for (size_t i = 0; ecn != NULL && i < 3; i++) {
        leat_write_varint(writer, ecn[i]);
    }
}

static size_t ecn_size(const uint64_t ecn[3]) {
    size_t size = 0;
    for (size_t i = 0; ecn != NULL && i < 3; i++) {
        size += leat_varint_size(ecn[i]);
    }
    return size;
}

void leat_ack_frame_write(leat_writer *writer, const leat_frame *frame) {
    const uint64_t ecn[3] = {frame->ack.ect0, frame->ack.ect1, frame->ack.ce};
    leat_write_u8(writer, frame->ack.has_ecn ? TYPE_ACK_ECN : TYPE_ACK);
    leat_write_varint(writer, frame->ack.largest);
    leat_write_varint(writer, frame->ack.delay);
    leat_write_varint(writer, frame->ack.range_count);
    leat_write_varint(writer, frame->ack.first_range);
    leat_write_bytes(writer, frame->ack.ranges.data, frame->ack.ranges.length);
    write_ecn(writer, frame->ack.has_ecn ? ecn : NULL);
}

/* Gap and length of `range`, the next lower one than `above`. */
static uint64_t gap_below(const leat_range *above, const leat_range *range) {
    return above->start - range->end - 1;
}

static uint64_t length_of(const leat_range *range) { return range->end - range->start - 1; }

/* How many ranges below the last one fit in `room` bytes, of which the count itself takes some. */
static size_t count_fitting(const leat_range *ranges, size_t count, size_t room) {
    size_t used = 0, fitting = 0;
    for (size_t i = count - 1; i-- > 0;) {
        used += leat_varint_size(gap_below(&ranges[i + 1], &ranges[i])) +
                leat_varint_size(length_of(&ranges[i]));
        if (used + leat_varint_size(fitting + 1) > room) {
            break;
        }
        fitting++;
    }
    return fitting;
}

bool leat_ack_write(leat_writer *writer, const leat_range *ranges, size_t count,
                    uint64_t encoded_delay, const uint64_t ecn[3]) {
    if (count == 0) {
        return false;
    }
    const leat_range *top = &ranges[count - 1];
    size_t fixed = 1 + leat_varint_size(top->end - 1) + leat_varint_size(encoded_delay) +
                   leat_varint_size(length_of(top)) + ecn_size(ecn);
    size_t room = leat_writer_room(writer);
    if (room < fixed + 1) {
        return false;
    }
    size_t more = count_fitting(ranges, count, room - fixed);
    leat_write_u8(writer, ecn != NULL ? TYPE_ACK_ECN : TYPE_ACK);
    leat_write_varint(writer, top->end - 1);
    leat_write_varint(writer, encoded_delay);
    leat_write_varint(writer, more);
    leat_write_varint(writer, length_of(top));
    for (size_t i = 1; i <= more; i++) {
        leat_write_varint(writer, gap_below(&top[-(ptrdiff_t)i + 1], &top[-(ptrdiff_t)i]));
        leat_write_varint(writer, length_of(&top[-(ptrdiff_t)i]));
    }
    write_ecn(writer, ecn);
    return true;
}
