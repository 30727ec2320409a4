/*
 * The link: what may befall a datagram is drawn when it is sent, then it waits in the queue, then
 * it flies. The flying ones stand in order of arrival; equal times keep their order.
 */
#include "sim/link.h"

#include "sim/codel.h"

#include <stdlib.h>
#include <string.h>

#define CROSS_LENGTH 1200 /* bytes of one datagram of other traffic */
#define BURST_TIME (500 * LEAT_MILLISECOND) /* no burst of losses lasts longer */
#define DATAGRAM_OVERHEAD 28 /* IPv4 and UDP headers take time on the wire, too */

typedef struct datagram_list {
    sim_datagram *first, *last;
    size_t count;
} datagram_list;

struct sim_link {
    sim_link_config config;
    uint64_t dice, cross_dice, digest, next_number;
    datagram_list queue, flying;
    sim_codel codel;
    leat_time busy_until, next_cross, last_due;
    unsigned loss_run, corruption_run, burst_left;
    leat_time burst_ends;
    uint64_t counts[SIM_LINK_COUNTS];
};

const char *sim_link_count_name(sim_link_count count) {
    static const char *const names[SIM_LINK_COUNTS] = {
        [SIM_LINK_SENT] = "sent",
        [SIM_LINK_DELIVERED] = "delivered",
        [SIM_LINK_LOST] = "lost",
        [SIM_LINK_LOST_IN_BURST] = "lost in a burst",
        [SIM_LINK_LOST_ON_PURPOSE] = "lost by number",
        [SIM_LINK_DEAD] = "sent on a dead link",
        [SIM_LINK_TOO_LARGE] = "larger than the MTU",
        [SIM_LINK_TAIL_DROPPED] = "dropped at the tail",
        [SIM_LINK_CODEL_DROPPED] = "dropped by CoDel",
        [SIM_LINK_CODEL_MARKED] = "marked by CoDel",
        [SIM_LINK_MARKED] = "marked CE",
        [SIM_LINK_BLEACHED] = "ECN cleared",
        [SIM_LINK_REMARKED] = "ECT(0) became ECT(1)",
        [SIM_LINK_MARKED_DROPPED] = "dropped for its mark",
        [SIM_LINK_CORRUPTED] = "corrupted",
        [SIM_LINK_DUPLICATED] = "duplicated",
        [SIM_LINK_REORDERED] = "overtaken",
        [SIM_LINK_JITTERED] = "delayed by jitter",
        [SIM_LINK_QUEUED] = "queued",
        [SIM_LINK_CROSS] = "of other traffic",
    };
    return names[count];
}

/* ---- lists ----------------------------------------------------------------------------------- */

static void push(datagram_list *list, sim_datagram *datagram) {
    datagram->next = NULL;
    if (list->last != NULL) {
        list->last->next = datagram;
    } else {
        list->first = datagram;
    }
    list->last = datagram;
    list->count++;
}

static sim_datagram *pop(datagram_list *list) {
    sim_datagram *datagram = list->first;
    list->first = datagram->next;
    list->last = list->first == NULL ? NULL : list->last;
    list->count--;
    return datagram;
}

/* Nearly always the end is the place. */
static void insert_by_due(datagram_list *list, sim_datagram *datagram) {
    if (list->last == NULL || list->last->due <= datagram->due) {
        push(list, datagram);
        return;
    }
    sim_datagram **at = &list->first;
    while ((*at)->due <= datagram->due) {
        at = &(*at)->next;
    }
    datagram->next = *at;
    *at = datagram;
    list->count++;
}

static void clear(datagram_list *list) {
    while (list->first != NULL) {
        free(pop(list));
    }
}

/* ---- life ------------------------------------------------------------------------------------ */

sim_link *sim_link_new(const sim_link_config *config, uint64_t seed) {
    sim_link *link = calloc(1, sizeof *link);
    if (link != NULL) {
        link->config = *config;
        link->dice = seed;
        link->cross_dice = sim_mix(seed);
        link->next_cross = LEAT_TIME_NEVER;
    }
    return link;
}

void sim_link_free(sim_link *link) {
    if (link != NULL) {
        clear(&link->queue);
        clear(&link->flying);
        free(link);
    }
}

sim_link_config *sim_link_settings(sim_link *link) { return &link->config; }
uint64_t sim_link_counted(const sim_link *link, sim_link_count count) {
    return link->counts[count];
}
uint64_t sim_link_digest(const sim_link *link) { return link->digest; }

static void note(sim_link *link, sim_link_count what, const sim_datagram *datagram,
                 leat_time now) {
    link->counts[what]++;
    link->digest = sim_mix(link->digest ^ now) + (uint64_t)what;
    link->digest = sim_mix(link->digest ^ datagram->length << 8 ^ datagram->number << 24);
}

/* ---- fates ----------------------------------------------------------------------------------- */

static bool draws_loss(sim_link *link, leat_time now, sim_link_count *fate) {
    const sim_link_config *config = &link->config;
    if (link->burst_left == 0 && sim_random_chance(&link->dice, config->burst)) {
        link->burst_left = config->burst_length;
        link->burst_ends = now + BURST_TIME;
    }
    if (link->burst_left > 0 && now >= link->burst_ends) {
        link->burst_left = 0;
    }
    if (link->burst_left > 0) {
        link->burst_left--;
        *fate = SIM_LINK_LOST_IN_BURST;
        return true;
    }
    bool may = config->loss_run_max == 0 || link->loss_run < config->loss_run_max;
    bool lost = sim_random_chance(&link->dice, config->loss) && may;
    link->loss_run = lost ? link->loss_run + 1 : 0;
    *fate = SIM_LINK_LOST;
    return lost;
}

static bool is_dropped(sim_link *link, const sim_datagram *datagram, leat_time now) {
    const sim_link_config *config = &link->config;
    sim_link_count fate;
    uint64_t number = datagram->number;
    if (config->is_dead) {
        fate = SIM_LINK_DEAD;
    } else if (number < 64 && (config->drop_numbers >> number & 1) != 0) {
        fate = SIM_LINK_LOST_ON_PURPOSE;
    } else if (config->mtu != 0 && datagram->length + DATAGRAM_OVERHEAD > config->mtu) {
        fate = SIM_LINK_TOO_LARGE;
    } else if (config->drops_marked && datagram->ecn != LEAT_ECN_NOT_ECT) {
        fate = SIM_LINK_MARKED_DROPPED;
    } else if (!draws_loss(link, now, &fate)) {
        return false;
    }
    note(link, fate, datagram, now);
    return true;
}

/*
 * A short header never becomes a long one: its fields would be ciphertext, which depends on keys
 * that no seed decides.
 */
static uint64_t top_bit(const sim_datagram *datagram, size_t at) {
    return at == 0 && (datagram->bytes[0] & 0x80) == 0 ? 6 : 7;
}

/*
 * No key protects it and the client believes it, so that a bit flipped there is an attack, which
 * RFC 9368 §4 finds out by ending the connection. The checksum of UDP would have caught it.
 */
static bool is_version_negotiation(const sim_datagram *datagram) {
    static const uint8_t version[4] = {0};
    return datagram->length > sizeof version && (datagram->bytes[0] & 0x80) != 0 &&
           memcmp(datagram->bytes + 1, version, sizeof version) == 0;
}

static void corrupt(sim_link *link, sim_datagram *datagram, leat_time now) {
    const sim_link_config *config = &link->config;
    bool may = config->corruption_run_max == 0 ||
               link->corruption_run < config->corruption_run_max;
    if (!sim_random_chance(&link->dice, config->corruption) || !may || datagram->length == 0 ||
        is_version_negotiation(datagram)) {
        link->corruption_run = 0;
        return;
    }
    link->corruption_run++;
    for (uint64_t bits = sim_random_between(&link->dice, 1, 4); bits > 0; bits--) {
        size_t at = sim_random_between(&link->dice, 0, datagram->length - 1);
        uint64_t bit = sim_random_between(&link->dice, 0, top_bit(datagram, at));
        datagram->bytes[at] ^= (uint8_t)(1u << bit);
    }
    datagram->is_corrupted = true;
    note(link, SIM_LINK_CORRUPTED, datagram, now);
}

static bool is_ecn_capable(const sim_datagram *datagram) {
    return datagram->ecn == LEAT_ECN_ECT0 || datagram->ecn == LEAT_ECN_ECT1;
}

static void change_ecn(sim_link *link, sim_datagram *datagram, leat_time now) {
    if (datagram->ecn == LEAT_ECN_ECT0 && sim_random_chance(&link->dice, link->config.remarking)) {
        datagram->ecn = LEAT_ECN_ECT1;
        note(link, SIM_LINK_REMARKED, datagram, now);
    }
    if (is_ecn_capable(datagram) && sim_random_chance(&link->dice, link->config.marking)) {
        datagram->ecn = LEAT_ECN_CE;
        note(link, SIM_LINK_MARKED, datagram, now);
    }
    if (datagram->ecn != LEAT_ECN_NOT_ECT &&
        sim_random_chance(&link->dice, link->config.bleaching)) {
        datagram->ecn = LEAT_ECN_NOT_ECT;
        note(link, SIM_LINK_BLEACHED, datagram, now);
    }
}

/* ---- queue and wire -------------------------------------------------------------------------- */

static leat_time transmission_time(const sim_link *link, const sim_datagram *datagram) {
    uint64_t bits = (datagram->length + DATAGRAM_OVERHEAD) * 8;
    return link->config.rate == 0 ? 0 : bits * LEAT_SECOND / link->config.rate;
}

static void launch(sim_link *link, sim_datagram *datagram, leat_time departure) {
    const sim_link_config *config = &link->config;
    if (datagram->is_cross) {
        free(datagram);
        return;
    }
    leat_time due = departure + config->delay;
    if (config->jitter > 0) {
        leat_time extra = sim_random_between(&link->dice, 0, config->jitter);
        due = due + extra > link->last_due ? due + extra : link->last_due;
        note(link, SIM_LINK_JITTERED, datagram, departure);
    }
    link->last_due = due > link->last_due ? due : link->last_due;
    if (sim_random_chance(&link->dice, config->reordering)) {
        due += config->reorder_delay;
        note(link, SIM_LINK_REORDERED, datagram, departure);
    }
    datagram->due = due;
    insert_by_due(&link->flying, datagram);
}

/* True: the queue drops its head instead of sending it. */
static bool codel_drops(sim_link *link, sim_datagram *datagram, leat_time now) {
    bool is_last = link->queue.count == 0;
    if (!link->config.codel ||
        !sim_codel_drops(&link->codel, now - datagram->queued, is_last, now)) {
        return false;
    }
    if (link->config.marks && is_ecn_capable(datagram)) {
        datagram->ecn = LEAT_ECN_CE;
        note(link, SIM_LINK_CODEL_MARKED, datagram, now);
        return false;
    }
    if (!datagram->is_cross) {
        note(link, SIM_LINK_CODEL_DROPPED, datagram, now);
    }
    return true;
}

/* Sends from the queue whatever the wire was free for until now. */
static void serve_queue(sim_link *link, leat_time now) {
    while (link->queue.first != NULL) {
        leat_time head = link->queue.first->queued;
        leat_time start = link->busy_until > head ? link->busy_until : head;
        if (start > now) {
            return;
        }
        sim_datagram *datagram = pop(&link->queue);
        if (codel_drops(link, datagram, start)) {
            free(datagram);
            continue;
        }
        link->busy_until = start + transmission_time(link, datagram);
        launch(link, datagram, link->busy_until);
    }
}

static void enqueue(sim_link *link, sim_datagram *datagram, leat_time now) {
    if (link->config.queue != 0 && link->queue.count >= link->config.queue) {
        if (!datagram->is_cross) {
            note(link, SIM_LINK_TAIL_DROPPED, datagram, now);
        }
        free(datagram);
        return;
    }
    datagram->queued = now;
    if (link->busy_until > now && !datagram->is_cross) {
        note(link, SIM_LINK_QUEUED, datagram, now);
    }
    push(&link->queue, datagram);
    serve_queue(link, now);
}

static sim_datagram *make_datagram(const uint8_t *bytes, size_t length) {
    sim_datagram *datagram = calloc(1, sizeof *datagram + length);
    if (datagram != NULL && length > 0) {
        memcpy(datagram->bytes, bytes, length);
        datagram->length = length;
    }
    return datagram;
}

/* A datagram of somebody else: it has a length and no bytes. */
static void send_cross(sim_link *link, leat_time now) {
    sim_datagram *datagram = make_datagram(NULL, 0);
    if (datagram != NULL) {
        datagram->is_cross = true;
        datagram->length = CROSS_LENGTH;
        note(link, SIM_LINK_CROSS, datagram, now);
        enqueue(link, datagram, now);
    }
}

static void plan_cross(sim_link *link, leat_time from) {
    uint64_t rate = link->config.cross_rate;
    if (rate == 0) {
        link->next_cross = LEAT_TIME_NEVER;
        return;
    }
    leat_time mean = (uint64_t)CROSS_LENGTH * 8 * LEAT_SECOND / rate;
    link->next_cross = from + sim_random_between(&link->cross_dice, 1, 2 * mean);
}

static void run_until(sim_link *link, leat_time now) {
    while (link->next_cross <= now) {
        leat_time at = link->next_cross;
        serve_queue(link, at);
        send_cross(link, at);
        plan_cross(link, at);
    }
    serve_queue(link, now);
}

/* ---- the four calls -------------------------------------------------------------------------- */

static bool send_copy(sim_link *link, const sim_datagram *original, leat_time now) {
    sim_datagram *copy = make_datagram(original->bytes, original->length);
    if (copy == NULL) {
        return false;
    }
    copy->number = original->number;
    copy->path = original->path;
    copy->ecn = original->ecn;
    note(link, SIM_LINK_DUPLICATED, copy, now);
    enqueue(link, copy, now);
    return true;
}

bool sim_link_send(sim_link *link, const uint8_t *bytes, size_t length, const leat_path *path,
                   uint8_t ecn, leat_time now) {
    sim_datagram *datagram = make_datagram(bytes, length);
    if (datagram == NULL) {
        return false;
    }
    datagram->number = link->next_number++;
    datagram->path = *path;
    datagram->ecn = ecn;
    if (link->next_cross == LEAT_TIME_NEVER) {
        plan_cross(link, now);
    }
    run_until(link, now);
    note(link, SIM_LINK_SENT, datagram, now);
    if (is_dropped(link, datagram, now)) {
        free(datagram);
        return true;
    }
    if (sim_random_chance(&link->dice, link->config.duplication) &&
        !send_copy(link, datagram, now)) {
        free(datagram);
        return false;
    }
    change_ecn(link, datagram, now);
    corrupt(link, datagram, now);
    enqueue(link, datagram, now);
    return true;
}

leat_time sim_link_next(const sim_link *link) {
    leat_time next = link->next_cross;
    if (link->flying.first != NULL && link->flying.first->due < next) {
        next = link->flying.first->due;
    }
    if (link->queue.first != NULL && link->busy_until < next) {
        next = link->busy_until;
    }
    return next;
}

sim_datagram *sim_link_take(sim_link *link, leat_time now) {
    run_until(link, now);
    if (link->flying.first == NULL || link->flying.first->due > now) {
        return NULL;
    }
    sim_datagram *datagram = pop(&link->flying);
    note(link, SIM_LINK_DELIVERED, datagram, now);
    return datagram;
}
