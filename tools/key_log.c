/* --keylog: see key_log.h. */
#include "key_log.h"

#include <errno.h>
#include <string.h>

static void on_line(void *user, const char *line) {
    FILE *file = user;
    fprintf(file, "%s\n", line);
    fflush(file);
}

bool key_log_open(const option_table *table, const char *path, FILE **file, leat_config *quic) {
    if (path == NULL) {
        return true;
    }
    *file = fopen(path, "a");
    if (*file == NULL) {
        options_complain(table, "cannot write --keylog %s: %s", path, strerror(errno));
        return false;
    }
    quic->key_log = on_line;
    quic->key_log_user = *file;
    return true;
}

void key_log_close(FILE *file) {
    if (file != NULL) {
        fclose(file);
    }
}
