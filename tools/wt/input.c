/*
 * Input without blocking the loop: regular files are read when there is room for their bytes, pipes
 * and terminals when the loop says that something is there.
 */
#include "talk.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static void on_readable(void *user, int fd) {
    talk_input *input = user;
    (void)fd;
    if (input->used == input->length && !input->has_ended) {
        ssize_t length = read(input->fd, input->chunk, sizeof input->chunk);
        if (length < 0 && (errno == EINTR || errno == EAGAIN)) {
            return;
        }
        input->used = 0;
        input->length = length > 0 ? (size_t)length : 0;
        input->has_ended = length <= 0;
    }
    input_pause(input);
    input->on_bytes(input->user);
}

bool input_open(talk_input *input, talk *owner, const char *path) {
    struct stat status;
    *input = (talk_input){.owner = owner,
        .fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)};
    bool is_good = input->fd >= 0 && fstat(input->fd, &status) == 0;
    if (is_good && S_ISDIR(status.st_mode)) {
        errno = EISDIR;
        is_good = false;
    }
    /* Devices such as /dev/null cannot be watched, and do not block either. */
    input->is_pipe =
        is_good && (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode) || isatty(input->fd));
    return is_good;
}

void input_of_text(talk_input *input, talk *owner, const char *text, size_t length) {
    *input = (talk_input){.owner = owner, .fd = -1, .has_ended = true};
    input->length = length < sizeof input->chunk ? length : sizeof input->chunk;
    memcpy(input->chunk, text, input->length);
}

static void read_file(talk_input *input) {
    ssize_t length = read(input->fd, input->chunk, sizeof input->chunk);
    if (length < 0) {
        talk_complain(input->owner, "reading broke off: %s", strerror(errno));
    }
    input->used = 0;
    input->length = length > 0 ? (size_t)length : 0;
    input->has_ended = length <= 0;
}

bool input_fill(talk_input *input) {
    if (input->used < input->length || input->has_ended) {
        return true;
    }
    if (!input->is_pipe) {
        read_file(input);
        return true;
    }
    if (!input->is_watched) {
        input->is_watched =
            leat_client_watch_fd(input->owner->client, input->fd, on_readable, input) == LEAT_OK;
    }
    if (!input->is_watched) {
        talk_complain(input->owner, "too many inputs that are pipes");
        input->has_ended = true;
    }
    return input->has_ended;
}

void input_pause(talk_input *input) {
    if (input->is_watched) {
        leat_client_unwatch_fd(input->owner->client, input->fd);
        input->is_watched = false;
    }
}

void input_close(talk_input *input) {
    input_pause(input);
    if (input->fd > STDIN_FILENO) {
        close(input->fd);
    }
    input->fd = -1;
}
