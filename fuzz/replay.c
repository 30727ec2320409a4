/* Runs a fuzz target once over each file of the folders and files given: the regression part of
 * fuzzing, without an engine. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t replayed;

static void replay_file(const char *path) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return;
    }
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    rewind(file);
    uint8_t *data = malloc(size > 0 ? (size_t)size : 1);
    size_t got = data == NULL ? 0 : fread(data, 1, (size_t)size, file);
    fclose(file);
    LLVMFuzzerTestOneInput(data, got);
    free(data);
    replayed++;
}

static void replay_folder(const char *path) {
    DIR *folder = opendir(path);
    if (folder == NULL) {
        replay_file(path);
        return;
    }
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char below[4096];
        struct stat status;
        snprintf(below, sizeof below, "%s/%s", path, entry->d_name);
        if (entry->d_name[0] != '.' && stat(below, &status) == 0 && S_ISREG(status.st_mode)) {
            replay_file(below);
        }
    }
    closedir(folder);
}

int main(int count, char **arguments) {
    LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    for (int i = 1; i < count; i++) {
        replay_folder(arguments[i]);
    }
    printf("1..1\n%s 1 - %zu inputs replayed\n", replayed > 0 ? "ok" : "not ok", replayed);
    return replayed > 0 ? 0 : 1;
}
