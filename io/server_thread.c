/*
 * A server and its threads: what may be called from anywhere. The loop itself runs in one thread;
 * between threads there are a few atomics, and a mutex with a condition for those who wait for its
 * end.
 */
#include "io/server_group.h"

#include "base/alloc.h"

#include <signal.h>
#include <stdio.h>

leat_server_state leat_server_status(const leat_server *server) {
    return (leat_server_state)atomic_load(&((leat_server *)(uintptr_t)server)->status);
}

/* ---- running ---- */

/*
 * False: it runs already. What was asked before the very first run counts; leftovers of an earlier
 * run do not.
 */
static bool begin(leat_server *server) {
    pthread_mutex_lock(&server->mutex);
    int status = atomic_load(&server->status);
    bool may_run = status != LEAT_SERVER_RUNNING;
    if (may_run) {
        if (status != LEAT_SERVER_WAITING) {
            atomic_store(&server->stop_asked, LEAT_STOP_NOT_ASKED);
        }
        atomic_store(&server->stop_phase, LEAT_STOP_NONE);
        atomic_store(&server->status, LEAT_SERVER_RUNNING);
    }
    pthread_mutex_unlock(&server->mutex);
    return may_run;
}

static int run(leat_server *server) {
    int error = leat_server_loop(server);
    pthread_mutex_lock(&server->mutex);
    atomic_store(&server->status, error == LEAT_OK ? LEAT_SERVER_STOPPED : LEAT_SERVER_FAILED);
    pthread_cond_broadcast(&server->ended);
    pthread_mutex_unlock(&server->mutex);
    return error;
}

int leat_server_run(leat_server *server) { return begin(server) ? run(server) : LEAT_ERR_STATE; }

static void *run_thread(void *server) {
    (void)run(server);
    return NULL;
}

/* Signals are for the application's own threads: the new one inherits that they are blocked. */
static int create_thread(leat_server *server) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&server->thread, NULL, run_thread, server);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

static void join(leat_server *server) {
    pthread_mutex_lock(&server->mutex);
    bool has_thread = server->has_thread;
    server->has_thread = false;
    pthread_mutex_unlock(&server->mutex);
    if (has_thread) {
        pthread_join(server->thread, NULL);
    }
}

int leat_server_start(leat_server *server) {
    if (!begin(server)) {
        return LEAT_ERR_STATE;
    }
    join(server); /* of the run before */
    server->has_thread = create_thread(server) == 0;
    if (!server->has_thread) {
        atomic_store(&server->status, LEAT_SERVER_FAILED);
        return LEAT_ERR_IO;
    }
    return LEAT_OK;
}

/* ---- stopping ---- */

/* Nothing but atomics and a write to a pipe, as signal handlers may do. */
static void ask(leat_server *server, leat_stop_request request) {
    int status = atomic_load(&server->status);
    if (status == LEAT_SERVER_STOPPED || status == LEAT_SERVER_FAILED) {
        return;
    }
    int asked = atomic_load(&server->stop_asked);
    while (asked < (int)request &&
           !atomic_compare_exchange_weak(&server->stop_asked, &asked, (int)request)) {}
    if (server->loop != NULL) {
        leat_loop_wake(server->loop);
    }
}

void leat_server_request_stop(leat_server *server) { ask(server, LEAT_STOP_GRACEFUL); }
void leat_server_request_abort(leat_server *server) { ask(server, LEAT_STOP_ABORT); }

static void say_what_hangs(leat_server *server, char *message) {
    const char *handler = atomic_load(&server->stack.busy);
    if (handler != NULL) {
        snprintf(message, LEAT_MESSAGE_MAX, "the handler %s does not return", handler);
    } else {
        snprintf(message, LEAT_MESSAGE_MAX, "%zu connections are still open (%s)",
                 atomic_load(&server->conn_count),
                 leat_stop_phase_name((leat_stop_phase)atomic_load(&server->stop_phase)));
    }
}

/* Whether it has ended before the deadline. */
static bool wait_for_end(leat_server *server, leat_time deadline) {
    leat_time end = leat_clock_now() + deadline;
    struct timespec when = {.tv_sec = (time_t)(end / LEAT_SECOND),
                            .tv_nsec = (long)(end % LEAT_SECOND)};
    int error = 0;
    pthread_mutex_lock(&server->mutex);
    while (error == 0 && atomic_load(&server->status) == LEAT_SERVER_RUNNING) {
        error = pthread_cond_timedwait(&server->ended, &server->mutex, &when);
    }
    bool has_ended = atomic_load(&server->status) != LEAT_SERVER_RUNNING;
    pthread_mutex_unlock(&server->mutex);
    return has_ended;
}

int leat_server_stop(leat_server *server, leat_time deadline, char message[LEAT_MESSAGE_MAX]) {
    if (atomic_load(&server->status) == LEAT_SERVER_WAITING) {
        return LEAT_OK;
    }
    leat_server_request_stop(server);
    if (!wait_for_end(server, deadline)) {
        if (message != NULL) {
            say_what_hangs(server, message);
        }
        return LEAT_ERR_TIMEOUT;
    }
    join(server);
    return LEAT_OK;
}

void leat_server_free(leat_server *server) {
    if (server == NULL) {
        return;
    }
    leat_server_request_abort(server); /* a thread of ours that still runs is not left behind */
    join(server);
    if (server->config.group != NULL) {
        leat_server_group_leave(server->config.group, server);
    }
    leat_endpoint_free(server->endpoint);
    for (size_t i = 0; i < server->socket_count; i++) {
        leat_udp_close(server->sockets[i]);
    }
    leat_loop_free(server->loop);
    leat_map_clear(&server->conns);
    leat_heap_clear(&server->idle_timers);
    pthread_cond_destroy(&server->ended);
    pthread_mutex_destroy(&server->mutex);
    leat_free(server->quic.allocator, server);
}
