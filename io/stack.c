/*
 * One connection's layers. Upper layers are drained first: what a QUIC event means for HTTP/3 and
 * WebTransport is told before the QUIC event itself, so that SessionClosed comes before
 * ConnectionTerminated.
 */
#include "io/stack.h"

#include <string.h>

#define DATAGRAM_FRAME_SIZE_ANY 65535

static const char *const h3_only[] = {"h3"};

void leat_stack_adapt_quic(leat_io_layers layers, leat_config *quic) {
    if (quic->alpn == NULL) {
        quic->alpn = h3_only;
        quic->alpn_count = 1;
    }
    if (layers == LEAT_LAYER_WEBTRANSPORT && quic->max_datagram_frame_size == 0) {
        quic->max_datagram_frame_size = DATAGRAM_FRAME_SIZE_ANY;
    }
}

void leat_stack_config_init(leat_stack_config *config, leat_io_layers layers,
                            const leat_h3_config *h3, const leat_wt_config *webtransport,
                            const leat_io_handler *handler, void *user) {
    *config = (leat_stack_config){.layers = layers, .handler = *handler, .user = user};
    leat_h3_config_init(&config->h3);
    leat_wt_config_init(&config->webtransport);
    if (h3 != NULL) {
        config->h3 = *h3;
    }
    if (webtransport != NULL) {
        config->webtransport = *webtransport;
    }
    if (layers == LEAT_LAYER_WEBTRANSPORT) {
        leat_wt_h3_config(&config->h3);
    }
}

void leat_stack_init(leat_stack *stack, leat_stack_config *config, leat_conn *conn) {
    *stack = (leat_stack){.config = config, .conn = conn};
}

void leat_stack_clear(leat_stack *stack) {
    leat_wt_free(stack->wt);
    leat_h3_free(stack->h3);
    stack->wt = NULL;
    stack->h3 = NULL;
}

/* ---- calling the application ---- */

static void enter(leat_stack *stack, const char *name) { atomic_store(&stack->config->busy, name); }
static void leave(leat_stack *stack) { atomic_store(&stack->config->busy, NULL); }

void leat_stack_on_connected(leat_stack *stack) {
    if (stack->config->handler.on_connected != NULL) {
        enter(stack, "on_connected");
        stack->config->handler.on_connected(stack->config->user, stack->conn);
        leave(stack);
    }
}

void leat_stack_on_closed(leat_stack *stack) {
    if (stack->config->handler.on_closed != NULL) {
        enter(stack, "on_closed");
        stack->config->handler.on_closed(stack->config->user, stack->conn);
        leave(stack);
    }
}

static void tell_event(leat_stack *stack, const leat_event *event) {
    const leat_stack_config *config = stack->config;
    bool is_kept = config->filter != NULL &&
                   !config->filter(config->filter_user, stack->conn, event);
    if (!is_kept && config->handler.on_event != NULL) {
        enter(stack, "on_event");
        config->handler.on_event(config->user, stack->conn, event);
        leave(stack);
    }
}

static void tell_h3_event(leat_stack *stack, const leat_h3_event *event) {
    if (stack->config->handler.on_h3_event != NULL) {
        enter(stack, "on_h3_event");
        stack->config->handler.on_h3_event(stack->config->user, stack->conn, stack->h3, event);
        leave(stack);
    }
}

static void tell_wt_event(leat_stack *stack, const leat_wt_event *event) {
    stack->had_session = stack->had_session || event->type == LEAT_WT_EVENT_SESSION_REQUESTED;
    if (stack->config->handler.on_wt_event != NULL) {
        enter(stack, "on_wt_event");
        stack->config->handler.on_wt_event(stack->config->user, stack->conn, stack->wt, event);
        leave(stack);
    }
}

/* ---- draining ---- */

static bool drain_wt(leat_stack *stack) {
    leat_wt_event event;
    bool was_any = false;
    while (stack->wt != NULL && leat_wt_next_event(stack->wt, &event)) {
        tell_wt_event(stack, &event);
        was_any = true;
    }
    return was_any;
}

static bool drain_h3(leat_stack *stack) {
    leat_h3_event event;
    bool was_any = drain_wt(stack);
    while (stack->h3 != NULL && leat_h3_next_event(stack->h3, &event)) {
        tell_h3_event(stack, &event);
        if (stack->wt != NULL) {
            leat_wt_handle_event(stack->wt, &event);
            drain_wt(stack);
        }
        was_any = true;
    }
    return was_any;
}

static void make_layers(leat_stack *stack, const char *alpn) {
    int error = LEAT_OK;
    if (stack->config->layers == LEAT_LAYER_QUIC || stack->h3 != NULL || strcmp(alpn, "h3") != 0) {
        return;
    }
    stack->h3 = leat_h3_new(stack->conn, &stack->config->h3, &error);
    if (stack->h3 != NULL && stack->config->layers == LEAT_LAYER_WEBTRANSPORT) {
        stack->wt = leat_wt_new(stack->h3, &stack->config->webtransport, &error);
    }
    if (error != LEAT_OK) {
        leat_conn_fail(stack->conn, LEAT_H3_INTERNAL_ERROR, "no memory for HTTP/3");
    }
}

static void pass_up(leat_stack *stack, const leat_event *event) {
    if (event->type == LEAT_EVENT_EARLY_DATA_REJECTED) {
        leat_stack_clear(stack); /* their streams are gone; ProtocolNegotiated makes them anew */
    }
    if (event->type == LEAT_EVENT_PROTOCOL_NEGOTIATED) {
        make_layers(stack, event->protocol_negotiated.alpn_protocol);
    }
    if (stack->wt != NULL) {
        leat_wt_handle_conn_event(stack->wt, event);
        drain_wt(stack);
    }
    if (stack->h3 != NULL) {
        leat_h3_handle_event(stack->h3, event);
        drain_h3(stack);
    }
    tell_event(stack, event);
}

bool leat_stack_drain(leat_stack *stack) {
    leat_event event;
    bool was_any = drain_h3(stack);
    while (leat_conn_next_event(stack->conn, &event)) {
        pass_up(stack, &event);
        was_any = true;
    }
    /* What the application did in its handlers may have raised more. */
    return drain_h3(stack) || was_any;
}

/* ---- ending ---- */

bool leat_stack_has_work(const leat_stack *stack) {
    bool has_session = stack->wt != NULL &&
                       (leat_wt_session_count(stack->wt) > 0 || leat_wt_is_closing(stack->wt));
    bool has_request = stack->h3 != NULL && leat_h3_open_requests(stack->h3) > 0;
    return has_session || has_request || leat_conn_is_delivering(stack->conn);
}

void leat_stack_goaway(leat_stack *stack) {
    if (stack->h3 == NULL || leat_conn_is_terminating(stack->conn)) {
        return;
    }
    (void)leat_h3_shutdown(stack->h3);
    uint64_t session_id;
    for (size_t cursor = 0;
         stack->wt != NULL && leat_wt_next_session(stack->wt, &cursor, &session_id);) {
        (void)leat_wt_drain(stack->wt, session_id);
    }
}

void leat_stack_close_sessions(leat_stack *stack, const char *reason) {
    uint64_t session_id;
    size_t length = strlen(reason);
    length = length > LEAT_WT_REASON_MAX ? LEAT_WT_REASON_MAX : length;
    for (;;) {
        size_t cursor = 0;
        /* Closing takes it out of the walk, which therefore begins anew. */
        if (stack->wt == NULL || !leat_wt_next_session(stack->wt, &cursor, &session_id) ||
            leat_wt_close(stack->wt, session_id, 0, reason, length) != LEAT_OK) {
            return;
        }
    }
}

bool leat_stack_is_closing_sessions(const leat_stack *stack) {
    return stack->wt != NULL && !leat_conn_is_terminating(stack->conn) &&
           leat_wt_is_closing(stack->wt);
}

void leat_stack_close(leat_stack *stack, const char *reason) {
    /* RFC 9114 §5.2: an orderly end is told with H3_NO_ERROR. */
    leat_conn_close(stack->conn, stack->h3 != NULL ? LEAT_H3_NO_ERROR : LEAT_NO_ERROR, reason);
}
