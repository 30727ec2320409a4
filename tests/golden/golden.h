/*
 * Sequences of events, word for word: a client and a server with all layers on the pair of
 * connections in memory, their events in the order in which an application hears them, compared
 * with a file of this folder. Upper layers come first, as in leat/webtransport.h. What is random
 * (connection IDs, tickets) is left out of the lines.
 *
 * LEAT_GOLDEN_WRITE=1 in the environment writes the files instead; read the difference before it is
 * committed.
 */
#ifndef TESTS_GOLDEN_GOLDEN_H
#define TESTS_GOLDEN_GOLDEN_H

#include "pair.h"
#include <leat/webtransport.h>

#define GOLDEN_LINES_MAX 65536

typedef struct golden_end {
    leat_h3 *h3;
    leat_wt *wt;
    bool makes_no_h3, makes_no_wt;
    unsigned refuses; /* a server's answer to a request; 0: accepts */
} golden_end;

typedef struct golden golden;
struct golden {
    pair *pair;
    golden_end ends[2];
    uint64_t session_id;
    size_t received; /* by the server on stream 0, which is the first session's */
    char lines[GOLDEN_LINES_MAX];
    size_t length;
    /* What the applications do instead of echoing; NULL: as said above. */
    void (*on_wt_event)(golden *g, pair_side side, const leat_wt_event *event);
    void *user;
    bool is_silent; /* no lines */
};

golden *golden_new(void);       /* configurations may be changed before the next call */
void golden_connect(golden *g); /* the handshake, and what the layers say at once */
void golden_open(golden *g);    /* the same with a session; forgets the lines */
/* What was called from outside goes out; runs until it is quiet. */
void golden_settle(golden *g);
void golden_run_for(golden *g, leat_time duration);
void golden_free(golden *g);
/* The lines so far are those of the file; frees all. */
void golden_expect(golden *g, const char *file);

static inline leat_wt *golden_wt(golden *g, pair_side side) {
    return g->ends[side].wt;
}
static inline leat_conn *golden_conn(golden *g, pair_side side) {
    return pair_conn(g->pair, side);
}

#endif
