/*
 * The clicker on HTTP/3 events alone: a message is {"type":"increment","username":"..."}, the
 * answer {"status":200,"score":N}. Short on purpose: a stream carries one message, and the scores
 * live as long as the program. `leat serve` has the complete one.
 */
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sample_h3.h"

#define STREAMS_MAX 256
#define MESSAGE_MAX 4096

typedef struct messages {
    struct {
        uint64_t stream_id;
        bool used;
        size_t length;
        char text[MESSAGE_MAX + 1];
    } streams[STREAMS_MAX];
} messages;

/* Answers one whole message. */
static void answer(const char *text, size_t length, char out[64]) {
    static json_object *scores;
    json_object *message = NULL, *type, *user;
    json_tokener *tokener = json_tokener_new();
    if (scores == NULL) {
        scores = json_object_new_object();
    }
    if (tokener != NULL) {
        message = json_tokener_parse_ex(tokener, text, (int)length);
        json_tokener_free(tokener);
    }
    strcpy(out, "{\"status\":400}");
    if (json_object_object_get_ex(message, "type", &type) &&
        json_object_object_get_ex(message, "username", &user) &&
        strcmp(json_object_get_string(type), "increment") == 0 &&
        json_object_get_string_len(user) > 0) {
        json_object *score;
        int clicks = json_object_object_get_ex(scores, json_object_get_string(user), &score)
                         ? json_object_get_int(score) + 1
                         : 1;
        json_object_object_add(scores, json_object_get_string(user), json_object_new_int(clicks));
        snprintf(out, 64, "{\"status\":200,\"score\":%d}", clicks);
    }
    json_object_put(message);
}

/* The place of a stream in the client's table, a new one when it has none, or -1. */
static int place_of(sample_client *client, uint64_t stream_id) {
    messages *all =
        client->state != NULL ? client->state : (client->state = calloc(1, sizeof(messages)));
    int free_place = -1;
    for (int i = 0; all != NULL && i < STREAMS_MAX; i++) {
        if (all->streams[i].used && all->streams[i].stream_id == stream_id) {
            return i;
        }
        free_place = !all->streams[i].used && free_place < 0 ? i : free_place;
    }
    if (all != NULL && free_place >= 0) {
        all->streams[free_place].used = true;
        all->streams[free_place].stream_id = stream_id;
        all->streams[free_place].length = 0;
    }
    return all == NULL ? -1 : free_place;
}

static void on_stream_closed(sample_client *client, uint64_t stream_id) {
    messages *all = client->state;
    for (int i = 0; all != NULL && i < STREAMS_MAX; i++) {
        if (all->streams[i].stream_id == stream_id) {
            all->streams[i].used = false;
        }
    }
}

static void on_stream_data(sample_client *client, const leat_h3_event *event) {
    messages *all;
    char out[64];
    leat_span data = event->webtransport_stream_data_received.data;
    int place = place_of(client, event->stream_id);
    all = client->state;
    if (place < 0 || data.length > MESSAGE_MAX - all->streams[place].length) {
        leat_conn_stop_stream(client->conn, event->stream_id, LEAT_H3_EXCESSIVE_LOAD);
        return;
    }
    if (data.length > 0) {
        memcpy(all->streams[place].text + all->streams[place].length, data.data, data.length);
        all->streams[place].length += data.length;
    }
    if (event->webtransport_stream_data_received.stream_ended) {
        answer(all->streams[place].text, all->streams[place].length, out);
        sample_answer(client, event->stream_id, out);
        on_stream_closed(client, event->stream_id);
    }
}

static void on_h3_event(sample_client *client, const leat_h3_event *event) {
    char out[64];
    if (event->type == LEAT_H3_EVENT_DATAGRAM_RECEIVED) {
        answer((const char *)event->datagram_received.data.data,
            event->datagram_received.data.length, out);
        leat_h3_send_datagram(
            client->h3, client->session_id, (leat_span){(const uint8_t *)out, strlen(out)}, 0);
    } else if (event->type == LEAT_H3_EVENT_WEBTRANSPORT_STREAM_DATA_RECEIVED) {
        on_stream_data(client, event);
    }
}

static void on_closed(sample_client *client) {
    free(client->state);
}

int main(int count, char **arguments) {
    static const sample_handler handler = {"/clicker", on_h3_event, on_stream_closed, on_closed};
    return sample_run(count, arguments, &handler);
}
