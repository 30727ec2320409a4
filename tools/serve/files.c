/*
 * Files below --root: no way out of it, index pages, content types, single byte ranges
 * (RFC 9110 §14). Paths are resolved by the system and must still lie below the root, so that links
 * cannot lead out either.
 */
#include "http.h"

#include "../parse.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>

static const struct {
    const char *suffix, *type;
} types[] = {
    {".html", "text/html; charset=utf-8"}, {".htm", "text/html; charset=utf-8"}, {".css", "text/css; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"}, {".mjs", "text/javascript; charset=utf-8"}, {".json", "application/json"},
    {".txt", "text/plain; charset=utf-8"}, {".md", "text/markdown; charset=utf-8"}, {".xml", "application/xml"},
    {".svg", "image/svg+xml"}, {".png", "image/png"}, {".jpg", "image/jpeg"}, {".jpeg", "image/jpeg"}, {".gif", "image/gif"},
    {".webp", "image/webp"}, {".ico", "image/x-icon"}, {".wasm", "application/wasm"}, {".pdf", "application/pdf"},
    {".mp4", "video/mp4"}, {".webm", "video/webm"}, {".mp3", "audio/mpeg"}, {".woff2", "font/woff2"}, {".gz", "application/gzip"},
    {".zip", "application/zip"},
};

static const char *type_of(const char *path) {
    const char *suffix = strrchr(path, '.');
    for (size_t i = 0; suffix != NULL && i < sizeof types / sizeof types[0]; i++) {
        if (strcasecmp(suffix, types[i].suffix) == 0) {
            return types[i].type;
        }
    }
    return "application/octet-stream";
}

/* root + decoded path without query. False: malformed, too long, or with a NUL. */
static bool decode_path(const char *root, leat_span path, char out[PATH_MAX]) {
    size_t length = strlen(root);
    if (path.length == 0 || path.data[0] != '/' || length >= PATH_MAX) {
        return false;
    }
    memcpy(out, root, length);
    for (size_t i = 0; i < path.length && path.data[i] != '?' && path.data[i] != '#'; i++) {
        int c = path.data[i];
        if (c == '%') {
            if (i + 2 >= path.length || parse_hex_digit(path.data[i + 1]) < 0 ||
                parse_hex_digit(path.data[i + 2]) < 0) {
                return false;
            }
            c = parse_hex_digit(path.data[i + 1]) << 4 | parse_hex_digit(path.data[i + 2]);
            i += 2;
        }
        if (c == '\0' || length + 1 >= PATH_MAX) {
            return false;
        }
        out[length++] = (char)c;
    }
    out[length] = '\0';
    return true;
}

/* The real path of a regular file below root; folders give their index page. */
static bool find_file(const char *root, leat_span path, char found[PATH_MAX], struct stat *status) {
    char wanted[PATH_MAX], real_root[PATH_MAX];
    if (root == NULL || realpath(root, real_root) == NULL || !decode_path(root, path, wanted) ||
        realpath(wanted, found) == NULL) {
        return false;
    }
    size_t root_length = strcmp(real_root, "/") == 0 ? 0 : strlen(real_root);
    if (strncmp(found, real_root, root_length) != 0 ||
        (found[root_length] != '/' && found[root_length] != '\0')) {
        return false;
    }
    if (stat(found, status) == 0 && S_ISDIR(status->st_mode)) {
        size_t length = strlen(found);
        if (length + sizeof "/index.html" > PATH_MAX) {
            return false;
        }
        memcpy(found + length, "/index.html", sizeof "/index.html");
    }
    return stat(found, status) == 0 && S_ISREG(status->st_mode);
}

/* "bytes=A-B", "bytes=A-" or "bytes=-N". False: not a range we know, so it is ignored
 * (RFC 9110 §14.2). */
static bool parse_range(
    leat_span range, uint64_t size, uint64_t *first, uint64_t *last, bool *is_satisfiable) {
    char text[64];
    char *end;
    if (range.length < 8 || range.length >= sizeof text || memcmp(range.data, "bytes=", 6) != 0) {
        return false;
    }
    memcpy(text, range.data + 6, range.length - 6);
    text[range.length - 6] = '\0';
    if (strspn(text, "0123456789-") != strlen(text) || strchr(text, '-') == NULL) {
        return false;
    }
    if (text[0] == '-') {
        uint64_t tail = strtoull(text + 1, &end, 10);
        *first = tail < size ? size - tail : 0;
        *last = size - 1;
        *is_satisfiable = tail > 0 && size > 0;
        return *end == '\0' && text[1] != '\0';
    }
    *first = strtoull(text, &end, 10);
    *last = end[1] == '\0' ? UINT64_MAX : strtoull(end + 1, &end, 10);
    if (*last < *first) {
        return false;
    }
    *is_satisfiable = *first < size;
    *last = *last < size ? *last : size - 1;
    return true;
}

FILE *files_open(const char *root, leat_span path, leat_span range, http_response *response) {
    char found[PATH_MAX];
    struct stat status;
    FILE *file = find_file(root, path, found, &status) ? fopen(found, "rb") : NULL;
    response->has_length = true;
    if (file == NULL) {
        response->status = 404;
        response->details =
            root == NULL ? "this server was started without --root" : "no such file";
        return NULL;
    }
    uint64_t size = (uint64_t)status.st_size, first, last;
    bool is_satisfiable;
    response->status = 200;
    response->length = size;
    response->accepts_ranges = true;
    response->type = type_of(found);
    if (!parse_range(range, size, &first, &last, &is_satisfiable)) {
        return file;
    }
    if (!is_satisfiable) {
        response->status = 416;
        response->length = 0;
        snprintf(response->range, sizeof response->range, "bytes */%" PRIu64, size);
        return file;
    }
    response->status = 206;
    response->length = last - first + 1;
    snprintf(response->range, sizeof response->range, "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64,
        first, last, size);
    fseek(file, (long)first, SEEK_SET);
    return file;
}
