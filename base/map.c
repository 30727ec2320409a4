/*
 * A hash map keyed with SipHash-2-4 (Aumasson and Bernstein, "SipHash: a fast short-input PRF",
 * 2012): open addressing, linear probing, backward-shift deletion, so that there are no tombstones
 * and lookups stop at the first free entry. The table is a power of two, at most three quarters
 * full, and shrinks below one eighth.
 */
#include "base/map.h"

#include "base/alloc.h"

#include <string.h>

#define FIRST_CAPACITY 8

typedef struct sip_state {
    uint64_t v0, v1, v2, v3;
} sip_state;

static uint64_t rotate_left(uint64_t x, unsigned bits) { return x << bits | x >> (64 - bits); }

static void sip_rounds(sip_state *s, int rounds) {
    for (int i = 0; i < rounds; i++) {
        s->v0 += s->v1;
        s->v2 += s->v3;
        s->v1 = rotate_left(s->v1, 13) ^ s->v0;
        s->v3 = rotate_left(s->v3, 16) ^ s->v2;
        s->v0 = rotate_left(s->v0, 32);
        s->v2 += s->v1;
        s->v0 += s->v3;
        s->v1 = rotate_left(s->v1, 17) ^ s->v2;
        s->v3 = rotate_left(s->v3, 21) ^ s->v0;
        s->v2 = rotate_left(s->v2, 32);
    }
}

static void sip_word(sip_state *s, uint64_t word) {
    s->v3 ^= word;
    sip_rounds(s, 2);
    s->v0 ^= word;
}

static uint64_t load_little_endian(const uint8_t *bytes, size_t count) {
    uint64_t value = 0;
    for (size_t i = count; i-- > 0;) {
        value = value << 8 | bytes[i];
    }
    return value;
}

uint64_t leat_siphash(const uint8_t key[16], const void *data, size_t length) {
    uint64_t k0 = load_little_endian(key, 8);
    uint64_t k1 = load_little_endian(key + 8, 8);
    /* The constants spell "somepseudorandomlygeneratedbytes". */
    sip_state s = {k0 ^ UINT64_C(0x736f6d6570736575), k1 ^ UINT64_C(0x646f72616e646f6d),
                   k0 ^ UINT64_C(0x6c7967656e657261), k1 ^ UINT64_C(0x7465646279746573)};
    const uint8_t *at = data;
    size_t left = length;
    for (; left >= 8; left -= 8, at += 8) {
        sip_word(&s, load_little_endian(at, 8));
    }
    sip_word(&s, (uint64_t)length << 56 | load_little_endian(at, left));
    s.v2 ^= 0xff;
    sip_rounds(&s, 4);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

void leat_map_init(leat_map *map, const leat_allocator *allocator, const uint8_t hash_key[16]) {
    *map = (leat_map){.allocator = allocator};
    memcpy(map->hash_key, hash_key, sizeof map->hash_key);
}

void leat_map_clear(leat_map *map) {
    leat_free(map->allocator, map->entries);
    map->entries = NULL;
    map->capacity = map->count = 0;
}

/* Where the key is, or the free entry where it would go. The table is never full. */
static size_t find_place(const leat_map *map, uint32_t hash, const void *key, size_t key_length) {
    size_t mask = map->capacity - 1;
    for (size_t place = hash & mask;; place = (place + 1) & mask) {
        const leat_map_entry *entry = &map->entries[place];
        if (!entry->used) {
            return place;
        }
        if (entry->hash == hash && entry->key_length == key_length &&
            (key_length == 0 || memcmp(entry->key, key, key_length) == 0)) {
            return place;
        }
    }
}

static int resize(leat_map *map, size_t capacity) {
    leat_map_entry *entries = leat_alloc_array(map->allocator, capacity, sizeof *entries);
    if (entries == NULL) {
        return LEAT_ERR_NOMEM;
    }
    leat_map old = *map;
    map->entries = entries;
    map->capacity = capacity;
    for (size_t i = 0; i < old.capacity; i++) {
        const leat_map_entry *entry = &old.entries[i];
        if (entry->used) {
            map->entries[find_place(map, entry->hash, entry->key, entry->key_length)] = *entry;
        }
    }
    leat_free(old.allocator, old.entries);
    return LEAT_OK;
}

static leat_map_entry *find_entry(const leat_map *map, const void *key, size_t key_length) {
    if (map->count == 0 || key_length > LEAT_MAP_KEY_MAX) {
        return NULL;
    }
    uint32_t hash = (uint32_t)leat_siphash(map->hash_key, key, key_length);
    leat_map_entry *entry = &map->entries[find_place(map, hash, key, key_length)];
    return entry->used ? entry : NULL;
}

int leat_map_set(leat_map *map, const void *key, size_t key_length, void *value) {
    if (key_length > LEAT_MAP_KEY_MAX || value == NULL) {
        return LEAT_ERR_INVALID;
    }
    leat_map_entry *entry = find_entry(map, key, key_length);
    if (entry != NULL) {
        entry->value = value;
        return LEAT_OK;
    }
    if (map->count + 1 > map->capacity - map->capacity / 4) {
        int err = resize(map, map->capacity == 0 ? FIRST_CAPACITY : map->capacity * 2);
        if (err != LEAT_OK) {
            return err;
        }
    }
    uint32_t hash = (uint32_t)leat_siphash(map->hash_key, key, key_length);
    entry = &map->entries[find_place(map, hash, key, key_length)];
    *entry = (leat_map_entry){
        .key_length = (uint8_t)key_length, .hash = hash, .used = true, .value = value};
    if (key_length > 0) {
        memcpy(entry->key, key, key_length);
    }
    map->count++;
    return LEAT_OK;
}

void *leat_map_get(const leat_map *map, const void *key, size_t key_length) {
    const leat_map_entry *entry = find_entry(map, key, key_length);
    return entry != NULL ? entry->value : NULL;
}

/* Closes the gap: whatever follows without a free entry between and may live nearer to its home
 * moves up. */
static void close_gap(leat_map *map, size_t gap) {
    size_t mask = map->capacity - 1;
    for (size_t place = (gap + 1) & mask; map->entries[place].used; place = (place + 1) & mask) {
        size_t from_home = (place - map->entries[place].hash) & mask;
        size_t from_gap = (place - gap) & mask;
        if (from_home >= from_gap) {
            map->entries[gap] = map->entries[place];
            gap = place;
        }
    }
    map->entries[gap] = (leat_map_entry){.used = false};
}

void *leat_map_remove(leat_map *map, const void *key, size_t key_length) {
    leat_map_entry *entry = find_entry(map, key, key_length);
    if (entry == NULL) {
        return NULL;
    }
    void *value = entry->value;
    close_gap(map, (size_t)(entry - map->entries));
    map->count--;
    if (map->capacity > FIRST_CAPACITY && map->count < map->capacity / 8) {
        (void)resize(map, map->capacity /
                              2); /* without memory the larger table stays: nothing is lost */
    }
    return value;
}

void *leat_map_next(const leat_map *map, size_t *cursor) {
    while (*cursor < map->capacity) {
        const leat_map_entry *entry = &map->entries[(*cursor)++];
        if (entry->used) {
            return entry->value;
        }
    }
    return NULL;
}
