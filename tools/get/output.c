/*
 * Where bodies go: files, or stdout in the order of the URLs. What comes before its turn waits:
 * little of it in memory, the rest in a temporary file, so that memory stays bounded however large
 * the bodies are.
 */
#include "get.h"

#include <errno.h>

void output_init(get_output *output, const char *path) {
    *output = (get_output){0};
    bool is_stdout = path == NULL || strcmp(path, "-") == 0;
    output->path = is_stdout ? NULL : leat_strdup(NULL, path);
    leat_buffer_init(&output->memory, NULL, GET_OUTPUT_MEMORY_MAX);
}

bool output_open(get_output *output) {
    if (output->path != NULL && output->file == NULL) {
        output->file = fopen(output->path, "wb");
        return output->file != NULL;
    }
    return true;
}

static bool write_all(FILE *file, const void *data, size_t length) {
    return fwrite(data, 1, length, file) == length;
}

bool output_write(get_output *output, leat_span data) {
    if (output->path != NULL) {
        return output_open(output) && write_all(output->file, data.data, data.length);
    }
    if (output->has_turn) {
        return write_all(stdout, data.data, data.length);
    }
    if (output->spool == NULL &&
        leat_buffer_append(&output->memory, data.data, data.length) == LEAT_OK) {
        return true;
    }
    if (output->spool == NULL) {
        output->spool = tmpfile();
    }
    return output->spool != NULL && write_all(output->spool, data.data, data.length);
}

static bool copy_spool(FILE *spool) {
    char chunk[16384];
    size_t length;
    bool is_good = fflush(spool) == 0 && fseek(spool, 0, SEEK_SET) == 0;
    while (is_good && (length = fread(chunk, 1, sizeof chunk, spool)) > 0) {
        is_good = write_all(stdout, chunk, length);
    }
    return is_good && !ferror(spool);
}

bool output_take_turn(get_output *output) {
    bool is_good =
        output->memory.length == 0 || write_all(stdout, output->memory.data, output->memory.length);
    leat_buffer_clear(&output->memory);
    output->has_turn = true;
    if (output->spool != NULL) {
        is_good = is_good && copy_spool(output->spool);
        fclose(output->spool);
        output->spool = NULL;
    }
    return is_good;
}

bool output_close(get_output *output) {
    bool is_good = true;
    if (output->file != NULL) {
        is_good = fclose(output->file) == 0;
        output->file = NULL;
    }
    return is_good;
}
