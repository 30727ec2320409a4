/*
 * What servers gave for the next time, between runs: one line per host and port with the newest
 * session ticket and the newest address validation token, in hex, "-" for none. A ticket holds a
 * secret, so the file has mode 0600. A token is used once: it leaves the file when it is taken.
 * Lines that make no sense are dropped.
 */
#include "get.h"

#include <errno.h>

#include "../file.h"
#include "../parse.h"

#define ROWS_MAX 64 /* the oldest goes first */
#define LINE_MAX                                                                                   \
    32768 /* a ticket is at most 65535 bytes on the wire; useful ones are far shorter */

typedef struct session_part {
    uint8_t *bytes; /* NULL: none */
    size_t length;
} session_part;

typedef struct session_row {
    char *authority;
    session_part parts[SESSION_PARTS];
} session_row;

struct get_sessions {
    char *path;
    session_row rows[ROWS_MAX];
    size_t count;
    bool is_changed;
};

static void free_row(session_row *row) {
    leat_free(NULL, row->authority);
    for (size_t i = 0; i < SESSION_PARTS; i++) {
        leat_free(NULL, row->parts[i].bytes);
    }
}

static session_row *find_row(const get_sessions *sessions, const char *authority) {
    for (size_t i = 0; i < sessions->count; i++) {
        if (strcmp(sessions->rows[i].authority, authority) == 0) {
            return (session_row *)(uintptr_t)&sessions->rows[i];
        }
    }
    return NULL;
}

static session_row *add_row(get_sessions *sessions, const char *authority) {
    char *copy = leat_strdup(NULL, authority);
    if (copy == NULL) {
        return NULL;
    }
    if (sessions->count == ROWS_MAX) {
        free_row(&sessions->rows[0]);
        sessions->count--;
        memmove(
            &sessions->rows[0], &sessions->rows[1], sessions->count * sizeof sessions->rows[0]);
    }
    session_row *row = &sessions->rows[sessions->count++];
    *row = (session_row){.authority = copy};
    return row;
}

static void put(get_sessions *sessions, const char *authority, session_kind kind, leat_span bytes) {
    session_row *row = find_row(sessions, authority);
    uint8_t *copy = leat_alloc(NULL, bytes.length + 1);
    if (copy == NULL || (row == NULL && (row = add_row(sessions, authority)) == NULL)) {
        leat_free(NULL, copy);
        return;
    }
    memcpy(copy, bytes.data, bytes.length);
    leat_free(NULL, row->parts[kind].bytes);
    row->parts[kind] = (session_part){copy, bytes.length};
}

static void read_part(
    get_sessions *sessions, const char *authority, session_kind kind, const char *hex) {
    uint8_t bytes[LINE_MAX / 2];
    size_t length = 0;
    if (strlen(hex) > LINE_MAX) {
        return;
    }
    for (; *hex != '\0'; hex += 2) {
        if (parse_hex_digit(hex[0]) < 0 || parse_hex_digit(hex[1]) < 0) {
            return;
        }
        bytes[length++] = (uint8_t)(parse_hex_digit(hex[0]) << 4 | parse_hex_digit(hex[1]));
    }
    if (length > 0) {
        put(sessions, authority, kind, (leat_span){bytes, length});
    }
}

/* "AUTHORITY TICKET TOKEN"; the token may be missing. */
static void read_line(get_sessions *sessions, char *line) {
    const char *authority = strsep(&line, " ");
    for (session_kind kind = SESSION_TICKET; kind < SESSION_PARTS && line != NULL; kind++) {
        read_part(sessions, authority, kind, strsep(&line, " "));
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

leat_span sessions_file_find(
    const get_sessions *sessions, const char *authority, session_kind kind) {
    const session_row *row = find_row(sessions, authority);
    return row == NULL ? (leat_span){NULL, 0}
                       : (leat_span){row->parts[kind].bytes, row->parts[kind].length};
}

void sessions_file_put(
    get_sessions *sessions, const char *authority, session_kind kind, leat_span bytes) {
    if (bytes.length <= LINE_MAX / 2) {
        put(sessions, authority, kind, bytes);
        sessions->is_changed = true;
    }
}

void sessions_file_forget(get_sessions *sessions, const char *authority, session_kind kind) {
    session_row *row = find_row(sessions, authority);
    if (row != NULL && row->parts[kind].bytes != NULL) {
        leat_free(NULL, row->parts[kind].bytes);
        row->parts[kind] = (session_part){NULL, 0};
        sessions->is_changed = true;
    }
}

static bool write_part(leat_buffer *text, const session_part *part) {
    bool is_good = leat_buffer_append(text, part->bytes == NULL ? " -" : " ",
                       part->bytes == NULL ? 2 : 1) == 0;
    for (size_t i = 0; i < part->length; i++) {
        char hex[3];
        snprintf(hex, sizeof hex, "%02x", part->bytes[i]);
        is_good = is_good && leat_buffer_append(text, hex, 2) == 0;
    }
    return is_good;
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
                  leat_buffer_append(&text, row->authority, strlen(row->authority)) == 0;
        for (size_t kind = 0; kind < SESSION_PARTS; kind++) {
            is_good = is_good && write_part(&text, &row->parts[kind]);
        }
        is_good = is_good && leat_buffer_append(&text, "\n", 1) == 0;
    }
    is_good = is_good && file_write_private(sessions->path, text.data, text.length);
    leat_buffer_clear(&text);
    return is_good;
}

void sessions_file_close(get_sessions *sessions) {
    if (sessions != NULL) {
        for (size_t i = 0; i < sessions->count; i++) {
            free_row(&sessions->rows[i]);
        }
        leat_free(NULL, sessions->path);
        leat_free(NULL, sessions);
    }
}
