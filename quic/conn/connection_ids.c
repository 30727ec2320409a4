/*
 * Connection IDs in both directions: RFC 9000 §5.1, §10.3.1, §19.15, §19.16. Ours are issued up to
 * what the peer keeps and replaced when it retires them; the peer's are kept in a small table from
 * which each path takes one. Which ID a path uses is its sequence number; row 0 of a fresh
 * connection is the one of the handshake.
 */
#include "quic/conn/conn_internal.h"
#include "quic/conn/trace.h"

#include "crypto/secret.h"

#include <string.h>

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

/* ---- the peer's ------------------------------------------------------------------------------ */

static leat_peer_cid *find_peer(const leat_conn_cids *cids, uint64_t sequence) {
    for (size_t i = 0; i < LEAT_PEER_CIDS_MAX; i++) {
        if (cids->peers[i].in_use && cids->peers[i].sequence == sequence) {
            return (leat_peer_cid *)&cids->peers[i];
        }
    }
    return NULL;
}

static bool is_used_by_path(const leat_conn *conn, uint64_t sequence) {
    for (size_t i = 0; i < LEAT_PATHS_MAX; i++) {
        if (conn->paths.all[i] != NULL && conn->paths.all[i]->cid_sequence == sequence) {
            return true;
        }
    }
    return false;
}

const leat_cid *leat_cids_of_path(const leat_conn *conn, const leat_path_state *path) {
    const leat_peer_cid *row = find_peer(&conn->cids, path->cid_sequence);
    return &(row != NULL ? row : &conn->cids.peers[0])->cid;
}

void leat_cids_tell_owner_watch(leat_conn *conn) {
    for (size_t i = 0; i < LEAT_PEER_CIDS_MAX; i++) {
        leat_peer_cid *row = &conn->cids.peers[i];
        bool watched = row->in_use && row->has_token && is_used_by_path(conn, row->sequence);
        if (watched != row->is_watched) {
            row->is_watched = watched;
            if (conn->has_owner && conn->owner.watch_reset_token != NULL) {
                conn->owner.watch_reset_token(conn->owner.user, conn, row->reset_token, watched);
            }
        }
    }
}

bool leat_cids_is_reset_token(const leat_conn *conn, const uint8_t token[16]) {
    bool found = false;
    /* RFC 9000 §10.3.1: no early exit, so that the time taken tells nothing about the tokens. */
    for (size_t i = 0; i < LEAT_PEER_CIDS_MAX; i++) {
        bool equal = leat_constant_time_equal(conn->cids.peers[i].reset_token, token, 16);
        found |= equal && conn->cids.peers[i].is_watched;
    }
    return found;
}

void leat_cids_set_peer(leat_conn *conn, leat_span cid) {
    leat_peer_cid *first = &conn->cids.peers[0];
    const leat_cid before = first->cid;
    leat_cid_from_span(&first->cid, cid);
    first->in_use = true;
    leat_trace_peer_cid(conn, false, before.length > 0 ? &before : NULL, &first->cid);
}

void leat_cids_set_peer_token(leat_conn *conn, const uint8_t token[16]) {
    memcpy(conn->cids.peers[0].reset_token, token, 16);
    conn->cids.peers[0].has_token = true;
    leat_cids_tell_owner_watch(conn);
}

static void retire(leat_conn *conn, leat_peer_cid *row, uint64_t sequence) {
    leat_conn_cids *cids = &conn->cids;
    if (cids->retirement_count == LEAT_RETIREMENTS_MAX) {
        /* RFC 9000 §5.1.2: a peer that forces retirements faster than it acknowledges them. */
        leat_close_fault(conn, LEAT_CONNECTION_ID_LIMIT_ERROR, 0,
                         "too many connection IDs to retire");
        return;
    }
    cids->retirements[cids->retirement_count++] = (leat_retirement){sequence, true};
    if (row != NULL) {
        row->in_use = false;
        leat_cids_tell_owner_watch(conn);
    }
}

/* The lowest ID of the peer that no path uses, or NULL. */
static leat_peer_cid *find_spare(leat_conn *conn) {
    leat_peer_cid *spare = NULL;
    for (size_t i = 0; i < LEAT_PEER_CIDS_MAX; i++) {
        leat_peer_cid *row = &conn->cids.peers[i];
        bool is_free = row->in_use && !is_used_by_path(conn, row->sequence);
        if (is_free && (spare == NULL || row->sequence < spare->sequence)) {
            spare = row;
        }
    }
    return spare;
}

bool leat_cids_take_for_path(leat_conn *conn, leat_path_state *path) {
    const leat_peer_cid *spare = find_spare(conn);
    if (spare == NULL) {
        return false;
    }
    leat_trace_peer_cid(conn, true, leat_cids_of_path(conn, path), &spare->cid);
    path->cid_sequence = spare->sequence;
    leat_cids_tell_owner_watch(conn);
    return true;
}

void leat_cids_release_path(leat_conn *conn, leat_path_state *path) {
    uint64_t sequence = path->cid_sequence;
    path->cid_sequence = UINT64_MAX;
    leat_peer_cid *row = find_peer(&conn->cids, sequence);
    if (row != NULL && row->cid.length > 0 && !is_used_by_path(conn, sequence)) {
        retire(conn, row, sequence);
    }
}

int leat_conn_change_connection_id(leat_conn *conn) {
    leat_path_state *path = conn->paths.active;
    if (!leat_conn_is_open(conn) || !conn->handshake.is_confirmed) {
        return LEAT_ERR_STATE;
    }
    uint64_t before = path->cid_sequence;
    if (!leat_cids_take_for_path(conn, path)) {
        return LEAT_ERR_STATE;
    }
    leat_peer_cid *row = find_peer(&conn->cids, before);
    if (row != NULL && !is_used_by_path(conn, before)) {
        retire(conn, row, before);
    }
    conn->send.is_dirty = true;
    return LEAT_OK;
}

/* ---- NEW_CONNECTION_ID ----------------------------------------------------------------------- */

/* RFC 9000 §19.15: the same number with another ID, or the same ID with another number, is
 * a lie. */
static bool contradicts(const leat_conn_cids *cids, const leat_frame *frame) {
    for (size_t i = 0; i < LEAT_PEER_CIDS_MAX; i++) {
        const leat_peer_cid *row = &cids->peers[i];
        if (!row->in_use) {
            continue;
        }
        bool same_number = row->sequence == frame->new_connection_id.sequence;
        bool same_cid = leat_span_equal(leat_cid_span(&row->cid),
                                        frame->new_connection_id.connection_id);
        bool same_token = !row->has_token ||
            memcmp(row->reset_token, frame->new_connection_id.reset_token, 16) == 0;
        if (same_number != same_cid || (same_number && !same_token)) {
            return true;
        }
    }
    return false;
}

/* RFC 9000 §5.1.2: IDs below the mark go; paths that use them take others first. */
static void retire_below(leat_conn *conn, uint64_t mark) {
    for (size_t i = 0; i < LEAT_PEER_CIDS_MAX && leat_conn_is_open(conn); i++) {
        leat_peer_cid *row = &conn->cids.peers[i];
        if (row->in_use && row->sequence < mark) {
            retire(conn, row, row->sequence);
        }
    }
}

static const leat_peer_cid *any_peer(const leat_conn_cids *cids) {
    for (size_t i = 0; i < LEAT_PEER_CIDS_MAX; i++) {
        if (cids->peers[i].in_use) {
            return &cids->peers[i];
        }
    }
    return NULL;
}

static void give_paths_new_ids(leat_conn *conn) {
    const leat_peer_cid *any = any_peer(&conn->cids);
    if (any == NULL) {
        leat_close_fault(conn, LEAT_PROTOCOL_VIOLATION, 0, "no connection ID of the peer is left");
        return;
    }
    for (size_t i = 0; i < LEAT_PATHS_MAX; i++) {
        leat_path_state *path = conn->paths.all[i];
        bool needs_one = path != NULL && find_peer(&conn->cids, path->cid_sequence) == NULL;
        if (needs_one && !leat_cids_take_for_path(conn, path)) {
            /* Fewer IDs than paths: then two paths have to share. */
            path->cid_sequence = any->sequence;
        }
    }
    leat_cids_tell_owner_watch(conn);
}

static leat_peer_cid *free_peer_row(leat_conn_cids *cids) {
    for (size_t i = 0; i < LEAT_PEER_CIDS_MAX; i++) {
        if (!cids->peers[i].in_use) {
            return &cids->peers[i];
        }
    }
    return NULL;
}

static size_t count_peers(const leat_conn_cids *cids) {
    size_t count = 0;
    for (size_t i = 0; i < LEAT_PEER_CIDS_MAX; i++) {
        count += cids->peers[i].in_use;
    }
    return count;
}

static void add_peer_cid(leat_conn *conn, const leat_frame *frame) {
    leat_conn_cids *cids = &conn->cids;
    /* RFC 9000 §5.1.1: counted after the retirements that the same frame asked for. */
    if (count_peers(cids) >= conn->handshake.ours.active_connection_id_limit) {
        leat_close_fault(conn, LEAT_CONNECTION_ID_LIMIT_ERROR, frame->type,
                         "more connection IDs than the limit");
        return;
    }
    leat_peer_cid *row = free_peer_row(cids);
    *row = (leat_peer_cid){.sequence = frame->new_connection_id.sequence, .in_use = true,
                           .has_token = true};
    leat_cid_from_span(&row->cid, frame->new_connection_id.connection_id);
    memcpy(row->reset_token, frame->new_connection_id.reset_token, sizeof row->reset_token);
}

void leat_new_connection_id_on_frame(leat_conn *conn, const leat_frame *frame,
                                     leat_packet_in *packet) {
    leat_conn_cids *cids = &conn->cids;
    uint64_t sequence = frame->new_connection_id.sequence;
    (void)packet;
    if (leat_cids_of_path(conn, conn->paths.active)->length == 0 || contradicts(cids, frame)) {
        leat_close_fault(conn, LEAT_PROTOCOL_VIOLATION, frame->type,
                         "NEW_CONNECTION_ID contradicts earlier ones");
        return;
    }
    if (frame->new_connection_id.retire_prior_to > cids->retire_prior_to) {
        cids->retire_prior_to = frame->new_connection_id.retire_prior_to;
        retire_below(conn, cids->retire_prior_to);
    }
    if (leat_conn_is_open(conn) && !leat_range_set_contains(&cids->seen, sequence)) {
        leat_range_set_add_dropping_lowest(&cids->seen, sequence, sequence + 1);
        if (sequence < cids->retire_prior_to) {
            /* RFC 9000 §19.15: it was retired before it came. */
            retire(conn, NULL, sequence);
        } else {
            add_peer_cid(conn, frame);
        }
    }
    if (leat_conn_is_open(conn)) {
        give_paths_new_ids(conn);
    }
}

/* ---- frames to send -------------------------------------------------------------------------- */

bool leat_cids_wants(const leat_conn *conn, leat_space space) {
    (void)space;
    for (size_t i = 0; i < conn->cids.retirement_count; i++) {
        if (conn->cids.retirements[i].frame_due) {
            return true;
        }
    }
    for (size_t i = 0; i < LEAT_LOCAL_CIDS_MAX; i++) {
        if (conn->cids.local[i].frame_due) {
            return true;
        }
    }
    return false;
}

static void write_retirements(leat_conn *conn, leat_packet_out *out) {
    for (size_t i = 0; i < conn->cids.retirement_count; i++) {
        leat_retirement *retirement = &conn->cids.retirements[i];
        const leat_frame frame = {.kind = LEAT_FRAME_RETIRE_CONNECTION_ID, .type = 0x19,
                                  .retire_connection_id.sequence = retirement->sequence};
        if (retirement->frame_due &&
            leat_out_frame(conn, out, &frame, retirement->sequence, 0, 0)) {
            retirement->frame_due = false;
        }
    }
}

void leat_cids_write(leat_conn *conn, leat_packet_out *out) {
    write_retirements(conn, out);
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

static leat_retirement *find_retirement(leat_conn_cids *cids, uint64_t sequence) {
    for (size_t i = 0; i < cids->retirement_count; i++) {
        if (cids->retirements[i].sequence == sequence) {
            return &cids->retirements[i];
        }
    }
    return NULL;
}

void leat_retire_connection_id_on_acked(leat_conn *conn, leat_space space,
                                        const leat_sent_packet *packet,
                                        const leat_frame_record *record) {
    leat_conn_cids *cids = &conn->cids;
    leat_retirement *done = find_retirement(cids, record->a);
    (void)space, (void)packet;
    if (done != NULL) {
        *done = cids->retirements[--cids->retirement_count];
    }
}

void leat_retire_connection_id_on_lost(leat_conn *conn, leat_space space,
                                       const leat_frame_record *record) {
    leat_retirement *lost = find_retirement(&conn->cids, record->a);
    (void)space;
    if (lost != NULL) {
        lost->frame_due = true;
    }
}

/* ---- life ------------------------------------------------------------------------------------ */

int leat_cids_init(leat_conn *conn, const leat_conn_origin *origin) {
    leat_conn_cids *cids = &conn->cids;
    leat_peer_cid *peer = &cids->peers[0];
    leat_range_set_init(&cids->seen, conn->allocator, SEEN_RANGES_MAX);
    if (issue(conn) == NULL) {
        return LEAT_ERR_RANDOM;
    }
    peer->in_use = true;
    if (origin != NULL) {
        cids->original_dcid = origin->original_dcid;
        cids->client_dcid = origin->client_dcid;
        cids->retry_scid = origin->client_dcid;
        cids->was_retried = origin->retried;
        cids->peer_cid_known = true;
        peer->cid = origin->client_scid;
        return LEAT_OK;
    }
    peer->cid.length = FIRST_DCID_LENGTH;
    bool drawn = leat_random_bytes(&conn->random, peer->cid.bytes, FIRST_DCID_LENGTH);
    cids->original_dcid = peer->cid;
    return drawn ? LEAT_OK : LEAT_ERR_RANDOM;
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
