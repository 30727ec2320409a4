/*
 * One HTTP message on a stream, as a state machine: which frame may come next (RFC 9114 §4.1), and
 * whether the content is as long as content-length said (§4.1.2). The same machine follows what is
 * received and what is sent. Pure.
 */
#ifndef LEAT_H3_MESSAGE_H
#define LEAT_H3_MESSAGE_H

#include "h3/validate.h"

/* Named after what has happened. */
typedef enum leat_h3_message_state {
    LEAT_H3_MESSAGE_NEW,      /* no HEADERS, or only interim responses */
    LEAT_H3_MESSAGE_BEGUN,    /* the header section is known; content or trailers may come */
    LEAT_H3_MESSAGE_TRAILED,  /* trailers came; only the end may follow */
    LEAT_H3_MESSAGE_TUNNELED, /* a CONNECT took hold: DATA only */
    LEAT_H3_MESSAGE_ENDED,
    LEAT_H3_MESSAGE_STATE_COUNT,
} leat_h3_message_state;

typedef enum leat_h3_message_input {
    LEAT_H3_INPUT_HEADERS,
    LEAT_H3_INPUT_DATA,
    LEAT_H3_INPUT_END,
    LEAT_H3_INPUT_COUNT,
} leat_h3_message_input;

typedef struct leat_h3_message {
    uint8_t state;           /* leat_h3_message_state */
    bool has_no_content;     /* RFC 9110 §6.4.1: the answer to HEAD, 204, 304 */
    uint64_t content_length; /* or LEAT_H3_NO_CONTENT_LENGTH */
    uint64_t content_seen;
} leat_h3_message;

/* What the request was, which decides how its response reads. */
typedef struct leat_h3_asked {
    bool is_head, is_connect;
} leat_h3_asked;

bool leat_h3_message_accepts(const leat_h3_message *message, leat_h3_message_input input);
/* What the next HEADERS of this message holds. */
leat_h3_section leat_h3_message_section(const leat_h3_message *message, bool is_request);

/* After accepts said yes. The others return what is wrong, or NULL. */
void leat_h3_message_on_headers(
    leat_h3_message *message, const leat_h3_verdict *verdict, leat_h3_asked asked);
const char *leat_h3_message_on_data(leat_h3_message *message, uint64_t length);
const char *leat_h3_message_on_end(leat_h3_message *message);

#endif
