/*
 * `leat wt` inside: one WebTransport session from the command line. Files: wt.c (options, life,
 * events), actions.c (what the options ask for: datagrams and streams), input.c (files and stdin
 * without blocking), prompt.c (lines typed in).
 */
#ifndef LEAT_TOOLS_WT_TALK_H
#define LEAT_TOOLS_WT_TALK_H

#include <leat/leat.h>
#include <stdio.h>

#include "../client_failure.h"
#include "../client_identity.h"
#include "../client_trust.h"
#include "../options.h"
#include "../url.h"
#include "base/alloc.h"
#include "base/bytes.h"
#include "base/list.h"
#include "base/text.h"

typedef struct talk talk;

/* ---- input.c ---- */

#define INPUT_CHUNK 16384

/* Bytes on their way to whoever takes them: a file, a pipe or a terminal that the loop watches, or
 * text in memory. */
typedef struct talk_input {
    talk *owner;
    int fd;       /* -1: only what stands in chunk */
    bool is_pipe; /* must be watched: reading could block */
    bool is_watched, has_ended;
    uint8_t chunk[INPUT_CHUNK];
    size_t used, length;
    void (*on_bytes)(void *user); /* something came, or the end: for pipes */
    void *user;
} talk_input;

/* path "-": stdin. False: errno says why. */
bool input_open(talk_input *input, talk *owner, const char *path);
void input_of_text(talk_input *input, talk *owner, const char *text, size_t length);
/* Fills the chunk when it is empty. False: nothing there now; input.on_bytes is called when there
 * is. */
bool input_fill(talk_input *input);
/* The reader takes nothing at the moment: a pipe is not watched then. */
void input_pause(talk_input *input);
static inline bool input_is_at_end(const talk_input *input) {
    return input->has_ended && input->used == input->length;
}
void input_close(talk_input *input);

/* ---- actions.c ---- */

/* A stream of ours. */
typedef struct talk_stream {
    leat_list node; /* in talk.streams */
    talk *owner;
    uint64_t id;
    bool unidirectional;
    bool is_open; /* false: the server allows no more streams yet */
    bool end_sent, is_delivered,
        has_ended; /* the end handed over; acknowledged; the server's side is over */
    talk_input input;
} talk_stream;

/* Opens the files of --uni and --bidi. 0, or an exit status after a line on stderr. */
int actions_prepare(talk *app);
/* The session is there: sends what the options ask for. */
void actions_start(talk *app);
/* Streams that wait for the server's permission, datagrams that found the queue full. */
void actions_continue(talk *app);
void actions_on_wt_event(talk *app, const leat_wt_event *event);
void actions_on_delivered(talk *app, uint64_t stream_id);
/* Whether nothing is left to be sent or waited for. */
bool actions_are_done(const talk *app, leat_time now);
/* Gives a new stream or datagram from a text. */
void actions_add_stream_text(talk *app, bool unidirectional, const char *text, size_t length);
void actions_add_datagram(talk *app, const char *text, size_t length);
void actions_free(talk *app);

/* ---- prompt.c ---- */

void prompt_start(talk *app);
void prompt_stop(talk *app);

/* ---- wt.c ---- */

struct talk {
    struct {
        option_list urls, datagrams, uni, bidi, protocols;
        client_trust_options trust;
        client_identity_options identity;
        const char *close, *origin, *keylog, *qlog;
        leat_time wait, connect_timeout;
        bool verbose;
    } settings;
    const option_table *table;
    tool_url url;
    leat_trust *trust;
    leat_identity *identity;
    leat_config quic;
    FILE *keylog;
    struct qlog_files *qlog;
    uint32_t close_code;
    const char *close_reason;

    leat_client *client;
    uint64_t session_id;
    bool had_handshake, is_ready, is_closed, was_clean, is_terminated, has_failed;
    char *line;                       /* room for one printed event */
    char failure[CLIENT_FAILURE_MAX]; /* why there is no session */

    leat_list streams;     /* of talk_stream.node */
    leat_buffer datagrams; /* waiting: two bytes of length and the text, one after the other */
    uint64_t datagrams_sent, datagrams_answered;
    uint64_t uni_sent,
        uni_answered; /* our unidirectional streams, and those of the server that have ended */
    leat_time datagram_time, uni_time; /* of the last thing that --wait counts from */

    bool is_interactive, input_ended; /* lines from stdin; Ctrl-D was there */
    talk_input prompt;
    leat_buffer prompt_line;
    bool prompt_overflows;
};

/* Says what could not be done; the exit status will be 1. */
void talk_complain(talk *app, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 2, 3)))
#endif
    ;
/* Closes the session with this code and reason. */
void talk_close(talk *app, uint32_t code, const char *reason, size_t length);
/* NULL: the connection is gone. */
leat_wt *talk_wt(const talk *app);

#endif
