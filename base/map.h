/*
 * A hash map from short byte strings to pointers, keyed with SipHash-2-4 so that peers, who choose connection
 * IDs, stream numbers and addresses, cannot choose collisions. Open addressing with linear probing and
 * backward-shift deletion; grows and shrinks on demand. Keys up to LEAT_MAP_KEY_MAX bytes are stored inline.
 */
#ifndef LEAT_BASE_MAP_H
#define LEAT_BASE_MAP_H

#include <leat/base.h>

#define LEAT_MAP_KEY_MAX 23

typedef struct leat_map_entry {
    uint8_t key[LEAT_MAP_KEY_MAX];
    uint8_t key_length;
    uint32_t hash;
    bool used;
    void *value;
} leat_map_entry;

typedef struct leat_map {
    const leat_allocator *allocator;
    uint8_t hash_key[16]; /* secret, from the random source */
    leat_map_entry *entries;
    size_t capacity; /* a power of two, or 0 */
    size_t count;
} leat_map;

uint64_t leat_siphash(const uint8_t key[16], const void *data, size_t length);

void leat_map_init(leat_map *map, const leat_allocator *allocator, const uint8_t hash_key[16]);
void leat_map_clear(leat_map *map);
/* Sets or replaces; value must not be NULL. LEAT_ERR_NOMEM, LEAT_ERR_INVALID (key too long). */
int leat_map_set(leat_map *map, const void *key, size_t key_length, void *value);
void *leat_map_get(const leat_map *map, const void *key, size_t key_length);
/* Returns what was removed, or NULL. */
void *leat_map_remove(leat_map *map, const void *key, size_t key_length);
/* Walks: start with *cursor = 0; NULL at the end. The map must not change during the walk. */
void *leat_map_next(const leat_map *map, size_t *cursor);

static inline int leat_map_set_u64(leat_map *map, uint64_t key, void *value) {
    return leat_map_set(map, &key, sizeof key, value);
}
static inline void *leat_map_get_u64(const leat_map *map, uint64_t key) { return leat_map_get(map, &key, sizeof key); }
static inline void *leat_map_remove_u64(leat_map *map, uint64_t key) { return leat_map_remove(map, &key, sizeof key); }

#endif
