/* Connections: one per host and port, made for the first transfer that needs it, shared by all,
 * replaced after a GOAWAY. */
#include "get.h"

#include <inttypes.h>

static get_transfer *find_transfer(get_origin *origin, uint64_t stream_id) {
    LEAT_LIST_FOR_EACH(node, following, &origin->transfers) {
        get_transfer *found = LEAT_CONTAINER_OF(node, get_transfer, node);
        if (found->state == GET_SENT && found->stream_id == stream_id) {
            return found;
        }
    }
    return NULL;
}

/* ---- events ---- */

/* RFC 9114 §5.2: requests from this id on were not processed. */
static void on_goaway(get_origin *origin, leat_h3 *h3, uint64_t id) {
    get_say(origin->app, "* %s sends GOAWAY %" PRIu64, origin->authority, id);
    origin->is_leaving = true;
    LEAT_LIST_FOR_EACH(node, following, &origin->transfers) {
        get_transfer *transfer = LEAT_CONTAINER_OF(node, get_transfer, node);
        if (transfer->state == GET_SENT && transfer->stream_id >= id) {
            leat_h3_cancel(h3, transfer->stream_id, LEAT_H3_REQUEST_CANCELLED);
            transfer_retry(transfer, "the server is going away (GOAWAY)");
        }
    }
}

static void on_h3_event(void *user, leat_conn *conn, leat_h3 *h3, const leat_h3_event *event) {
    get_origin *origin = user;
    (void)conn;
    if (event->type == LEAT_H3_EVENT_GOAWAY_RECEIVED) {
        on_goaway(origin, h3, event->goaway_received.id);
        return;
    }
    get_transfer *transfer = find_transfer(origin, event->stream_id);
    if (transfer != NULL) {
        response_on_event(transfer, event);
    }
}

static void fail_transfer(get_transfer *transfer, const char *sentence) {
    if (transfer->received > 0) {
        transfer_fail(transfer, "the body is incomplete, %" PRIu64 " bytes came: %s",
            transfer->received, sentence);
    } else {
        transfer_fail(transfer, "%s", sentence);
    }
}

static void on_terminated(get_origin *origin, const leat_event *event) {
    char sentence[CLIENT_FAILURE_MAX];
    bool is_connected = origin->connected != LEAT_TIME_NEVER;
    origin->has_ended = origin->is_leaving = true;
    client_failure_describe(event, is_connected, origin->authority, sentence);
    LEAT_LIST_FOR_EACH(node, following, &origin->transfers) {
        get_transfer *transfer = LEAT_CONTAINER_OF(node, get_transfer, node);
        if (transfer->state == GET_WAITING && is_connected) {
            transfer_retry(transfer, sentence);
        } else {
            fail_transfer(transfer, sentence);
        }
    }
}

static void on_ticket(get_origin *origin, leat_span ticket) {
    origin->had_ticket = true;
    if (origin->app->sessions != NULL) {
        sessions_file_put(origin->app->sessions, origin->authority, SESSION_TICKET, ticket);
    }
}

static void on_token(const get_origin *origin, leat_span token) {
    if (origin->app->sessions != NULL) {
        sessions_file_put(origin->app->sessions, origin->authority, SESSION_TOKEN, token);
    }
}

/* Bodies have their own place, and a ticket is a secret. */
static void say_event(const get_app *app, const leat_event *event) {
    char line[1024];
    if (event->type == LEAT_EVENT_SESSION_TICKET) {
        get_say(app, "* %s", leat_event_name(event->type));
    } else if (event->type != LEAT_EVENT_STREAM_DATA_RECEIVED) {
        get_say(app, "* %s", leat_event_format(event, line, sizeof line));
    }
}

static void note_connected(const get_origin *origin, get_transfer *transfer) {
    transfer->connected =
        origin->connected > transfer->started ? origin->connected : transfer->started;
}

static void on_completed(get_origin *origin) {
    origin->connected = leat_clock_now();
    LEAT_LIST_FOR_EACH(node, following, &origin->transfers) {
        get_transfer *transfer = LEAT_CONTAINER_OF(node, get_transfer, node);
        if (transfer->state == GET_SENT) { /* early */
            note_connected(origin, transfer);
        }
    }
}

/* The requests were never made, and are made again as soon as the handshake is there. */
static void on_rejected(get_origin *origin) {
    LEAT_LIST_FOR_EACH(node, following, &origin->transfers) {
        LEAT_CONTAINER_OF(node, get_transfer, node)->state = GET_WAITING;
    }
}

static void on_event(void *user, leat_conn *conn, const leat_event *event) {
    get_origin *origin = user;
    (void)conn;
    say_event(origin->app, event);
    switch (event->type) {
    case LEAT_EVENT_PROTOCOL_NEGOTIATED:
        origin_start_waiting(origin);
        break;
    case LEAT_EVENT_EARLY_DATA_REJECTED:
        on_rejected(origin);
        break;
    case LEAT_EVENT_HANDSHAKE_COMPLETED:
        on_completed(origin);
        break;
    case LEAT_EVENT_SESSION_TICKET:
        on_ticket(origin, event->ticket.data);
        break;
    case LEAT_EVENT_NEW_TOKEN:
        on_token(origin, event->ticket.data);
        break;
    case LEAT_EVENT_CONNECTION_TERMINATED:
        on_terminated(origin, event);
        break;
    default:
        break;
    }
}

/* ---- making ---- */

/* "HOST:PORT:ADDRESS" for this URL: the address, or NULL. */
static const char *find_resolved(const get_transfer *transfer, char address[URL_HOST_MAX]) {
    char prefix[URL_HOST_MAX + 16];
    const option_list *rows = &transfer->app->settings.resolve;
    int length =
        snprintf(prefix, sizeof prefix, "%s:%u:", transfer->url.host, (unsigned)transfer->url.port);
    for (size_t i = 0; i < rows->count; i++) {
        if (strncmp(rows->values[i], prefix, (size_t)length) == 0) {
            const char *text = rows->values[i] + length;
            text += *text == '[' ? 1 : 0;
            snprintf(address, URL_HOST_MAX, "%.*s", (int)strcspn(text, "]"), text);
            return address;
        }
    }
    return NULL;
}

/* What the file has for this server, as a copy that lives as long as the origin. */
static leat_span recall(get_origin *origin, session_kind kind) {
    leat_span kept = sessions_file_find(origin->app->sessions, origin->authority, kind);
    if (kept.length == 0 || (origin->kept[kind] = leat_alloc(NULL, kept.length)) == NULL) {
        return (leat_span){NULL, 0};
    }
    memcpy(origin->kept[kind], kept.data, kept.length);
    return (leat_span){origin->kept[kind], kept.length};
}

static void use_session(get_origin *origin, leat_config *quic) {
    if (origin->app->sessions != NULL) {
        quic->session_ticket = recall(origin, SESSION_TICKET);
        quic->token = recall(origin, SESSION_TOKEN);
        /* RFC 9000 §8.1.3: used once, so that nobody can link two connections by it. */
        sessions_file_forget(origin->app->sessions, origin->authority, SESSION_TOKEN);
    }
}

static bool connect_client(
    get_origin *origin, const get_transfer *transfer, char message[LEAT_MESSAGE_MAX]) {
    char address[URL_HOST_MAX];
    leat_client_config config;
    leat_config quic = origin->app->quic;
    const char *resolved = find_resolved(transfer, address);
    leat_client_config_init(&config);
    use_session(origin, &quic);
    quic.server_name = transfer->url.host;
    config.quic = &quic;
    config.layers = LEAT_LAYER_H3;
    config.handler = (leat_io_handler){.on_event = on_event, .on_h3_event = on_h3_event};
    config.user = origin;
    origin->client = leat_client_new(
        &config, resolved != NULL ? resolved : transfer->url.host, transfer->url.port, message);
    return origin->client != NULL;
}

static get_origin *make(get_transfer *transfer) {
    char message[LEAT_MESSAGE_MAX] = "out of memory";
    get_origin *made = leat_alloc(NULL, sizeof *made);
    if (made != NULL) {
        made->app = transfer->app;
        made->connected = LEAT_TIME_NEVER;
        leat_list_init(&made->transfers);
        leat_list_push_back(&made->app->origins, &made->node);
        memcpy(made->authority, transfer->url.authority, sizeof made->authority);
        if (connect_client(made, transfer, message)) {
            return made;
        }
        origin_free(made);
    }
    transfer_fail(transfer, "%s", message);
    return NULL;
}

get_origin *origin_for(get_transfer *transfer) {
    LEAT_LIST_FOR_EACH(node, following, &transfer->app->origins) {
        get_origin *origin = LEAT_CONTAINER_OF(node, get_origin, node);
        if (!origin->is_leaving && strcmp(origin->authority, transfer->url.authority) == 0) {
            return origin;
        }
    }
    return make(transfer);
}

void origin_join(get_origin *origin, get_transfer *transfer) {
    transfer->origin = origin;
    transfer->state = GET_WAITING;
    leat_list_push_back(&origin->transfers, &transfer->node);
}

void origin_start_waiting(get_origin *origin) {
    bool is_connected = origin->connected != LEAT_TIME_NEVER;
    bool is_early = !is_connected &&
                    leat_conn_is_sending_early_data(leat_client_conn(origin->client));
    bool is_allowed = (is_connected || is_early) && leat_client_h3(origin->client) != NULL;
    LEAT_LIST_FOR_EACH(node, following, &origin->transfers) {
        get_transfer *transfer = LEAT_CONTAINER_OF(node, get_transfer, node);
        if (transfer->state == GET_WAITING && origin->is_leaving) {
            transfer_leave(transfer);
            transfer->state = GET_UNASSIGNED;
        } else if (transfer->state == GET_WAITING && is_allowed &&
                   (is_connected || request_is_safe(transfer))) {
            if (is_connected) {
                note_connected(origin, transfer);
            }
            is_allowed = request_start(transfer);
        }
    }
}

void origin_free(get_origin *origin) {
    leat_list_remove(&origin->node);
    leat_client_free(origin->client);
    for (size_t i = 0; i < SESSION_PARTS; i++) {
        leat_free(NULL, origin->kept[i]);
    }
    leat_free(NULL, origin);
}
