/*
 * A QUIC connection in memory: two leat_conns, no sockets, no clock. What one has to send is handed
 * to the other; the events of both are printed. The client sends "hello" on a stream, the server
 * sends it back.
 */
#include <leat/quic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *const names[] = {"client", "server"};

/* Moves everything that `from` wants to send to `to`. Returns the number of datagrams. */
static int deliver(leat_conn *from, leat_conn *to, leat_time now) {
    uint8_t buffer[65536];
    leat_transmit transmit;
    int datagrams = 0;
    for (size_t length;
         (length = leat_conn_datagrams_to_send(from, buffer, sizeof buffer, &transmit, now)) > 0;
         datagrams++) {
        leat_path path = {transmit.path.remote, transmit.path.local};
        leat_conn_receive_datagram(
            to, buffer, length, transmit.segment_size, &path, transmit.ecn, now);
    }
    return datagrams;
}

/* Pops and prints the events of one side; answers like an echo server, and closes when the echo
 * is back. */
static void handle_events(leat_conn *conn, bool is_client) {
    leat_event event;
    char line[512];
    while (leat_conn_next_event(conn, &event)) {
        printf("%s: %s\n", names[is_client ? 0 : 1], leat_event_format(&event, line, sizeof line));
        if (is_client && event.type == LEAT_EVENT_HANDSHAKE_COMPLETED) {
            uint64_t stream_id;
            if (leat_conn_open_stream(conn, false, &stream_id) == 0) {
                leat_conn_send_stream_data(conn, stream_id, (const uint8_t *)"hello", 5, true);
            }
        } else if (event.type == LEAT_EVENT_STREAM_DATA_RECEIVED && is_client) {
            leat_conn_close(conn, 0, "done");
        } else if (event.type == LEAT_EVENT_STREAM_DATA_RECEIVED) {
            leat_conn_send_stream_data(conn, event.stream_data_received.stream_id,
                event.stream_data_received.data.data, event.stream_data_received.data.length,
                event.stream_data_received.end_stream);
        }
    }
}

int main(void) {
    static const char *const alpn[] = {"echo"};
    static const char *const host[] = {"localhost"};
    char message[LEAT_MESSAGE_MAX] = "";
    int error = 0;
    int64_t start = (int64_t)time(NULL) - 60;
    leat_identity *identity = leat_identity_self_signed(host, 1, start, start + 3600, message);
    if (identity == NULL) {
        fprintf(stderr, "%s\n", message);
        return 1;
    }
    /* The client trusts exactly this certificate. */
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
    server_config.identities = &identity;
    server_config.identity_count = 1;

    /* Addresses are only compared: any will do. */
    leat_path path = {
        {LEAT_ADDRESS_IPV4, 1, {10, 0, 0, 1}, 0}, {LEAT_ADDRESS_IPV4, 2, {10, 0, 0, 2}, 0}};
    leat_path back = {path.remote, path.local};
    leat_time now = LEAT_SECOND;
    leat_conn *client = leat_conn_new(&client_config, &error);
    if (client == NULL || leat_conn_connect(client, &path, now) != 0) {
        fprintf(stderr, "no client: %s\n", leat_err_string(error));
        return 1;
    }
    /* The server's side begins with the client's first datagram. */
    uint8_t first[65536];
    leat_transmit transmit;
    size_t length = leat_conn_datagrams_to_send(client, first, sizeof first, &transmit, now);
    size_t first_length = length < transmit.segment_size ? length : transmit.segment_size;
    leat_conn *server =
        leat_conn_new_server(&server_config, (leat_span){first, first_length}, &back, now, &error);
    if (server == NULL) {
        fprintf(stderr, "no server: %s\n", leat_err_string(error));
        return 1;
    }
    leat_conn_receive_datagram(
        server, first, length, transmit.segment_size, &back, LEAT_ECN_NOT_ECT, now);

    /* A step of the loop: datagrams both ways, events, and when nothing moves, time jumps to the
     * next timer. */
    while (!leat_conn_is_closed(client) || !leat_conn_is_closed(server)) {
        int moved = deliver(client, server, now) + deliver(server, client, now);
        handle_events(client, true);
        handle_events(server, false);
        if (moved == 0) {
            leat_time next = leat_conn_get_timer(client);
            now = leat_conn_get_timer(server) < next ? leat_conn_get_timer(server) : next;
            if (now == LEAT_TIME_NEVER) {
                break;
            }
            leat_conn_handle_timer(client, now);
            leat_conn_handle_timer(server, now);
        }
    }
    leat_conn_free(client);
    leat_conn_free(server);
    leat_trust_free(trust);
    leat_identity_free(identity);
    return 0;
}
