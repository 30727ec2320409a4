/*
 * Which tokens from NEW_TOKEN were used: RFC 9000 §8.1.4. One endpoint remembers what came back to
 * it, in one slice for each epoch in which tokens were made; a slice goes when none of them can be
 * live any more. It knows nothing of what other processes and workers were shown, nor of what was
 * shown before a restart: there a token is good once more.
 */
#ifndef LEAT_QUIC_ENDPOINT_SPENT_TOKENS_H
#define LEAT_QUIC_ENDPOINT_SPENT_TOKENS_H

#include "quic/packet/token.h"

/*
 * Tokens remembered per slice: 512 KiB, 2 MiB for all slices. Beyond it tokens validate nothing
 * until the next epoch, as if they had been forgotten: clients that hoard tokens cost a Retry each,
 * and no more memory (attack A32).
 */
#define LEAT_SPENT_TOKENS_MAX 32768

typedef struct leat_spent_slice {
    uint32_t epoch;
    uint64_t *ids; /* open addressing; 0: free */
    size_t capacity, count;
} leat_spent_slice;

typedef struct leat_spent_tokens {
    const leat_allocator *allocator;
    leat_spent_slice slices[LEAT_TOKEN_EPOCHS];
} leat_spent_tokens;

void leat_spent_tokens_init(leat_spent_tokens *spent, const leat_allocator *allocator);
void leat_spent_tokens_clear(leat_spent_tokens *spent);
/*
 * Spends a token made in this epoch. False: it was spent before, or it cannot be remembered (full,
 * out of memory, or the clock stepped back over the slice), so that it must count for nothing.
 */
bool leat_spent_tokens_add(leat_spent_tokens *spent, uint32_t epoch, uint64_t id);

#endif
