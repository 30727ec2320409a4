/* The search for the largest datagram, and the fall back to the smallest: see mtu.h. */
#include "quic/recovery/mtu.h"

#include "quic/recovery/rtt.h"

void leat_mtu_init(leat_mtu *mtu, size_t size, size_t ceiling) {
    *mtu = (leat_mtu){.size = size, .last_loss = LEAT_TIME_NEVER, .raise_at = LEAT_TIME_NEVER};
    leat_mtu_set_ceiling(mtu, ceiling);
}

void leat_mtu_set_ceiling(leat_mtu *mtu, size_t ceiling) {
    mtu->ceiling = ceiling > LEAT_MTU_BASE ? ceiling : LEAT_MTU_BASE;
    mtu->size = mtu->size < mtu->ceiling ? mtu->size : mtu->ceiling;
    mtu->too_large = mtu->ceiling + 1;
}

/* ---- searching ------------------------------------------------------------------------------- */

/* Most paths carry all that was hoped for: the ceiling goes first, then what is left is halved. */
static size_t candidate(const leat_mtu *mtu) {
    if (mtu->size >= mtu->ceiling) {
        return 0;
    }
    return mtu->too_large > mtu->ceiling ? mtu->ceiling
                                         : mtu->size + (mtu->too_large - mtu->size) / 2;
}

size_t leat_mtu_next_probe(const leat_mtu *mtu, leat_time now) {
    if (mtu->probe != 0) {
        return 0;
    }
    switch (mtu->state) {
    case LEAT_MTU_BASE_UNCONFIRMED:
        return LEAT_MTU_BASE;
    case LEAT_MTU_SEARCHING:
        return candidate(mtu);
    case LEAT_MTU_SEARCH_COMPLETE:
        return now >= mtu->raise_at ? candidate(mtu) : 0;
    case LEAT_MTU_ERROR:
        break;
    }
    return 0;
}

static void search(leat_mtu *mtu) {
    mtu->state = LEAT_MTU_SEARCHING;
    mtu->too_large = mtu->ceiling + 1;
    mtu->probe_count = 0;
}

void leat_mtu_on_probe_sent(leat_mtu *mtu, size_t size) {
    if (mtu->state == LEAT_MTU_SEARCH_COMPLETE) {
        search(mtu); /* RFC 8899 §5.1.1: the path may carry more by now */
    }
    mtu->probe = size;
}

/* What is known may be enough. */
static void complete(leat_mtu *mtu, leat_time now) {
    bool is_close = mtu->too_large <= mtu->ceiling && mtu->too_large - mtu->size <= LEAT_MTU_STEP;
    if (mtu->state == LEAT_MTU_SEARCHING && (is_close || mtu->size >= mtu->ceiling)) {
        mtu->state = LEAT_MTU_SEARCH_COMPLETE;
        mtu->too_large = mtu->ceiling + 1;
        mtu->raise_at = mtu->size < mtu->ceiling ? leat_time_add(now, LEAT_MTU_RAISE_TIME)
                                                 : LEAT_TIME_NEVER;
    }
}

static void give_up_probe(leat_mtu *mtu, size_t bytes, leat_time now) {
    mtu->probe_count = 0;
    if (mtu->state == LEAT_MTU_BASE_UNCONFIRMED) {
        mtu->state = LEAT_MTU_ERROR;
        return;
    }
    mtu->too_large = bytes;
    complete(mtu, now);
}

/* ---- falling --------------------------------------------------------------------------------- */

/* RFC 8899 §4.3: what the path carried it carries no more; only the base is sure. */
static void fall(leat_mtu *mtu) {
    if (mtu->size > LEAT_MTU_BASE) {
        mtu->size = LEAT_MTU_BASE;
        search(mtu);
        mtu->state = LEAT_MTU_BASE_UNCONFIRMED;
        mtu->probe = 0;
        mtu->loss_rounds = 0;
    }
}

void leat_mtu_on_acked(leat_mtu *mtu, size_t bytes, bool is_probe, leat_time now) {
    if (bytes > LEAT_MTU_BASE) {
        mtu->loss_rounds = 0;
    }
    if (bytes >= LEAT_MTU_BASE &&
        (mtu->state == LEAT_MTU_BASE_UNCONFIRMED || mtu->state == LEAT_MTU_ERROR)) {
        search(mtu);
    }
    if (is_probe && bytes == mtu->probe) {
        mtu->probe = 0;
        mtu->probe_count = 0;
        mtu->size = bytes > mtu->size ? bytes : mtu->size;
        complete(mtu, now);
    }
}

void leat_mtu_on_lost(leat_mtu *mtu, size_t bytes, bool is_probe, leat_time now) {
    if (is_probe) {
        if (bytes == mtu->probe) {
            mtu->probe = 0;
            mtu->probe_count++;
        }
        if (mtu->probe_count >= LEAT_MTU_MAX_PROBES) {
            give_up_probe(mtu, bytes, now);
        }
        return;
    }
    if (bytes <= LEAT_MTU_BASE || now == mtu->last_loss) {
        return; /* losses of one ACK are one round */
    }
    mtu->last_loss = now;
    if (++mtu->loss_rounds >= LEAT_MTU_LOSS_ROUNDS) {
        fall(mtu);
    }
}

void leat_mtu_on_pto(leat_mtu *mtu, uint32_t pto_count) {
    if (pto_count >= LEAT_MTU_PTOS) {
        fall(mtu);
    }
}

void leat_mtu_on_refused(leat_mtu *mtu, size_t bytes, leat_time now) {
    if (bytes == mtu->probe) {
        mtu->probe = 0;
        give_up_probe(mtu, bytes, now);
    } else if (bytes > LEAT_MTU_BASE && bytes <= mtu->size) {
        fall(mtu);
    }
}
