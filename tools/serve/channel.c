/*
 * Answering streams with backpressure. Answers wait in `out` until the stream takes them; while
 * they wait, the incoming stream is held, so that a peer that does not read its answers cannot make
 * us buffer more than CHANNEL_OUT_MAX.
 */
#include "serve.h"

static serve_channel *channel_new(serve_session *session, uint64_t stream_id) {
    serve_channel *made = leat_alloc(NULL, sizeof *made);
    if (made == NULL || leat_wt_set_stream_user(session->wt, stream_id, made) != 0) {
        leat_free(NULL, made);
        return NULL;
    }
    made->session = session;
    made->in = made->out_stream = stream_id;
    made->has_out_stream = !leat_stream_is_unidirectional(stream_id);
    leat_buffer_init(&made->out, NULL, CHANNEL_OUT_MAX);
    leat_list_push_back(&session->channels, &made->node);
    return made;
}

void channel_free(serve_channel *channel) {
    leat_wt_set_stream_user(channel->session->wt, channel->in, NULL);
    leat_wt_set_stream_user(channel->session->wt, channel->out_stream, NULL);
    if (channel->session->app->free_state != NULL && channel->state != NULL) {
        channel->session->app->free_state(channel->state);
    }
    leat_buffer_clear(&channel->out);
    leat_list_remove(&channel->node);
    leat_free(NULL, channel);
}

void channel_answer(serve_channel *channel, const char *text) {
    leat_buffer_append(&channel->out, text, strlen(text));
}

/* A unidirectional stream is answered on a new one. False: the peer's stream limit is reached;
 * tried again later. */
static bool open_answer_stream(serve_channel *channel) {
    if (!channel->has_out_stream && leat_wt_open_stream(channel->session->wt, channel->session->id,
                                        true, &channel->out_stream) == 0) {
        channel->has_out_stream = true;
        leat_wt_set_stream_user(channel->session->wt, channel->out_stream, channel);
    }
    return channel->has_out_stream;
}

/* Sends what waits, then the end; releases the incoming stream when nothing waits any more. May
 * free the channel. */
void channel_flush(serve_channel *channel) {
    leat_wt *wt = channel->session->wt;
    if (channel->out.length > 0 || channel->has_ended) {
        if (!open_answer_stream(channel)) {
            return;
        }
        ptrdiff_t taken = leat_wt_send_stream_data(
            wt, channel->out_stream, channel->out.data, channel->out.length, channel->has_ended);
        if (taken < 0) {
            leat_wt_stop_stream(wt, channel->in, 0);
            channel_free(channel);
            return;
        }
        leat_buffer_consume(&channel->out, (size_t)taken);
    }
    if (channel->out.length > 0) {
        return;
    }
    if (channel->has_ended) {
        channel_free(channel);
    } else if (channel->is_held) {
        channel->is_held = false;
        leat_wt_release_stream(wt, channel->in);
    }
}

void channel_on_data(serve_session *session, const leat_wt_event *event) {
    serve_channel *channel = leat_wt_stream_user(session->wt, event->stream_id);
    if (channel == NULL) {
        channel = channel_new(session, event->stream_id);
    }
    if (channel == NULL) {
        leat_wt_stop_stream(session->wt, event->stream_id, 0);
        return;
    }
    leat_span data = event->stream_data_received.data;
    size_t taken = session->app->on_data(channel, data);
    channel->received += taken;
    bool is_full = taken < data.length || channel->out.length >= CHANNEL_OUT_MAX / 2;
    if (is_full) {
        /* The rest and the end come again after the release. */
        channel->is_held =
            leat_wt_hold_stream(session->wt, event->stream_id, data.length - taken) == 0;
    } else if (event->stream_data_received.end_stream) {
        session->app->on_end(channel);
        channel->has_ended = true;
    }
    channel_flush(channel);
}

void channel_on_writable(serve_session *session, uint64_t stream_id) {
    serve_channel *channel = leat_wt_stream_user(session->wt, stream_id);
    if (channel != NULL) {
        channel_flush(channel);
    }
}

void channel_on_reset(serve_session *session, const leat_wt_event *event) {
    serve_channel *channel = leat_wt_stream_user(session->wt, event->stream_id);
    if (channel != NULL) {
        if (channel->has_out_stream) {
            leat_wt_reset_stream(session->wt, channel->out_stream, event->stream_error.code);
        }
        channel_free(channel);
    }
}

void channel_on_stop(serve_session *session, const leat_wt_event *event) {
    serve_channel *channel = leat_wt_stream_user(session->wt, event->stream_id);
    if (channel != NULL) {
        leat_wt_stop_stream(session->wt, channel->in, event->stream_error.code);
        channel_free(channel);
    }
}
