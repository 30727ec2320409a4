/* /echo: datagrams and streams come back as they were. */
#include "serve.h"

static void on_datagram(serve_session *session, leat_span data) {
    leat_wt_send_datagram(session->wt, session->id, data, 0);
}

static size_t on_data(serve_channel *channel, leat_span data) {
    size_t room = CHANNEL_OUT_MAX - channel->out.length;
    size_t taken = data.length < room ? data.length : room;
    return leat_buffer_append(&channel->out, data.data, taken) == 0 ? taken : 0;
}

static void on_end(serve_channel *channel) {
    (void)channel;
}

const wt_app echo_app = {"/echo", on_datagram, on_data, on_end, NULL};
