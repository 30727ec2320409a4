/*
 * HTTP/0.9 on client bidirectional streams, as the interop runner wants it from servers: a line
 * "GET /path" is answered with the bytes of the file and the end of the stream. There is no status:
 * what cannot be answered is reset.
 */
#include "interop.h"

#include "../serve/http.h"

#include <string.h>

/* Stops a request line from growing for ever: the runner's longest has some 260 bytes. */
#define HQ_REQUEST_MAX 4096
#define HQ_CHUNK 16384
#define HQ_ERROR 1

typedef struct hq_stream {
    leat_list node;
    leat_conn *conn;
    uint64_t id;
    leat_buffer request;
    FILE *file; /* NULL: not answered yet */
    uint64_t left;
} hq_stream;

static void free_stream(hq_stream *stream) {
    (void)leat_conn_set_stream_user(stream->conn, stream->id, NULL);
    if (stream->file != NULL) {
        fclose(stream->file);
    }
    leat_buffer_clear(&stream->request);
    leat_list_remove(&stream->node);
    leat_free(NULL, stream);
}

void hq_free_streams(interop_connection *connection) {
    LEAT_LIST_FOR_EACH(node, following, &connection->hq_streams) {
        free_stream(LEAT_CONTAINER_OF(node, hq_stream, node));
    }
}

static void refuse(hq_stream *stream) {
    (void)leat_conn_stop_stream(stream->conn, stream->id, HQ_ERROR);
    (void)leat_conn_reset_stream(stream->conn, stream->id, HQ_ERROR);
    free_stream(stream);
}

/* ---- answering ---- */

/* True when nothing is left to be done for the stream. */
static bool pump(hq_stream *stream) {
    uint8_t chunk[HQ_CHUNK];
    for (;;) {
        size_t length = stream->left < HQ_CHUNK ? (size_t)stream->left : HQ_CHUNK;
        if (fread(chunk, 1, length, stream->file) != length) {
            /* The file became shorter: an end would make it look complete. */
            (void)leat_conn_reset_stream(stream->conn, stream->id, HQ_ERROR);
            return true;
        }
        ptrdiff_t taken = leat_conn_send_stream_data(
            stream->conn, stream->id, chunk, length, length == stream->left);
        if (taken < 0) {
            return true;
        }
        stream->left -= (uint64_t)taken;
        if (stream->left == 0) {
            return true;
        }
        if ((size_t)taken < length) {
            fseek(stream->file, (long)taken - (long)length, SEEK_CUR);
            return false;
        }
    }
}

/* The path of a request line, or an empty span. */
static leat_span find_path(const leat_buffer *request) {
    size_t end = 4;
    if (request->length < end || memcmp(request->data, "GET ", end) != 0) {
        return (leat_span){NULL, 0};
    }
    while (end < request->length && memchr(" \r\n", request->data[end], 3) == NULL) {
        end++;
    }
    return (leat_span){request->data + 4, end - 4};
}

static void answer(const char *www, hq_stream *stream) {
    http_response response = {0};
    leat_span path = find_path(&stream->request);
    stream->file = files_open(www, path, (leat_span){NULL, 0}, &response);
    stream->left = response.length;
    if (stream->file == NULL) {
        refuse(stream);
    } else if (pump(stream)) {
        free_stream(stream);
    }
}

/* ---- events ---- */

static hq_stream *make_stream(leat_conn *conn, uint64_t id) {
    interop_connection *connection = leat_conn_user(conn);
    hq_stream *made = leat_alloc(NULL, sizeof *made);
    if (made == NULL || leat_conn_set_stream_user(conn, id, made) != LEAT_OK) {
        leat_free(NULL, made);
        (void)leat_conn_reset_stream(conn, id, HQ_ERROR);
        return NULL;
    }
    made->conn = conn;
    made->id = id;
    leat_buffer_init(&made->request, NULL, HQ_REQUEST_MAX);
    leat_list_push_back(&connection->hq_streams, &made->node);
    return made;
}

static void on_data(const char *www, leat_conn *conn, const leat_event *event) {
    uint64_t id = event->stream_data_received.stream_id;
    leat_span data = event->stream_data_received.data;
    hq_stream *stream = leat_conn_stream_user(conn, id);
    if (stream == NULL && (leat_stream_is_unidirectional(id) || data.length == 0)) {
        return;
    }
    stream = stream == NULL ? make_stream(conn, id) : stream;
    if (stream == NULL || stream->file != NULL) {
        return;
    }
    if (leat_buffer_append(&stream->request, data.data, data.length) != LEAT_OK) {
        refuse(stream);
    } else if (event->stream_data_received.end_stream ||
               memchr(stream->request.data, '\n', stream->request.length) != NULL) {
        answer(www, stream);
    }
}

static void give_up(leat_conn *conn, uint64_t id) {
    hq_stream *stream = leat_conn_stream_user(conn, id);
    if (stream != NULL) {
        refuse(stream);
    }
}

void hq_on_event(const char *www, leat_conn *conn, const leat_event *event) {
    hq_stream *stream;
    switch (event->type) {
    case LEAT_EVENT_STREAM_DATA_RECEIVED: on_data(www, conn, event); break;
    case LEAT_EVENT_STREAM_WRITABLE:
        stream = leat_conn_stream_user(conn, event->stream.stream_id);
        if (stream != NULL && stream->file != NULL && pump(stream)) {
            free_stream(stream);
        }
        break;
    case LEAT_EVENT_STREAM_RESET: give_up(conn, event->stream_reset.stream_id); break;
    case LEAT_EVENT_STOP_SENDING_RECEIVED:
        give_up(conn, event->stop_sending_received.stream_id);
        break;
    default: break;
    }
}
