/* /counter: a datagram is answered with its length, a stream with the number of its bytes. */
#include "serve.h"

#include <inttypes.h>
#include <stdio.h>

static void on_datagram(serve_session *session, leat_span data) {
    char text[24];
    int length = snprintf(text, sizeof text, "%zu", data.length);
    leat_wt_send_datagram(
        session->wt, session->id, (leat_span){(const uint8_t *)text, (size_t)length}, 0);
}

static size_t on_data(serve_channel *channel, leat_span data) {
    (void)channel;
    return data.length;
}

static void on_end(serve_channel *channel) {
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, channel->received);
    channel_answer(channel, text);
}

const wt_app counter_app = {"/counter", on_datagram, on_data, on_end, NULL};
