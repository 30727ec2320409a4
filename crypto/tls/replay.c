/*
 * RFC 8446 §8.2: the strike register, see replay.h. Two tables of values in turn: the one being
 * filled and the one of the period before, so that each value is known for at least one period.
 * Threads share it under a lock that is held for a few memory accesses.
 */
#include "crypto/tls/replay.h"
#include "base/alloc.h"

#include <stdatomic.h>

typedef struct replay_table {
    uint64_t *slots; /* 0: empty; made when the first value comes */
    size_t count;
} replay_table;

struct leat_replay_register {
    atomic_uint references;
    atomic_flag is_locked;
    bool has_older_keys, is_started;
    int64_t period_began, closed_until;
    replay_table current, previous;
};

leat_replay_register *leat_replay_register_new(bool has_older_keys) {
    leat_replay_register *seen = leat_alloc(NULL, sizeof *seen);
    if (seen != NULL) {
        atomic_init(&seen->references, 1);
        atomic_flag_clear(&seen->is_locked);
        seen->has_older_keys = has_older_keys;
    }
    return seen;
}

leat_replay_register *leat_replay_register_ref(leat_replay_register *seen) {
    if (seen != NULL) {
        atomic_fetch_add(&seen->references, 1);
    }
    return seen;
}

void leat_replay_register_free(leat_replay_register *seen) {
    if (seen != NULL && atomic_fetch_sub(&seen->references, 1) == 1) {
        leat_free(NULL, seen->current.slots);
        leat_free(NULL, seen->previous.slots);
        leat_free(NULL, seen);
    }
}

static void lock(leat_replay_register *seen) {
    while (atomic_flag_test_and_set_explicit(&seen->is_locked, memory_order_acquire)) {
    }
}

static void unlock(leat_replay_register *seen) {
    atomic_flag_clear_explicit(&seen->is_locked, memory_order_release);
}

static void start(leat_replay_register *seen, int64_t now) {
    /* RFC 8446 §8.2: a register that begins after its keys cannot vouch for what it did not see. */
    if (!seen->is_started) {
        seen->is_started = true;
        seen->period_began = now;
        seen->closed_until = seen->has_older_keys ? now + LEAT_REPLAY_PERIOD : now;
    }
}

void leat_replay_register_start(leat_replay_register *seen, int64_t now) {
    lock(seen);
    start(seen, now);
    unlock(seen);
}

static void empty(replay_table *table) {
    if (table->count > 0) {
        memset(table->slots, 0, LEAT_REPLAY_SLOTS * sizeof *table->slots);
        table->count = 0;
    }
}

static void turn(leat_replay_register *seen, int64_t now) {
    /* A clock that was set back: what was seen then would be fresh once more. */
    if (now < seen->period_began) {
        seen->closed_until = now + LEAT_REPLAY_PERIOD;
        seen->period_began = now;
    }
    if (now - seen->period_began < LEAT_REPLAY_PERIOD) {
        return;
    }
    replay_table oldest = seen->previous;
    empty(&oldest);
    seen->previous = seen->current;
    seen->current = oldest;
    if (now - seen->period_began >= 2 * LEAT_REPLAY_PERIOD) {
        empty(&seen->previous);
    }
    seen->period_began = now;
}

/* The slot of the value or the first empty one; NULL: neither within reach. */
static uint64_t *find(const replay_table *table, uint64_t value) {
    for (uint64_t i = 0; i < LEAT_REPLAY_PROBES_MAX; i++) {
        uint64_t *slot = &table->slots[(value + i) % LEAT_REPLAY_SLOTS];
        if (*slot == value || *slot == 0) {
            return slot;
        }
    }
    return NULL;
}

static bool has(const replay_table *table, uint64_t value) {
    uint64_t *slot = table->count > 0 ? find(table, value) : NULL;
    return slot != NULL && *slot == value;
}

/* False: it is there already, or there is no room. */
static bool note(replay_table *table, uint64_t value) {
    if (table->slots == NULL) {
        table->slots = leat_alloc_array(NULL, LEAT_REPLAY_SLOTS, sizeof *table->slots);
    }
    if (table->slots == NULL || table->count >= LEAT_REPLAY_NOTED_MAX) {
        return false;
    }
    uint64_t *slot = find(table, value);
    if (slot == NULL || *slot == value) {
        return false;
    }
    *slot = value;
    table->count++;
    return true;
}

bool leat_replay_register_take(leat_replay_register *seen, uint64_t value, int64_t now) {
    lock(seen);
    start(seen, now);
    turn(seen, now);
    bool is_new = now >= seen->closed_until && value != 0 && !has(&seen->previous, value) &&
                  note(&seen->current, value);
    unlock(seen);
    return is_new;
}
