/* Reading and writing of whole small files. */
#include "file.h"

#include "base/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

uint8_t *file_read(const char *path, size_t *length, char message[LEAT_MESSAGE_MAX]) {
    FILE *file = fopen(path, "rb");
    uint8_t *data = file == NULL ? NULL : leat_alloc(NULL, FILE_SIZE_MAX + 1);
    if (data != NULL) {
        *length = fread(data, 1, FILE_SIZE_MAX, file);
        if (ferror(file)) { /* a folder opens, and fails here */
            leat_free(NULL, data);
            data = NULL;
        }
    }
    if (data == NULL) {
        snprintf(message, LEAT_MESSAGE_MAX, "cannot read %.150s: %s", path, strerror(errno));
    }
    if (file != NULL) {
        fclose(file);
    }
    return data;
}

bool file_write_private(const char *path, const void *data, size_t length) {
    char temporary[4096];
    snprintf(temporary, sizeof temporary, "%s.%ld", path, (long)getpid());
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL, 0600);
    bool is_written = fd >= 0 && write(fd, data, length) == (ssize_t)length;
    if (fd >= 0) {
        close(fd);
    }
    return is_written && rename(temporary, path) == 0;
}
