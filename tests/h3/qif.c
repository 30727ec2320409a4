/* Reading the files of the QPACK offline interop format: see qif.h. */
#include "qif.h"

#include "leat_test.h"

#include <dirent.h>
#include <zlib.h>

uint8_t *qif_read_file(const char *path, size_t *length) {
    gzFile file = gzopen(path, "rb");
    ck_assert_msg(file != NULL, "cannot open %s", path);
    size_t room = 1 << 20;
    uint8_t *bytes = malloc(room);
    *length = 0;
    for (int got; (got = gzread(file, bytes + *length, (unsigned)(room - *length - 1))) > 0;) {
        *length += (size_t)got;
        if (*length + 1 == room) {
            room *= 2;
            bytes = realloc(bytes, room);
        }
    }
    gzclose(file);
    bytes[*length] = '\0';
    return bytes;
}

const char *qif_own_tree(void) {
    static char path[512];
    const char *root = getenv("LEAT_TESTS");
    snprintf(path, sizeof path, "%s/vectors/qpack/qifs", root != NULL ? root : LEAT_TESTS_DIR);
    return path;
}

static leat_span span_of(char *text) { return (leat_span){(uint8_t *)text, strlen(text)}; }

static void add_header(qif_set *qif, char *line) {
    char *tab = strchr(line, '\t');
    ck_assert_ptr_nonnull(tab);
    *tab = '\0';
    if ((qif->header_count & (qif->header_count + 255) & 255) == 0) {
        size_t room = qif->header_count + 256;
        qif->headers = realloc(qif->headers, room * sizeof *qif->headers);
    }
    qif->headers[qif->header_count++] = (leat_h3_header){span_of(line), span_of(tab + 1), false};
}

static void end_list(qif_set *qif, size_t first) {
    if (qif->header_count > first) {
        qif->lists = realloc(qif->lists, (qif->list_count + 1) * sizeof *qif->lists);
        qif->lists[qif->list_count++] = (qif_list){first, qif->header_count - first};
    }
}

qif_set *qif_load(const char *tree, const char *name) {
    char path[1024];
    snprintf(path, sizeof path, "%s/qifs/%s.qif", tree, name);
    FILE *plain = fopen(path, "rb");
    if (plain == NULL) {
        strcat(path, ".gz");
    } else {
        fclose(plain);
    }
    qif_set *qif = calloc(1, sizeof *qif);
    size_t length;
    qif->text = (char *)qif_read_file(path, &length);
    size_t first = 0;
    for (char *line = qif->text, *next; *line != '\0'; line = next) {
        next = line + strcspn(line, "\n");
        if (*next != '\0') {
            *next++ = '\0';
        }
        if (*line == '\0') {
            end_list(qif, first);
            first = qif->header_count;
        } else if (*line != '#') {
            add_header(qif, line);
        }
    }
    end_list(qif, first);
    return qif;
}

void qif_free(qif_set *qif) {
    free(qif->text);
    free(qif->headers);
    free(qif->lists);
    free(qif);
}

/* Lists are in the order of stream IDs, whatever the order of the blocks. */
static void number_lists(qif_encoded *encoded) {
    for (size_t i = 0; i < encoded->block_count; i++) {
        qif_block *block = &encoded->blocks[i];
        for (size_t k = 0; k < encoded->block_count; k++) {
            uint64_t other = encoded->blocks[k].stream_id;
            block->list += other != 0 && other < block->stream_id ? 1 : 0;
        }
    }
}

bool qif_split(leat_span bytes, qif_encoded *encoded) {
    leat_reader reader = leat_reader_of(bytes);
    while (leat_reader_left(&reader) > 0) {
        qif_block block = {.stream_id = leat_read_u64(&reader)};
        block.bytes = leat_read_bytes(&reader, leat_read_u32(&reader));
        if (reader.failed) {
            return false;
        }
        size_t room = (encoded->block_count + 1) * sizeof block;
        encoded->blocks = realloc(encoded->blocks, room);
        encoded->blocks[encoded->block_count++] = block;
        encoded->section_count += block.stream_id != 0 ? 1 : 0;
    }
    number_lists(encoded);
    return true;
}

static bool load_encoded(const char *path, const char *file, qif_encoded *encoded) {
    *encoded = (qif_encoded){0};
    const char *settings = strstr(file, ".out.");
    unsigned table, blocked, acknowledged;
    if (settings == NULL ||
        sscanf(settings, ".out.%u.%u.%u", &table, &blocked, &acknowledged) != 3) {
        return false;
    }
    snprintf(encoded->name, sizeof encoded->name, "%.*s", (int)(settings - file), file);
    snprintf(encoded->path, sizeof encoded->path, "%s", path);
    encoded->table = table;
    encoded->blocked = blocked;
    encoded->is_acknowledged = acknowledged != 0;
    encoded->bytes = qif_read_file(path, &encoded->length);
    ck_assert(qif_split((leat_span){encoded->bytes, encoded->length}, encoded));
    return true;
}

static size_t visit_folder(const char *tree, const char *encoder,
    void (*visit)(const char *tree, const qif_encoded *file)) {
    char folder[512], path[1024];
    snprintf(folder, sizeof folder, "%s/encoded/%s", tree, encoder);
    DIR *files = opendir(folder);
    ck_assert_ptr_nonnull(files);
    size_t count = 0;
    for (struct dirent *file; (file = readdir(files)) != NULL;) {
        qif_encoded encoded;
        snprintf(path, sizeof path, "%s/%s", folder, file->d_name);
        if (load_encoded(path, file->d_name, &encoded)) {
            visit(tree, &encoded);
            count++;
            free(encoded.blocks);
            free(encoded.bytes);
        }
    }
    closedir(files);
    return count;
}

size_t qif_each_encoded(
    const char *tree, void (*visit)(const char *tree, const qif_encoded *file)) {
    char folder[512];
    snprintf(folder, sizeof folder, "%s/encoded", tree);
    DIR *encoders = opendir(folder);
    ck_assert_msg(encoders != NULL, "cannot open %s", folder);
    size_t count = 0;
    for (struct dirent *encoder; (encoder = readdir(encoders)) != NULL;) {
        if (encoder->d_name[0] != '.') {
            count += visit_folder(tree, encoder->d_name, visit);
        }
    }
    closedir(encoders);
    return count;
}
