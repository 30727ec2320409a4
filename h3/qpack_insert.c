/*
 * The encoder's side of the dynamic table: what to look up, insert and duplicate, and the
 * instructions for it (RFC 9204 §4.3). Inserting is never needed: whatever fails here, for lack of
 * room, credit or memory, ends in a literal.
 *
 * The table is searched entry by entry and not through a hash table: it has about a hundred of
 * them, and a peer that makes hashes collide gains no more than as many comparisons.
 */
#include "h3/qpack_encoder.h"

/* RFC 9204 §2.1.1.1: the share of the capacity that is kept free of new references. */
#define DRAINING_SHARE 8
/* A name that came with so many values lately does not repeat: dates, paths, lengths. */
#define VALUES_OF_NAME_MAX 6

static uint64_t hash_bytes(uint64_t hash, leat_span bytes) {
    hash ^= bytes.length;
    for (size_t at = 0; at < bytes.length; at += sizeof(uint64_t)) {
        uint64_t word = 0;
        size_t left = bytes.length - at;
        memcpy(&word, bytes.data + at, left < sizeof word ? left : sizeof word);
        hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 32;
    }
    return hash;
}

static leat_qpack_line_hash hash_line(const leat_qpack_line *line) {
    uint64_t name = hash_bytes(0, line->name);
    uint64_t whole = hash_bytes(name, line->value);
    return (leat_qpack_line_hash){(uint32_t)name, (uint32_t)whole};
}

static bool can_refer_to(
    const leat_qpack_encoder *encoder, const leat_qpack_draft *draft, uint64_t index) {
    return draft->may_block || index < encoder->known_received_count;
}

/* The newest entry with some content, and the newest of these that the draft may refer to. */
typedef struct found_entry {
    uint64_t newest, usable;
} found_entry;

typedef struct found_entries {
    found_entry line, name;
} found_entries;

static void note_found(found_entry *found, uint64_t index, bool is_usable) {
    if (found->newest == LEAT_QPACK_NO_INDEX) {
        found->newest = index;
    }
    if (found->usable == LEAT_QPACK_NO_INDEX && is_usable) {
        found->usable = index;
    }
}

static found_entries find_entries(const leat_qpack_encoder *encoder, const leat_qpack_draft *draft,
    const leat_qpack_line *line, leat_qpack_line_hash hash) {
    const leat_qpack_table *table = &encoder->table;
    found_entry none = {LEAT_QPACK_NO_INDEX, LEAT_QPACK_NO_INDEX};
    found_entries found = {none, none};
    uint64_t oldest = leat_qpack_table_oldest(table);
    for (size_t i = table->entries.count; i-- > 0 && found.line.usable == none.usable;) {
        const leat_qpack_entry *entry = leat_ring_at(&table->entries, i);
        if (entry->name_hash != hash.name) {
            continue;
        }
        leat_qpack_line content = leat_qpack_table_line(table, entry);
        if (!leat_span_equal(content.name, line->name)) {
            continue;
        }
        bool is_usable = can_refer_to(encoder, draft, oldest + i);
        note_found(&found.name, oldest + i, is_usable);
        if (entry->line_hash == hash.line && leat_span_equal(content.value, line->value)) {
            note_found(&found.line, oldest + i, is_usable);
        }
    }
    return found;
}

/* RFC 9204 §2.1.1.1: so old that it should be left to be evicted. */
static bool is_draining(const leat_qpack_table *table, uint64_t index) {
    const leat_qpack_entry *oldest = leat_ring_front(&table->entries);
    uint64_t older = leat_qpack_table_entry(table, index)->size_before - oldest->size_before;
    return table->capacity - table->size + older < table->capacity / DRAINING_SHARE;
}

/* RFC 9204 §2.1.1-1, RFC 9204 §3.2.2-1: room by evicting only what is evictable. */
static bool can_make_room(
    const leat_qpack_encoder *encoder, const leat_qpack_draft *draft, uint64_t size) {
    const leat_qpack_table *table = &encoder->table;
    uint64_t room = table->capacity - table->size;
    uint64_t oldest = leat_qpack_table_oldest(table);
    for (size_t i = 0; room < size && i < table->entries.count; i++) {
        const leat_qpack_entry *entry = leat_ring_at(&table->entries, i);
        /* The draft's own references count, although they are not held yet. */
        if (entry->references > 0 || oldest + i >= encoder->known_received_count ||
            oldest + i >= draft->lowest) {
            return false;
        }
        room += leat_qpack_entry_size(entry);
    }
    return room >= size;
}

/* An instruction in the free room of output; it counts only when the insert has succeeded. */
typedef struct instruction_draft {
    leat_writer writer;
    bool tells_capacity;
} instruction_draft;

static bool begin_instruction(
    leat_qpack_encoder *encoder, instruction_draft *instruction, size_t length) {
    leat_buffer *output = &encoder->output;
    length += 3 * LEAT_QPACK_INTEGER_MAX;
    if (leat_buffer_reserve(output, length) != 0) {
        return false;
    }
    instruction->writer = leat_writer_make(output->data + output->length, length);
    instruction->tells_capacity = !encoder->is_capacity_told;
    if (instruction->tells_capacity) {
        leat_qpack_write_integer(&instruction->writer, 0x20, 5, encoder->table.capacity);
    }
    return true;
}

static bool end_instruction(leat_qpack_encoder *encoder, const instruction_draft *instruction,
    const leat_qpack_line *line, leat_qpack_line_hash hash) {
    size_t length = encoder->output.length + leat_writer_length(&instruction->writer);
    /* RFC 9204 §2.1.3-1: only what can be sent whole. */
    if (instruction->writer.failed || length > encoder->stream_room) {
        return false;
    }
    leat_qpack_string name = {line->name, false};
    leat_qpack_string value = {line->value, false};
    if (leat_qpack_table_insert(&encoder->table, name, value) != 0) {
        return false;
    }
    leat_qpack_entry *entry = leat_ring_back(&encoder->table.entries);
    entry->name_hash = hash.name;
    entry->line_hash = hash.line;
    encoder->output.length = length;
    encoder->is_capacity_told = true;
    return true;
}

static bool insert(leat_qpack_encoder *encoder, const leat_qpack_line *line,
    leat_qpack_line_hash hash, uint64_t static_name, uint64_t dynamic_name) {
    instruction_draft instruction;
    if (!begin_instruction(encoder, &instruction, line->name.length + line->value.length)) {
        return false;
    }
    leat_writer *writer = &instruction.writer;
    if (static_name != LEAT_QPACK_NO_INDEX) {
        leat_qpack_write_integer(writer, 0xc0, 6, static_name);
    } else if (dynamic_name != LEAT_QPACK_NO_INDEX) {
        uint64_t relative = encoder->table.insert_count - 1 - dynamic_name;
        leat_qpack_write_integer(writer, 0x80, 6, relative);
    } else {
        leat_qpack_write_string(writer, 0x40, 6, line->name);
    }
    leat_qpack_write_string(writer, 0x00, 8, line->value);
    return end_instruction(encoder, &instruction, line, hash);
}

static bool duplicate(leat_qpack_encoder *encoder, const leat_qpack_line *line,
    leat_qpack_line_hash hash, uint64_t index) {
    instruction_draft instruction;
    if (!begin_instruction(encoder, &instruction, 0)) {
        return false;
    }
    uint64_t relative = encoder->table.insert_count - 1 - index;
    leat_qpack_write_integer(&instruction.writer, 0x00, 5, relative);
    return end_instruction(encoder, &instruction, line, hash);
}

static void remember(leat_qpack_encoder *encoder, size_t length, leat_qpack_line_hash hash) {
    encoder->history[encoder->history_next] = hash;
    encoder->history_next = (unsigned)((encoder->history_next + 1) % length);
}

/*
 * A line that is not in the table is worth its place when it comes again; while there is room, also
 * when it comes for the first time, unless its name always has another value.
 */
static bool is_worth_inserting(
    leat_qpack_encoder *encoder, leat_qpack_line_hash hash, bool fits) {
    uint64_t share = encoder->table.capacity / LEAT_QPACK_HISTORY_SHARE + 1;
    size_t length = share < LEAT_QPACK_HISTORY ? (size_t)share : LEAT_QPACK_HISTORY;
    unsigned values = 0;
    for (size_t i = 0; i < length; i++) {
        if (encoder->history[i].line == hash.line) {
            return true;
        }
        values += encoder->history[i].name == hash.name ? 1 : 0;
    }
    remember(encoder, length, hash);
    return fits && values < VALUES_OF_NAME_MAX;
}

uint64_t leat_qpack_use_line(leat_qpack_encoder *encoder, const leat_qpack_draft *draft,
    const leat_qpack_line *line, uint64_t static_name) {
    leat_qpack_line_hash hash = hash_line(line);
    found_entries found = find_entries(encoder, draft, line, hash);
    uint64_t known = found.line.newest;
    uint64_t size = line->name.length + line->value.length + LEAT_QPACK_ENTRY_OVERHEAD;
    /* What may not be referred to before it is acknowledged is sent twice: that costs more. */
    bool fits = draft->may_block && encoder->table.capacity - encoder->table.size >= size;
    bool is_wanted = known == LEAT_QPACK_NO_INDEX ? is_worth_inserting(encoder, hash, fits)
                                                  : is_draining(&encoder->table, known);
    if (!is_wanted || !can_make_room(encoder, draft, size)) {
        return found.line.usable;
    }
    bool is_inserted = known == LEAT_QPACK_NO_INDEX
        ? insert(encoder, line, hash, static_name, found.name.newest)
        : duplicate(encoder, line, hash, known);
    uint64_t newest = encoder->table.insert_count - 1;
    if (is_inserted && can_refer_to(encoder, draft, newest)) {
        return newest;
    }
    /* The insert may have evicted the old one. */
    bool is_there = leat_qpack_table_entry(&encoder->table, found.line.usable) != NULL;
    return is_there ? found.line.usable : LEAT_QPACK_NO_INDEX;
}

uint64_t leat_qpack_use_name(
    const leat_qpack_encoder *encoder, const leat_qpack_draft *draft, leat_span name) {
    leat_qpack_line line = {name, {NULL, 0}};
    uint64_t index = find_entries(encoder, draft, &line, hash_line(&line)).name.usable;
    bool is_usable = index != LEAT_QPACK_NO_INDEX && !is_draining(&encoder->table, index);
    return is_usable ? index : LEAT_QPACK_NO_INDEX;
}
