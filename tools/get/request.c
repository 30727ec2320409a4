/* The request half of a transfer: fields from the options, and a body that is read as the stream
 * takes it. */
#include "get.h"

#include <ctype.h>
#include <inttypes.h>

/* Our own fields, then those of -H. */
#define FIELDS_MAX (OPTION_LIST_MAX + 12)

/* Everything the array of fields points into. */
typedef struct field_list {
    leat_h3_header fields[FIELDS_MAX];
    size_t count;
    char length[24];
    char *names; /* of -H in lower case, one after the other */
} field_list;

/* RFC 9110 §5.6.2 */
static bool is_token(const char *text, size_t length) {
    for (size_t i = 0; i < length; i++) {
        if (!isalnum((unsigned char)text[i]) &&
            (text[i] == '\0' || strchr("!#$%&'*+-.^_`|~", text[i]) == NULL)) {
            return false;
        }
    }
    return length > 0;
}

bool request_field_is_valid(const char *field) {
    size_t length = strcspn(field, ":");
    return field[length] == ':' && is_token(field, length) && strpbrk(field, "\r\n") == NULL;
}

static const char *value_of(const char *field) {
    const char *value = field + strcspn(field, ":") + 1;
    return value + strspn(value, " \t");
}

/* The -H with this name, or NULL. */
static const char *find_given(const get_app *app, const char *name) {
    size_t length = strlen(name);
    for (size_t i = 0; i < app->settings.headers.count; i++) {
        const char *field = app->settings.headers.values[i];
        bool is_same = strcspn(field, ":") == length;
        for (size_t j = 0; is_same && j < length; j++) {
            is_same = tolower((unsigned char)field[j]) == name[j];
        }
        if (is_same) {
            return field;
        }
    }
    return NULL;
}

static void add(field_list *list, const char *name, const char *value) {
    list->fields[list->count++] = leat_h3_header_of(name, value);
}

/* A field of ours, unless -H names it. */
static void add_default(field_list *list, const get_app *app, const char *name, const char *value) {
    if (find_given(app, name) == NULL) {
        add(list, name, value);
    }
}

/* What a redirect to another host must not be told. */
static bool is_secret(leat_span name) {
    return leat_span_is(name, "authorization") || leat_span_is(name, "cookie") ||
           leat_span_is(name, "proxy-authorization");
}

static bool is_at_home(const get_transfer *transfer) {
    tool_url *first = leat_alloc(NULL, sizeof *first);
    const char *problem;
    bool is_home = first != NULL && url_parse(transfer->text, first, &problem) &&
                   strcmp(first->authority, transfer->url.authority) == 0;
    leat_free(NULL, first);
    return is_home;
}

/* -H fields. "Name:" without a value takes a default away, as in curl. */
static bool add_given(field_list *list, const get_transfer *transfer) {
    const option_list *given = &transfer->app->settings.headers;
    size_t room = 1;
    for (size_t i = 0; i < given->count; i++) {
        room += strcspn(given->values[i], ":");
    }
    list->names = leat_alloc(NULL, room);
    if (list->names == NULL) {
        return false;
    }
    bool is_home = given->count == 0 || is_at_home(transfer);
    char *name = list->names;
    for (size_t i = 0; i < given->count; i++) {
        const char *value = value_of(given->values[i]);
        size_t length = strcspn(given->values[i], ":");
        for (size_t j = 0; j < length; j++) {
            name[j] = (char)tolower((unsigned char)given->values[i][j]);
        }
        leat_h3_header field = {{(const uint8_t *)name, length}, leat_span_of(value), false};
        field.never_index = is_secret(field.name);
        bool is_wanted =
            *value != '\0' && !leat_span_is(field.name, "host") && (is_home || !field.never_index);
        if (is_wanted) {
            list->fields[list->count++] = field;
        }
        name += length;
    }
    return true;
}

static bool collect(field_list *list, const get_transfer *transfer) {
    const get_app *app = transfer->app;
    const char *host = transfer->redirects == 0 ? find_given(app, "host") : NULL;
    add(list, ":method", transfer->method);
    add(list, ":scheme", "https");
    add(list, ":authority", host != NULL ? value_of(host) : transfer->url.authority);
    add(list, ":path", transfer->url.target);
    add_default(list, app, "user-agent", "leat/" LEAT_VERSION_STRING);
    add_default(list, app, "accept", "*/*");
    if (transfer->upload != NULL) {
        add_default(list, app, "content-type", "application/x-www-form-urlencoded");
        snprintf(list->length, sizeof list->length, "%" PRIu64, transfer->upload_length);
        if (transfer->upload_length != UINT64_MAX) {
            add_default(list, app, "content-length", list->length);
        }
    }
    return add_given(list, transfer);
}

static void say_fields(const get_app *app, const field_list *list) {
    for (size_t i = 0; i < list->count; i++) {
        get_say(app, "> %.*s: %.*s", (int)list->fields[i].name.length,
            (const char *)list->fields[i].name.data, (int)list->fields[i].value.length,
            (const char *)list->fields[i].value.data);
    }
}

bool request_start(get_transfer *transfer) {
    leat_h3 *h3 = leat_client_h3(transfer->origin->client);
    field_list *list = leat_alloc(NULL, sizeof *list);
    int error = list == NULL || !collect(list, transfer)
                    ? LEAT_ERR_NOMEM
                    : leat_h3_open_request(h3, &transfer->stream_id);
    if (error == LEAT_OK) {
        say_fields(transfer->app, list);
        transfer->state = GET_SENT;
        error = leat_h3_send_headers(
            h3, transfer->stream_id, list->fields, list->count, transfer->upload == NULL);
        if (error != LEAT_OK) {
            leat_h3_cancel(h3, transfer->stream_id, LEAT_H3_REQUEST_CANCELLED);
        }
    }
    if (list != NULL) {
        leat_free(NULL, list->names);
        leat_free(NULL, list);
    }
    if (error == LEAT_ERR_INVALID) {
        transfer_fail(transfer,
            "the request was not sent: a field of -H or the method is not allowed in HTTP/3");
    } else if (error != LEAT_OK && error != LEAT_ERR_STREAM_LIMIT) {
        transfer_fail(transfer, "the request was not sent: %s", leat_err_string(error));
    } else if (error == LEAT_OK && transfer->upload != NULL) {
        request_pump(transfer);
    }
    return error != LEAT_ERR_STREAM_LIMIT;
}

/* ---- body ---- */

static bool fill_chunk(get_transfer *transfer) {
    if (transfer->chunk_used == transfer->chunk_length && !transfer->upload_ended) {
        transfer->chunk_used = 0;
        transfer->chunk_length =
            fread(transfer->chunk, 1, sizeof transfer->chunk, transfer->upload);
        transfer->upload_ended = transfer->chunk_length < sizeof transfer->chunk;
    }
    return ferror(transfer->upload) == 0;
}

void request_pump(get_transfer *transfer) {
    leat_h3 *h3 = leat_client_h3(transfer->origin->client);
    bool has_more = transfer->upload != NULL;
    while (has_more) {
        if (!fill_chunk(transfer)) {
            leat_h3_cancel(h3, transfer->stream_id, LEAT_H3_REQUEST_CANCELLED);
            transfer_fail(transfer, "the file of -d could not be read to its end");
            return;
        }
        size_t left = transfer->chunk_length - transfer->chunk_used;
        ptrdiff_t taken = leat_h3_send_data(h3, transfer->stream_id,
            transfer->chunk + transfer->chunk_used, left, transfer->upload_ended);
        if (taken < 0) {
            return; /* the stream was stopped: what the response says decides */
        }
        transfer->chunk_used += (size_t)taken;
        transfer->sent += (uint64_t)taken;
        has_more = (size_t)taken == left && !transfer->upload_ended;
    }
}

bool request_is_safe(const get_transfer *transfer) {
    bool is_safe = strcmp(transfer->method, "GET") == 0 || strcmp(transfer->method, "HEAD") == 0;
    return is_safe && transfer->upload == NULL;
}

bool request_rewind(get_transfer *transfer) {
    transfer->chunk_used = transfer->chunk_length = 0;
    transfer->upload_ended = false;
    if (transfer->upload == NULL) {
        return true;
    }
    clearerr(transfer->upload);
    return fseek(transfer->upload, 0, SEEK_SET) == 0;
}
