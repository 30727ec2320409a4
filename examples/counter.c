/*
 * The counter on HTTP/3 events alone: a datagram is answered by its length; a stream, when it ends,
 * by the number of bytes that came on it: on itself when it is bidirectional, else on a new
 * unidirectional stream.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sample_h3.h"

/* Bytes per open stream of a client. The transport allows at most 200 at a time. */
#define STREAMS_MAX 256
typedef struct counts {
    struct {
        uint64_t stream_id, bytes;
        bool used;
    } streams[STREAMS_MAX];
} counts;

static uint64_t *count_of(sample_client *client, uint64_t stream_id) {
    counts *all =
        client->state != NULL ? client->state : (client->state = calloc(1, sizeof(counts)));
    int free_place = -1;
    for (int i = 0; all != NULL && i < STREAMS_MAX; i++) {
        if (all->streams[i].used && all->streams[i].stream_id == stream_id) {
            return &all->streams[i].bytes;
        }
        free_place = !all->streams[i].used && free_place < 0 ? i : free_place;
    }
    if (all == NULL || free_place < 0) {
        return NULL;
    }
    all->streams[free_place].used = true;
    all->streams[free_place].stream_id = stream_id;
    all->streams[free_place].bytes = 0;
    return &all->streams[free_place].bytes;
}

static void on_stream_closed(sample_client *client, uint64_t stream_id) {
    counts *all = client->state;
    for (int i = 0; all != NULL && i < STREAMS_MAX; i++) {
        if (all->streams[i].stream_id == stream_id) {
            all->streams[i].used = false;
        }
    }
}

static void on_h3_event(sample_client *client, const leat_h3_event *event) {
    char text[24];
    if (event->type == LEAT_H3_EVENT_DATAGRAM_RECEIVED) {
        snprintf(text, sizeof text, "%zu", event->datagram_received.data.length);
        leat_h3_send_datagram(
            client->h3, client->session_id, (leat_span){(const uint8_t *)text, strlen(text)}, 0);
    } else if (event->type == LEAT_H3_EVENT_WEBTRANSPORT_STREAM_DATA_RECEIVED) {
        uint64_t *bytes = count_of(client, event->stream_id);
        if (bytes == NULL) {
            leat_conn_stop_stream(client->conn, event->stream_id, LEAT_H3_INTERNAL_ERROR);
            return;
        }
        *bytes += event->webtransport_stream_data_received.data.length;
        if (event->webtransport_stream_data_received.stream_ended) {
            snprintf(text, sizeof text, "%" PRIu64, *bytes);
            sample_answer(client, event->stream_id, text);
            on_stream_closed(client, event->stream_id);
        }
    }
}

static void on_closed(sample_client *client) {
    free(client->state);
}

int main(int count, char **arguments) {
    static const sample_handler handler = {"/counter", on_h3_event, on_stream_closed, on_closed};
    return sample_run(count, arguments, &handler);
}
