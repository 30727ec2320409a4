/*
 * The dynamic table of RFC 9204 §3.2, used by decoder and encoder alike. Entries are known by their
 * absolute index. Names and values lie one after the other in a block that is compacted when its
 * end is reached, so that a table in steady use allocates nothing.
 */
#ifndef LEAT_H3_QPACK_TABLE_H
#define LEAT_H3_QPACK_TABLE_H

#include "base/ring.h"
#include "h3/qpack_literal.h"
#include "h3/qpack_static_table.h"

/* RFC 9204 §3.2.1: what an entry costs above its bytes. */
#define LEAT_QPACK_ENTRY_OVERHEAD 32

/* The largest table that can be configured: keeps lengths in 32 bits, sums far from overflow. */
#define LEAT_QPACK_CAPACITY_MAX (UINT64_C(1) << 24)

typedef struct leat_qpack_entry {
    uint64_t position;    /* of the name; the value follows it */
    uint64_t size_before; /* the sizes of all entries ever inserted before this one */
    uint32_t name_length, value_length;
    /* For the encoder alone: see qpack_encoder.h. */
    uint32_t name_hash, line_hash;
    uint32_t references;
} leat_qpack_entry;

typedef struct leat_qpack_table {
    const leat_allocator *allocator;
    uint64_t capacity;
    uint64_t size;         /* RFC 9204 §3.2.1 */
    uint64_t size_before;  /* for the next entry */
    uint64_t insert_count; /* the absolute index of the next entry */
    leat_ring entries;     /* leat_qpack_entry, oldest first */
    uint8_t *text;
    size_t text_room;
    uint64_t text_start, text_end; /* positions: of text[0], of the next entry */
} leat_qpack_table;

/* The capacity starts at 0 and is never set above max_capacity. */
void leat_qpack_table_init(
    leat_qpack_table *table, const leat_allocator *allocator, uint64_t max_capacity);
void leat_qpack_table_clear(leat_qpack_table *table);
void leat_qpack_table_set_capacity(leat_qpack_table *table, uint64_t capacity);

/* NULL when evicted or not inserted yet. */
leat_qpack_entry *leat_qpack_table_entry(const leat_qpack_table *table, uint64_t absolute_index);
/* Its name and value, valid until the next insert. */
leat_qpack_line leat_qpack_table_line(
    const leat_qpack_table *table, const leat_qpack_entry *entry);

static inline uint64_t leat_qpack_table_oldest(const leat_qpack_table *table) {
    return table->insert_count - table->entries.count;
}

static inline uint64_t leat_qpack_entry_size(const leat_qpack_entry *entry) {
    return (uint64_t)entry->name_length + entry->value_length + LEAT_QPACK_ENTRY_OVERHEAD;
}

/*
 * Inserts, evicting as needed. Name and value may be those of an entry, even of one that is evicted
 * by this insert. LEAT_ERR_INVALID (bad Huffman code), LEAT_ERR_TOO_LARGE (than the capacity),
 * LEAT_ERR_NOMEM: the table is unchanged.
 */
int leat_qpack_table_insert(
    leat_qpack_table *table, leat_qpack_string name, leat_qpack_string value);

#endif
