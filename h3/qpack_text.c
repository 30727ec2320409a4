/* Where the names and values of a decoded field section are kept until the next one. */
#include "base/alloc.h"
#include "h3/qpack_decoder.h"

#define BLOCK_ROOM 1024

uint8_t *leat_qpack_text_take(leat_qpack_decoder *decoder, size_t length) {
    leat_qpack_text_block *block = decoder->text;
    if (block == NULL || length > block->room - block->used) {
        size_t room = length > BLOCK_ROOM ? length : BLOCK_ROOM;
        block = leat_alloc(decoder->allocator, sizeof *block + room);
        if (block == NULL) {
            return NULL;
        }
        block->room = room;
        block->next = decoder->text;
        decoder->text = block;
    }
    uint8_t *bytes = block->bytes + block->used;
    block->used += length;
    return bytes;
}

void leat_qpack_text_give_back(leat_qpack_decoder *decoder, size_t length) {
    decoder->text->used -= length;
}

/* Frees the blocks that are newer than `keep`. */
static void free_blocks(leat_qpack_decoder *decoder, leat_qpack_text_block *keep) {
    while (decoder->text != keep) {
        leat_qpack_text_block *block = decoder->text;
        decoder->text = block->next;
        leat_free(decoder->allocator, block);
    }
}

void leat_qpack_text_reset(leat_qpack_decoder *decoder) {
    leat_qpack_text_block *first = decoder->text;
    while (first != NULL && first->next != NULL) {
        first = first->next;
    }
    if (first != NULL && first->room > BLOCK_ROOM) {
        first = NULL;
    }
    free_blocks(decoder, first);
    if (first != NULL) {
        first->used = 0;
    }
}

void leat_qpack_text_clear(leat_qpack_decoder *decoder) { free_blocks(decoder, NULL); }
