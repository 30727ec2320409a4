/*
 * What `leat decode` keeps of a connection, and its keys: Initial keys from the client's first
 * destination CID (RFC 9001 §5.2), all others from the lines of a key log, which are found by the
 * client's random.
 */
#include "base/alloc.h"
#include "decode.h"
#include "parse.h"

static void init_side(decode_state *decoder, decode_side *side) {
    side->ack_delay_exponent = 3; /* RFC 9000 §18.2: the default. */
    for (int space = 0; space < LEAT_SPACE_COUNT; space++) {
        side->largest[space] = decoder->largest;
        leat_recv_buffer_init(&side->crypto[space], decoder->allocator, DECODE_AHEAD_MAX);
        leat_buffer_init(&side->message[space], decoder->allocator, DECODE_MESSAGE_MAX);
    }
}

static void clear_side(decode_state *decoder, decode_side *side) {
    for (int level = 0; level < LEAT_LEVEL_COUNT; level++) {
        leat_keys_discard(&side->keys[level]);
    }
    for (int space = 0; space < LEAT_SPACE_COUNT; space++) {
        leat_recv_buffer_clear(&side->crypto[space]);
        leat_buffer_clear(&side->message[space]);
    }
    for (size_t i = 0; i < DECODE_STREAMS_MAX; i++) {
        decode_stream_free(decoder, side->streams[i]);
    }
    leat_qpack_decoder_free(side->qpack);
}

static void free_connection(decode_state *decoder, decode_connection *connection) {
    clear_side(decoder, &connection->sides[CLIENT]);
    clear_side(decoder, &connection->sides[SERVER]);
    leat_free(decoder->allocator, connection);
}

static void free_oldest(decode_state *decoder) {
    decode_connection **place = &decoder->connections;
    while ((*place)->next != NULL) {
        place = &(*place)->next;
    }
    free_connection(decoder, *place);
    *place = NULL;
}

void decode_connections_free(decode_state *decoder) {
    while (decoder->connections != NULL) {
        free_oldest(decoder);
    }
}

decode_connection *decode_connection_new(
    decode_state *decoder, leat_span dcid, const leat_address *client, const leat_address *server) {
    if (decoder->connection_count >= DECODE_CONNECTIONS_MAX && decoder->connections != NULL) {
        free_oldest(decoder);
    }
    decode_connection *connection = leat_alloc(decoder->allocator, sizeof *connection);
    if (connection == NULL) {
        return NULL;
    }
    connection->number = ++decoder->connection_count;
    connection->addresses[CLIENT] = *client;
    connection->addresses[SERVER] = *server;
    connection->is_h3 = true; /* until ALPN says otherwise */
    leat_cid_from_span(&connection->original_dcid, dcid);
    leat_cid_from_span(&connection->first_dcid, dcid);
    init_side(decoder, &connection->sides[CLIENT]);
    init_side(decoder, &connection->sides[SERVER]);
    connection->next = decoder->connections;
    decoder->connections = connection;
    return connection;
}

void decode_remember_cid(decode_side *side, leat_span cid) {
    leat_cid copy;
    if (!leat_cid_from_span(&copy, cid)) {
        return;
    }
    for (size_t i = 0; i < side->cid_count && i < DECODE_CIDS_MAX; i++) {
        if (leat_cid_equal(&side->cids[i], &copy)) {
            return;
        }
    }
    side->cids[side->cid_count++ % DECODE_CIDS_MAX] = copy;
}

/* The next word of a line. */
static leat_span next_word(leat_span *line) {
    leat_span word = *line;
    for (word.length = 0; word.length < line->length && line->data[word.length] != ' ';) {
        word.length++;
    }
    size_t used = word.length < line->length ? word.length + 1 : word.length;
    *line = (leat_span){line->data + used, line->length - used};
    return word;
}

/* The bytes of a word of hex digits; 0: it is something else, or does not fit. */
static size_t read_hex(leat_span word, uint8_t *bytes, size_t room) {
    if (word.length % 2 != 0 || word.length / 2 > room) {
        return 0;
    }
    for (size_t i = 0; i < word.length; i += 2) {
        int high = parse_hex_digit(word.data[i]), low = parse_hex_digit(word.data[i + 1]);
        if (high < 0 || low < 0) {
            return 0;
        }
        bytes[i / 2] = (uint8_t)(high << 4 | low);
    }
    return word.length / 2;
}

static leat_span next_line(leat_span *text) {
    const uint8_t *end = text->length == 0 ? NULL : memchr(text->data, '\n', text->length);
    size_t length = end == NULL ? text->length : (size_t)(end - text->data);
    leat_span line = {text->data, length};
    size_t used = end == NULL ? length : length + 1;
    *text = (leat_span){text->data + used, text->length - used};
    if (length > 0 && line.data[length - 1] == '\r') {
        line.length--;
    }
    return line;
}

size_t decode_find_secret(leat_span key_log, const char *label, const uint8_t random[32],
                          uint8_t secret[LEAT_HASH_MAX]) {
    while (key_log.length > 0) {
        uint8_t found[32];
        leat_span line = next_line(&key_log);
        leat_span word = next_word(&line);
        if (word.length == strlen(label) && memcmp(word.data, label, word.length) == 0 &&
            read_hex(next_word(&line), found, sizeof found) == sizeof found &&
            memcmp(found, random, sizeof found) == 0) {
            return read_hex(next_word(&line), secret, LEAT_HASH_MAX);
        }
    }
    return 0;
}

/* One direction is all that is ever opened; a key update needs both, so the other is the same. */
static bool install(leat_keys *keys, uint32_t version, bool is_updatable,
                    const leat_cipher_suite *suite, const uint8_t *secret) {
    bool ok = leat_keys_install(keys, version, false, suite, secret);
    if (ok && is_updatable) {
        ok = leat_keys_install(keys, version, true, suite, secret) &&
             leat_keys_make_updatable(keys);
    }
    return ok;
}

static const char *install_initial(const decode_connection *connection, leat_keys *keys,
                                   decode_sender sender, uint32_t version) {
    leat_span dcid = leat_cid_span(&connection->original_dcid);
    bool ok = leat_keys_install_initial(keys, version, dcid, sender == SERVER);
    return ok ? NULL : "the Initial keys cannot be derived";
}

static const char *const labels[LEAT_LEVEL_COUNT][2] = {
    [LEAT_LEVEL_EARLY] = {"CLIENT_EARLY_TRAFFIC_SECRET", "CLIENT_EARLY_TRAFFIC_SECRET"},
    [LEAT_LEVEL_HANDSHAKE] =
        {"CLIENT_HANDSHAKE_TRAFFIC_SECRET", "SERVER_HANDSHAKE_TRAFFIC_SECRET"},
    [LEAT_LEVEL_APPLICATION] = {"CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0"},
};

static const char *install_logged(decode_state *decoder, decode_connection *connection,
                                  leat_keys *keys, decode_sender sender, leat_level level,
                                  uint32_t version) {
    uint8_t secret[LEAT_HASH_MAX];
    const leat_cipher_suite *suite = connection->suite;
    bool is_application = level == LEAT_LEVEL_APPLICATION;
    if (is_application && decoder->suite != NULL) {
        bool ok = install(keys, version, true, decoder->suite, decoder->secret.data);
        return ok ? NULL : "the keys of --secret cannot be derived";
    }
    if (decoder->key_log.length == 0) {
        return "no key log was given";
    }
    if (!connection->has_random) {
        return "the ClientHello was not seen, so its key log lines cannot be found";
    }
    size_t length = decode_find_secret(
        decoder->key_log, labels[level][sender], connection->client_random, secret);
    if (length == 0) {
        return "the key log has no line for this connection and encryption level";
    }
    if (suite == NULL && level == LEAT_LEVEL_EARLY) {
        /* RFC 8446 §4.2.11: the ticket fixed the hash; which cipher it named is not visible. */
        suite = leat_cipher_suite_find(length == 32 ? 0x1301 : 0x1302);
    }
    if (suite == NULL) {
        return "the ServerHello was not seen, so the cipher suite is not known";
    }
    if (length != leat_hash_size(suite->hash)) {
        return "the secret in the key log is not as long as the cipher suite's hash";
    }
    bool ok = install(keys, version, is_application, suite, secret);
    return ok ? NULL : "the keys cannot be derived";
}

/* RFC 9369 §4.1: short headers do not say their version; it is what the server settled on. */
static uint32_t version_of(decode_connection *connection, decode_sender sender,
                           const leat_packet_header *header) {
    if (header->type == LEAT_PACKET_ONE_RTT) {
        return connection->version != 0 ? connection->version : LEAT_VERSION_1;
    }
    if (sender == SERVER) {
        connection->version = header->version;
    }
    return header->version;
}

leat_keys *decode_keys(decode_state *decoder, decode_connection *connection, decode_sender sender,
                       const leat_packet_header *header, const char **why) {
    static const leat_level levels[] = {
        [LEAT_PACKET_INITIAL] = LEAT_LEVEL_INITIAL,
        [LEAT_PACKET_ZERO_RTT] = LEAT_LEVEL_EARLY,
        [LEAT_PACKET_HANDSHAKE] = LEAT_LEVEL_HANDSHAKE,
        [LEAT_PACKET_ONE_RTT] = LEAT_LEVEL_APPLICATION,
    };
    leat_level level = levels[header->type];
    leat_keys *keys = &connection->sides[sender].keys[level];
    uint32_t version = version_of(connection, sender, header);
    *why = NULL;
    if (leat_keys_can_read(keys) && keys->version->version != version) {
        leat_keys_discard(keys);
    }
    if (!leat_keys_can_read(keys)) {
        *why = level == LEAT_LEVEL_INITIAL
                   ? install_initial(connection, keys, sender, version)
                   : install_logged(decoder, connection, keys, sender, level, version);
        if (*why != NULL) {
            leat_keys_discard(keys);
            return NULL;
        }
    }
    /* The rules for whoever answers an update (RFC 9001 §6.2) bind no onlooker. */
    keys->phase_first_sent = 0;
    return keys;
}
