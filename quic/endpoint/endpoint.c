/*
 * The endpoint: makes connections, finds the one a datagram belongs to (RFC 9000 §5.2) and gives
 * them back. What needs no connection is in accept.c, replies.c and stateless_reset.c; how
 * connection IDs come to be is in routes.c. No I/O, no walk over all connections on any packet or
 * timer.
 */
#include "quic/endpoint/endpoint.h"

#include "base/alloc.h"
#include "crypto/hash.h"
#include "crypto/secret.h"

#include <string.h>

#define DEFAULT_CONNECTION_ID_LENGTH 8
#define DEFAULT_RETRY_ABOVE_HANDSHAKES 1000
#define DEFAULT_MAX_CONNECTIONS 100000
#define DEFAULT_MAX_HANDSHAKES 5000

void leat_endpoint_config_init(leat_endpoint_config *config) {
    *config = (leat_endpoint_config){
        .size = sizeof *config,
        .connection_id_length = DEFAULT_CONNECTION_ID_LENGTH,
        .retry_above_handshakes = DEFAULT_RETRY_ABOVE_HANDSHAKES,
        .max_connections = DEFAULT_MAX_CONNECTIONS,
        .max_handshakes = DEFAULT_MAX_HANDSHAKES,
        .worker_count = 1,
    };
}

static bool is_config_valid(const leat_endpoint_config *config) {
    /*
     * RFC 9000 §5.1: without connection IDs only the addresses tell connections apart, too little
     * for a server.
     */
    return config->size == sizeof *config && config->connection_id_length <= LEAT_CID_MAX &&
           (config->server == NULL || config->connection_id_length > 0) &&
           config->worker_count <= LEAT_WORKERS_MAX &&
           (config->worker_count <= 1 || (config->worker < config->worker_count &&
                                          config->connection_id_length >= LEAT_CLIENT_DCID_MIN));
}

/* RFC 9000 §10.3.2: everything that must outlive a restart is derived from one static key. */
static int derive_secrets(leat_endpoint *endpoint) {
    static const char reset_label[] = "leat stateless reset", token_label[] = "leat address token",
                      worker_label[] = "leat worker number";
    uint8_t key[32], token_secret[32];
    if (endpoint->config.reset_key != NULL) {
        memcpy(key, endpoint->config.reset_key, sizeof key);
    } else if (!leat_random_bytes(&endpoint->random, key, sizeof key)) {
        return LEAT_ERR_RANDOM;
    }
    leat_span reset_info = {(const uint8_t *)reset_label, sizeof reset_label - 1};
    leat_span token_info = {(const uint8_t *)token_label, sizeof token_label - 1};
    leat_span worker_info = {(const uint8_t *)worker_label, sizeof worker_label - 1};
    if (leat_hkdf_expand(LEAT_HASH_SHA256, key, sizeof key, reset_info, endpoint->reset_secret,
                         sizeof endpoint->reset_secret) &&
        leat_hkdf_expand(LEAT_HASH_SHA256, key, sizeof key, worker_info, endpoint->worker_key,
                         sizeof endpoint->worker_key) &&
        leat_hkdf_expand(LEAT_HASH_SHA256, key, sizeof key, token_info, token_secret,
                         sizeof token_secret)) {
        endpoint->token_keys = leat_token_keys_new(endpoint->config.allocator, token_secret);
    }
    leat_wipe(key, sizeof key);
    leat_wipe(token_secret, sizeof token_secret);
    return endpoint->token_keys == NULL ? LEAT_ERR_NOMEM : LEAT_OK;
}

static int set_up(leat_endpoint *endpoint) {
    uint8_t hash_keys[3][16];
    const leat_allocator *allocator = endpoint->config.allocator;
    /* Attack A19: peers choose what is looked up here, so the hashes are keyed. */
    if (!leat_random_bytes(&endpoint->random, hash_keys, sizeof hash_keys)) {
        return LEAT_ERR_RANDOM;
    }
    leat_map_init(&endpoint->entries, allocator, hash_keys[0]);
    leat_map_init(&endpoint->routes, allocator, hash_keys[1]);
    leat_map_init(&endpoint->reset_tokens, allocator, hash_keys[2]);
    leat_wipe(hash_keys, sizeof hash_keys);
    leat_heap_init(&endpoint->timers, allocator);
    leat_list_init(&endpoint->all);
    leat_list_init(&endpoint->ready);
    leat_ring_init(&endpoint->replies, allocator, sizeof(leat_reply), LEAT_REPLY_QUEUE);
    endpoint->reply_rate.tokens = LEAT_REPLY_BURST;
    leat_spent_tokens_init(&endpoint->spent_tokens, allocator);
    return derive_secrets(endpoint);
}

leat_endpoint *leat_endpoint_new(const leat_endpoint_config *config, int *error) {
    int ignored;
    error = error == NULL ? &ignored : error;
    if (!is_config_valid(config)) {
        *error = LEAT_ERR_INVALID;
        return NULL;
    }
    leat_endpoint *endpoint = leat_alloc(config->allocator, sizeof *endpoint);
    if (endpoint == NULL) {
        *error = LEAT_ERR_NOMEM;
        return NULL;
    }
    endpoint->config = *config;
    endpoint->random = (leat_random){config->random, config->random_user};
    *error = set_up(endpoint);
    if (*error != LEAT_OK) {
        leat_free(config->allocator, endpoint);
        return NULL;
    }
    return endpoint;
}

void leat_endpoint_free(leat_endpoint *endpoint) {
    if (endpoint == NULL) {
        return;
    }
    LEAT_LIST_FOR_EACH (node, following, &endpoint->all) {
        leat_endpoint_entry_free(LEAT_CONTAINER_OF(node, leat_endpoint_entry, link));
    }
    const leat_allocator *allocator = endpoint->config.allocator;
    leat_map_clear(&endpoint->entries);
    leat_map_clear(&endpoint->routes);
    leat_map_clear(&endpoint->reset_tokens);
    leat_heap_clear(&endpoint->timers);
    leat_ring_clear(&endpoint->replies);
    leat_token_keys_free(endpoint->token_keys);
    leat_spent_tokens_clear(&endpoint->spent_tokens);
    leat_wipe(endpoint->reset_secret, sizeof endpoint->reset_secret);
    leat_wipe(endpoint->worker_key, sizeof endpoint->worker_key);
    leat_free(allocator, endpoint);
}

void leat_endpoint_set_server_config(leat_endpoint *endpoint, const leat_config *server) {
    endpoint->config.server = server;
}

/* ---- entries ---- */

leat_endpoint_entry *leat_endpoint_entry_new(leat_endpoint *endpoint, const leat_address *remote) {
    /* Room in the heap is taken here, so that arming a timer later cannot fail. */
    if (leat_heap_reserve(&endpoint->timers, endpoint->entries.count + 1) != LEAT_OK) {
        return NULL;
    }
    leat_endpoint_entry *entry = leat_alloc(endpoint->config.allocator, sizeof *entry);
    if (entry != NULL) {
        entry->endpoint = endpoint;
        entry->remote = *remote;
        leat_list_push_back(&endpoint->all, &entry->link);
        leat_list_init(&entry->ready);
        leat_list_init(&entry->keys);
        leat_endpoint_hook_owner(entry);
    }
    return entry;
}

int leat_endpoint_entry_adopt(leat_endpoint_entry *entry, leat_conn *conn) {
    int error = leat_map_set_u64(&entry->endpoint->entries, (uint64_t)(uintptr_t)conn, entry);
    if (error == LEAT_OK) {
        entry->conn = conn;
    }
    return error;
}

void leat_endpoint_entry_free(leat_endpoint_entry *entry) {
    leat_endpoint *endpoint = entry->endpoint;
    if (entry->is_handshaking) {
        endpoint->handshakes--;
    }
    if (entry->conn != NULL) {
        leat_map_remove_u64(&endpoint->entries, (uint64_t)(uintptr_t)entry->conn);
        leat_conn_free(entry->conn);
    }
    leat_endpoint_remove_keys(entry);
    leat_heap_remove(&endpoint->timers, &entry->timer);
    leat_list_remove(&entry->ready);
    leat_list_remove(&entry->link);
    leat_free(endpoint->config.allocator, entry);
}

leat_endpoint_entry *leat_endpoint_find(const leat_endpoint *endpoint, const leat_conn *conn) {
    return leat_map_get_u64(&endpoint->entries, (uint64_t)(uintptr_t)conn);
}

leat_conn *leat_endpoint_connect(leat_endpoint *endpoint, const leat_config *config,
                                 const leat_path *path, leat_time now, int *error) {
    int ignored;
    error = error == NULL ? &ignored : error;
    if (!config->is_client || endpoint->entries.count >= endpoint->config.max_connections) {
        *error = config->is_client ? LEAT_ERR_FULL : LEAT_ERR_INVALID;
        return NULL;
    }
    leat_endpoint_entry *entry = leat_endpoint_entry_new(endpoint, &path->remote);
    if (entry == NULL) {
        *error = LEAT_ERR_NOMEM;
        return NULL;
    }
    leat_conn *conn = leat_conn_create(config, &entry->owner, NULL, path, now, error);
    if (conn != NULL && (*error = leat_endpoint_entry_adopt(entry, conn)) != LEAT_OK) {
        leat_conn_free(conn);
        conn = NULL;
    }
    if (conn == NULL || (*error = leat_conn_connect(conn, path, now)) != LEAT_OK) {
        leat_endpoint_entry_free(entry);
        return NULL;
    }
    leat_endpoint_mark_ready(entry);
    return conn;
}

void leat_endpoint_release(leat_endpoint *endpoint, leat_conn *conn) {
    leat_endpoint_entry *entry = leat_endpoint_find(endpoint, conn);
    if (entry != NULL) {
        leat_endpoint_entry_free(entry);
    }
}

size_t leat_endpoint_connection_count(const leat_endpoint *endpoint) {
    return endpoint->entries.count;
}

leat_conn *leat_endpoint_next_connection(leat_endpoint *endpoint, size_t *cursor) {
    leat_endpoint_entry *entry = leat_map_next(&endpoint->entries, cursor);
    return entry == NULL ? NULL : entry->conn;
}

/* ---- datagrams ---- */

void leat_endpoint_drop(leat_endpoint *endpoint, const leat_endpoint_datagram *datagram,
                        leat_drop reason) {
    endpoint->drops[reason]++;
    const leat_config *server = endpoint->config.server;
    if (server == NULL || server->trace == NULL || server->trace->on_record == NULL) {
        return;
    }
    const char *name = leat_drop_name(reason), *trigger = leat_drop_trigger(reason);
    leat_trace_field fields[] = {
        {.name = "reason",
         .kind = LEAT_TRACE_TEXT,
         .bytes = {(const uint8_t *)name, strlen(name)}},
        {.name = "trigger",
         .kind = LEAT_TRACE_TEXT,
         .bytes = {(const uint8_t *)trigger, strlen(trigger)}},

        {.name = "length", .kind = LEAT_TRACE_INTEGER, .integer = datagram->bytes.length},
    };
    leat_trace_record record = {.time = datagram->now,
                                .category = "quic",
                                .name = "packet_dropped",
                                .fields = fields,
                                .field_count = sizeof fields / sizeof fields[0]};
    leat_packet_dcid(datagram->bytes, endpoint->config.connection_id_length, &record.connection);
    server->trace->on_record(server->trace->user, &record);
}

/* A datagram of no known connection. Returns the connection it opened, or NULL. */
static leat_endpoint_entry *on_unrouted(leat_endpoint *endpoint,
                                        const leat_endpoint_datagram *datagram) {
    if (datagram->bytes.length == 0) {
        leat_endpoint_drop(endpoint, datagram, LEAT_DROP_TOO_SHORT);
        return NULL;
    }
    bool has_long_header = (datagram->bytes.data[0] & 0x80) != 0;
    if (has_long_header) {
        return leat_endpoint_accept(endpoint, datagram);
    }
    leat_endpoint_on_unknown_packet(endpoint, datagram);
    return NULL;
}

/*
 * The bytes of the datagrams from `offset` on that belong to entry too: they are given over in one
 * call.
 */
static size_t run_length(const leat_endpoint *endpoint, const leat_endpoint_entry *entry,
                         leat_span train, size_t offset, size_t segment_size,
                         const leat_path *path) {
    size_t end = offset;
    while (end < train.length) {
        size_t left = train.length - end;
        leat_span datagram = {train.data + end, left < segment_size ? left : segment_size};
        if (end > offset && leat_endpoint_route(endpoint, datagram, path) != entry) {
            break;
        }
        end += datagram.length;
    }
    return end - offset;
}

/* An Initial that opens nothing must leave nothing behind: the connection it made is taken back. */
static bool is_stillborn(const leat_endpoint_entry *entry) {
    leat_stats stats = {.size = sizeof stats};
    leat_conn_get_stats(entry->conn, &stats);
    return stats.packets_received == 0;
}

void leat_endpoint_receive_datagram(leat_endpoint *endpoint, uint8_t *data, size_t length,
                                    size_t segment_size, const leat_path *path, uint8_t ecn,
                                    leat_time now) {
    leat_span train = {data, length};
    size_t segment = segment_size == 0 ? length : segment_size;
    for (size_t offset = 0; offset < length;) {
        size_t left = length - offset, run = left < segment ? left : segment;
        leat_endpoint_datagram datagram = {{data + offset, run}, path, now};
        leat_endpoint_entry *entry = leat_endpoint_route(endpoint, datagram.bytes, path);
        bool is_new = entry == NULL;
        size_t handed = is_new ? leat_endpoint_hand_over(endpoint, data + offset, left, segment,
                                                         path, ecn)
                               : 0;
        if (handed > 0) {
            offset += handed;
            continue;
        }
        if (is_new) {
            entry = on_unrouted(endpoint, &datagram);
        }
        if (entry != NULL) {
            run = run_length(endpoint, entry, train, offset, segment, path);
            leat_conn_receive_datagram(entry->conn, data + offset, run, run > segment ? segment : 0,
                                       path, ecn, now);
            if (is_new && is_stillborn(entry)) {
                leat_endpoint_drop(endpoint, &datagram, LEAT_DROP_AUTHENTICATION);
                leat_endpoint_entry_free(entry);
            } else {
                leat_endpoint_mark_ready(entry);
            }
        }
        offset += run;
    }
}

size_t leat_endpoint_datagrams_to_send(leat_endpoint *endpoint, leat_conn *conn, uint8_t *buffer,
                                       size_t capacity, leat_transmit *transmit, leat_time now) {
    if (conn == NULL) {
        return leat_endpoint_next_reply(endpoint, buffer, capacity, transmit);
    }
    size_t length = leat_conn_datagrams_to_send(conn, buffer, capacity, transmit, now);
    if (length == 0) {
        leat_endpoint_entry *entry = leat_endpoint_find(endpoint, conn);
        if (entry != NULL) {
            leat_endpoint_settle_handshake(entry);
            leat_endpoint_arm_timer(entry);
        }
    }
    return length;
}
