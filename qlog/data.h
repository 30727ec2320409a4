/*
 * A record as a JSON object: the row's members that the record has, in nested objects as their paths say
 * (draft-ietf-quic-qlog-main-schema-14 §11). Text that reaches the end of its room was cut: the caller drops it.
 */
#ifndef LEAT_QLOG_DATA_H
#define LEAT_QLOG_DATA_H

#include "base/text.h"
#include "qlog/events.h"

#include <leat/quic.h>

/* Items collected since the last event that took some: objects with commas between them. */
typedef struct qlog_items {
    const char *list; /* their name; NULL: none */
    leat_text text;
} qlog_items;

void leat_qlog_write_data(leat_text *text, const qlog_row *row, const leat_trace_record *record,
                          const qlog_items *items, bool speaks_http3);
void leat_qlog_write_hex(leat_text *text, leat_span bytes);
void leat_qlog_write_milliseconds(leat_text *text, leat_time time);

static inline bool leat_qlog_was_cut(const leat_text *text) { return text->next == text->end; }

#endif
