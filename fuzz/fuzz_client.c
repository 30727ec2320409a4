/*
 * A client's connection against a lying server: after a real handshake the server sends whatever
 * the input says, and the application does what it says. Records: operation (1), length (1), that
 * many bytes. Whatever comes, ConnectionTerminated is told at most once and last, nothing is
 * delivered twice, and all memory is given back (pair_free checks it).
 */
#include "fuzz.h"
#include "pair.h"

enum {
    SERVER_FRAMES, TIME, DATAGRAM, SEND, RESET, STOP, CHANGE_CID, UPDATE_KEYS, CLOSE, OPERATIONS,
};

static void application(pair *p, unsigned operation, uint8_t argument) {
    leat_conn *client = pair_conn(p, PAIR_CLIENT);
    static const uint8_t bytes[3000];
    uint64_t id = 0;
    switch (operation) {
    case SEND:
        if (leat_conn_open_stream(client, (argument & 1) != 0, &id) == LEAT_OK) {
            leat_conn_send_stream_data(
                client, id, bytes, (size_t)argument * 10, (argument & 2) != 0);
        }
        break;
    case RESET:
        leat_conn_reset_stream(client, argument, 1);
        break;
    case STOP:
        leat_conn_stop_stream(client, argument, 1);
        break;
    case CHANGE_CID:
        leat_conn_change_connection_id(client);
        break;
    case UPDATE_KEYS:
        leat_conn_request_key_update(client);
        break;
    default:
        leat_conn_close(client, argument, "the input says so");
    }
}

static void run_record(pair *p, unsigned operation, leat_span bytes) {
    uint8_t copy[256];
    switch (operation) {
    case SERVER_FRAMES:
        /* A server that gave up has no keys to speak with. */
        if (pair_conn(p, PAIR_SERVER)->spaces[LEAT_SPACE_APPLICATION] != NULL) {
            pair_raw_bytes(p, PAIR_SERVER, LEAT_SPACE_APPLICATION, bytes);
        }
        break;
    case TIME:
        pair_run_for(p, (bytes.length > 0 ? bytes.data[0] : 1) * 10 * LEAT_MILLISECOND);
        break;
    case DATAGRAM:
        memcpy(copy, bytes.data, bytes.length);
        pair_deliver(p, PAIR_CLIENT, copy, bytes.length);
        break;
    default:
        application(p, operation, bytes.length > 0 ? bytes.data[0] : 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    leat_reader reader = leat_reader_make(data, size < 4096 ? size : 4096);
    pair *p = pair_new();
    pair_handshake(p);
    /* The true server must not answer what it did not ask for. */
    p->link.black_hole[PAIR_SERVER] = true;
    while (leat_reader_left(&reader) > 1) {
        unsigned operation = leat_read_u8(&reader) % OPERATIONS;
        leat_span bytes = leat_read_vector8(&reader);
        if (!reader.failed) {
            run_record(p, operation, bytes);
        }
    }
    pair_run_for(p, 2 * LEAT_SECOND);
    fuzz_require(p->ends[PAIR_CLIENT].event_counts[LEAT_EVENT_CONNECTION_TERMINATED] <= 1);
    pair_free(p);
    return 0;
}
