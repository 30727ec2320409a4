/*
 * Datagrams of sessions: draft-ietf-webtrans-http3-07 §4.4. Early ones are kept within a bound until the session is open. The
 * fate of a datagram is asked of the transport under a number of ours, which leads back to session and uid.
 */
#include "webtransport/internal.h"

static void keep_early(leat_wt *wt, wt_session *session, leat_span data) {
    wt_datagram *datagram = leat_ring_push(&session->early_datagrams);
    if (datagram == NULL) {
        session->datagrams_dropped++;
        return;
    }
    datagram->data = leat_alloc(wt->allocator, data.length + 1);
    if (datagram->data != NULL && data.length > 0) {
        memcpy(datagram->data, data.data, data.length);
        datagram->length = data.length;
    }
}

void leat_wt_on_datagram(leat_wt *wt, const leat_h3_event *event) {
    wt_session *session = leat_wt_find_session(wt, event->stream_id);
    if (session == NULL) {
        return;
    }
    if (session->state == WT_OPEN) {
        leat_wt_event *received = leat_wt_push_event(wt, LEAT_WT_EVENT_DATAGRAM_RECEIVED, session->id, 0);
        received->datagram_received.data = event->datagram_received.data;
    } else if (session->state == WT_REQUESTED) {
        keep_early(wt, session, event->datagram_received.data);
    } else {
        session->datagrams_dropped++;
    }
}

void leat_wt_drop_early_datagrams(leat_wt *wt, wt_session *session) {
    while (session->early_datagrams.count > 0) {
        wt_datagram *datagram = leat_ring_front(&session->early_datagrams);
        leat_free(wt->allocator, datagram->data);
        leat_ring_pop(&session->early_datagrams);
        session->datagrams_dropped++;
    }
}

int leat_wt_send_datagram(leat_wt *wt, uint64_t session_id, leat_span data, uint64_t uid) {
    wt_session *session = leat_wt_find_session(wt, session_id);
    if (session == NULL || session->state != WT_OPEN) {
        return LEAT_ERR_STATE;
    }
    uint64_t number = wt->first_fate + wt->fates.count;
    uint64_t transport_uid = uid != 0 && wt->fates.count < WT_FATES_MAX ? WT_UID | number : 0;
    int result = leat_h3_send_datagram(wt->h3, session_id, data, transport_uid);
    if (result == 0 && transport_uid != 0) {
        wt_fate *fate = leat_ring_push(&wt->fates);
        if (fate != NULL) {
            *fate = (wt_fate){session_id, uid, false};
        }
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
        leat_wt_event *told = leat_wt_push_event(wt, LEAT_WT_EVENT_DATAGRAM_FATE, fate->session_id, 0);
        told->datagram_fate.uid = fate->uid;
        told->datagram_fate.fate = event->datagram_frame_fate.fate;
    }
    fate->known = true;
    while (wt->fates.count > 0 && ((wt_fate *)leat_ring_front(&wt->fates))->known) {
        leat_ring_pop(&wt->fates);
        wt->first_fate++;
    }
}
