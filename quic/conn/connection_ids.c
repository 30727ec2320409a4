/*
 * Our connection IDs: RFC 9000 §5.1, §19.15, §19.16. They are issued up to what the peer keeps and
 * replaced when it retires them. A server with a preferred address issues number 1 before the
 * handshake (§18.2). The peer's IDs are in peer_connection_ids.c.
 */
#include "quic/conn/conn_internal.h"
#include "quic/conn/trace.h"

/* RFC 9000 §7.2: a client's first destination is unpredictable and has at least 8 bytes. */
#define FIRST_DCID_LENGTH 8
/* Sequence numbers of the peer that were seen: a repeated NEW_CONNECTION_ID must not revive a
 * retired ID. */
#define SEEN_RANGES_MAX 32

/* ---- ours ------------------------------------------------------------------------------------ */

static bool draw_cid(leat_conn *conn, leat_local_cid *row) {
    if (conn->has_owner) {
        return conn->owner.issue_cid(conn->owner.user, conn, &row->cid, row->reset_token);
    }
    row->cid.length = (uint8_t)conn->config.connection_id_length;
    return leat_random_bytes(&conn->random, row->cid.bytes, row->cid.length) &&
           leat_random_bytes(&conn->random, row->reset_token, sizeof row->reset_token);
}

static leat_local_cid *free_row(leat_conn_cids *cids) {
    for (size_t i = 0; i < LEAT_LOCAL_CIDS_MAX; i++) {
        if (!cids->local[i].in_use) {
            return &cids->local[i];
        }
    }
    return NULL;
}

static leat_local_cid *issue(leat_conn *conn) {
    leat_local_cid *row = free_row(&conn->cids);
    if (row == NULL) {
        return NULL;
    }
    *row = (leat_local_cid){.sequence = conn->cids.next_sequence};
    if (!draw_cid(conn, row)) {
        return NULL;
    }
    row->in_use = true;
    conn->cids.next_sequence++;
    return row;
}

const leat_cid *leat_cids_first_local(const leat_conn *conn) {
    /* Long headers only exist while sequence number 0 lives; later any of ours has the right
     * length. */
    const leat_local_cid *first = &conn->cids.local[0];
    for (size_t i = 0; i < LEAT_LOCAL_CIDS_MAX && !first->in_use; i++) {
        first = &conn->cids.local[i];
    }
    return &first->cid;
}

static size_t count_local(const leat_conn_cids *cids) {
    size_t count = 0;
    for (size_t i = 0; i < LEAT_LOCAL_CIDS_MAX; i++) {
        count += cids->local[i].in_use;
    }
    return count;
}

void leat_cids_replenish(leat_conn *conn) {
    uint64_t limit = conn->handshake.peers.active_connection_id_limit;
    if (!leat_conn_is_open(conn) || !conn->handshake.is_complete ||
        leat_cids_first_local(conn)->length == 0) {
        return;
    }
    limit = limit < LEAT_LOCAL_CIDS_MAX ? limit : LEAT_LOCAL_CIDS_MAX;
    while (leat_conn_is_open(conn) && count_local(&conn->cids) < limit) {
        leat_local_cid *row = issue(conn);
        if (row == NULL) {
            leat_close_internal(conn, "no connection ID could be made");
            return;
        }
        row->frame_due = true;
        const leat_event event = {.type = LEAT_EVENT_CONNECTION_ID_ISSUED,
                                  .connection_id.connection_id = row->cid};
        leat_events_push(conn, &event);
    }
}

static leat_local_cid *find_local(leat_conn_cids *cids, uint64_t sequence) {
    for (size_t i = 0; i < LEAT_LOCAL_CIDS_MAX; i++) {
        if (cids->local[i].in_use && cids->local[i].sequence == sequence) {
            return &cids->local[i];
        }
    }
    return NULL;
}

void leat_new_connection_id_on_lost(leat_conn *conn, leat_space space,
                                    const leat_frame_record *record) {
    leat_local_cid *row = find_local(&conn->cids, record->a);
    (void)space;
    if (row != NULL) {
        row->frame_due = true;
    }
}

static void drop_local(leat_conn *conn, leat_local_cid *row) {
    row->in_use = false;
    row->frame_due = false;
    if (conn->has_owner) {
        conn->owner.retire_cid(conn->owner.user, conn, &row->cid);
    }
}

void leat_retire_connection_id_on_frame(leat_conn *conn, const leat_frame *frame,
                                        leat_packet_in *packet) {
    uint64_t sequence = frame->retire_connection_id.sequence;
    /* RFC 9000 §19.16: never one that was not issued, never when our IDs have no bytes. */
    if (sequence >= conn->cids.next_sequence || leat_cids_first_local(conn)->length == 0) {
        leat_close_fault(conn, LEAT_PROTOCOL_VIOLATION, frame->type,
                         "retires a connection ID that was not issued");
        return;
    }
    leat_local_cid *row = find_local(&conn->cids, sequence);
    if (row == NULL) {
        return;
    }
    if (leat_span_equal(leat_cid_span(&row->cid), packet->header.dcid)) {
        /* RFC 9000 §19.16: the packet itself is addressed to it. */
        leat_close_fault(conn, LEAT_PROTOCOL_VIOLATION, frame->type,
                         "retires the connection ID in use");
        return;
    }
    const leat_event event = {.type = LEAT_EVENT_CONNECTION_ID_RETIRED,
                              .connection_id.connection_id = row->cid};
    drop_local(conn, row);
    leat_events_push(conn, &event);
}

/* ---- frames to send -------------------------------------------------------------------------- */

bool leat_cids_wants(const leat_conn *conn, leat_space space) {
    (void)space;
    if (leat_cids_owes_retirement(conn)) {
        return true;
    }
    for (size_t i = 0; i < LEAT_LOCAL_CIDS_MAX; i++) {
        if (conn->cids.local[i].frame_due) {
            return true;
        }
    }
    return false;
}

void leat_cids_write(leat_conn *conn, leat_packet_out *out) {
    leat_cids_write_retirements(conn, out);
    for (size_t i = 0; i < LEAT_LOCAL_CIDS_MAX; i++) {
        leat_local_cid *row = &conn->cids.local[i];
        const leat_frame frame = {
            .kind = LEAT_FRAME_NEW_CONNECTION_ID,
            .type = 0x18,
            .new_connection_id = {.sequence = row->sequence,
                                  .connection_id = leat_cid_span(&row->cid),
                                  .reset_token = row->reset_token},
        };
        if (row->frame_due && leat_out_frame(conn, out, &frame, row->sequence, 0, 0)) {
            row->frame_due = false;
        }
    }
}

/* ---- life ------------------------------------------------------------------------------------ */

bool leat_cids_renew_first(leat_conn *conn) {
    leat_cid cid = {.length = FIRST_DCID_LENGTH};
    bool drawn = leat_random_bytes(&conn->random, cid.bytes, cid.length);
    conn->cids.original_dcid = conn->cids.peers[0].cid = cid;
    return drawn;
}

int leat_cids_init(leat_conn *conn, const leat_conn_origin *origin) {
    leat_conn_cids *cids = &conn->cids;
    leat_range_set_init(&cids->seen, conn->allocator, SEEN_RANGES_MAX);
    bool is_issued = issue(conn) != NULL;
    if (leat_preferred_address_is_offered(conn)) {
        /* RFC 9000 §5.1.1: the ID of the preferred address has the number 1. */
        is_issued = is_issued && issue(conn) != NULL;
    }
    cids->peers[0].in_use = true;
    if (!is_issued || (origin == NULL && !leat_cids_renew_first(conn))) {
        return LEAT_ERR_RANDOM;
    }
    if (origin != NULL) {
        cids->original_dcid = origin->original_dcid;
        cids->client_dcid = origin->client_dcid;
        cids->retry_scid = origin->client_dcid;
        cids->was_retried = origin->retried;
        cids->peer_cid_known = true;
        cids->peers[0].cid = origin->client_scid;
    }
    return LEAT_OK;
}

void leat_cids_clear(leat_conn *conn) {
    for (size_t i = 0; i < LEAT_LOCAL_CIDS_MAX; i++) {
        if (conn->cids.local[i].in_use) {
            drop_local(conn, &conn->cids.local[i]);
        }
    }
    for (size_t i = 0; i < LEAT_PEER_CIDS_MAX; i++) {
        conn->cids.peers[i].in_use = false;
    }
    leat_cids_tell_owner_watch(conn);
    leat_range_set_clear(&conn->cids.seen);
}
