/*
 * The loop: a short table of watched descriptors, a pipe that wakes it, and poll. Descriptors are
 * few here (a server has one or two sockets, not one per connection), so that finding one by
 * walking the table is cheap.
 */
#include "io/loop.h"

#include "base/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#define READY_BATCH 32

typedef struct watch {
    int fd;
    unsigned wanted;
    leat_loop_fn fn;
    void *user;
} watch;

struct leat_loop {
    int epoll_fd; /* -1: poll */
    int wake_read, wake_write;
    watch watches[LEAT_LOOP_WATCHES];
    size_t count;
};

static watch *find(leat_loop *loop, int fd) {
    for (size_t i = 0; i < loop->count; i++) {
        if (loop->watches[i].fd == fd) {
            return &loop->watches[i];
        }
    }
    return NULL;
}

static void on_wake(void *user, int fd, unsigned ready) {
    (void)user;
    (void)ready;
    char bytes[64];
    while (read(fd, bytes, sizeof bytes) > 0) {}
}

static bool make_pipe(int ends[2]) {
    if (pipe(ends) != 0) {
        return false;
    }
    for (int i = 0; i < 2; i++) {
        fcntl(ends[i], F_SETFL, O_NONBLOCK);
        fcntl(ends[i], F_SETFD, FD_CLOEXEC);
    }
    return true;
}

leat_loop *leat_loop_new(leat_loop_kind kind) {
    int ends[2];
    leat_loop *loop = leat_alloc(NULL, sizeof *loop);
    if (loop == NULL || !make_pipe(ends)) {
        leat_free(NULL, loop);
        return NULL;
    }
    loop->wake_read = ends[0];
    loop->wake_write = ends[1];
    loop->epoll_fd = -1;
#ifdef LEAT_HAVE_EPOLL
    if (kind == LEAT_LOOP_BEST) {
        loop->epoll_fd = leat_epoll_open();
    }
#else
    (void)kind;
#endif
    if (leat_loop_watch(loop, loop->wake_read, on_wake, NULL) != LEAT_OK) {
        leat_loop_free(loop);
        return NULL;
    }
    return loop;
}

void leat_loop_free(leat_loop *loop) {
    if (loop == NULL) {
        return;
    }
    close(loop->wake_read);
    close(loop->wake_write);
    if (loop->epoll_fd >= 0) {
        close(loop->epoll_fd);
    }
    leat_free(NULL, loop);
}

static int change(leat_loop *loop, int fd, bool is_new, unsigned wanted) {
#ifdef LEAT_HAVE_EPOLL
    if (loop->epoll_fd >= 0) {
        return leat_epoll_change(loop->epoll_fd, fd, is_new, wanted);
    }
#endif
    (void)loop;
    (void)fd;
    (void)is_new;
    (void)wanted;
    return LEAT_OK;
}

int leat_loop_watch(leat_loop *loop, int fd, leat_loop_fn fn, void *user) {
    if (loop->count == LEAT_LOOP_WATCHES || find(loop, fd) != NULL) {
        return LEAT_ERR_FULL;
    }
    int error = change(loop, fd, true, LEAT_LOOP_READABLE);
    if (error == LEAT_OK) {
        loop->watches[loop->count++] = (watch){fd, LEAT_LOOP_READABLE, fn, user};
    }
    return error;
}

int leat_loop_want_writable(leat_loop *loop, int fd, bool wanted) {
    watch *watched = find(loop, fd);
    unsigned flags = wanted ? LEAT_LOOP_READABLE | LEAT_LOOP_WRITABLE : LEAT_LOOP_READABLE;
    if (watched == NULL || watched->wanted == flags) {
        return watched == NULL ? LEAT_ERR_INVALID : LEAT_OK;
    }
    watched->wanted = flags;
    return change(loop, fd, false, flags);
}

void leat_loop_unwatch(leat_loop *loop, int fd) {
    watch *watched = find(loop, fd);
    if (watched != NULL) {
        (void)change(loop, fd, false, 0);
        *watched = loop->watches[--loop->count];
    }
}

/* Rounds up: waking a moment too early would only mean waiting again. */
static int milliseconds(leat_time timeout) {
    const leat_time longest = 60 * LEAT_SECOND;
    if (timeout > longest) {
        return timeout == LEAT_TIME_NEVER ? -1 : (int)(longest / LEAT_MILLISECOND);
    }
    return (int)((timeout + LEAT_MILLISECOND - 1) / LEAT_MILLISECOND);
}

static int wait_poll(leat_loop *loop, leat_time timeout, leat_loop_ready *ready, size_t capacity) {
    struct pollfd polled[LEAT_LOOP_WATCHES];
    for (size_t i = 0; i < loop->count; i++) {
        const watch *watched = &loop->watches[i];
        short events = (watched->wanted & LEAT_LOOP_WRITABLE) != 0 ? POLLIN | POLLOUT : POLLIN;
        polled[i] = (struct pollfd){.fd = watched->fd, .events = events};
    }
    if (poll(polled, loop->count, milliseconds(timeout)) < 0) {
        return errno == EINTR ? 0 : LEAT_ERR_IO;
    }
    size_t count = 0;
    for (size_t i = 0; i < loop->count && count < capacity; i++) {
        unsigned readable = (polled[i].revents & ~POLLOUT) != 0 ? LEAT_LOOP_READABLE : 0;
        unsigned writable = (polled[i].revents & POLLOUT) != 0 ? LEAT_LOOP_WRITABLE : 0;
        if ((readable | writable) != 0) {
            ready[count++] = (leat_loop_ready){polled[i].fd, readable | writable};
        }
    }
    return (int)count;
}

static int wait_any(leat_loop *loop, leat_time timeout, leat_loop_ready *ready, size_t capacity) {
#ifdef LEAT_HAVE_EPOLL
    if (loop->epoll_fd >= 0) {
        return leat_epoll_wait(loop->epoll_fd, timeout, ready, capacity);
    }
#endif
    return wait_poll(loop, timeout, ready, capacity);
}

int leat_loop_wait(leat_loop *loop, leat_time timeout) {
    leat_loop_ready ready[READY_BATCH];
    int count = wait_any(loop, timeout, ready, READY_BATCH);
    for (int i = 0; i < count; i++) {
        /* Looked up again each time: what ran before may have taken it out. */
        const watch *watched = find(loop, ready[i].fd);
        if (watched != NULL) {
            watched->fn(watched->user, ready[i].fd, ready[i].ready);
        }
    }
    return count < 0 ? count : LEAT_OK;
}

void leat_loop_wake(leat_loop *loop) {
    int saved = errno;
    /* A full pipe has woken the loop already. */
    ssize_t written = write(loop->wake_write, "w", 1);
    (void)written;
    errno = saved;
}
