/*
 * /clicker: messages are JSON objects, {"type":"increment","username":"..."}, one after the other
 * on a stream, cut anywhere. json-c parses incrementally and says where an object ends; what is
 * ours is the bound on a message and the answers.
 */
#include "serve.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>

#define MESSAGE_MAX 4096 /* bytes of one message: stops a stream that never closes its brace */
#define ANSWER_MAX 64
#define BAD_REQUEST "{\"status\":400}"

typedef struct click_parser {
    json_tokener *tokener;
    size_t length;      /* bytes of the message at hand */
    bool skips_rest;    /* after a message that was too long: until the next brace opens */
} click_parser;

static bool is_space(uint8_t c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* When it is strict, json-c 0.18 takes every byte beyond ASCII for a control character. */
static bool can_be_strict(void) {
    return json_c_version_num() != (0 << 16 | 18 << 8);
}

static json_tokener *new_tokener(void) {
    json_tokener *tokener = json_tokener_new();
    if (tokener != NULL) {
        json_tokener_set_flags(tokener, JSON_TOKENER_VALIDATE_UTF8 |
                                            JSON_TOKENER_ALLOW_TRAILING_CHARS |
                                            (can_be_strict() ? JSON_TOKENER_STRICT : 0));
    }
    return tokener;
}

static bool text_field(json_object *message, const char *name, leat_span *text) {
    json_object *field;
    if (!json_object_object_get_ex(message, name, &field) ||
        !json_object_is_type(field, json_type_string)) {
        return false;
    }
    *text = (leat_span){(const uint8_t *)json_object_get_string(field),
        (size_t)json_object_get_string_len(field)};
    return true;
}

/* Counts the click of a whole message and writes the answer. */
static void answer(serve_session *session, json_object *message, char out[ANSWER_MAX]) {
    leat_span type, user;
    uint64_t score = 0;
    if (json_object_is_type(message, json_type_object) && text_field(message, "type", &type) &&
        leat_span_is(type, "increment") && text_field(message, "username", &user) &&
        user.length >= 1 && user.length <= 64) {
        score = store_increment(session->client->serve->store, user);
        snprintf(
            session->user, sizeof session->user, "%.*s", (int)user.length, (const char *)user.data);
    }
    if (score > 0) {
        snprintf(out, ANSWER_MAX, "{\"status\":200,\"score\":%" PRIu64 "}", score);
    } else {
        snprintf(out, ANSWER_MAX, BAD_REQUEST);
    }
}

static void on_datagram(serve_session *session, leat_span data) {
    char out[ANSWER_MAX] = BAD_REQUEST;
    json_tokener *tokener = data.length <= MESSAGE_MAX ? new_tokener() : NULL;
    size_t end = 0;
    if (tokener != NULL && data.length > 0) {
        json_object *message =
            json_tokener_parse_ex(tokener, (const char *)data.data, (int)data.length);
        end = json_tokener_get_parse_end(tokener);
        while (end < data.length && is_space(data.data[end])) {
            end++;
        }
        if (message != NULL && end == data.length) {
            answer(session, message, out);
        }
        json_object_put(message);
    }
    if (tokener != NULL) {
        json_tokener_free(tokener);
    }
    leat_wt_send_datagram(
        session->wt, session->id, (leat_span){(const uint8_t *)out, strlen(out)}, 0);
}

static void forget_message(click_parser *clicker) {
    json_tokener_reset(clicker->tokener);
    clicker->length = 0;
}

/* Bytes before the first brace of a message: space, or what is left of one that was too long. */
static size_t skip_between(click_parser *clicker, leat_span data) {
    size_t skipped = 0;
    while (clicker->length == 0 && skipped < data.length &&
           (is_space(data.data[skipped]) || (clicker->skips_rest && data.data[skipped] != '{'))) {
        skipped++;
    }
    return skipped;
}

/* Feeds the message at hand; returns the bytes it took. What was received so far is discarded
 * after an error. */
static size_t feed(serve_channel *channel, click_parser *clicker, leat_span data) {
    char out[ANSWER_MAX] = BAD_REQUEST;
    size_t length =
        data.length < MESSAGE_MAX - clicker->length ? data.length : MESSAGE_MAX - clicker->length;
    if (clicker->length == 0 && data.data[0] != '{') {
        channel_answer(channel, out);
        return data.length;
    }
    clicker->skips_rest = false;
    json_object *message =
        json_tokener_parse_ex(clicker->tokener, (const char *)data.data, (int)length);
    enum json_tokener_error error = json_tokener_get_error(clicker->tokener);
    if (error == json_tokener_continue && clicker->length + length < MESSAGE_MAX) {
        clicker->length += length;
        return length;
    }
    size_t taken = data.length;
    if (error == json_tokener_success) {
        taken = json_tokener_get_parse_end(clicker->tokener);
        answer(channel->session, message, out);
    }
    clicker->skips_rest = error == json_tokener_continue;
    json_object_put(message);
    forget_message(clicker);
    channel_answer(channel, out);
    return taken;
}

static void free_clicker(void *state) {
    click_parser *clicker = state;
    json_tokener_free(clicker->tokener);
    leat_free(NULL, clicker);
}

static click_parser *clicker_of(serve_channel *channel) {
    if (channel->state == NULL) {
        click_parser *made = leat_alloc(NULL, sizeof *made);
        if (made != NULL && (made->tokener = new_tokener()) == NULL) {
            leat_free(NULL, made);
            made = NULL;
        }
        channel->state = made;
    }
    return channel->state;
}

static size_t on_data(serve_channel *channel, leat_span data) {
    click_parser *clicker = clicker_of(channel);
    size_t taken = 0;
    while (clicker != NULL && taken < data.length &&
           channel->out.length + ANSWER_MAX <= CHANNEL_OUT_MAX / 2) {
        leat_span rest = {data.data + taken, data.length - taken};
        size_t skipped = skip_between(clicker, rest);
        taken += skipped;
        if (skipped < rest.length) {
            taken +=
                feed(channel, clicker, (leat_span){rest.data + skipped, rest.length - skipped});
        }
    }
    return clicker == NULL ? data.length : taken;
}

static void on_end(serve_channel *channel) {
    click_parser *clicker = channel->state;
    if (clicker != NULL && clicker->length > 0) {
        channel_answer(channel, BAD_REQUEST);
    }
}

const wt_app clicker_app = {"/clicker", on_datagram, on_data, on_end, free_clicker};
