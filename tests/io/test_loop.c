/* The loop with both of its ways to wait; pipes stand for sockets. */
#include "leat_test.h"

#include "io/loop.h"

#include <leat/io.h>

#include <pthread.h>
#include <unistd.h>

static const leat_loop_kind kinds[] = {LEAT_LOOP_BEST, LEAT_LOOP_POLL};

typedef struct seen {
    leat_loop *loop;
    int calls;
    unsigned ready;
    bool unwatch;
} seen;

static void on_ready(void *user, int fd, unsigned ready) {
    seen *it = user;
    char byte;
    it->calls++;
    it->ready = ready;
    if ((ready & LEAT_LOOP_READABLE) != 0) {
        ck_assert_int_eq(read(fd, &byte, 1), 1);
    }
    if (it->unwatch) {
        leat_loop_unwatch(it->loop, fd);
    }
}

START_TEST(a_readable_descriptor_is_called_until_it_is_read) {
    for (size_t i = 0; i < 2; i++) {
        int ends[2];
        seen it = {.loop = leat_loop_new(kinds[i])};
        ck_assert_int_eq(pipe(ends), 0);
        ck_assert_int_eq(leat_loop_watch(it.loop, ends[0], on_ready, &it), LEAT_OK);
        ck_assert_int_eq(leat_loop_wait(it.loop, 0), LEAT_OK);
        ck_assert_int_eq(it.calls, 0);
        ck_assert_int_eq(write(ends[1], "ab", 2), 2);
        leat_loop_wait(it.loop, LEAT_SECOND);
        leat_loop_wait(it.loop, LEAT_SECOND);
        leat_loop_wait(it.loop, 0);
        ck_assert_int_eq(it.calls, 2);
        ck_assert_uint_eq(it.ready, LEAT_LOOP_READABLE);
        leat_loop_free(it.loop);
        close(ends[0]);
        close(ends[1]);
    }
}
END_TEST

START_TEST(writability_is_told_only_while_wanted) {
    for (size_t i = 0; i < 2; i++) {
        int ends[2];
        seen it = {.loop = leat_loop_new(kinds[i])};
        ck_assert_int_eq(pipe(ends), 0);
        leat_loop_watch(it.loop, ends[1], on_ready, &it);
        leat_loop_wait(it.loop, 0);
        ck_assert_int_eq(it.calls, 0);
        ck_assert_int_eq(leat_loop_want_writable(it.loop, ends[1], true), LEAT_OK);
        leat_loop_wait(it.loop, 0);
        ck_assert_int_eq(it.calls, 1);
        ck_assert_uint_eq(it.ready, LEAT_LOOP_WRITABLE);
        leat_loop_want_writable(it.loop, ends[1], false);
        leat_loop_wait(it.loop, 0);
        ck_assert_int_eq(it.calls, 1);
        leat_loop_free(it.loop);
        close(ends[0]);
        close(ends[1]);
    }
}
END_TEST

START_TEST(a_callback_may_take_descriptors_out) {
    for (size_t i = 0; i < 2; i++) {
        int ends[2];
        seen it = {.loop = leat_loop_new(kinds[i]), .unwatch = true};
        ck_assert_int_eq(pipe(ends), 0);
        leat_loop_watch(it.loop, ends[0], on_ready, &it);
        ck_assert_int_eq(write(ends[1], "ab", 2), 2);
        leat_loop_wait(it.loop, 0);
        leat_loop_wait(it.loop, 0);
        ck_assert_int_eq(it.calls, 1);
        leat_loop_free(it.loop);
        close(ends[0]);
        close(ends[1]);
    }
}
END_TEST

START_TEST(a_wait_ends_at_its_time) {
    for (size_t i = 0; i < 2; i++) {
        leat_loop *loop = leat_loop_new(kinds[i]);
        leat_time before = leat_clock_now();
        leat_loop_wait(loop, 20 * LEAT_MILLISECOND);
        leat_time passed = leat_clock_now() - before;
        ck_assert_uint_ge(passed, 19 * LEAT_MILLISECOND);
        ck_assert_uint_lt(passed, 2 * LEAT_SECOND);
        leat_loop_free(loop);
    }
}
END_TEST

static void *wake(void *loop) {
    usleep(20000);
    leat_loop_wake(loop);
    return NULL;
}

START_TEST(another_thread_can_wake_it) {
    for (size_t i = 0; i < 2; i++) {
        pthread_t thread;
        leat_loop *loop = leat_loop_new(kinds[i]);
        ck_assert_int_eq(pthread_create(&thread, NULL, wake, loop), 0);
        leat_time before = leat_clock_now();
        leat_loop_wait(loop, 20 * LEAT_SECOND);
        ck_assert_uint_lt(leat_clock_now() - before, 10 * LEAT_SECOND);
        pthread_join(thread, NULL);
        for (int j = 0; j < 100000; j++) {
            leat_loop_wake(loop); /* more than a pipe holds: none of them blocks */
        }
        leat_loop_free(loop);
    }
}
END_TEST

START_TEST(a_descriptor_is_watched_once_and_the_table_is_bounded) {
    int ends[2];
    seen it = {.loop = leat_loop_new(LEAT_LOOP_POLL)};
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(leat_loop_watch(it.loop, ends[0], on_ready, &it), LEAT_OK);
    ck_assert_int_eq(leat_loop_watch(it.loop, ends[0], on_ready, &it), LEAT_ERR_FULL);
    int watched = 0;
    while (leat_loop_watch(it.loop, 5000 + watched, on_ready, &it) == LEAT_OK) {
        watched++;
    }
    ck_assert_int_eq(watched, LEAT_LOOP_WATCHES - 2); /* the loop's own pipe, and ours */
    ck_assert_int_eq(leat_loop_want_writable(it.loop, 4999, true), LEAT_ERR_INVALID);
    leat_loop_free(it.loop);
    close(ends[0]);
    close(ends[1]);
}
END_TEST

LEAT_TEST_MAIN("io loop", a_readable_descriptor_is_called_until_it_is_read,
               writability_is_told_only_while_wanted, a_callback_may_take_descriptors_out,
               a_wait_ends_at_its_time, another_thread_can_wake_it,
               a_descriptor_is_watched_once_and_the_table_is_bounded)
