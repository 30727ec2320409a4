/*
 * Unreliable datagrams: RFC 9221. Two bounded queues. One that waits to be sent leaves in order and
 * is never sent twice; its fate is told if the application gave it a uid. When received ones are
 * not taken, the oldest go.
 */
#include "quic/conn/conn_internal.h"

#include <string.h>

void leat_datagrams_init(leat_conn *conn) {
    leat_conn_datagrams *datagrams = &conn->datagrams;
    leat_ring_init(&datagrams->to_send, conn->allocator, sizeof(leat_queued_datagram),
                   conn->config.datagram_queue_limit);
    leat_ring_init(&datagrams->received, conn->allocator, sizeof(leat_queued_datagram),
                   conn->config.datagram_receive_queue_limit);
}

static void drop_first(leat_conn *conn, leat_ring *ring) {
    leat_queued_datagram *first = leat_ring_front(ring);
    leat_free(conn->allocator, first->bytes);
    leat_ring_pop(ring);
}

void leat_datagrams_clear(leat_conn *conn) {
    leat_conn_datagrams *datagrams = &conn->datagrams;
    while (datagrams->to_send.count > 0) {
        drop_first(conn, &datagrams->to_send);
    }
    while (datagrams->received.count > 0) {
        drop_first(conn, &datagrams->received);
    }
    leat_ring_clear(&datagrams->to_send);
    leat_ring_clear(&datagrams->received);
    leat_datagrams_release_popped(conn);
}

/* ---- sending --------------------------------------------------------------------------------- */

/* What stands around the payload: RFC 9000 §17.3.1 first byte and packet number, in a 0-RTT packet
 * the rest of a long header (§17.2.3), the tag, the frame's type and length. */
static size_t overhead(const leat_conn *conn) {
    size_t cid = leat_cids_of_path(conn, conn->paths.active)->length;
    size_t longer = leat_early_data_is_writing(conn)
                        ? 4 + 1 + 1 + leat_cids_first_local(conn)->length + 2
                        : 0;
    return 1 + cid + longer + 4 + LEAT_AEAD_TAG + 1 + 2;
}

size_t leat_conn_max_datagram_payload(const leat_conn *conn) {
    uint64_t peers = leat_conn_peer_max_datagram_frame_size(conn);
    if (peers == 0 || conn->paths.active == NULL) {
        return 0;
    }
    size_t fits = conn->paths.active->recovery.max_datagram_size - overhead(conn);
    /* RFC 9221 §3: the peer's limit counts the whole frame. */
    uint64_t accepted = peers > 1 + 4 ? peers - 1 - (peers > 16384 ? 4 : 2) : 0;
    return accepted < fits ? (size_t)accepted : fits;
}

static int can_queue(const leat_conn *conn, size_t length) {
    if (!leat_conn_is_open(conn)) {
        return LEAT_ERR_STATE;
    }
    if (conn->handshake.has_peer_params && conn->handshake.peers.max_datagram_frame_size == 0) {
        return LEAT_ERR_NOT_SUPPORTED;
    }
    if (!conn->handshake.has_peer_params) {
        return LEAT_ERR_STATE;
    }
    if (length > leat_conn_max_datagram_payload(conn)) {
        return LEAT_ERR_TOO_LARGE;
    }
    return conn->datagrams.to_send.count >= conn->config.datagram_queue_limit ? LEAT_ERR_FULL
                                                                              : LEAT_OK;
}

static uint8_t *join(const leat_conn *conn, const leat_span *parts, size_t count, size_t length) {
    uint8_t *bytes = leat_alloc(conn->allocator, length > 0 ? length : 1);
    for (size_t i = 0, at = 0; bytes != NULL && i < count; at += parts[i].length, i++) {
        if (parts[i].length > 0) {
            memcpy(bytes + at, parts[i].data, parts[i].length);
        }
    }
    return bytes;
}

int leat_conn_send_datagram_frame(leat_conn *conn, const leat_span *parts, size_t count,
                                  uint64_t uid) {
    size_t length = 0;
    for (size_t i = 0; i < count; i++) {
        length = parts[i].length > SIZE_MAX - length ? SIZE_MAX : length + parts[i].length;
    }
    int err = can_queue(conn, length);
    if (err != LEAT_OK) {
        return err;
    }
    uint8_t *bytes = join(conn, parts, count, length);
    leat_queued_datagram *queued = bytes != NULL ? leat_ring_push(&conn->datagrams.to_send) : NULL;
    if (queued == NULL) {
        leat_free(conn->allocator, bytes);
        return LEAT_ERR_NOMEM;
    }
    *queued = (leat_queued_datagram){.bytes = bytes, .length = length, .uid = uid};
    conn->send.is_dirty = true;
    return LEAT_OK;
}

bool leat_datagrams_wants(const leat_conn *conn, leat_space space) {
    (void)space;
    return conn->datagrams.to_send.count > 0;
}

static void tell_fate(leat_conn *conn, uint64_t uid, leat_datagram_fate fate) {
    if (uid != 0) {
        const leat_event event = {.type = LEAT_EVENT_DATAGRAM_FRAME_FATE,
                                  .datagram_frame_fate = {uid, fate}};
        leat_events_push(conn, &event);
    }
}

static void expire_first(leat_conn *conn) {
    leat_conn_datagrams *datagrams = &conn->datagrams;
    uint64_t uid = ((leat_queued_datagram *)leat_ring_front(&datagrams->to_send))->uid;
    drop_first(conn, &datagrams->to_send);
    datagrams->expired_count++;
    tell_fate(conn, uid, LEAT_DATAGRAM_EXPIRED);
}

static void lose_first(leat_conn *conn) {
    uint64_t uid = ((leat_queued_datagram *)leat_ring_front(&conn->datagrams.to_send))->uid;
    drop_first(conn, &conn->datagrams.to_send);
    conn->datagrams.lost_count++;
    tell_fate(conn, uid, LEAT_DATAGRAM_LOST);
}

void leat_datagrams_expire_all(leat_conn *conn) {
    while (conn->datagrams.to_send.count > 0) {
        expire_first(conn);
    }
}

void leat_datagrams_write(leat_conn *conn, leat_packet_out *out) {
    leat_ring *queue = &conn->datagrams.to_send;
    leat_queued_datagram *first;
    while ((first = leat_ring_front(queue)) != NULL) {
        leat_writer mark = out->builder.payload;
        const leat_span part = {first->bytes, first->length};
        if (first->length > leat_conn_max_datagram_payload(conn)) {
            /* RFC 9221 §5: the path takes less than when it was queued, and nothing is cut. */
            lose_first(conn);
            continue;
        }
        if (!leat_datagram_frame_write(&out->builder.payload, &part, 1)) {
            out->builder.payload = mark;
            return;
        }
        if (!leat_out_record(conn, out, &mark, LEAT_FRAME_DATAGRAM, 0, first->uid, 0, 0)) {
            return;
        }
        conn->datagrams.sent_count++;
        drop_first(conn, queue);
    }
}

void leat_datagrams_on_acked(leat_conn *conn, leat_space space, const leat_sent_packet *packet,
                             const leat_frame_record *record) {
    (void)space, (void)packet;
    tell_fate(conn, record->a, LEAT_DATAGRAM_ACKED);
}

void leat_datagrams_on_lost(leat_conn *conn, leat_space space, const leat_frame_record *record) {
    (void)space;
    conn->datagrams.lost_count++;
    tell_fate(conn, record->a, LEAT_DATAGRAM_LOST);
}

/* ---- receiving ------------------------------------------------------------------------------- */

static void drop_oldest_received(leat_conn *conn) {
    leat_conn_datagrams *datagrams = &conn->datagrams;
    const leat_queued_datagram *oldest = leat_ring_front(&datagrams->received);
    datagrams->received_bytes -= oldest->length;
    datagrams->dropped_count++;
    drop_first(conn, &datagrams->received);
}

static bool is_too_much(const leat_conn_datagrams *datagrams, size_t length) {
    return datagrams->received.count >= datagrams->received.limit ||
           length > LEAT_DATAGRAMS_RECEIVED_BYTES_MAX - datagrams->received_bytes;
}

static void queue_received(leat_conn *conn, leat_span data) {
    leat_conn_datagrams *datagrams = &conn->datagrams;
    while (datagrams->received.count > 0 && is_too_much(datagrams, data.length)) {
        drop_oldest_received(conn);
    }
    uint8_t *bytes = join(conn, &data, 1, data.length);
    leat_queued_datagram *queued = bytes != NULL ? leat_ring_push(&datagrams->received) : NULL;
    if (queued == NULL) {
        /* They are unreliable: without memory this one is lost. */
        leat_free(conn->allocator, bytes);
        datagrams->dropped_count++;
        return;
    }
    *queued = (leat_queued_datagram){.bytes = bytes, .length = data.length,
                                     .order = leat_event_queue_take_order(&conn->events)};
    datagrams->received_bytes += data.length;
}

void leat_datagrams_on_frame(leat_conn *conn, const leat_frame *frame, leat_packet_in *packet) {
    uint64_t limit = conn->handshake.ours.max_datagram_frame_size;
    (void)packet;
    /* RFC 9221 §3: never without our consent, never larger than we said. */
    if (limit == 0 || 1 + frame->datagram.data.length > limit) {
        leat_close_fault(conn, LEAT_PROTOCOL_VIOLATION, frame->type,
                         "DATAGRAM that was not agreed on");
        return;
    }
    conn->datagrams.received_count++;
    queue_received(conn, frame->datagram.data);
}

uint64_t leat_datagrams_first_order(const leat_conn *conn) {
    const leat_queued_datagram *first = leat_ring_front(&conn->datagrams.received);
    return first != NULL ? first->order : LEAT_ORDER_NONE;
}

void leat_datagrams_pop_event(leat_conn *conn, leat_event *event) {
    leat_conn_datagrams *datagrams = &conn->datagrams;
    leat_queued_datagram *first = leat_ring_front(&datagrams->received);
    *event = (leat_event){.type = LEAT_EVENT_DATAGRAM_FRAME_RECEIVED,
                          .datagram_frame_received.data = {first->bytes, first->length}};
    datagrams->popped = first->bytes;
    datagrams->received_bytes -= first->length;
    leat_ring_pop(&datagrams->received);
}

void leat_datagrams_trim(leat_conn *conn) {
    leat_ring *const rings[] = {&conn->datagrams.to_send, &conn->datagrams.received};
    for (size_t i = 0; i < sizeof rings / sizeof rings[0]; i++) {
        if (rings[i]->count == 0) {
            leat_ring_clear(rings[i]);
        }
    }
}

void leat_datagrams_release_popped(leat_conn *conn) {
    leat_free(conn->allocator, conn->datagrams.popped);
    conn->datagrams.popped = NULL;
}
