/*
 * Session tickets between runs: one line per host and port with its newest ticket in hex. A ticket
 * holds a secret, so the file has mode 0600. Lines that make no sense are dropped.
 */
#include "get.h"

#include <errno.h>

#include "../file.h"
#include "../parse.h"

#define ROWS_MAX 64 /* the oldest goes first */
#define LINE_MAX                                                                                   \
    32768 /* a ticket is at most 65535 bytes on the wire; useful ones are far shorter */

typedef struct session_row {
    char *authority;
    uint8_t *ticket;
    size_t length;
} session_row;

struct get_sessions {
    char *path;
    session_row rows[ROWS_MAX];
    size_t count;
    bool is_changed;
};

static void free_row(session_row *row) {
    leat_free(NULL, row->authority);
    leat_free(NULL, row->ticket);
}

static void remove_row(get_sessions *sessions, size_t index) {
    free_row(&sessions->rows[index]);
    sessions->count--;
    memmove(&sessions->rows[index], &sessions->rows[index + 1],
        (sessions->count - index) * sizeof sessions->rows[0]);
}

static void put(get_sessions *sessions, const char *authority, leat_span ticket) {
    session_row row = {
        leat_strdup(NULL, authority), leat_alloc(NULL, ticket.length + 1), ticket.length};
    for (size_t i = 0; i < sessions->count; i++) {
        if (strcmp(sessions->rows[i].authority, authority) == 0) {
            remove_row(sessions, i);
            break;
        }
    }
    if (row.authority == NULL || row.ticket == NULL) {
        free_row(&row);
        return;
    }
    memcpy(row.ticket, ticket.data, ticket.length);
    if (sessions->count == ROWS_MAX) {
        remove_row(sessions, 0);
    }
    sessions->rows[sessions->count++] = row;
}

/* "AUTHORITY HEX" */
static void read_line(get_sessions *sessions, char *line) {
    uint8_t ticket[LINE_MAX / 2];
    char *space = strchr(line, ' ');
    size_t length = 0;
    if (space == NULL || strlen(space) > LINE_MAX) {
        return;
    }
    *space = '\0';
    for (const char *hex = space + 1; *hex != '\0'; hex += 2) {
        if (parse_hex_digit(hex[0]) < 0 || parse_hex_digit(hex[1]) < 0) {
            return;
        }
        ticket[length++] = (uint8_t)(parse_hex_digit(hex[0]) << 4 | parse_hex_digit(hex[1]));
    }
    if (length > 0) {
        put(sessions, line, (leat_span){ticket, length});
    }
}

get_sessions *sessions_file_open(const char *path, char message[LEAT_MESSAGE_MAX]) {
    get_sessions *opened = leat_alloc(NULL, sizeof *opened);
    size_t length;
    char reason[LEAT_MESSAGE_MAX];
    if (opened == NULL || (opened->path = leat_strdup(NULL, path)) == NULL) {
        snprintf(message, LEAT_MESSAGE_MAX, "out of memory");
        leat_free(NULL, opened);
        return NULL;
    }
    char *text = (char *)file_read(path, &length, reason);
    if (text == NULL && errno != ENOENT) {
        snprintf(message, LEAT_MESSAGE_MAX, "--session: %.200s", reason);
        sessions_file_close(opened);
        return NULL;
    }
    char *rest = text;
    for (char *line; rest != NULL && (line = strsep(&rest, "\n")) != NULL;) {
        read_line(opened, line);
    }
    leat_free(NULL, text);
    return opened;
}

leat_span sessions_file_find(const get_sessions *sessions, const char *authority) {
    for (size_t i = 0; i < sessions->count; i++) {
        if (strcmp(sessions->rows[i].authority, authority) == 0) {
            return (leat_span){sessions->rows[i].ticket, sessions->rows[i].length};
        }
    }
    return (leat_span){NULL, 0};
}

void sessions_file_put(get_sessions *sessions, const char *authority, leat_span ticket) {
    if (ticket.length <= LINE_MAX / 2) {
        put(sessions, authority, ticket);
        sessions->is_changed = true;
    }
}

bool sessions_file_save(const get_sessions *sessions) {
    leat_buffer text;
    bool is_good = true;
    if (!sessions->is_changed) {
        return true;
    }
    leat_buffer_init(&text, NULL, FILE_SIZE_MAX);
    for (size_t i = 0; i < sessions->count; i++) {
        const session_row *row = &sessions->rows[i];
        is_good = is_good &&
                  leat_buffer_append(&text, row->authority, strlen(row->authority)) == 0 &&
                  leat_buffer_append(&text, " ", 1) == 0;
        for (size_t j = 0; j < row->length; j++) {
            char hex[3];
            snprintf(hex, sizeof hex, "%02x", row->ticket[j]);
            is_good = is_good && leat_buffer_append(&text, hex, 2) == 0;
        }
        is_good = is_good && leat_buffer_append(&text, "\n", 1) == 0;
    }
    is_good = is_good && file_write_private(sessions->path, text.data, text.length);
    leat_buffer_clear(&text);
    return is_good;
}

void sessions_file_close(get_sessions *sessions) {
    if (sessions != NULL) {
        while (sessions->count > 0) {
            remove_row(sessions, 0);
        }
        leat_free(NULL, sessions->path);
        leat_free(NULL, sessions);
    }
}
