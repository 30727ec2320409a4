/* The dynamic table, RFC 9204 §3.2. Who may insert or evict what is the caller's business. */
#include "h3/qpack_table.h"

#include "base/alloc.h"

#include <assert.h>

#define TEXT_FIRST_ROOM 512

void leat_qpack_table_init(
    leat_qpack_table *table, const leat_allocator *allocator, uint64_t max_capacity) {
    assert(max_capacity <= LEAT_QPACK_CAPACITY_MAX);
    *table = (leat_qpack_table){.allocator = allocator};
    /* One more than can be held, because the new entry comes before the old ones go. */
    size_t most_entries = (size_t)(max_capacity / LEAT_QPACK_ENTRY_OVERHEAD) + 1;
    leat_ring_init(&table->entries, allocator, sizeof(leat_qpack_entry), most_entries);
}

void leat_qpack_table_clear(leat_qpack_table *table) {
    leat_ring_clear(&table->entries);
    leat_free(table->allocator, table->text);
    table->text = NULL;
    table->text_room = 0;
}

static void evict_down_to(leat_qpack_table *table, uint64_t size) {
    while (table->size > size) {
        const leat_qpack_entry *oldest = leat_ring_front(&table->entries);
        table->size -= leat_qpack_entry_size(oldest);
        leat_ring_pop(&table->entries);
    }
}

void leat_qpack_table_set_capacity(leat_qpack_table *table, uint64_t capacity) {
    table->capacity = capacity;
    evict_down_to(table, capacity);
}

leat_qpack_entry *leat_qpack_table_entry(const leat_qpack_table *table, uint64_t absolute_index) {
    uint64_t oldest = leat_qpack_table_oldest(table);
    if (absolute_index < oldest || absolute_index >= table->insert_count) {
        return NULL;
    }
    return leat_ring_at(&table->entries, (size_t)(absolute_index - oldest));
}

leat_qpack_line leat_qpack_table_line(
    const leat_qpack_table *table, const leat_qpack_entry *entry) {
    const uint8_t *name = table->text + (entry->position - table->text_start);
    return (leat_qpack_line){
        {name, entry->name_length}, {name + entry->name_length, entry->value_length}};
}

static bool is_own_text(const leat_qpack_table *table, leat_span text) {
    uintptr_t start = (uintptr_t)table->text;
    uintptr_t data = (uintptr_t)text.data;
    return table->text != NULL && data >= start && data - start < table->text_room;
}

/* Room for `length` bytes at the end of the text; moves what is there when the end is reached. */
static bool reserve_text(leat_qpack_table *table, size_t length) {
    const leat_qpack_entry *oldest = leat_ring_front(&table->entries);
    uint64_t live_start = oldest != NULL ? oldest->position : table->text_end;
    size_t used = (size_t)(table->text_end - table->text_start);
    if (table->text != NULL && length <= table->text_room - used) {
        return true;
    }
    size_t live = (size_t)(table->text_end - live_start);
    size_t room = table->text_room > 0 ? table->text_room : TEXT_FIRST_ROOM;
    while (live + length > room - room / 4) {
        room *= 2;
    }
    if (live > 0) {
        memmove(table->text, table->text + (live_start - table->text_start), live);
    }
    table->text_start = live_start;
    if (room > table->text_room) {
        uint8_t *text = leat_realloc(table->allocator, table->text, room);
        if (text == NULL) {
            return false;
        }
        table->text = text;
        table->text_room = room;
    }
    return true;
}

/* A string that is text of the table, as a position that survives moving. */
typedef struct text_anchor {
    bool is_own;
    uint64_t position;
} text_anchor;

static text_anchor anchor_of(const leat_qpack_table *table, leat_span text) {
    if (text.length == 0 || !is_own_text(table, text)) {
        return (text_anchor){false, 0};
    }
    return (text_anchor){true, table->text_start + (uint64_t)(text.data - table->text)};
}

static void follow(
    const leat_qpack_table *table, text_anchor anchor, leat_qpack_string *string) {
    if (anchor.is_own) {
        string->bytes.data = table->text + (anchor.position - table->text_start);
    }
}

static int result_of(leat_qpack_text_result result) {
    if (result == LEAT_QPACK_TEXT_OK) {
        return 0;
    }
    return result == LEAT_QPACK_TEXT_TOO_LARGE ? LEAT_ERR_TOO_LARGE : LEAT_ERR_INVALID;
}

/* Writes name and value behind the last entry without counting them yet. */
static int write_text(leat_qpack_table *table, leat_qpack_string name, leat_qpack_string value,
    size_t lengths[2]) {
    if (table->capacity < LEAT_QPACK_ENTRY_OVERHEAD) {
        return LEAT_ERR_TOO_LARGE;
    }
    size_t room = (size_t)table->capacity - LEAT_QPACK_ENTRY_OVERHEAD;
    size_t bound = leat_qpack_text_bound(name) + leat_qpack_text_bound(value);
    room = bound < room ? bound : room;
    text_anchor name_anchor = anchor_of(table, name.bytes);
    text_anchor value_anchor = anchor_of(table, value.bytes);
    if (!reserve_text(table, room)) {
        return LEAT_ERR_NOMEM;
    }
    follow(table, name_anchor, &name);
    follow(table, value_anchor, &value);
    uint8_t *text = table->text + (table->text_end - table->text_start);
    int result = result_of(leat_qpack_copy_text(name, text, room, &lengths[0]));
    if (result == 0) {
        room -= lengths[0];
        result = result_of(leat_qpack_copy_text(value, text + lengths[0], room, &lengths[1]));
    }
    return result;
}

int leat_qpack_table_insert(
    leat_qpack_table *table, leat_qpack_string name, leat_qpack_string value) {
    size_t lengths[2];
    int result = write_text(table, name, value, lengths);
    if (result != 0) {
        return result;
    }
    leat_qpack_entry *entry = leat_ring_push(&table->entries);
    if (entry == NULL) {
        return LEAT_ERR_NOMEM;
    }
    entry->position = table->text_end;
    entry->size_before = table->size_before;
    entry->name_length = (uint32_t)lengths[0];
    entry->value_length = (uint32_t)lengths[1];
    uint64_t size = leat_qpack_entry_size(entry);
    table->text_end += lengths[0] + lengths[1];
    table->size_before += size;
    table->insert_count++;
    /* RFC 9204 §3.2.2: the oldest go until the new one fits; it is never itself among them. */
    table->size += size;
    evict_down_to(table, table->capacity);
    return 0;
}
