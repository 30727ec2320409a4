/*
 * The sink: records in, a JSON text sequence out (RFC 7464 §2.2;
 * draft-ietf-quic-qlog-main-schema-14 §5, §11.2). The log only observes: whatever a record holds,
 * it cannot do more than fill two buffers of fixed size.
 */
#include <leat/qlog.h>

#include "base/alloc.h"
#include "qlog/data.h"

#include <inttypes.h>
#include <string.h>

/* Frames of one packet, fields of one message: stops peers that fill packets with the smallest
 * frames. */
#define LEAT_QLOG_ITEMS_MAX (16 * 1024)
/* One record as text: all items and the longest reason phrase, escaped. */
#define LEAT_QLOG_RECORD_MAX (24 * 1024)
/* Three texts of LEAT_QLOG_TEXT_MAX, escaped, and what is around them. */
#define LEAT_QLOG_HEAD_MAX (6 * 1024)
#define NOTICE_MAX 256

#define RECORD_SEPARATOR "\x1e"

struct leat_qlog {
    leat_allocator allocator_hooks;
    const leat_allocator *allocator;
    bool (*write)(void *user, const char *bytes, size_t length);
    void *user;
    char *head; /* NULL once it is written */
    bool names_connections, speaks_http3;
    uint64_t dropped, dropped_told;
    qlog_items items;
    char items_buffer[LEAT_QLOG_ITEMS_MAX], record_buffer[LEAT_QLOG_RECORD_MAX];
};

/* ---- writing --------------------------------------------------------------------------------- */

static bool put(leat_qlog *qlog, const leat_text *text) {
    size_t length = (size_t)(text->next - text->start);
    return !leat_qlog_was_cut(text) && qlog->write(qlog->user, text->start, length);
}

static bool put_head(leat_qlog *qlog) {
    if (qlog->head != NULL && qlog->write(qlog->user, qlog->head, strlen(qlog->head))) {
        leat_free(qlog->allocator, qlog->head);
        qlog->head = NULL;
    }
    return qlog->head == NULL;
}

static void begin_event(
    leat_qlog *qlog, leat_text *text, const leat_trace_record *record, const char *name) {
    leat_text_printf(text, RECORD_SEPARATOR "{\"time\":");
    leat_qlog_write_milliseconds(text, record->time);
    leat_text_printf(text, ",\"name\":\"%s\"", name);
    if (qlog->names_connections) {
        leat_text_printf(text, ",\"group_id\":");
        leat_qlog_write_hex(text, record->connection);
    }
    leat_text_printf(text, ",\"data\":");
}

/* What is missing is said before what follows it. */
static bool put_notice(leat_qlog *qlog, const leat_trace_record *record) {
    char buffer[NOTICE_MAX];
    leat_text text = leat_text_make(buffer, sizeof buffer);
    if (qlog->dropped == qlog->dropped_told) {
        return true;
    }
    begin_event(qlog, &text, record, "loglevel:warning");
    leat_text_printf(&text, "{\"message\":\"%" PRIu64 " records were dropped before this one\"}}\n",
        qlog->dropped - qlog->dropped_told);
    bool is_put = put(qlog, &text);
    qlog->dropped_told = is_put ? qlog->dropped : qlog->dropped_told;
    return is_put;
}

/* ---- records --------------------------------------------------------------------------------- */

static void forget_items(leat_qlog *qlog) {
    qlog->items.list = NULL;
    qlog->items.text = leat_text_make(qlog->items_buffer, sizeof qlog->items_buffer);
}

static void collect(leat_qlog *qlog, const qlog_row *row, const leat_trace_record *record) {
    if (qlog->items.list == NULL || strcmp(qlog->items.list, row->list) != 0) {
        forget_items(qlog);
        qlog->items.list = row->list;
    }
    leat_text mark = qlog->items.text;
    leat_text_printf(&qlog->items.text, mark.next > mark.start ? "," : "");
    leat_qlog_write_data(&qlog->items.text, row, record, &qlog->items, qlog->speaks_http3);
    if (leat_qlog_was_cut(&qlog->items.text)) {
        qlog->items.text = mark;
        *mark.next = '\0';
        qlog->dropped++;
    }
}

static void log_event(leat_qlog *qlog, const qlog_row *row, const leat_trace_record *record) {
    leat_text text = leat_text_make(qlog->record_buffer, sizeof qlog->record_buffer);
    begin_event(qlog, &text, record, row->event);
    leat_qlog_write_data(&text, row, record, &qlog->items, qlog->speaks_http3);
    leat_text_printf(&text, "}\n");
    forget_items(qlog);
    if (!put_head(qlog) || !put_notice(qlog, record) || !put(qlog, &text)) {
        qlog->dropped++;
    }
}

static void on_record(void *user, const leat_trace_record *record) {
    leat_qlog *qlog = user;
    const qlog_row *row = leat_qlog_find_row(record->category, record->name);
    /* Error codes mean what the application protocol says; from here on it is known to be
     * HTTP/3. */
    qlog->speaks_http3 = qlog->speaks_http3 || strcmp(record->category, "http3") == 0;
    if (row != NULL && row->list != NULL) {
        collect(qlog, row, record);
    } else if (row != NULL) {
        log_event(qlog, row, record);
    }
}

/* ---- life ------------------------------------------------------------------------------------ */

void leat_qlog_config_init(leat_qlog_config *config) {
    *config = (leat_qlog_config){.size = sizeof *config};
}

static bool is_usable(const leat_qlog_config *config) {
    const char *texts[] = {config->name, config->title, config->wall_clock_time};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (texts[i] != NULL && strlen(texts[i]) > LEAT_QLOG_TEXT_MAX) {
            return false;
        }
    }
    return config->size == sizeof *config && config->write != NULL &&
           config->group_id.length <= LEAT_QLOG_TEXT_MAX;
}

static void write_text_member(leat_text *text, const char *name, const char *value) {
    if (value != NULL) {
        leat_text_printf(text, "\"%s\":", name);
        leat_text_json(text, leat_span_of(value));
        leat_text_printf(text, ",");
    }
}

/*
 * draft-ietf-quic-qlog-main-schema-14 §7.1: the caller's clock is monotonic, so that its epoch is
 * "unknown".
 * draft-ietf-quic-qlog-quic-events-13 §2.1: until there is an RFC the URIs of the schemas end with
 * the draft's number.
 */
static void write_head(leat_text *text, const leat_qlog_config *config) {
    leat_text_printf(text,
        RECORD_SEPARATOR "{\"file_schema\":\"urn:ietf:params:qlog:file:sequential\","
                         "\"serialization_format\":\"application/qlog+json-seq\",");
    write_text_member(text, "title", config->title);
    leat_text_printf(text, "\"trace\":{\"common_fields\":{\"time_format\":\"relative_to_epoch\","
                           "\"reference_time\":{\"clock_type\":\"monotonic\",");
    write_text_member(text, "wall_clock_time", config->wall_clock_time);
    leat_text_printf(text, "\"epoch\":\"unknown\"}");
    if (config->group_id.length > 0) {
        leat_text_printf(text, ",\"group_id\":");
        leat_qlog_write_hex(text, config->group_id);
    }
    leat_text_printf(text, "},\"vantage_point\":{");
    write_text_member(text, "name", config->name);
    leat_text_printf(text,
        "\"type\":\"%s\"},\"event_schemas\":[\"urn:ietf:params:qlog:events:quic-13\","
        "\"urn:ietf:params:qlog:events:http3-13\",\"urn:ietf:params:qlog:events:loglevel\"]}}\n",
        config->is_client ? "client" : "server");
}

leat_qlog *leat_qlog_new(const leat_qlog_config *config) {
    if (!is_usable(config)) {
        return NULL;
    }
    leat_qlog *qlog = leat_alloc(config->allocator, sizeof *qlog);
    if (qlog == NULL) {
        return NULL;
    }
    if (config->allocator != NULL) {
        qlog->allocator_hooks = *config->allocator;
        qlog->allocator = &qlog->allocator_hooks;
    }
    qlog->write = config->write;
    qlog->user = config->user;
    qlog->names_connections = config->group_id.length == 0;
    leat_text head = leat_text_make(qlog->record_buffer, LEAT_QLOG_HEAD_MAX);
    write_head(&head, config);
    qlog->head = leat_strdup(qlog->allocator, head.start);
    if (qlog->head == NULL) {
        leat_qlog_free(qlog);
        return NULL;
    }
    forget_items(qlog);
    put_head(qlog);
    return qlog;
}

void leat_qlog_free(leat_qlog *qlog) {
    if (qlog != NULL) {
        leat_free(qlog->allocator, qlog->head);
        /* The hooks live inside the object that they free. */
        const leat_allocator hooks = qlog->allocator_hooks;
        leat_free(qlog->allocator != NULL ? &hooks : NULL, qlog);
    }
}

leat_trace_sink leat_qlog_sink(leat_qlog *qlog) {
    return (leat_trace_sink){.on_record = on_record, .user = qlog};
}

uint64_t leat_qlog_dropped(const leat_qlog *qlog) { return qlog->dropped; }
