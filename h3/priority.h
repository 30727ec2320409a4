/* Extensible priorities (RFC 9218): the Priority field value, PRIORITY_UPDATE, and what they do to
 * a stream. */
#ifndef LEAT_H3_PRIORITY_H
#define LEAT_H3_PRIORITY_H

#include "h3/connection.h"

/* A prioritized element ID and a Priority field value: nobody needs a longer one. */
#define LEAT_H3_PRIORITY_PAYLOAD_MAX (8 + 1024)

typedef struct leat_h3_priority {
    uint8_t urgency; /* RFC 9218 §4.1: 0 first, 3 default, 7 last */
    bool incremental;
} leat_h3_priority;

/* RFC 9218 §4: defaults for what is missing, out of range or of another type; all defaults when it
 * is no dictionary. */
leat_h3_priority leat_h3_priority_parse(leat_span value);
/* The request's own field, or a PRIORITY_UPDATE that came before it. */
void leat_h3_apply_priority(leat_h3 *h3, leat_h3_stream *stream, leat_span field);

#endif
