/* Lines of `leat decode`: see output.h. */
#include "output.h"

#include "base/text.h"

#include <stdarg.h>

/* The longest value: SHOWN_MAX bytes as escaped text or hex, and a remark. */
#define VALUE_ROOM (6 * SHOWN_MAX + 128)

static void print_text(const output *out, const char *name, const char *section,
                       const char *value) {
    fprintf(out->file, "%*s%s", (int)(2 * out->depth), "", name);
    if (value[0] != '\0') {
        fprintf(out->file, ": %s", value);
    }
    if (section != NULL) {
        fprintf(out->file, "  [%s]", section);
    }
    fputc('\n', out->file);
}

static void print_json(const output *out, const char *name, const char *section,
                       const char *value) {
    char line[6 * 2 * VALUE_ROOM];
    leat_text text = leat_text_make(line, sizeof line);
    leat_text_printf(&text, "{\"depth\":%u,\"name\":", out->depth);
    leat_text_json(&text, leat_span_of(name));
    leat_text_printf(&text, ",\"value\":");
    leat_text_json(&text, leat_span_of(value));
    if (section != NULL) {
        leat_text_printf(&text, ",\"section\":");
        leat_text_json(&text, leat_span_of(section));
    }
    fprintf(out->file, "%s}\n", line);
}

static void print_line(const output *out, const char *name, const char *section,
                       const char *value) {
    if (out->file != NULL) {
        (out->is_json ? print_json : print_text)(out, name, section, value);
    }
}

void show(output *out, const char *name, const char *section, const char *format, ...) {
    char value[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(value, sizeof value, format, arguments);
    va_end(arguments);
    print_line(out, name, section, value);
}

void show_number(output *out, const char *name, const char *section, uint64_t value) {
    show(out, name, section, "%llu", (unsigned long long)value);
}

void show_code(output *out, const char *name, const char *section, uint64_t value, int digits,
               const char *meaning) {
    bool is_known = meaning != NULL && strcmp(meaning, "unknown") != 0;
    show(out, name, section, "0x%0*llx%s%s%s", digits, (unsigned long long)value,
         is_known ? " (" : "", is_known ? meaning : "", is_known ? ")" : "");
}

static void write_hex(leat_text *text, leat_span bytes) {
    leat_text_printf(text, "%s", bytes.length == 0 ? "(empty)" : "0x");
    for (size_t i = 0; i < bytes.length; i++) {
        leat_text_printf(text, "%02x", bytes.data[i]);
    }
}

static leat_span beginning(leat_span bytes, uint64_t shown) {
    bytes.length = bytes.length < shown ? bytes.length : (size_t)shown;
    return bytes;
}

static void write_remark(leat_text *text, leat_span bytes, leat_span shown) {
    if (shown.length < bytes.length) {
        leat_text_printf(text, "... (%zu bytes)", bytes.length);
    }
}

void show_hex(output *out, const char *name, const char *section, leat_span bytes) {
    char value[VALUE_ROOM];
    leat_text text = leat_text_make(value, sizeof value);
    leat_span shown = beginning(bytes, SHOWN_MAX);
    write_hex(&text, shown);
    write_remark(&text, bytes, shown);
    print_line(out, name, section, value);
}

void show_text(output *out, const char *name, const char *section, leat_span bytes) {
    char value[VALUE_ROOM];
    leat_text text = leat_text_make(value, sizeof value);
    leat_span shown = beginning(bytes, SHOWN_MAX);
    leat_text_bytes(&text, shown);
    write_remark(&text, bytes, shown);
    print_line(out, name, section, value);
}

void show_pair(output *out, const char *name, const char *section, leat_span first,
               leat_span second) {
    char value[2 * VALUE_ROOM];
    leat_text text = leat_text_make(value, sizeof value);
    leat_text_bytes(&text, beginning(first, SHOWN_MAX));
    leat_text_printf(&text, " = ");
    leat_text_bytes(&text, beginning(second, SHOWN_MAX));
    write_remark(&text, second, beginning(second, SHOWN_MAX));
    print_line(out, name, section, value);
}

void show_data(output *out, const char *name, const char *section, leat_span bytes) {
    char value[VALUE_ROOM];
    leat_text text = leat_text_make(value, sizeof value);
    uint64_t most = out->data_shown < SHOWN_MAX ? out->data_shown : SHOWN_MAX;
    leat_span shown = beginning(bytes, most);
    leat_text_printf(&text, "%zu bytes", bytes.length);
    if (shown.length > 0) {
        leat_text_printf(&text, " ");
        leat_text_bytes(&text, shown);
        leat_text_printf(&text, "%s", shown.length < bytes.length ? "..." : "");
    }
    print_line(out, name, section, value);
}
