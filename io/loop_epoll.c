/*
 * epoll for the loop. Waits with nanoseconds where the kernel can (epoll_pwait2), since pacing
 * needs less than 1 ms.
 */
#include "io/loop.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

#define EVENT_BATCH 32

int leat_epoll_open(void) { return epoll_create1(EPOLL_CLOEXEC); }

int leat_epoll_change(int epoll_fd, int fd, bool is_new, unsigned wanted) {
    struct epoll_event event;
    memset(&event, 0, sizeof event);
    event.data.fd = fd;
    event.events = (wanted & LEAT_LOOP_READABLE) != 0 ? (uint32_t)EPOLLIN : 0;
    event.events |= (wanted & LEAT_LOOP_WRITABLE) != 0 ? (uint32_t)EPOLLOUT : 0;
    int operation = is_new ? EPOLL_CTL_ADD : wanted == 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;
    return epoll_ctl(epoll_fd, operation, fd, &event) == 0 ? LEAT_OK : LEAT_ERR_IO;
}

static int wait_milliseconds(int epoll_fd, struct epoll_event *events, int capacity,
                             leat_time timeout) {
    const leat_time longest = 60 * LEAT_SECOND;
    int milliseconds = -1;
    if (timeout != LEAT_TIME_NEVER) {
        timeout = timeout > longest ? longest : timeout;
        milliseconds = (int)((timeout + LEAT_MILLISECOND - 1) / LEAT_MILLISECOND);
    }
    return epoll_wait(epoll_fd, events, capacity, milliseconds);
}

static int wait_events(int epoll_fd, struct epoll_event *events, int capacity, leat_time timeout) {
#ifdef LEAT_HAVE_EPOLL_PWAIT2
    struct timespec precise = {.tv_sec = (time_t)(timeout / LEAT_SECOND),
                               .tv_nsec = (long)(timeout % LEAT_SECOND)};
    int count = epoll_pwait2(epoll_fd, events, capacity,
                             timeout == LEAT_TIME_NEVER ? NULL : &precise, NULL);
    bool is_missing = count < 0 && errno != EINTR && errno != EBADF;
    if (!is_missing) {
        return count;
    }
#endif
    return wait_milliseconds(epoll_fd, events, capacity, timeout);
}

int leat_epoll_wait(int epoll_fd, leat_time timeout, leat_loop_ready *ready, size_t capacity) {
    struct epoll_event events[EVENT_BATCH];
    int room = capacity < EVENT_BATCH ? (int)capacity : EVENT_BATCH;
    int count = wait_events(epoll_fd, events, room, timeout);
    if (count < 0) {
        return errno == EINTR ? 0 : LEAT_ERR_IO;
    }
    for (int i = 0; i < count; i++) {
        unsigned readable = (events[i].events & ~(uint32_t)EPOLLOUT) != 0 ? LEAT_LOOP_READABLE : 0;
        unsigned writable = (events[i].events & EPOLLOUT) != 0 ? LEAT_LOOP_WRITABLE : 0;
        ready[i] = (leat_loop_ready){events[i].data.fd, readable | writable};
    }
    return count;
}
