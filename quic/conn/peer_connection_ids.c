/*
 * The peer's connection IDs: RFC 9000 §5.1.2, §10.3.1, §19.15. They are kept in a small table from
 * which each path takes one; which ID a path uses is its sequence number. Row 0 of a fresh
 * connection is the one of the handshake.
 */
#include "quic/conn/conn_internal.h"
#include "quic/conn/trace.h"

#include "crypto/secret.h"

#include <string.h>

/* ---- the table ------------------------------------------------------------------------------- */

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

/* RFC 9000 §9.5: fewer IDs than paths: the active one gets what there is, another has none. */
static void give_active_any(leat_conn *conn, uint64_t sequence) {
    for (size_t i = 0; i < LEAT_PATHS_MAX; i++) {
        leat_path_state *path = conn->paths.all[i];
        if (path != NULL && path->cid_sequence == sequence) {
            path->cid_sequence = LEAT_CID_SEQUENCE_NONE;
        }
    }
    conn->paths.active->cid_sequence = sequence;
}

static void give_path_an_id(leat_conn *conn, leat_path_state *path) {
    if (find_peer(&conn->cids, path->cid_sequence) != NULL ||
        leat_cids_take_for_path(conn, path)) {
        return;
    }
    path->cid_sequence = LEAT_CID_SEQUENCE_NONE;
    if (path == conn->paths.active) {
        give_active_any(conn, any_peer(&conn->cids)->sequence);
    }
}

static void give_paths_new_ids(leat_conn *conn) {
    if (any_peer(&conn->cids) == NULL) {
        leat_close_fault(conn, LEAT_PROTOCOL_VIOLATION, 0, "no connection ID of the peer is left");
        return;
    }
    give_path_an_id(conn, conn->paths.active);
    for (size_t i = 0; i < LEAT_PATHS_MAX; i++) {
        if (conn->paths.all[i] != NULL) {
            give_path_an_id(conn, conn->paths.all[i]);
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

void leat_cids_add_preferred(leat_conn *conn, const leat_preferred_address *preferred) {
    leat_peer_cid *row = free_peer_row(&conn->cids);
    *row = (leat_peer_cid){.sequence = 1, .cid = preferred->cid, .in_use = true,
                           .has_token = true};
    memcpy(row->reset_token, preferred->reset_token, sizeof row->reset_token);
    leat_range_set_add_dropping_lowest(&conn->cids.seen, 1, 2);
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

/* ---- RETIRE_CONNECTION_ID -------------------------------------------------------------------- */

bool leat_cids_owes_retirement(const leat_conn *conn) {
    for (size_t i = 0; i < conn->cids.retirement_count; i++) {
        if (conn->cids.retirements[i].frame_due) {
            return true;
        }
    }
    return false;
}

void leat_cids_write_retirements(leat_conn *conn, leat_packet_out *out) {
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
