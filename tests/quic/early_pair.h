/*
 * Two connections in a row for tests of early data: the first leaves a ticket, the second may send
 * before it is answered.
 */
#ifndef LEAT_TESTS_QUIC_EARLY_PAIR_H
#define LEAT_TESTS_QUIC_EARLY_PAIR_H

#include "pair.h"

typedef struct ticket_keeper {
    leat_resumption_keys *keys;
    uint8_t ticket[4096];
    size_t length;
} ticket_keeper;

/* A pair that is set up for early data and has not begun. */
pair *early_pair_new(ticket_keeper *keeper);
/* The first connection; its settings may be changed between. */
pair *early_pair_begin_first(ticket_keeper *keeper);
void early_pair_end_first(ticket_keeper *keeper, pair *p);
/* The second connection of two with the usual settings. */
pair *early_pair_second(ticket_keeper *keeper);
/* Frees the pair and the keys. */
void early_pair_end(ticket_keeper *keeper, pair *p);

void assert_text(pair *p, pair_side side, uint64_t id, const char *text);
void run_until_confirmed(pair *p);

#endif
