/* How each kind of member is written, and the walk over a row's members that opens and closes
 * nested objects. */
#include "qlog/data.h"

#include "qlog/error_names.h"

#include <inttypes.h>
#include <string.h>

/* draft-ietf-quic-qlog-main-schema-14 §11.3: above 2^53 - 1 many readers would round, so such
 * numbers become strings. */
#define EXACT_MAX ((UINT64_C(1) << 53) - 1)

/* ---- kinds ----------------------------------------------------------------------------------- */

static void write_number(leat_text *text, uint64_t number) {
    leat_text_printf(text, number <= EXACT_MAX ? "%" PRIu64 : "\"%" PRIu64 "\"", number);
}

void leat_qlog_write_hex(leat_text *text, leat_span bytes) {
    leat_text_printf(text, "\"");
    for (size_t i = 0; i < bytes.length && !leat_qlog_was_cut(text); i++) {
        leat_text_printf(text, "%02x", bytes.data[i]);
    }
    leat_text_printf(text, "\"");
}

void leat_qlog_write_milliseconds(leat_text *text, leat_time time) {
    leat_text_printf(
        text, "%" PRIu64 ".%06u", time / LEAT_MILLISECOND, (unsigned)(time % LEAT_MILLISECOND));
}

static void write_versions(leat_text *text, const leat_trace_field *field) {
    for (uint64_t i = 0; i < field->integer && !leat_qlog_was_cut(text); i++) {
        leat_text_printf(text, "%s\"%08" PRIx64 "\"", i == 0 ? "[" : ",", field->numbers[i]);
    }
    leat_text_printf(text, "]");
}

/* §8.13.3 of the events draft: a range of one number is written with that number alone. */
static void write_ranges(leat_text *text, const leat_trace_field *field) {
    const uint64_t *numbers = field->numbers;
    leat_text_printf(text, "[");
    for (uint64_t i = 0; i + 1 < field->integer && !leat_qlog_was_cut(text); i += 2) {
        leat_text_printf(text, i == 0 ? "[" : ",[");
        write_number(text, numbers[i]);
        if (numbers[i + 1] != numbers[i]) {
            leat_text_printf(text, ",");
            write_number(text, numbers[i + 1]);
        }
        leat_text_printf(text, "]");
    }
    leat_text_printf(text, "]");
}

static void write_transport_error(leat_text *text, uint64_t code) {
    const char *name = leat_qlog_transport_error(code);
    if (code >= LEAT_CRYPTO_ERROR && code <= LEAT_CRYPTO_ERROR + 0xff) {
        leat_text_printf(text, "\"crypto_error_0x%" PRIx64 "\"", code);
    } else if (name != NULL) {
        leat_text_printf(text, "\"%s\"", name);
    } else {
        leat_text_printf(text, "\"unknown\",\"error_code\":");
        write_number(text, code);
    }
}

static void write_application_error(leat_text *text, uint64_t code, bool speaks_http3) {
    const char *name = speaks_http3 ? leat_qlog_http3_error(code) : NULL;
    if (name != NULL) {
        leat_text_printf(text, "\"%s\"", name);
    } else {
        leat_text_printf(text, "\"unknown\",\"error_code\":");
        write_number(text, code);
    }
}

static void write_value(
    leat_text *text, qlog_kind kind, const leat_trace_field *field, bool speaks_http3) {
    switch (kind) {
    case QLOG_NUMBER: write_number(text, field->integer); break;
    case QLOG_MILLISECONDS: leat_qlog_write_milliseconds(text, field->integer); break;
    case QLOG_TEXT: leat_text_json(text, field->bytes); break;
    case QLOG_HEX: leat_qlog_write_hex(text, field->bytes); break;
    case QLOG_FLAG: leat_text_printf(text, field->integer != 0 ? "true" : "false"); break;
    case QLOG_LENGTH: write_number(text, field->bytes.length); break;
    case QLOG_VERSION: leat_text_printf(text, "\"%08" PRIx64 "\"", field->integer); break;
    case QLOG_VERSIONS: write_versions(text, field); break;
    case QLOG_NUMBER_LIST:
        leat_text_printf(text, "[");
        write_number(text, field->integer);
        leat_text_printf(text, "]");
        break;
    case QLOG_RANGES: write_ranges(text, field); break;
    case QLOG_TRANSPORT_ERROR: write_transport_error(text, field->integer); break;
    case QLOG_APPLICATION_ERROR: write_application_error(text, field->integer, speaks_http3); break;
    case QLOG_LIST:
    case QLOG_KIND_COUNT: break;
    }
}

/* ---- nested objects -------------------------------------------------------------------------- */

/* How much of both paths names the same objects: ends behind a dot. */
static size_t shared_objects(const char *a, const char *b) {
    size_t shared = 0;
    for (size_t i = 0; a[i] != '\0' && a[i] == b[i]; i++) {
        shared = a[i] == '.' ? i + 1 : shared;
    }
    return shared;
}

static void close_objects(leat_text *text, const char *path) {
    for (; (path = strchr(path, '.')) != NULL; path++) {
        leat_text_printf(text, "}");
    }
}

/* Ends what the last member leaves open, begins what the next one stands in, and writes its
 * name. */
static void begin_member(leat_text *text, const char *last, const char *path) {
    if (last != NULL) {
        size_t shared = shared_objects(last, path);
        close_objects(text, last + shared);
        leat_text_printf(text, ",");
        path += shared;
    }
    for (const char *dot; (dot = strchr(path, '.')) != NULL; path = dot + 1) {
        leat_text_printf(text, "\"%.*s\":{", (int)(dot - path), path);
    }
    leat_text_printf(text, "\"%s\":", path);
}

static const leat_trace_field *find_field(const leat_trace_record *record, const char *name) {
    for (size_t i = 0; i < record->field_count; i++) {
        if (strcmp(record->fields[i].name, name) == 0) {
            return &record->fields[i];
        }
    }
    return NULL;
}

static bool is_collected(const qlog_items *items, const qlog_member *member) {
    return member->kind == QLOG_LIST && items->list != NULL &&
           strcmp(items->list, member->field) == 0;
}

void leat_qlog_write_data(leat_text *text, const qlog_row *row, const leat_trace_record *record,
    const qlog_items *items, bool speaks_http3) {
    const char *last = NULL;
    leat_text_printf(text, "{");
    for (size_t i = 0; i < row->member_count; i++) {
        const qlog_member *member = &row->members[i];
        const leat_trace_field *field = find_field(record, member->field);
        if (is_collected(items, member)) {
            begin_member(text, last, member->path);
            leat_text_printf(text, "[%s]", items->text.start);
        } else if (field != NULL) {
            begin_member(text, last, member->path);
            write_value(text, member->kind, field, speaks_http3);
        } else {
            continue;
        }
        last = member->path;
    }
    close_objects(text, last != NULL ? last : "");
    leat_text_printf(text, "}");
}
