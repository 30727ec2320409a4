/*
 * A logger of one's own on the trace sink: every packet, frame and change of two connections in
 * memory as one line of text. The library calls the sink with records of named fields; with no sink
 * it costs one branch.
 */
#include <inttypes.h>
#include <leat/quic.h>
#include <stdio.h>
#include <time.h>

static void print_field(const leat_trace_field *field) {
    printf(" %s=", field->name);
    switch (field->kind) {
    case LEAT_TRACE_INTEGER: printf("%" PRIu64, field->integer); break;
    case LEAT_TRACE_BOOL: printf("%s", field->integer != 0 ? "true" : "false"); break;
    case LEAT_TRACE_TEXT:
        printf("%.*s", (int)field->bytes.length, (const char *)field->bytes.data);
        break;
    case LEAT_TRACE_BYTES:
        for (size_t i = 0; i < field->bytes.length && i < 16; i++) {
            printf("%02x", field->bytes.data[i]);
        }
        printf("%s", field->bytes.length > 16 ? "..." : "");
        break;
    case LEAT_TRACE_NUMBERS:
        for (uint64_t i = 0; i < field->integer; i++) {
            printf("%s%" PRIu64, i == 0 ? "" : ",", field->numbers[i]);
        }
        break;
    }
}

static void on_record(void *user, const leat_trace_record *record) {
    printf("%9.3f ms  %s  %s:%s", (double)record->time / 1e6, (const char *)user, record->category,
        record->name);
    for (size_t i = 0; i < record->field_count; i++) {
        print_field(&record->fields[i]);
    }
    putchar('\n');
}

static size_t deliver(leat_conn *from, leat_conn *to, leat_time now) {
    uint8_t buffer[65536];
    leat_transmit transmit;
    size_t length = leat_conn_datagrams_to_send(from, buffer, sizeof buffer, &transmit, now);
    if (length > 0) {
        leat_path path = {transmit.path.remote, transmit.path.local};
        leat_conn_receive_datagram(
            to, buffer, length, transmit.segment_size, &path, transmit.ecn, now);
    }
    return length;
}

int main(void) {
    static const char *const alpn[] = {"trace"};
    static const char *const host[] = {"localhost"};
    char client_name[] = "client", server_name[] = "server";
    const leat_trace_sink client_sink = {on_record, client_name},
                          server_sink = {on_record, server_name};
    char message[LEAT_MESSAGE_MAX] = "";
    int error = 0;
    int64_t start = (int64_t)time(NULL) - 60;
    leat_identity *identity = leat_identity_self_signed(host, 1, start, start + 3600, message);
    uint8_t hash[32];
    leat_identity_hash(identity, hash);
    leat_trust *trust = leat_trust_from_hashes(hash, 1);

    leat_config client_config, server_config;
    leat_config_init(&client_config, true);
    leat_config_init(&server_config, false);
    client_config.alpn = server_config.alpn = alpn;
    client_config.alpn_count = server_config.alpn_count = 1;
    client_config.server_name = "localhost";
    client_config.trust = trust;
    client_config.trace = &client_sink;
    server_config.identities = &identity;
    server_config.identity_count = 1;
    server_config.trace = &server_sink;

    leat_path path = {
        {LEAT_ADDRESS_IPV4, 1, {10, 0, 0, 1}, 0}, {LEAT_ADDRESS_IPV4, 2, {10, 0, 0, 2}, 0}};
    leat_path back = {path.remote, path.local};
    leat_transmit transmit;
    uint8_t first[65536];
    leat_conn *client = leat_conn_new(&client_config, &error);
    leat_conn_connect(client, &path, 0);
    size_t length = leat_conn_datagrams_to_send(client, first, sizeof first, &transmit, 0);
    size_t first_length = length < transmit.segment_size ? length : transmit.segment_size;
    leat_conn *server =
        leat_conn_new_server(&server_config, (leat_span){first, first_length}, &back, 0, &error);
    leat_conn_receive_datagram(server, first, length, transmit.segment_size, &back,
        LEAT_ECN_NOT_ECT, 10 * LEAT_MILLISECOND);
    for (leat_time now = 10 * LEAT_MILLISECOND; now < 200 * LEAT_MILLISECOND;
         now += 10 * LEAT_MILLISECOND) {
        leat_conn_handle_timer(client, now);
        leat_conn_handle_timer(server, now);
        while (deliver(client, server, now) + deliver(server, client, now) > 0) {
        }
    }
    leat_conn_free(client);
    leat_conn_free(server);
    leat_trust_free(trust);
    leat_identity_free(identity);
    return 0;
}
