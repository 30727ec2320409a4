/* -w: a format with curl's names, printed after each transfer. One row per name. */
#include "get.h"

#include <inttypes.h>

/* Seconds from the transfer's start; 0: it did not happen. */
static double seconds(const get_transfer *transfer, leat_time when) {
    return when == LEAT_TIME_NEVER || when < transfer->started
               ? 0
               : (double)(when - transfer->started) / (double)LEAT_SECOND;
}

static void print_speed(const get_transfer *transfer, uint64_t bytes, FILE *out) {
    double total = seconds(transfer, transfer->ended);
    fprintf(out, "%.0f", total > 0 ? (double)bytes / total : 0.0);
}

/* clang-format off */
static void print_http_code(const get_transfer *transfer, FILE *out) { fprintf(out, "%03u", transfer->status); }
static void print_http_version(const get_transfer *transfer, FILE *out) {
    fputs(transfer->has_response ? "3" : "0", out);
}
static void print_size_download(const get_transfer *transfer, FILE *out) {
    fprintf(out, "%" PRIu64, transfer->received);
}
static void print_size_upload(const get_transfer *transfer, FILE *out) { fprintf(out, "%" PRIu64, transfer->sent); }
static void print_size_header(const get_transfer *transfer, FILE *out) {
    fprintf(out, "%" PRIu64, transfer->header_bytes);
}
static void print_speed_download(const get_transfer *transfer, FILE *out) {
    print_speed(transfer, transfer->received, out);
}
static void print_speed_upload(const get_transfer *transfer, FILE *out) { print_speed(transfer, transfer->sent, out); }
static void print_time_connect(const get_transfer *transfer, FILE *out) {
    fprintf(out, "%.6f", seconds(transfer, transfer->connected));
}
static void print_time_first(const get_transfer *transfer, FILE *out) {
    fprintf(out, "%.6f", seconds(transfer, transfer->first_byte));
}
static void print_time_total(const get_transfer *transfer, FILE *out) {
    fprintf(out, "%.6f", seconds(transfer, transfer->ended));
}
static void print_url(const get_transfer *transfer, FILE *out) { fputs(transfer->text, out); }
static void print_url_effective(const get_transfer *transfer, FILE *out) {
    fprintf(out, "https://%s%s", transfer->url.authority, transfer->url.target);
}
static void print_method(const get_transfer *transfer, FILE *out) { fputs(transfer->method, out); }
static void print_content_type(const get_transfer *transfer, FILE *out) { fputs(transfer->content_type, out); }
static void print_redirects(const get_transfer *transfer, FILE *out) { fprintf(out, "%u", transfer->redirects); }
static void print_redirect_url(const get_transfer *transfer, FILE *out) { fputs(transfer->location, out); }
static void print_file_name(const get_transfer *transfer, FILE *out) {
    fputs(transfer->output.path == NULL ? "" : transfer->output.path, out);
}
static void print_scheme(const get_transfer *transfer, FILE *out) { (void)transfer, fputs("https", out); }
static void print_exit_code(const get_transfer *transfer, FILE *out) {
    fputs(transfer->state == GET_DONE ? "0" : "1", out);
}
static void print_failure(const get_transfer *transfer, FILE *out) { fputs(transfer->failure, out); }
/* clang-format on */

/* clang-format off */
static const struct {
    const char *name;
    void (*print)(const get_transfer *transfer, FILE *out);
} rows[] = {
    {"http_code", print_http_code}, {"response_code", print_http_code}, {"http_version", print_http_version},
    {"size_download", print_size_download}, {"size_upload", print_size_upload}, {"size_header", print_size_header},
    {"speed_download", print_speed_download}, {"speed_upload", print_speed_upload},
    /* QUIC connects and negotiates its keys in one: both names mean the end of the handshake. */
    {"time_connect", print_time_connect},
    {"time_appconnect", print_time_connect}, {"time_pretransfer", print_time_connect},
    {"time_starttransfer", print_time_first}, {"time_total", print_time_total},
    {"url", print_url}, {"url_effective", print_url_effective}, {"redirect_url", print_redirect_url},
    {"num_redirects", print_redirects}, {"method", print_method}, {"content_type", print_content_type},
    {"filename_effective", print_file_name}, {"scheme", print_scheme},
    {"exitcode", print_exit_code}, {"errormsg", print_failure},
};
/* clang-format on */
#define ROWS (sizeof rows / sizeof rows[0])

static size_t find_row(const char *name, size_t length) {
    size_t i = 0;
    while (
        i < ROWS && (strlen(rows[i].name) != length || strncmp(rows[i].name, name, length) != 0)) {
        i++;
    }
    return i;
}

/* At "%{": the length of the name inside, or 0 when no brace closes it. */
static size_t name_length(const char *format) {
    const char *end = format[0] == '%' && format[1] == '{' ? strchr(format, '}') : NULL;
    return end == NULL ? 0 : (size_t)(end - format) - 2;
}

const char *write_out_find_unknown(const char *format, size_t *length) {
    for (const char *next = format; *next != '\0'; next++) {
        *length = name_length(next);
        if (*length > 0 && find_row(next + 2, *length) == ROWS) {
            return next + 2;
        }
    }
    return NULL;
}

static void print_escape(char c, FILE *out) {
    static const char escapes[] = "n\nr\rt\t\\\\";
    const char *found = escapes;
    while (*found != '\0' && *found != c) {
        found += 2;
    }
    if (*found == '\0') {
        fprintf(out, "\\%c", c);
    } else {
        fputc(found[1], out);
    }
}

void write_out_print(const get_transfer *transfer, const char *format, FILE *out) {
    for (const char *next = format; *next != '\0'; next++) {
        size_t length = name_length(next);
        if (length > 0) {
            rows[find_row(next + 2, length)].print(transfer, out);
            next += length + 2;
        } else if (next[0] == '%' && next[1] == '%') {
            fputc(*next++, out);
        } else if (next[0] == '\\' && next[1] != '\0') {
            print_escape(*++next, out);
        } else {
            fputc(*next, out);
        }
    }
}
