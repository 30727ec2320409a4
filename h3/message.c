/* The message state machine: one table, and the arithmetic of content-length. */
#include "h3/message.h"

/* RFC 9114 §4.1: header section, content, trailer section, in this order. §4.4: a tunnel carries
 * DATA only. */
static const bool accepted[LEAT_H3_MESSAGE_STATE_COUNT][LEAT_H3_INPUT_COUNT] = {
    /*                            HEADERS DATA   END */
    [LEAT_H3_MESSAGE_NEW]      = {true,   false, false},
    [LEAT_H3_MESSAGE_BEGUN]    = {true,   true,  true},
    [LEAT_H3_MESSAGE_TRAILED]  = {false,  false, true},
    [LEAT_H3_MESSAGE_TUNNELED] = {false,  true,  true},
    [LEAT_H3_MESSAGE_ENDED]    = {false,  false, false},
};

bool leat_h3_message_accepts(const leat_h3_message *message, leat_h3_message_input input) {
    return accepted[message->state][input];
}

leat_h3_section leat_h3_message_section(const leat_h3_message *message, bool is_request) {
    if (message->state != LEAT_H3_MESSAGE_NEW) {
        return LEAT_H3_SECTION_TRAILERS;
    }
    return is_request ? LEAT_H3_SECTION_REQUEST : LEAT_H3_SECTION_RESPONSE;
}

static void begin_content(leat_h3_message *message, uint64_t content_length) {
    message->state = LEAT_H3_MESSAGE_BEGUN;
    message->content_length = content_length;
}

static void on_response(
    leat_h3_message *message, const leat_h3_verdict *verdict, leat_h3_asked asked) {
    unsigned status = verdict->status;
    if (status < 200) {
        return; /* RFC 9114 §4.1: an interim response; the final one is still to come */
    }
    if (asked.is_connect && status < 300) {
        message->state = LEAT_H3_MESSAGE_TUNNELED;
        return;
    }
    /* RFC 9114 §4.1.2: such a response may name a length without having content. */
    message->has_no_content = asked.is_head || status == 204 || status == 304;
    begin_content(
        message, message->has_no_content ? LEAT_H3_NO_CONTENT_LENGTH : verdict->content_length);
}

void leat_h3_message_on_headers(
    leat_h3_message *message, const leat_h3_verdict *verdict, leat_h3_asked asked) {
    if (verdict->kind == LEAT_H3_KIND_TRAILERS) {
        message->state = LEAT_H3_MESSAGE_TRAILED;
    } else if (verdict->kind == LEAT_H3_KIND_RESPONSE) {
        on_response(message, verdict, asked);
    } else if (leat_h3_kind_is_connect(verdict->kind)) {
        message->state = LEAT_H3_MESSAGE_TUNNELED;
    } else {
        begin_content(message, verdict->content_length);
    }
}

const char *leat_h3_message_on_data(leat_h3_message *message, uint64_t length) {
    if (message->state == LEAT_H3_MESSAGE_TUNNELED || length == 0) {
        return NULL;
    }
    message->content_seen += length;
    if (message->has_no_content) {
        return "content in a response that has none";
    }
    return message->content_seen > message->content_length ? "content longer than content-length"
                                                           : NULL;
}

const char *leat_h3_message_on_end(leat_h3_message *message) {
    bool counts =
        message->state == LEAT_H3_MESSAGE_BEGUN || message->state == LEAT_H3_MESSAGE_TRAILED;
    bool is_short = counts && message->content_length != LEAT_H3_NO_CONTENT_LENGTH &&
                    message->content_seen < message->content_length;
    if (!leat_h3_message_accepts(message, LEAT_H3_INPUT_END)) {
        return "the stream ended before a complete message";
    }
    message->state = LEAT_H3_MESSAGE_ENDED;
    return is_short ? "content shorter than content-length" : NULL;
}
