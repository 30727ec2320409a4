/* Responses, and files as their bodies. */
#ifndef LEAT_TOOLS_SERVE_HTTP_H
#define LEAT_TOOLS_SERVE_HTTP_H

#include <stdio.h>

#include "serve.h"

typedef struct http_response {
    unsigned status;
    uint64_t length;       /* of the body */
    bool has_length, streams_body, is_head, accepts_ranges;
    const char *type;      /* content-type, or NULL */
    char range[72];        /* content-range, or empty */
    const char *details;   /* a sentence for refusals, or NULL */
} http_response;

void http_respond(leat_h3 *h3, uint64_t stream_id, const http_response *response);

/* files.c: opens the file of a path below root, positioned at the range's start, and fills in
 * the response. NULL: no body. */
FILE *files_open(const char *root, leat_span path, leat_span range, http_response *response);

#endif
