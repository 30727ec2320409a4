/*
 * Who a packet belongs to: RFC 9000 §5.1 and §5.2. Connections get their connection IDs from here
 * and tell which stateless reset tokens their peers use. Keys of both kinds are kept per entry, so
 * that none outlives its connection.
 */
#include "quic/endpoint/endpoint.h"

#include "base/alloc.h"

#include <string.h>

static void free_key(leat_endpoint_key *key) {
    leat_list_remove(&key->link);
    key->entry->key_count--;
    leat_map_remove(key->map, key->bytes, key->length);
    leat_free(key->entry->endpoint->config.allocator, key);
}

static int add_key(leat_endpoint_entry *entry, leat_map *map, leat_span bytes) {
    if (bytes.length > LEAT_MAP_KEY_MAX || entry->key_count >= LEAT_KEYS_PER_CONNECTION) {
        return LEAT_ERR_FULL;
    }
    if (leat_map_get(map, bytes.data, bytes.length) != NULL) {
        return LEAT_ERR_STATE;
    }
    const leat_allocator *allocator = entry->endpoint->config.allocator;
    leat_endpoint_key *key = leat_alloc(allocator, sizeof *key);
    if (key == NULL || leat_map_set(map, bytes.data, bytes.length, key) != LEAT_OK) {
        leat_free(allocator, key);
        return LEAT_ERR_NOMEM;
    }
    key->map = map;
    key->entry = entry;
    key->length = (uint8_t)bytes.length;
    memcpy(key->bytes, bytes.data, bytes.length);
    leat_list_push_back(&entry->keys, &key->link);
    entry->key_count++;
    return LEAT_OK;
}

/*
 * Only what belongs to entry: a peer that names a token of another connection takes nothing away
 * from it.
 */
static void remove_key(leat_endpoint_entry *entry, const leat_map *map, leat_span bytes) {
    leat_endpoint_key *key = leat_map_get(map, bytes.data, bytes.length);
    if (key != NULL && key->entry == entry) {
        free_key(key);
    }
}

void leat_endpoint_remove_keys(leat_endpoint_entry *entry) {
    LEAT_LIST_FOR_EACH (node, following, &entry->keys) {
        free_key(LEAT_CONTAINER_OF(node, leat_endpoint_key, link));
    }
}

int leat_endpoint_add_route(leat_endpoint_entry *entry, leat_span cid) {
    return add_key(entry, &entry->endpoint->routes, cid);
}

/*
 * RFC 9000 §5.2: packets with an empty connection ID are matched by address: the peer's, as each of
 * ours has one peer.
 */
static leat_span address_key(const leat_address *remote, uint8_t key[LEAT_MAP_KEY_MAX]) {
    leat_writer writer = leat_writer_make(key, LEAT_MAP_KEY_MAX);
    leat_write_u8(&writer, remote->family);
    leat_write_u16(&writer, remote->port);
    leat_write_bytes(&writer, remote->ip, sizeof remote->ip);
    return (leat_span){key, leat_writer_length(&writer)};
}

leat_endpoint_entry *leat_endpoint_route(const leat_endpoint *endpoint, leat_span packet,
                                         const leat_path *path) {
    leat_span dcid;
    uint8_t address[LEAT_MAP_KEY_MAX];
    if (!leat_packet_dcid(packet, endpoint->config.connection_id_length, &dcid) ||
        dcid.length > LEAT_CID_MAX) {
        return NULL;
    }
    if (endpoint->config.connection_id_length == 0) {
        dcid = address_key(&path->remote, address);
    }
    const leat_endpoint_key *key = leat_map_get(&endpoint->routes, dcid.data, dcid.length);
    return key == NULL ? NULL : key->entry;
}

/* ---- hooks of the connections ---- */

/* RFC 9000 §5.1-1: random, so that nobody outside can link two of them. */
static bool issue_random_cid(leat_endpoint_entry *entry, leat_cid *cid) {
    cid->length = (uint8_t)entry->owner.cid_length;
    for (int draw = 0; draw < LEAT_CID_DRAWS; draw++) {
        if (!leat_random_bytes(&entry->endpoint->random, cid->bytes, cid->length)) {
            return false;
        }
        leat_endpoint_mark_worker(entry->endpoint, cid);
        int error = leat_endpoint_add_route(entry, leat_cid_span(cid));
        if (error != LEAT_ERR_STATE) {
            return error == LEAT_OK;
        }
    }
    return false;
}

static bool on_issue_cid(void *user, leat_conn *conn, leat_cid *cid,
                         uint8_t reset_token[LEAT_RESET_TOKEN]) {
    (void)conn;
    leat_endpoint_entry *entry = user;
    leat_endpoint *endpoint = entry->endpoint;
    *cid = (leat_cid){0};
    if (entry->owner.cid_length == 0) {
        /*
         * RFC 9000 §5.1-3: two connections with empty IDs cannot share a peer: the second is
         * refused here.
         */
        uint8_t address[LEAT_MAP_KEY_MAX];
        return leat_random_bytes(&endpoint->random, reset_token, LEAT_RESET_TOKEN) &&
               leat_endpoint_add_route(entry, address_key(&entry->remote, address)) == LEAT_OK;
    }
    if (!issue_random_cid(entry, cid)) {
        return false;
    }
    if (!leat_endpoint_reset_token(endpoint, leat_cid_span(cid), reset_token)) {
        remove_key(entry, &endpoint->routes, leat_cid_span(cid));
        return false;
    }
    return true;
}

static void on_retire_cid(void *user, leat_conn *conn, const leat_cid *cid) {
    (void)conn;
    leat_endpoint_entry *entry = user;
    if (cid->length > 0) {
        remove_key(entry, &entry->endpoint->routes, leat_cid_span(cid));
    }
}

/*
 * Without memory for it a reset goes unnoticed and the idle timeout ends the connection: no reason
 * to fail here.
 */
static void on_watch_reset_token(void *user, leat_conn *conn, const uint8_t token[LEAT_RESET_TOKEN],
                                 bool watch) {
    (void)conn;
    leat_endpoint_entry *entry = user;
    leat_span bytes = {token, LEAT_RESET_TOKEN};
    if (watch) {
        (void)add_key(entry, &entry->endpoint->reset_tokens, bytes);
    } else {
        remove_key(entry, &entry->endpoint->reset_tokens, bytes);
    }
}

void leat_endpoint_hook_owner(leat_endpoint_entry *entry) {
    entry->owner = (leat_conn_owner){
        .user = entry,
        .cid_length = entry->endpoint->config.connection_id_length,
        .issue_cid = on_issue_cid,
        .retire_cid = on_retire_cid,
        .watch_reset_token = on_watch_reset_token,
    };
}
