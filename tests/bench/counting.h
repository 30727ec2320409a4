/*
 * Whose heap it is: every allocation of the library and of libcrypto, booked on the side (client or
 * server) that works at the moment. The linker puts these counters in front of malloc for the
 * library (--wrap), libcrypto offers a hook of its own. A block is booked off where it was booked
 * on, whoever frees it.
 */
#ifndef LEAT_TESTS_BENCH_COUNTING_H
#define LEAT_TESTS_BENCH_COUNTING_H

#include <leat/base.h>

typedef enum bench_side { BENCH_SHARED, BENCH_CLIENT, BENCH_SERVER, BENCH_SIDE_COUNT } bench_side;
typedef enum bench_owner { BENCH_LEAT, BENCH_LIBCRYPTO, BENCH_OWNER_COUNT } bench_owner;

typedef struct bench_account {
    size_t allocations;   /* so far */
    size_t blocks, bytes; /* live; bytes as asked for, without malloc's own overhead */
    leat_time busy;       /* spent on this side (in the account of BENCH_LEAT) */
} bench_account;

/* Before anything of libcrypto runs. */
void bench_counting_init(void);
/* What follows is booked on this side. */
void bench_enter(bench_side side);
bench_account bench_account_of(bench_side side, bench_owner owner);
leat_time bench_clock(void);

#endif
