/*
 * Servers that share their addresses, a thread each. The system spreads clients over their sockets
 * (SO_REUSEPORT); a datagram for a connection of another worker is copied into that one's mailbox,
 * a buffer under a mutex, and its loop is woken. Nothing else is shared between workers.
 */
#include "io/server_group.h"

#include "base/alloc.h"
#include "base/bytes.h"
#include "crypto/random.h"
#include "crypto/secret.h"

#include <stdio.h>
#include <string.h>

typedef struct mailbox {
    leat_server *owner;   /* NULL: not there, or gone */
    leat_buffer filling;  /* letters that wait */
    leat_buffer emptying; /* letters being read: its owner's alone */
} mailbox;

struct leat_server_group {
    pthread_mutex_t mutex; /* over owners and what is filling */
    uint8_t reset_key[32];
    leat_address addresses[LEAT_SERVER_SOCKETS]; /* of the first server */
    size_t address_count;
    size_t size, joined;
    mailbox mailboxes[];
};

/* What stands before the bytes of a train in a mailbox. */
typedef struct letter {
    size_t length, segment_size;
    leat_path path;
    uint8_t ecn;
} letter;

leat_server_group *leat_server_group_new(size_t size, char message[LEAT_MESSAGE_MAX]) {
    leat_server_group *group = NULL;
    const leat_random system = {0};
    if (size == 0 || size > LEAT_SERVER_GROUP_MAX) {
        snprintf(message, LEAT_MESSAGE_MAX, "a group has 1 to %d servers", LEAT_SERVER_GROUP_MAX);
        return NULL;
    }
    group = leat_alloc(NULL, sizeof *group + size * sizeof group->mailboxes[0]);
    if (group == NULL || !leat_random_bytes(&system, group->reset_key, sizeof group->reset_key) ||
        pthread_mutex_init(&group->mutex, NULL) != 0) {
        snprintf(message, LEAT_MESSAGE_MAX, "out of memory for a group of servers");
        leat_free(NULL, group);
        return NULL;
    }
    group->size = size;
    for (size_t i = 0; i < size; i++) {
        leat_buffer_init(&group->mailboxes[i].filling, NULL, LEAT_MAILBOX_MAX);
        leat_buffer_init(&group->mailboxes[i].emptying, NULL, LEAT_MAILBOX_MAX);
    }
    return group;
}

void leat_server_group_free(leat_server_group *group) {
    if (group == NULL) {
        return;
    }
    for (size_t i = 0; i < group->size; i++) {
        leat_buffer_clear(&group->mailboxes[i].filling);
        leat_buffer_clear(&group->mailboxes[i].emptying);
    }
    pthread_mutex_destroy(&group->mutex);
    leat_wipe(group->reset_key, sizeof group->reset_key);
    leat_free(NULL, group);
}

/* ---- between workers ---- */

/* True: it is the first one there, so that its owner may be asleep. */
static bool put_letter(leat_buffer *filling, const letter *head, const uint8_t *data) {
    bool was_empty = filling->length == 0;
    if (filling->limit - filling->length < sizeof *head + head->length ||
        leat_buffer_reserve(filling, sizeof *head + head->length) != LEAT_OK) {
        return false;
    }
    (void)leat_buffer_append(filling, head, sizeof *head);
    (void)leat_buffer_append(filling, data, head->length);
    return was_empty;
}

static void hand_over(void *user, unsigned worker, const uint8_t *data, size_t length,
                      size_t segment_size, const leat_path *path, uint8_t ecn) {
    leat_server_group *group = user;
    const letter head = {length, segment_size, *path, ecn};
    mailbox *box = &group->mailboxes[worker];
    pthread_mutex_lock(&group->mutex);
    if (box->owner != NULL && put_letter(&box->filling, &head, data)) {
        leat_loop_wake(box->owner->loop);
    }
    pthread_mutex_unlock(&group->mutex);
}

void leat_server_group_deliver(leat_server_group *group, leat_server *server) {
    mailbox *box = &group->mailboxes[server->worker];
    leat_buffer *letters = &box->emptying;
    pthread_mutex_lock(&group->mutex);
    const leat_buffer arrived = box->filling;
    box->filling = *letters;
    *letters = arrived;
    pthread_mutex_unlock(&group->mutex);
    for (size_t at = 0; at < letters->length;) {
        letter head;
        memcpy(&head, letters->data + at, sizeof head);
        at += sizeof head;
        leat_endpoint_receive_datagram(server->endpoint, letters->data + at, head.length,
                                       head.segment_size, &head.path, head.ecn, server->now);
        at += head.length;
    }
    leat_buffer_consume(letters, letters->length);
}

/* ---- who is in ---- */

bool leat_server_group_join(leat_server_group *group, leat_server *server,
                            leat_endpoint_config *endpoint) {
    pthread_mutex_lock(&group->mutex);
    bool has_room = group->joined < group->size;
    if (has_room) {
        server->worker = (unsigned)group->joined++;
        group->mailboxes[server->worker].owner = server;
    }
    pthread_mutex_unlock(&group->mutex);
    endpoint->reset_key = endpoint->reset_key != NULL ? endpoint->reset_key : group->reset_key;
    endpoint->worker_count = (unsigned)group->size;
    endpoint->worker = server->worker;
    endpoint->hand_over = hand_over;
    endpoint->hand_over_user = group;
    return has_room;
}

const leat_address *leat_server_group_addresses(const leat_server_group *group, size_t *count) {
    *count = group->address_count;
    return group->addresses;
}

void leat_server_group_share(leat_server_group *group, const leat_server *server) {
    if (group->address_count == 0) {
        for (size_t i = 0; i < server->socket_count; i++) {
            group->addresses[group->address_count++] = *leat_udp_local(server->sockets[i]);
        }
    }
}

void leat_server_group_leave(leat_server_group *group, leat_server *server) {
    pthread_mutex_lock(&group->mutex);
    if (group->mailboxes[server->worker].owner == server) {
        group->mailboxes[server->worker].owner = NULL;
    }
    pthread_mutex_unlock(&group->mutex);
}
