/*
 * The decoder's inside, shared by its three files: qpack_decoder.c (life, blocked streams, decoder
 * stream), qpack_encoder_stream.c (instructions) and qpack_field_section.c (representations).
 */
#ifndef LEAT_H3_QPACK_DECODER_H
#define LEAT_H3_QPACK_DECODER_H

#include "h3/qpack.h"
#include "h3/qpack_table.h"

/* Unsent decoder stream bytes: stops a peer that sends sections and withholds credit (§7.3). */
#define LEAT_QPACK_DECODER_OUTPUT_MAX 65536

typedef struct leat_qpack_blocked {
    uint64_t stream_id;
    uint64_t required_insert_count;
} leat_qpack_blocked;

/* Text of the decoded section: blocks that never move, so that spans into them stay valid. */
typedef struct leat_qpack_text_block {
    struct leat_qpack_text_block *next;
    size_t used, room;
    uint8_t bytes[];
} leat_qpack_text_block;

struct leat_qpack_decoder {
    const leat_allocator *allocator;
    uint64_t max_table_capacity;
    uint64_t max_blocked_streams;
    size_t max_field_section_size;
    leat_qpack_table table;
    leat_buffer instruction;       /* one that is not complete yet */
    leat_buffer output;
    uint64_t known_received_count; /* what the encoder learns from output */
    leat_qpack_blocked *blocked;
    size_t blocked_count, blocked_room;
    leat_qpack_text_block *text; /* the block in use first */
    leat_h3_header *headers;
    size_t headers_room;
};


/* qpack_decoder.c */
int leat_qpack_decoder_block(
    leat_qpack_decoder *decoder, uint64_t stream_id, uint64_t required_insert_count);
void leat_qpack_decoder_unblock(leat_qpack_decoder *decoder, uint64_t stream_id);
int leat_qpack_decoder_acknowledge(
    leat_qpack_decoder *decoder, uint64_t stream_id, uint64_t required_insert_count);

/* qpack_text.c: `length` bytes of room, or NULL; what is not used of it can be given back. */
uint8_t *leat_qpack_text_take(leat_qpack_decoder *decoder, size_t length);
void leat_qpack_text_give_back(leat_qpack_decoder *decoder, size_t length);
/* Forgets all text and keeps one block for the next section; clear frees that too. */
void leat_qpack_text_reset(leat_qpack_decoder *decoder);
void leat_qpack_text_clear(leat_qpack_decoder *decoder);

#endif
