/* Reading events through their field rows. */
#include "base/fields.h"

#include <inttypes.h>
#include <string.h>

static const leat_field_row *find(
    const leat_field_row *rows, size_t count, int type, const char *name) {
    for (size_t i = 0; i < count; i++) {
        if ((rows[i].event == type || rows[i].event == -1) && strcmp(rows[i].name, name) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

static bool read_integer(const leat_field_row *row, const void *event, uint64_t *value) {
    const char *place = (const char *)event + row->offset;
    uint64_t u64;
    uint32_t u32;
    uint16_t u16;
    size_t size;
    bool flag;
    int number;
    switch (row->type) {
    case LEAT_FIELD_TYPE_U64:
    case LEAT_FIELD_TYPE_TIME: memcpy(&u64, place, sizeof u64); *value = u64; return true;
    case LEAT_FIELD_TYPE_U32: memcpy(&u32, place, sizeof u32); *value = u32; return true;
    case LEAT_FIELD_TYPE_PORT: memcpy(&u16, place, sizeof u16); *value = u16; return true;
    case LEAT_FIELD_TYPE_SIZE: memcpy(&size, place, sizeof size); *value = size; return true;
    case LEAT_FIELD_TYPE_FLAG:
    case LEAT_FIELD_TYPE_BOOL: memcpy(&flag, place, sizeof flag); *value = flag; return true;
    case LEAT_FIELD_TYPE_ENUM:
        memcpy(&number, place, sizeof number);
        *value = (uint64_t)number;
        return true;
    default: return false;
    }
}

static bool read_bytes(const leat_field_row *row, const void *event, leat_span *value) {
    const char *place = (const char *)event + row->offset;
    const char *string;
    switch (row->type) {
    case LEAT_FIELD_TYPE_SPAN: memcpy(value, place, sizeof *value); return true;
    case LEAT_FIELD_TYPE_STRING:
        memcpy(&string, place, sizeof string);
        *value = leat_span_of(string);
        return true;
    case LEAT_FIELD_TYPE_TEXT:
        memcpy(&string, place, sizeof string);
        memcpy(&value->length, place + sizeof string, sizeof value->length);
        value->data = (const uint8_t *)string;
        return true;
    case LEAT_FIELD_TYPE_ADDRESS: {
        const leat_address *address = (const leat_address *)(const void *)place;
        *value = (leat_span){address->ip, address->family == LEAT_ADDRESS_IPV4   ? 4
                                          : address->family == LEAT_ADDRESS_IPV6 ? 16
                                                                                 : 0};
        return true;
    }
    case LEAT_FIELD_TYPE_CID: {
        const leat_cid *cid = (const leat_cid *)(const void *)place;
        *value = (leat_span){cid->bytes, cid->length};
        return true;
    }
    default: return false;
    }
}

bool leat_fields_get_integer(const leat_field_row *rows, size_t count, int type, const void *event,
    const char *name, uint64_t *value) {
    const leat_field_row *row = find(rows, count, type, name);
    return row != NULL && read_integer(row, event, value);
}

bool leat_fields_get_bytes(const leat_field_row *rows, size_t count, int type, const void *event,
    const char *name, leat_span *value) {
    const leat_field_row *row = find(rows, count, type, name);
    return row != NULL && read_bytes(row, event, value);
}

static void format_field(const leat_field_row *row, const void *event, leat_text *text) {
    uint64_t integer = 0;
    leat_span bytes = {NULL, 0};
    char address[LEAT_ADDRESS_TEXT_MAX];
    read_integer(row, event, &integer);
    read_bytes(row, event, &bytes);
    leat_text_printf(text, " %s=", row->name);
    switch (row->type) {
    case LEAT_FIELD_TYPE_FLAG:
    case LEAT_FIELD_TYPE_BOOL: leat_text_printf(text, "%s", integer != 0 ? "yes" : "no"); break;
    case LEAT_FIELD_TYPE_ENUM: leat_text_printf(text, "%s", row->enum_name((int)integer)); break;
    case LEAT_FIELD_TYPE_TIME:
        leat_text_printf(text, "%" PRIu64 "ms", integer / LEAT_MILLISECOND);
        break;
    case LEAT_FIELD_TYPE_TEXT:
    case LEAT_FIELD_TYPE_STRING: leat_text_json(text, bytes); break;
    case LEAT_FIELD_TYPE_SPAN:
    case LEAT_FIELD_TYPE_CID: leat_text_bytes(text, bytes); break;
    case LEAT_FIELD_TYPE_ADDRESS:
        leat_text_printf(text, "%s",
            leat_address_format(
                (const leat_address *)(const void *)((const char *)event + row->offset), address));
        break;
    case LEAT_FIELD_TYPE_U64:
        if (integer == UINT64_MAX) {
            leat_text_printf(text, "none");
            break;
        }
        /* fall through */
    default: leat_text_printf(text, "%" PRIu64, integer); break;
    }
}

static bool is_printed(const leat_field_row *row, const void *event) {
    uint64_t integer = 0;
    read_integer(row, event, &integer);
    return row->type == LEAT_FIELD_TYPE_FLAG ? integer != 0 : row->type != LEAT_FIELD_TYPE_PORT;
}

char *leat_fields_format(const leat_field_row *rows, size_t count, int type, const char *head,
    const void *event, char *buffer, size_t room) {
    if (room == 0) {
        return buffer;
    }
    leat_text text = leat_text_make(buffer, room);
    leat_text_printf(&text, "%s", head);
    for (size_t i = 0; i < count; i++) {
        bool is_own = rows[i].event == type || rows[i].event == -1;
        if (is_own && is_printed(&rows[i], event)) {
            format_field(&rows[i], event, &text);
        }
    }
    return buffer;
}
