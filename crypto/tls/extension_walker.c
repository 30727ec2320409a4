/*
 * RFC 8446 §4.2: reads and writes a list of extensions by the rows of extensions.c, and knows the
 * rules for all of them: no duplicates, only where allowed, responses only to what was offered,
 * nothing left over, nothing mandatory left out.
 */
#include "crypto/tls/extension_table.h"

#define PRE_SHARED_KEY 41

static const leat_extension_row *find_row(uint16_t id) {
    for (size_t i = 0; i < LEAT_EXTENSION_ROW_COUNT; i++) {
        if (leat_extension_rows[i].id == id) {
            return &leat_extension_rows[i];
        }
    }
    return NULL;
}

/* These answer what was offered; the others are offers themselves, in which anything unknown is
 * ignored. */
static bool is_response(unsigned message) {
    return (message &
            (LEAT_IN_CLIENT_HELLO | LEAT_IN_CERTIFICATE_REQUEST | LEAT_IN_NEW_SESSION_TICKET)) == 0;
}

/* RFC 8446 §4.2: a cookie is the one thing that a server sends unasked. */
static bool is_solicited(const leat_extension_row *row, uint32_t offered) {
    return row != NULL && (row->bit & (offered | LEAT_HAS_COOKIE)) != 0;
}

static int read_extension(unsigned message, uint16_t id, leat_span body, uint32_t offered,
                          leat_extensions *extensions, const char **why) {
    const leat_extension_row *row = find_row(id);
    if (row != NULL && (row->allowed & message) == 0) {
        return leat_fault(why, LEAT_ALERT_ILLEGAL_PARAMETER,
                          "an extension does not belong into this message");
    }
    if (is_response(message) && !is_solicited(row, offered)) {
        return leat_fault(why, LEAT_ALERT_UNSUPPORTED_EXTENSION,
                          "an extension was answered that was never offered");
    }
    if (row == NULL || row->read == NULL) {
        return LEAT_ALERT_NONE;
    }
    leat_reader reader = leat_reader_of(body);
    int alert = row->read(message, &reader, extensions, why);
    if (reader.failed || (alert == LEAT_ALERT_NONE && !leat_reader_at_end(&reader))) {
        return leat_fault_decode(why, "an extension is cut short or has bytes left over");
    }
    extensions->present |= row->bit;
    return alert;
}

static int check_missing(unsigned message, const leat_extensions *extensions, const char **why) {
    for (size_t i = 0; i < LEAT_EXTENSION_ROW_COUNT; i++) {
        /* A HelloRetryRequest may lack key_share, a ServerHello must have it: server_hello.c knows
         * when. */
        const leat_extension_row *row = &leat_extension_rows[i];
        if ((row->required & message) != 0 && (extensions->present & row->bit) == 0) {
            return leat_fault(why, row->if_missing, "a mandatory extension is missing");
        }
    }
    return LEAT_ALERT_NONE;
}

int leat_extensions_parse(unsigned message, leat_span list, uint32_t offered,
                          leat_extensions *extensions, const char **why) {
    uint16_t seen[LEAT_EXTENSIONS_MAX];
    size_t count = 0;
    *extensions = (leat_extensions){0};
    for (leat_reader reader = leat_reader_of(list); !leat_reader_at_end(&reader); count++) {
        uint16_t id = leat_read_u16(&reader);
        leat_span body = leat_read_vector16(&reader);
        if (reader.failed) {
            return leat_fault_decode(why, "the list of extensions is cut short");
        }
        if (count == LEAT_EXTENSIONS_MAX) {
            return leat_fault(why, LEAT_ALERT_ILLEGAL_PARAMETER, "too many extensions");
        }
        for (size_t i = 0; i < count; i++) {
            if (seen[i] == id) { /* RFC 8446 §4.2: one of each type. */
                return leat_fault(why, LEAT_ALERT_ILLEGAL_PARAMETER, "an extension appears twice");
            }
        }
        if (message == LEAT_IN_CLIENT_HELLO && count > 0 && seen[count - 1] == PRE_SHARED_KEY) {
            return leat_fault(why, LEAT_ALERT_ILLEGAL_PARAMETER,
                              "pre_shared_key is not the last extension");
        }
        seen[count] = id;
        int alert = read_extension(message, id, body, offered, extensions, why);
        if (alert != LEAT_ALERT_NONE) {
            return alert;
        }
    }
    return check_missing(message, extensions, why);
}

void leat_extensions_write(unsigned message, const leat_extensions *extensions,
                           leat_writer *writer) {
    size_t list = leat_write_vector_begin(writer, 2);
    for (size_t i = 0; i < LEAT_EXTENSION_ROW_COUNT; i++) {
        const leat_extension_row *row = &leat_extension_rows[i];
        if ((extensions->present & row->bit) != 0 && (row->allowed & message) != 0) {
            leat_write_u16(writer, row->id);
            size_t body = leat_write_vector_begin(writer, 2);
            row->write(message, extensions, writer);
            leat_write_vector_end(writer, body, 2);
        }
    }
    leat_write_vector_end(writer, list, 2);
}

bool leat_extensions_hash_repeated(leat_span list, leat_hash *hash) {
    /* RFC 8446 §4.1.2: what a client may change after a HelloRetryRequest: key_share, early_data,
     * cookie, pre_shared_key and padding. */
    static const uint8_t may_change[] = {51, 42, 44, 41, 21};
    for (leat_reader reader = leat_reader_of(list); !leat_reader_at_end(&reader);) {
        leat_span extension = {reader.next, 0};
        uint16_t id = leat_read_u16(&reader);
        leat_read_vector16(&reader);
        extension.length = (size_t)(reader.next - extension.data);
        bool repeated = id > UINT8_MAX || memchr(may_change, id, sizeof may_change) == NULL;
        if (reader.failed ||
            (repeated && !leat_hash_update(hash, extension.data, extension.length))) {
            return false;
        }
    }
    return true;
}
