/*
 * The workers of `leat serve`: servers of one group, each with a loop and a configuration of its
 * own. The first runs in the main thread. What they share is behind locks (store.c, the
 * certificates, the logs) or atomic (counts of sessions).
 */
#include "serve.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* How long a worker that was asked to stop may take beyond the drain: its phases after that. */
#define STOP_MARGIN (5 * LEAT_SECOND)

static void drop_identities(leat_identity *const *identities, size_t count) {
    for (size_t i = 0; i < count; i++) {
        leat_identity_free(identities[i]);
    }
}

/* References of its own to the certificates and the client_trust of now, in the worker's thread or
 * before it runs. */
static void take_certificates(serve_worker *worker) {
    serve_app *serve = worker->serve;
    leat_identity *before[OPTION_LIST_MAX];
    size_t count_before = worker->quic.identity_count, count;
    leat_trust *trust_before = worker->quic.client_trust;
    memcpy(before, worker->identities, sizeof before);
    pthread_mutex_lock(&serve->certificates_mutex);
    leat_identity *const *now = certificates_identities(serve->certificates, &count);
    for (size_t i = 0; i < count; i++) {
        worker->identities[i] = leat_identity_ref(now[i]);
    }
    worker->quic.client_trust = serve->quic.client_trust == NULL
                                    ? NULL
                                    : leat_trust_ref(serve->quic.client_trust);
    pthread_mutex_unlock(&serve->certificates_mutex);
    worker->quic.identities = worker->identities;
    worker->quic.identity_count = count;
    drop_identities(before, count_before);
    leat_trust_free(trust_before);
}

static void on_wake(void *user, int fd) {
    char drained[16];
    serve_worker *worker = user;
    if (read(fd, drained, sizeof drained) > 0) {
        take_certificates(worker);
        leat_server_set_quic_config(worker->server, &worker->quic);
    }
}

void workers_take_certificates(serve_app *serve) {
    for (size_t i = 0; i < serve->settings.workers; i++) {
        /* A full pipe has told it already. */
        ssize_t written = write(serve->workers[i].wake_write, "c", 1);
        (void)written;
    }
}

static bool open_pipe(serve_worker *worker) {
    int ends[2];
    if (pipe(ends) != 0) {
        return false;
    }
    worker->wake_read = ends[0];
    worker->wake_write = ends[1];
    return fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0 && fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0;
}

static bool open_worker(
    serve_worker *worker, const leat_server_config *shared, char message[LEAT_MESSAGE_MAX]) {
    leat_server_config config = *shared;
    worker->quic = worker->serve->quic;
    worker->quic.identity_count = 0;
    worker->quic.client_trust = NULL;
    take_certificates(worker);
    config.quic = &worker->quic;
    config.group = worker->serve->group;
    config.user = worker;
    worker->server = leat_server_new(&config, message);
    if (worker->server == NULL) {
        return false;
    }
    snprintf(message, LEAT_MESSAGE_MAX, "no pipe for a worker");
    return open_pipe(worker) &&
           leat_server_watch_fd(worker->server, worker->wake_read, on_wake, worker) == 0;
}

bool workers_open(
    serve_app *serve, const leat_server_config *config, char message[LEAT_MESSAGE_MAX]) {
    size_t count = serve->settings.workers;
    if (count > 1 && (serve->group = leat_server_group_new(count, message)) == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        serve->workers[i].serve = serve;
        if (!open_worker(&serve->workers[i], config, message)) {
            return false;
        }
    }
    return true;
}

int workers_run(serve_app *serve) {
    char message[LEAT_MESSAGE_MAX];
    bool is_good = true;
    for (size_t i = 1; i < serve->settings.workers; i++) {
        is_good = is_good && leat_server_start(serve->workers[i].server) == 0;
    }
    is_good = is_good && leat_server_run(serve->workers[0].server) == 0;
    for (size_t i = 1; i < serve->settings.workers; i++) {
        leat_time patience = serve->settings.drain + STOP_MARGIN;
        is_good = leat_server_stop(serve->workers[i].server, patience, message) == 0 && is_good;
    }
    return is_good ? 0 : 1;
}

void workers_request_stop(serve_app *serve) {
    for (size_t i = 0; i < serve->settings.workers; i++) {
        leat_server_request_stop(serve->workers[i].server);
    }
}

void workers_close(serve_app *serve) {
    for (size_t i = 0; i < serve->settings.workers; i++) {
        serve_worker *worker = &serve->workers[i];
        if (worker->server != NULL) {
            leat_server_free(worker->server);
        }
        if (worker->wake_write > 0) {
            close(worker->wake_read);
            close(worker->wake_write);
        }
        drop_identities(worker->identities, worker->quic.identity_count);
        leat_trust_free(worker->quic.client_trust);
    }
    leat_server_group_free(serve->group);
}
