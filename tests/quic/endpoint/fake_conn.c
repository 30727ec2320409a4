/* See fake_conn.h. */
#include "fake_conn.h"

#include "base/alloc.h"

size_t fake_conns_alive;
leat_conn *fake_last_conn;

leat_conn *leat_conn_create(const leat_config *config, const leat_conn_owner *owner,
                            const leat_conn_origin *origin, const leat_path *path, leat_time now,
                            int *error) {
    (void)now;
    leat_conn *conn = leat_alloc(config->allocator, sizeof *conn);
    if (conn == NULL) {
        *error = LEAT_ERR_NOMEM;
        return NULL;
    }
    conn->config = *config;
    conn->owner = *owner;
    conn->is_server = origin != NULL;
    if (origin != NULL) {
        conn->origin = *origin;
    }
    conn->path = *path;
    conn->timer = LEAT_TIME_NEVER;
    if (!owner->issue_cid(owner->user, conn, &conn->cid, conn->reset_token)) {
        *error = LEAT_ERR_RANDOM;
        leat_free(config->allocator, conn);
        return NULL;
    }
    fake_conns_alive++;
    fake_last_conn = conn;
    return conn;
}

void leat_conn_free(leat_conn *conn) {
    fake_conns_alive--;
    leat_free(conn->config.allocator, conn);
}

int leat_conn_connect(leat_conn *conn, const leat_path *path, leat_time now) {
    (void)path;
    (void)now;
    conn->to_send = 1;
    return LEAT_OK;
}

int leat_conn_receive_datagram(leat_conn *conn, uint8_t *data, size_t length, size_t segment_size,
                               const leat_path *path, uint8_t ecn, leat_time now) {
    (void)ecn;
    (void)now;
    conn->received++;
    conn->received_bytes += length;
    conn->last_segment_size = segment_size;
    conn->last_path = *path;
    conn->packets_received += memcmp(data + length - 3, "bad", 3) == 0 ? 0 : 1;
    memset(data, 0, length); /* opened in place: nobody may look at it any more */
    return LEAT_OK;
}

size_t leat_conn_datagrams_to_send(leat_conn *conn, uint8_t *buffer, size_t capacity,
                                   leat_transmit *transmit, leat_time now) {
    (void)capacity;
    (void)now;
    if (conn->to_send == 0) {
        return 0;
    }
    conn->to_send--;
    memset(buffer, 0x55, 100);
    *transmit = (leat_transmit){.path = conn->path, .segment_size = 100};
    return 100;
}

leat_time leat_conn_get_timer(const leat_conn *conn) { return conn->timer; }
void leat_conn_handle_timer(leat_conn *conn, leat_time now) {
    (void)now;
    conn->timers_handled++;
}
bool leat_conn_is_terminating(const leat_conn *conn) { return conn->is_terminating; }
bool leat_conn_is_handshake_complete(const leat_conn *conn) { return conn->is_complete; }
bool leat_conn_is_path_validated(const leat_conn *conn) { return !conn->is_path_unvalidated; }
uint32_t leat_conn_version(const leat_conn *conn) { return conn->origin.version; }
const leat_path *leat_conn_path(const leat_conn *conn) { return &conn->path; }
void leat_conn_get_stats(const leat_conn *conn, leat_stats *stats) {
    stats->packets_received = conn->packets_received;
}
void leat_conn_on_stateless_reset(leat_conn *conn, leat_time now) {
    (void)now;
    conn->resets_seen++;
    conn->is_terminating = true;
}
int leat_conn_send_new_token(leat_conn *conn, leat_span token) {
    ck_assert_uint_le(token.length, sizeof conn->new_token);
    memcpy(conn->new_token, token.data, token.length);
    conn->new_token_length = token.length;
    conn->new_tokens++;
    return LEAT_OK;
}

/* ---- datagrams ---- */

static void write_cid(leat_writer *writer, leat_span cid) {
    leat_write_u8(writer, (uint8_t)cid.length);
    leat_write_bytes(writer, cid.data, cid.length);
}

leat_span fake_long(uint8_t first_byte, uint32_t version, leat_span dcid, leat_span scid,
                    leat_span token, size_t size) {
    static uint8_t bytes[2048];
    leat_writer writer = leat_writer_make(bytes, sizeof bytes);
    leat_write_u8(&writer, first_byte);
    leat_write_u32(&writer, version);
    write_cid(&writer, dcid);
    write_cid(&writer, scid);
    const leat_version_row *row = leat_version_find(version);
    if (row != NULL && row->types[first_byte >> 4 & 3] == LEAT_PACKET_INITIAL) {
        leat_write_varint(&writer, token.length);
        leat_write_bytes(&writer, token.data, token.length);
    }
    size_t left = size > leat_writer_length(&writer) + 2 ? size - leat_writer_length(&writer) - 2
                                                         : 0;
    leat_write_varint_sized(&writer, left, 2);
    leat_write_zeros(&writer, left);
    ck_assert(!writer.failed);
    return (leat_span){bytes, size};
}

leat_span fake_initial(const char *dcid_hex, leat_span token) {
    return fake_long(0xc0, LEAT_VERSION_1, test_hex(dcid_hex), test_hex("5c 1d"), token, 1200);
}

leat_span fake_short(leat_span dcid, size_t size) {
    static uint8_t bytes[2048];
    memset(bytes, 0x5a, sizeof bytes);
    memcpy(bytes + 1, dcid.data, dcid.length);
    return (leat_span){bytes, size};
}

leat_path fake_path(uint8_t host, uint16_t port) {
    leat_path path = {
        .local = {.family = LEAT_ADDRESS_IPV4, .port = 4433, .ip = {198, 51, 100, 1}},
        .remote = {.family = LEAT_ADDRESS_IPV4, .port = port, .ip = {192, 0, 2, host}}};
    return path;
}

void fake_receive(leat_endpoint *endpoint, leat_span datagram, const leat_path *path,
                  leat_time now) {
    uint8_t copy[2048];
    ck_assert_uint_le(datagram.length, sizeof copy);
    memcpy(copy, datagram.data, datagram.length);
    leat_endpoint_receive_datagram(endpoint, copy, datagram.length, 0, path, LEAT_ECN_NOT_ECT, now);
}

leat_span fake_reply(leat_endpoint *endpoint, leat_path *to) {
    static uint8_t bytes[2048];
    leat_transmit transmit;
    size_t length = leat_endpoint_datagrams_to_send(endpoint, NULL, bytes, sizeof bytes, &transmit,
                                                    0);
    if (length > 0 && to != NULL) {
        *to = transmit.path;
    }
    return (leat_span){bytes, length};
}

/* ---- endpoints ---- */

static int64_t read_wall_clock(void *user) { return *(const int64_t *)user; }

void fake_endpoint_prepare(fake_endpoint *fake) {
    memset(fake, 0, sizeof *fake);
    test_memory_init(&fake->memory);
    fake->seed = 1;
    fake->wall_clock = 1700000000;
    fake->server.size = sizeof fake->server;
    fake->server.allocator = &fake->memory.allocator;
    leat_endpoint_config_init(&fake->config);
    fake->config.server = &fake->server;
    fake->config.allocator = &fake->memory.allocator;
    fake->config.random = test_random;
    fake->config.random_user = &fake->seed;
    fake->config.wall_clock = read_wall_clock;
    fake->config.wall_clock_user = &fake->wall_clock;
}

void fake_endpoint_start(fake_endpoint *fake) {
    int error = LEAT_OK;
    fake->endpoint = leat_endpoint_new(&fake->config, &error);
    ck_assert_int_eq(error, LEAT_OK);
}

void fake_endpoint_end(fake_endpoint *fake) {
    leat_endpoint_free(fake->endpoint);
    ck_assert_uint_eq(fake->memory.live, 0);
    ck_assert_uint_eq(fake_conns_alive, 0);
}
