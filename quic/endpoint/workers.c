/*
 * Several endpoints behind one address, each in a thread of its own. The system gives a datagram to
 * one of them by its addresses, which change when a NAT rebinds or a client migrates; the
 * connection IDs that we make say whose it is. The idea is that of draft-ietf-quic-load-balancers:
 * the first byte of an ID is the worker's number, under a mask made from the rest with a key that
 * all workers derive from their reset key. Nobody else can tell two IDs of one worker from two
 * others (RFC 9000 §5.1).
 */
#include "quic/endpoint/endpoint.h"

static uint8_t mask_of(const leat_endpoint *endpoint, leat_span cid) {
    return (uint8_t)leat_siphash(endpoint->worker_key, cid.data + 1, cid.length - 1);
}

void leat_endpoint_mark_worker(const leat_endpoint *endpoint, leat_cid *cid) {
    if (endpoint->config.worker_count > 1) {
        uint8_t mask = mask_of(endpoint, leat_cid_span(cid));
        cid->bytes[0] = (uint8_t)endpoint->config.worker ^ mask;
    }
}

/*
 * The worker that a packet of no connection here belongs to: oneself when its ID names none. The
 * IDs that clients invent for their first packets are read the same way: the few that happen to
 * name a worker open their connection there, and all their packets follow.
 */
static unsigned worker_of(const leat_endpoint *endpoint, leat_span packet) {
    size_t length = endpoint->config.connection_id_length;
    leat_span dcid;
    if (leat_packet_dcid(packet, length, &dcid) && dcid.length == length) {
        unsigned worker = dcid.data[0] ^ mask_of(endpoint, dcid);
        if (worker < endpoint->config.worker_count) {
            return worker;
        }
    }
    return endpoint->config.worker;
}

size_t leat_endpoint_hand_over(leat_endpoint *endpoint, uint8_t *data, size_t length,
                               size_t segment, const leat_path *path, uint8_t ecn) {
    const leat_endpoint_config *config = &endpoint->config;
    size_t run = 0;
    unsigned worker = config->worker;
    while (config->hand_over != NULL && config->worker_count > 1 && run < length) {
        size_t left = length - run, size = left < segment ? left : segment;
        unsigned owner = worker_of(endpoint, (leat_span){data + run, size});
        if (owner == config->worker || (run > 0 && owner != worker)) {
            break;
        }
        worker = owner;
        run += size;
    }
    if (run > 0) {
        config->hand_over(config->hand_over_user, worker, data, run, run > segment ? segment : 0,
                          path, ecn);
    }
    return run;
}
