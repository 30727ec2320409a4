/*
 * THE table of qlog: which trace record becomes which event, and which of its fields becomes which member of the
 * event's data. What has no row is not logged; a field that the record does not carry is left out.
 */
#ifndef LEAT_QLOG_EVENTS_H
#define LEAT_QLOG_EVENTS_H

#include <stddef.h>

typedef enum qlog_kind {
    QLOG_NUMBER,
    QLOG_MILLISECONDS,      /* from nanoseconds, with the fraction */
    QLOG_TEXT,
    QLOG_HEX,               /* bytes as a string of hexadecimal digits */
    QLOG_FLAG,
    QLOG_LENGTH,            /* how many bytes: for what nobody should read in a log */
    QLOG_VERSION,           /* a QUIC version: eight hexadecimal digits */
    QLOG_VERSIONS,          /* a list of them */
    QLOG_NUMBER_LIST,       /* one number as a list */
    QLOG_RANGES,            /* pairs of numbers, both ends included */
    QLOG_TRANSPORT_ERROR,   /* the name; beside an unknown one its value as error_code */
    QLOG_APPLICATION_ERROR, /* the same; names are those of HTTP/3 */
    QLOG_LIST,              /* the items collected under this name */
    QLOG_KIND_COUNT
} qlog_kind;

typedef struct qlog_member {
    const char *field; /* of the record */
    const char *path;  /* in data: "raw.length" is a member of the object raw. Members of one object stand together */
    qlog_kind kind;
} qlog_member;

/* Either an event or, with `list`, an item that waits for the event whose members name that list. */
typedef struct qlog_row {
    const char *category, *name; /* of the record */
    const char *event;
    const char *list;
    const qlog_member *members;
    size_t member_count;
} qlog_row;

/* NULL: not logged. */
const qlog_row *leat_qlog_find_row(const char *category, const char *name);

#endif
