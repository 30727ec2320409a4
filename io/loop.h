/*
 * Waiting for file descriptors and a time: epoll where there is one, poll elsewhere. One loop
 * belongs to one thread; only leat_loop_wake may be called from others and from signal handlers.
 * Inside of io/.
 */
#ifndef LEAT_IO_LOOP_H
#define LEAT_IO_LOOP_H

#include <leat/base.h>

typedef struct leat_loop leat_loop;
typedef enum leat_loop_kind { LEAT_LOOP_BEST, LEAT_LOOP_POLL } leat_loop_kind;

enum { LEAT_LOOP_READABLE = 1, LEAT_LOOP_WRITABLE = 2 };
typedef void (*leat_loop_fn)(void *user, int fd, unsigned ready);

/* At most this many descriptors in one loop: sockets and what the application adds. */
#define LEAT_LOOP_WATCHES 256

/* NULL: out of memory or descriptors (errno). */
leat_loop *leat_loop_new(leat_loop_kind kind);
void leat_loop_free(leat_loop *loop);
/* fn is called from leat_loop_wait while fd is readable. LEAT_ERR_IO, LEAT_ERR_FULL. */
int leat_loop_watch(leat_loop *loop, int fd, leat_loop_fn fn, void *user);
int leat_loop_want_writable(leat_loop *loop, int fd, bool wanted);
void leat_loop_unwatch(leat_loop *loop, int fd);
/*
 * Waits at most `timeout` nanoseconds (LEAT_TIME_NEVER: for ever) and calls what is ready.
 * LEAT_ERR_IO.
 */
int leat_loop_wait(leat_loop *loop, leat_time timeout);
/* Ends the wait that runs, or the next one. Async-signal-safe. */
void leat_loop_wake(leat_loop *loop);

/* ---- between loop.c and loop_epoll.c ---- */

typedef struct leat_loop_ready {
    int fd;
    unsigned ready;
} leat_loop_ready;

int leat_epoll_open(void);
/* wanted 0 takes fd out. */
int leat_epoll_change(int epoll_fd, int fd, bool is_new, unsigned wanted);
int leat_epoll_wait(int epoll_fd, leat_time timeout, leat_loop_ready *ready, size_t capacity);

#endif
