/*
 * Events as rows of fields: one table per layer says which fields an event has, and serves the
 * accessors for bindings and the line of text alike.
 */
#ifndef LEAT_BASE_FIELDS_H
#define LEAT_BASE_FIELDS_H

#include "base/text.h"

typedef enum leat_field_type {
    LEAT_FIELD_TYPE_U64,    /* printed as "none" when it is UINT64_MAX */
    LEAT_FIELD_TYPE_U32,
    LEAT_FIELD_TYPE_SIZE,
    LEAT_FIELD_TYPE_BOOL,
    LEAT_FIELD_TYPE_FLAG,   /* a bool; printed only when it is true */
    LEAT_FIELD_TYPE_ENUM,   /* an int; printed by its name */
    LEAT_FIELD_TYPE_SPAN,   /* bytes */
    LEAT_FIELD_TYPE_STRING, /* a NUL-terminated char pointer, may be NULL */
    LEAT_FIELD_TYPE_TEXT,   /* a char pointer with its size_t length right behind it; may hold NULs */
    LEAT_FIELD_TYPE_CID,    /* leat_cid */
    LEAT_FIELD_TYPE_TIME,   /* printed in milliseconds */
    LEAT_FIELD_TYPE_ADDRESS, /* leat_address: its bytes are the IP; printed with the port */
    LEAT_FIELD_TYPE_PORT,   /* uint16_t; not printed, for the address is */
} leat_field_type;

typedef struct leat_field_row {
    int event;        /* the event type that has it; -1: every event */
    const char *name;
    leat_field_type type;
    size_t offset;    /* in the event struct */
    const char *(*enum_name)(int value);
} leat_field_row;

bool leat_fields_get_integer(const leat_field_row *rows, size_t count, int type, const void *event,
                             const char *name, uint64_t *value);
bool leat_fields_get_bytes(const leat_field_row *rows, size_t count, int type, const void *event,
                           const char *name, leat_span *value);
/* Writes head and then " name=value" for each field of the event; cut at room, and nothing at
 * all when that is 0. Returns buffer. */
char *leat_fields_format(const leat_field_row *rows, size_t count, int type, const char *head,
                         const void *event, char *buffer, size_t room);

#endif
