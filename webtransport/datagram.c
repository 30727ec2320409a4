/*
 * Datagrams of sessions: draft-ietf-webtrans-http3-07 §4.4. Early ones are kept within a bound
 * until the session is open. The fate of a datagram is asked of the transport under a number of
 * ours, which leads back to session and uid.
 */
#include "webtransport/internal.h"

static void remove_early(leat_wt *wt, wt_datagram *datagram) {
    leat_list_remove(&datagram->node);
    wt->early_datagram_count--;
}

/* draft-ietf-webtrans-http3-07 §4.5: within a bound. The oldest goes, whoever it waits for: the
 * newest is worth most. */
static void drop_oldest(leat_wt *wt) {
    wt_datagram *oldest = LEAT_LIST_FIRST(&wt->early_datagrams, wt_datagram, node);
    wt_session *session = leat_wt_find_session(wt, oldest->session_id);
    if (session != NULL) {
        session->datagrams_dropped++;
    }
    remove_early(wt, oldest);
    leat_free(wt->allocator, oldest);
}

static bool keep_early(leat_wt *wt, uint64_t session_id, leat_span data) {
    wt_datagram *datagram = wt->config.early_datagrams > 0
                                ? leat_alloc(wt->allocator, sizeof *datagram + data.length)
                                : NULL;
    if (datagram == NULL) {
        return false;
    }
    if (wt->early_datagram_count >= wt->config.early_datagrams) {
        drop_oldest(wt);
    }
    datagram->session_id = session_id;
    datagram->length = data.length;
    if (data.length > 0) {
        memcpy(datagram->bytes, data.data, data.length);
    }
    leat_list_push_back(&wt->early_datagrams, &datagram->node);
    wt->early_datagram_count++;
    return true;
}

static bool can_still_open(const leat_wt *wt, const wt_session *session, uint64_t session_id) {
    /* A client knows all of its sessions; a server's may be overtaken by what belongs to it. */
    return session != NULL ? session->state == WT_REQUESTED
                           : !wt->is_client && !leat_wt_is_gone(wt, session_id);
}

void leat_wt_on_datagram(leat_wt *wt, const leat_h3_event *event) {
    wt_session *session = leat_wt_find_session(wt, event->stream_id);
    leat_span data = event->datagram_received.data;
    if (session != NULL && session->state == WT_OPEN) {
        leat_wt_event *received =
            leat_wt_push_event(wt, LEAT_WT_EVENT_DATAGRAM_RECEIVED, session->id, 0);
        received->datagram_received.data = data;
    } else if (!(can_still_open(wt, session, event->stream_id) &&
                   keep_early(wt, event->stream_id, data)) &&
               session != NULL) {
        session->datagrams_dropped++;
    }
}

wt_datagram *leat_wt_take_early_datagram(leat_wt *wt, uint64_t session_id) {
    LEAT_LIST_FOR_EACH(node, following, &wt->early_datagrams) {
        wt_datagram *datagram = LEAT_CONTAINER_OF(node, wt_datagram, node);
        if (datagram->session_id == session_id) {
            remove_early(wt, datagram);
            return datagram;
        }
    }
    return NULL;
}

size_t leat_wt_drop_early_datagrams(leat_wt *wt, uint64_t session_id) {
    size_t dropped = 0;
    for (wt_datagram *datagram; (datagram = leat_wt_take_early_datagram(wt, session_id)) != NULL;
         dropped++) {
        leat_free(wt->allocator, datagram);
    }
    return dropped;
}

/* Fates are popped in the order in which they were asked for. */
static void pop_known_fates(leat_wt *wt) {
    while (wt->fates.count > 0 && ((wt_fate *)leat_ring_front(&wt->fates))->known) {
        leat_ring_pop(&wt->fates);
        wt->first_fate++;
    }
}

int leat_wt_send_datagram(leat_wt *wt, uint64_t session_id, leat_span data, uint64_t uid) {
    wt_session *session = leat_wt_find_session(wt, session_id);
    if (session == NULL || session->state != WT_OPEN) {
        return LEAT_ERR_STATE;
    }
    uint64_t number = wt->first_fate + wt->fates.count;
    wt_fate *fate = uid != 0 ? leat_ring_push(&wt->fates) : NULL;
    int result =
        leat_h3_send_datagram(wt->h3, session_id, data, fate != NULL ? WT_UID | number : 0);
    if (fate != NULL) {
        *fate = (wt_fate){session_id, uid, result != 0};
        pop_known_fates(wt);
    }
    return result;
}

size_t leat_wt_max_datagram_payload(const leat_wt *wt, uint64_t session_id) {
    return leat_h3_max_datagram_payload(wt->h3, session_id);
}

void leat_wt_on_datagram_fate(leat_wt *wt, const leat_event *event) {
    uint64_t uid = event->datagram_frame_fate.uid;
    uint64_t place = (uid & ~WT_UID) - wt->first_fate;
    if ((uid & WT_UID) == 0 || place >= wt->fates.count) {
        return;
    }
    wt_fate *fate = leat_ring_at(&wt->fates, (size_t)place);
    const wt_session *session = leat_wt_find_session(wt, fate->session_id);
    if (!fate->known && session != NULL && session->state == WT_OPEN) {
        leat_wt_event *told =
            leat_wt_push_event(wt, LEAT_WT_EVENT_DATAGRAM_FATE, fate->session_id, 0);
        told->datagram_fate.uid = fate->uid;
        told->datagram_fate.fate = event->datagram_frame_fate.fate;
    }
    fate->known = true;
    pop_known_fates(wt);
}
