/*
 * Capsules (RFC 9297 §3) read from the DATA of one stream: cut anywhere, of any length. A value is
 * kept up to LEAT_H3_CAPSULE_MAX bytes, the rest is skipped.
 */
#ifndef LEAT_H3_CAPSULE_H
#define LEAT_H3_CAPSULE_H

#include "h3/stream_reader.h"
#include <leat/h3.h>

#define LEAT_H3_CAPSULE_DATAGRAM 0x00 /* RFC 9297 §3.5 */

typedef struct leat_h3_capsule_reader {
    leat_tlv_reader reader;
    leat_buffer value; /* the beginning of an unfinished capsule's value */
    bool is_told;      /* the capsule went out; what follows of its value is skipped */
} leat_h3_capsule_reader;

/* What came out: a capsule, perhaps cut at LEAT_H3_CAPSULE_MAX. value points into the input or the
 * reader. */
typedef struct leat_h3_capsule {
    uint64_t type, length;
    leat_span value;
} leat_h3_capsule;

leat_h3_capsule_reader *leat_h3_capsule_reader_new(const leat_allocator *allocator);
void leat_h3_capsule_reader_free(leat_h3_capsule_reader *reader, const leat_allocator *allocator);
/* Takes from input up to and including the next capsule. 1: capsule is filled in, 0: input used up,
 * LEAT_ERR_NOMEM. */
int leat_h3_capsule_read(
    leat_h3_capsule_reader *reader, leat_span *input, leat_h3_capsule *capsule);
/* No capsule is cut: the stream may end here. */
bool leat_h3_capsule_reader_is_between(const leat_h3_capsule_reader *reader);

#endif
