/*
 * The encoder's inside, shared by its three files: qpack_encoder.c (life, decoder stream, release
 * of references), qpack_insert.c (dynamic table and encoder stream) and qpack_encode.c (field
 * sections).
 *
 * An entry can go when its insertion is known to have arrived and no outstanding section refers to
 * it (RFC 9204 §2.1.1). Entries go in order of age, so it is enough that each section holds the
 * oldest entry that it refers to: `references` counts the sections that hold an entry.
 */
#ifndef LEAT_H3_QPACK_ENCODER_H
#define LEAT_H3_QPACK_ENCODER_H

#include "h3/qpack.h"
#include "h3/qpack_table.h"

/* Sections in flight that use the table; stops a peer that never acknowledges (§7.3). Above this
 * sections are encoded without the table. */
#define LEAT_QPACK_OUTSTANDING_MAX 512
/* Unsent encoder stream bytes, stops a peer that withholds credit: then nothing is inserted. */
#define LEAT_QPACK_ENCODER_OUTPUT_MAX 16384
/* Lines seen lately, at most: one for each LEAT_QPACK_HISTORY_SHARE bytes of the table, because what
 * comes again later than entries live is of no use. */
#define LEAT_QPACK_HISTORY 64
#define LEAT_QPACK_HISTORY_SHARE 64

#define LEAT_QPACK_NO_INDEX UINT64_MAX

typedef struct leat_qpack_line_hash {
    uint32_t name, line;
} leat_qpack_line_hash;

/* A section that was sent and refers to the table. */
typedef struct leat_qpack_outstanding {
    uint64_t stream_id;
    uint64_t required_insert_count;
    uint64_t lowest; /* the oldest entry it refers to */
} leat_qpack_outstanding;

/* A section that is being encoded. */
typedef struct leat_qpack_draft {
    uint64_t stream_id;
    uint64_t base;
    uint64_t required_insert_count;
    uint64_t lowest; /* LEAT_QPACK_NO_INDEX: no reference yet */
    bool uses_table;
    bool may_block; /* may refer to entries that have perhaps not arrived */
} leat_qpack_draft;

struct leat_qpack_encoder {
    const leat_allocator *allocator;
    uint64_t max_capacity;      /* ours */
    uint64_t peer_max_capacity; /* SETTINGS_QPACK_MAX_TABLE_CAPACITY */
    uint64_t peer_max_blocked;  /* SETTINGS_QPACK_BLOCKED_STREAMS */
    leat_qpack_table table;
    bool is_capacity_told;
    uint64_t known_received_count;
    leat_ring outstanding; /* leat_qpack_outstanding, in the order of sending */
    bool can_unsend;       /* its last one is the section of the last encode */
    leat_buffer output;
    uint64_t stream_room;
    uint8_t instruction[LEAT_QPACK_INTEGER_MAX + 1]; /* of the decoder stream, not complete yet */
    size_t instruction_length;
    leat_qpack_line_hash history[LEAT_QPACK_HISTORY]; /* a ring of lines */
    unsigned history_next;
};

/* qpack_insert.c. The line's entry, found, duplicated or inserted just now, if the draft may refer
 * to it; else LEAT_QPACK_NO_INDEX. `static_name` is a row with that name, or NO_INDEX. */
uint64_t leat_qpack_use_line(leat_qpack_encoder *encoder, const leat_qpack_draft *draft,
    const leat_qpack_line *line, uint64_t static_name);
/* An entry with that name which the draft may refer to, or NO_INDEX. */
uint64_t leat_qpack_use_name(
    const leat_qpack_encoder *encoder, const leat_qpack_draft *draft, leat_span name);

/* qpack_encoder.c. The section refers to the table: its oldest entry is held until it is
 * acknowledged or cancelled. */
int leat_qpack_hold(leat_qpack_encoder *encoder, const leat_qpack_draft *draft);
/* RFC 9204 §2.1.2-1: may one more section on this stream risk to be blocked? */
bool leat_qpack_may_block(const leat_qpack_encoder *encoder, uint64_t stream_id);

#endif
