/* See early_pair.h. */
#include "early_pair.h"

static void keep_ticket(void *user, pair *p, pair_side side, const leat_event *event) {
    ticket_keeper *keeper = user;
    (void)p;
    if (side == PAIR_CLIENT && event->type == LEAT_EVENT_SESSION_TICKET) {
        ck_assert_uint_le(event->ticket.data.length, sizeof keeper->ticket);
        memcpy(keeper->ticket, event->ticket.data.data, event->ticket.data.length);
        keeper->length = event->ticket.data.length;
    }
}

pair *early_pair_new(ticket_keeper *keeper) {
    pair *p = pair_new();
    p->ends[PAIR_SERVER].config.resumption_keys = keeper->keys;
    p->ends[PAIR_SERVER].config.early_data = p->ends[PAIR_CLIENT].config.early_data = true;
    p->ends[PAIR_CLIENT].config.session_ticket = (leat_span){keeper->ticket, keeper->length};
    p->ends[PAIR_CLIENT].config.server_name = "leat.test";
    return p;
}

pair *early_pair_begin_first(ticket_keeper *keeper) {
    *keeper = (ticket_keeper){.keys = leat_resumption_keys_new(NULL)};
    pair *p = early_pair_new(keeper);
    p->on_event = keep_ticket;
    p->on_event_user = keeper;
    return p;
}

void early_pair_end_first(ticket_keeper *keeper, pair *p) {
    pair_handshake(p);
    ck_assert_uint_gt(keeper->length, 0);
    pair_free(p);
}

pair *early_pair_second(ticket_keeper *keeper) {
    early_pair_end_first(keeper, early_pair_begin_first(keeper));
    return early_pair_new(keeper);
}

void early_pair_end(ticket_keeper *keeper, pair *p) {
    pair_free(p);
    leat_resumption_keys_free(keeper->keys);
}

void assert_text(pair *p, pair_side side, uint64_t id, const char *text) {
    const pair_stream *stream = pair_stream_of(p, side, id);
    ck_assert_msg(stream->length == strlen(text), "stream %llu has %zu bytes, wanted \"%s\"",
                  (unsigned long long)id, stream->length, text);
    ck_assert_mem_eq(stream->bytes, text, stream->length);
    ck_assert(stream->ended);
}

void run_until_confirmed(pair *p) {
    leat_time deadline = p->now + 20 * LEAT_SECOND;
    while (p->ends[PAIR_CLIENT].event_counts[LEAT_EVENT_HANDSHAKE_CONFIRMED] == 0 &&
           pair_step(p, deadline)) {
    }
    ck_assert_uint_eq(p->ends[PAIR_CLIENT].event_counts[LEAT_EVENT_HANDSHAKE_CONFIRMED], 1);
    pair_settle(p);
}
