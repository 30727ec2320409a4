/* Lines from stdin while a session is open: datagram, bidi, uni, close. Ctrl-D ends. */
#include "talk.h"

#include <stdio.h>
#include <stdlib.h>

#define PROMPT_LINE_MAX ((size_t)INPUT_CHUNK) /* longer lines are refused whole */

static void on_datagram(talk *app, char *rest) {
    actions_add_datagram(app, rest, strlen(rest));
}
static void on_bidi(talk *app, char *rest) {
    actions_add_stream_text(app, false, rest, strlen(rest));
}
static void on_uni(talk *app, char *rest) {
    actions_add_stream_text(app, true, rest, strlen(rest));
}

static void on_close(talk *app, char *rest) {
    char *end;
    unsigned long long code = strtoull(rest, &end, 10);
    if (*rest < '0' || *rest > '9' || code > UINT32_MAX || (*end != ' ' && *end != '\0')) {
        fprintf(stderr, "leat wt: close wants a number below 2^32 and a reason: close 7 bye\n");
        return;
    }
    end += *end == ' ' ? 1 : 0;
    talk_close(app, (uint32_t)code, end, strlen(end));
}

static const struct {
    const char *name;
    void (*run)(talk *app, char *rest);
} commands[] = {{"datagram", on_datagram}, {"bidi", on_bidi}, {"uni", on_uni}, {"close", on_close}};

static void run_line(talk *app, char *line) {
    size_t length = strcspn(line, " ");
    char *rest = line + length + (line[length] == ' ' ? 1 : 0);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strlen(commands[i].name) == length && memcmp(commands[i].name, line, length) == 0) {
            commands[i].run(app, rest);
            return;
        }
    }
    fprintf(stderr, "leat wt: type 'datagram TEXT', 'bidi TEXT', 'uni TEXT', 'close CODE REASON', "
                    "or Ctrl-D to end\n");
}

static void end_line(talk *app) {
    if (app->prompt_overflows) {
        fprintf(stderr, "leat wt: a line has at most %zu bytes; use --bidi or --uni with a file\n",
            PROMPT_LINE_MAX);
    } else if (leat_buffer_append(&app->prompt_line, "", 1) == LEAT_OK && !app->is_closed) {
        run_line(app, (char *)app->prompt_line.data);
    }
    app->prompt_overflows = false;
    leat_buffer_consume(&app->prompt_line, app->prompt_line.length);
}

static void take_byte(talk *app, uint8_t byte) {
    if (byte == '\n') {
        end_line(app);
    } else if (app->prompt_line.length + 1 >= PROMPT_LINE_MAX ||
               leat_buffer_append(&app->prompt_line, &byte, 1) != LEAT_OK) {
        app->prompt_overflows = true;
    }
}

static void read_lines(void *user) {
    talk *app = user;
    talk_input *input = &app->prompt;
    while (!app->is_closed && input_fill(input)) {
        while (input->used < input->length) {
            take_byte(app, input->chunk[input->used++]);
        }
        if (input_is_at_end(input)) {
            if (app->prompt_line.length > 0) {
                end_line(app);
            }
            app->input_ended = true;
            break;
        }
    }
    actions_continue(app);
}

void prompt_start(talk *app) {
    leat_buffer_init(&app->prompt_line, NULL, PROMPT_LINE_MAX);
    if (!input_open(&app->prompt, app, "-")) {
        app->input_ended = true; /* no stdin at all is an empty one */
        return;
    }
    app->prompt.on_bytes = read_lines;
    app->prompt.user = app;
    read_lines(app);
}

void prompt_stop(talk *app) {
    if (app->prompt.owner != NULL) {
        input_close(&app->prompt);
    }
    leat_buffer_clear(&app->prompt_line);
}
