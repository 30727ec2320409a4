/*
 * What is sent in a session, and when it is over. A bidirectional stream is over when both sides
 * have ended it; a unidirectional one when its bytes have arrived, and the server has ended as many
 * unidirectional streams of its own, or
 * --wait has passed without anything on them.
 */
#include "talk.h"

#include <errno.h>
#include <inttypes.h>

#define DATAGRAMS_WAITING_MAX ((size_t)4 * 1024 * 1024)

static void pump(talk_stream *stream);

static talk_stream *find_stream(const talk *app, uint64_t id) {
    LEAT_LIST_FOR_EACH(node, following, &app->streams) {
        talk_stream *found = LEAT_CONTAINER_OF(node, talk_stream, node);
        if (found->is_open && found->id == id) {
            return found;
        }
    }
    return NULL;
}

/* ---- making ---- */

static talk_stream *add_stream(talk *app, bool unidirectional) {
    talk_stream *made = leat_alloc(NULL, sizeof *made);
    if (made == NULL) {
        talk_complain(app, "out of memory");
        return NULL;
    }
    made->owner = app;
    made->unidirectional = unidirectional;
    made->input.fd = -1;
    leat_list_push_back(&app->streams, &made->node);
    return made;
}

static void on_bytes(void *user) {
    pump(user);
}

static void free_stream(talk_stream *stream) {
    input_close(&stream->input);
    leat_list_remove(&stream->node);
    leat_free(NULL, stream);
}

static int prepare_files(talk *app, const option_list *paths, bool unidirectional) {
    for (size_t i = 0; i < paths->count; i++) {
        talk_stream *stream = add_stream(app, unidirectional);
        if (stream == NULL || !input_open(&stream->input, app, paths->values[i])) {
            options_complain(app->table, "cannot read %s: %s", paths->values[i], strerror(errno));
            return 1;
        }
        stream->input.on_bytes = on_bytes;
        stream->input.user = stream;
    }
    return 0;
}

int actions_prepare(talk *app) {
    leat_buffer_init(&app->datagrams, NULL, DATAGRAMS_WAITING_MAX);
    for (size_t i = 0; i < app->settings.datagrams.count; i++) {
        actions_add_datagram(
            app, app->settings.datagrams.values[i], strlen(app->settings.datagrams.values[i]));
    }
    int status = prepare_files(app, &app->settings.uni, true);
    return status != 0 ? status : prepare_files(app, &app->settings.bidi, false);
}

void actions_free(talk *app) {
    LEAT_LIST_FOR_EACH(node, following, &app->streams) {
        free_stream(LEAT_CONTAINER_OF(node, talk_stream, node));
    }
    leat_buffer_clear(&app->datagrams);
}

/* ---- datagrams ---- */

void actions_add_datagram(talk *app, const char *text, size_t length) {
    const uint8_t prefix[2] = {(uint8_t)(length >> 8), (uint8_t)length};
    if (length > UINT16_MAX || leat_buffer_append(&app->datagrams, prefix, 2) != LEAT_OK ||
        leat_buffer_append(&app->datagrams, text, length) != LEAT_OK) {
        talk_complain(app, "a datagram of %zu bytes is too long", length);
    }
}

static void send_datagrams(talk *app, leat_wt *wt) {
    size_t used = 0;
    while (used < app->datagrams.length) {
        const uint8_t *next = app->datagrams.data + used;
        leat_span data = {next + 2, (size_t)next[0] << 8 | next[1]};
        int error = leat_wt_send_datagram(wt, app->session_id, data, 0);
        if (error == LEAT_ERR_FULL) {
            break;
        }
        if (error == LEAT_OK) {
            app->datagrams_sent++;
            app->datagram_time = leat_clock_now();
        } else if (error == LEAT_ERR_TOO_LARGE) {
            talk_complain(app,
                "a datagram of %zu bytes was not sent: %zu fit in a packet now; use a stream",
                data.length, leat_wt_max_datagram_payload(wt, app->session_id));
        } else {
            talk_complain(app, "a datagram was not sent: %s", leat_err_string(error));
        }
        used += 2 + data.length;
    }
    leat_buffer_consume(&app->datagrams, used);
}

/* ---- streams ---- */

static void end_if_over(talk_stream *stream) {
    if (stream->is_delivered && (stream->unidirectional || stream->has_ended)) {
        free_stream(stream);
    }
}

/* Hands over what there is room for. */
static void pump(talk_stream *stream) {
    leat_wt *wt = talk_wt(stream->owner);
    while (wt != NULL && stream->is_open && !stream->end_sent && input_fill(&stream->input)) {
        talk_input *input = &stream->input;
        size_t left = input->length - input->used;
        ptrdiff_t taken = leat_wt_send_stream_data(
            wt, stream->id, input->chunk + input->used, left, input->has_ended);
        if (taken < 0) {
            talk_complain(stream->owner, "stream %" PRIu64 " takes nothing any more: %s",
                stream->id, leat_err_string((int)taken));
            stream->end_sent = stream->is_delivered = true;
            break;
        }
        input->used += (size_t)taken;
        stream->end_sent = input_is_at_end(input);
        if ((size_t)taken < left) {
            break;
        }
    }
}

static void open_streams(talk *app, leat_wt *wt) {
    LEAT_LIST_FOR_EACH(node, following, &app->streams) {
        talk_stream *stream = LEAT_CONTAINER_OF(node, talk_stream, node);
        int error = stream->is_open ? LEAT_OK
                                    : leat_wt_open_stream(
                                          wt, app->session_id, stream->unidirectional, &stream->id);
        if (error == LEAT_OK && !stream->is_open) {
            stream->is_open = true;
            app->uni_sent += stream->unidirectional ? 1 : 0;
            pump(stream);
        } else if (error != LEAT_OK && error != LEAT_ERR_STREAM_LIMIT && error != LEAT_ERR_FULL) {
            talk_complain(app, "a stream could not be opened: %s", leat_err_string(error));
            free_stream(stream);
        }
    }
}

void actions_add_stream_text(talk *app, bool unidirectional, const char *text, size_t length) {
    talk_stream *stream = add_stream(app, unidirectional);
    if (stream != NULL) {
        input_of_text(&stream->input, app, text, length);
        stream->input.on_bytes = on_bytes;
        stream->input.user = stream;
    }
}

void actions_start(talk *app) {
    app->datagram_time = app->uni_time = leat_clock_now();
    actions_continue(app);
}

void actions_continue(talk *app) {
    leat_wt *wt = talk_wt(app);
    if (wt != NULL && app->is_ready && !app->is_closed) {
        send_datagrams(app, wt);
        open_streams(app, wt);
    }
}

/* ---- events ---- */

static bool is_servers_uni(uint64_t stream_id) {
    return leat_stream_is_unidirectional(stream_id) && !leat_stream_is_client_initiated(stream_id);
}

/* Something came on a stream; the server's side may have ended with it. */
static void on_receiving(talk *app, uint64_t stream_id, bool has_ended) {
    talk_stream *stream = find_stream(app, stream_id);
    if (is_servers_uni(stream_id)) {
        app->uni_time = leat_clock_now();
        app->uni_answered += has_ended ? 1 : 0;
    } else if (stream != NULL && has_ended) {
        stream->has_ended = true;
        end_if_over(stream);
    }
}

/* The server does not want the rest: our side ends too. */
static void on_stopped(talk *app, const leat_wt_event *event) {
    talk_stream *stream = find_stream(app, event->stream_id);
    if (stream != NULL) {
        leat_wt_reset_stream(talk_wt(app), stream->id, event->stream_error.code);
        stream->end_sent = stream->is_delivered = true;
        end_if_over(stream);
    }
}

void actions_on_wt_event(talk *app, const leat_wt_event *event) {
    talk_stream *stream;
    switch (event->type) {
    case LEAT_WT_EVENT_DATAGRAM_RECEIVED:
        app->datagrams_answered++;
        break;
    case LEAT_WT_EVENT_STREAM_DATA_RECEIVED:
        on_receiving(app, event->stream_id, event->stream_data_received.end_stream);
        break;
    case LEAT_WT_EVENT_STREAM_RESET:
        on_receiving(app, event->stream_id, true);
        break;
    case LEAT_WT_EVENT_STOP_SENDING_RECEIVED:
        on_stopped(app, event);
        break;
    case LEAT_WT_EVENT_STREAM_WRITABLE:
        if ((stream = find_stream(app, event->stream_id)) != NULL) {
            pump(stream);
        }
        break;
    default:
        break;
    }
}

void actions_on_delivered(talk *app, uint64_t stream_id) {
    talk_stream *stream = find_stream(app, stream_id);
    if (stream != NULL) {
        app->uni_time = stream->unidirectional ? leat_clock_now() : app->uni_time;
        stream->is_delivered = true;
        end_if_over(stream);
    }
}

bool actions_are_done(const talk *app, leat_time now) {
    bool has_datagram_answers = app->datagrams_answered >= app->datagrams_sent ||
                                now - app->datagram_time >= app->settings.wait;
    bool has_uni_answers =
        app->uni_answered >= app->uni_sent || now - app->uni_time >= app->settings.wait;
    return app->datagrams.length == 0 && leat_list_is_empty(&app->streams) &&
           has_datagram_answers && has_uni_answers;
}
