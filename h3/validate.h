/*
 * Is this field section a message? RFC 9114 §4.2 to §4.4, RFC 9110 §5, RFC 9220: names and values,
 * which pseudo-fields each kind of message must and must not have, fields that HTTP/3 forbids.
 * Pure: knows no stream and no connection; the same rules judge what is received and what is about
 * to be sent.
 */
#ifndef LEAT_H3_VALIDATE_H
#define LEAT_H3_VALIDATE_H

#include "base/text.h"
#include <leat/h3.h>

/* Where a field section stands. */
typedef enum leat_h3_section {
    LEAT_H3_SECTION_REQUEST,
    LEAT_H3_SECTION_RESPONSE,
    LEAT_H3_SECTION_TRAILERS,
} leat_h3_section;

/* What it turns out to be. */
typedef enum leat_h3_kind {
    LEAT_H3_KIND_REQUEST,
    LEAT_H3_KIND_CONNECT,              /* RFC 9114 §4.4 */
    LEAT_H3_KIND_EXTENDED_CONNECT,     /* RFC 9220 */
    LEAT_H3_KIND_WEBTRANSPORT_CONNECT, /* extended CONNECT for one of WebTransport's protocols */
    LEAT_H3_KIND_RESPONSE,
    LEAT_H3_KIND_TRAILERS,
    LEAT_H3_KIND_COUNT,
} leat_h3_kind;

#define LEAT_H3_NO_CONTENT_LENGTH UINT64_MAX

typedef struct leat_h3_verdict {
    const char *violation; /* NULL: well-formed; else why not, in words */
    bool deserves_400;     /* malformed, but a status says it better than a stream error alone */
    leat_h3_kind kind;
    unsigned status;         /* responses */
    bool is_head;            /* the request's method */
    bool has_content_fields; /* content-length or -type: not with capsules (RFC 9297 §3.2) */
    uint64_t content_length; /* or LEAT_H3_NO_CONTENT_LENGTH */
    leat_span priority;      /* the Priority field's value (RFC 9218 §5) */
} leat_h3_verdict;

static inline bool leat_h3_kind_is_connect(leat_h3_kind kind) {
    return kind == LEAT_H3_KIND_CONNECT || kind == LEAT_H3_KIND_EXTENDED_CONNECT ||
           kind == LEAT_H3_KIND_WEBTRANSPORT_CONNECT;
}

/* allows_protocol: extended CONNECT was offered by the server of this connection. */
leat_h3_verdict leat_h3_validate(
    const leat_h3_header *headers, size_t count, leat_h3_section section, bool allows_protocol);
/* As RFC 9114 §4.2.2 counts: name, value and 32 for each line. */
uint64_t leat_h3_section_size(const leat_h3_header *headers, size_t count);

#endif
