/* The table of what can occur: each group is a run of counts and a way to name them. */
#include "sim/occurrences.h"

#include <stddef.h>
#include <string.h>

#define GROUP(member, namer) \
    {#member, offsetof(sim_occurrences, member), \
     sizeof(((sim_occurrences *)0)->member) / sizeof(uint64_t), namer}

static const char *link_name(size_t index) { return sim_link_count_name((sim_link_count)index); }
static const char *change_name(size_t index) { return sim_change_name((sim_change_kind)index); }
static const char *task_name(size_t index) { return sim_task_name((sim_task_kind)index); }

static const char *event_name(size_t index) {
    return index == LEAT_EVENT_NONE ? NULL : leat_event_name((leat_event_type)index);
}

static const char *source_name(size_t index) {
    return leat_close_source_name((leat_close_source)index);
}

static const char *feature_name(size_t index) {
    static const char *const names[SIM_FEATURES] = {
        [SIM_FEATURE_RETRY] = "retry",
        [SIM_FEATURE_COALESCED] = "coalesced packets",
        [SIM_FEATURE_PACKET_LOST] = "packet declared lost",
        [SIM_FEATURE_PACKET_DROPPED] = "packet dropped on receipt",
        [SIM_FEATURE_PACKET_BUFFERED] = "packet kept for later keys",
        [SIM_FEATURE_RECOVERY_TIMER] = "recovery timer",
        [SIM_FEATURE_KEY_PHASE] = "key update",
        [SIM_FEATURE_HOLD] = "stream held",
        [SIM_FEATURE_MANUAL_CREDIT] = "manual credit",
        [SIM_FEATURE_STREAM_LIMIT] = "stream limit reached",
        [SIM_FEATURE_BLOCKED_SEND] = "send buffer full",
        [SIM_FEATURE_NEWRENO] = "newreno",
        [SIM_FEATURE_CUBIC] = "cubic",
        [SIM_FEATURE_BBR] = "bbr",
        [SIM_FEATURE_UNPACED] = "no pacing",
        [SIM_FEATURE_MANY_CONNECTIONS] = "several connections",
        [SIM_FEATURE_RESUMPTION] = "resumption",
        [SIM_FEATURE_EARLY_DATA] = "early data accepted",
        [SIM_FEATURE_CLIENT_MOVED] = "client moved by choice",
        [SIM_FEATURE_PREFERRED_ADDRESS] = "preferred address taken",
        [SIM_FEATURE_MTU_RAISED] = "MTU raised",
        [SIM_FEATURE_BLACK_HOLE] = "black hole",
        [SIM_FEATURE_VERSION_2] = "version 2",
        [SIM_FEATURE_COMPATIBLE_VERSION] = "compatible upgrade",
        [SIM_FEATURE_OTHER_ATTEMPT] = "version negotiation",
        [SIM_FEATURE_GREASE] = "grease",
    };
    return names[index];
}

/* Names of RFC 9000 §19, in the order of their numbers. */
static const char *frame_name(size_t index) {
    static const char *const names[SIM_FRAME_TYPES] = {
        "PADDING", "PING", "ACK", "ACK with ECN", "RESET_STREAM", "STOP_SENDING", "CRYPTO",
        "NEW_TOKEN", "STREAM", "STREAM fin", "STREAM len", "STREAM len fin", "STREAM off",
        "STREAM off fin", "STREAM off len", "STREAM off len fin", "MAX_DATA", "MAX_STREAM_DATA",
        "MAX_STREAMS bidi", "MAX_STREAMS uni", "DATA_BLOCKED", "STREAM_DATA_BLOCKED",
        "STREAMS_BLOCKED bidi", "STREAMS_BLOCKED uni", "NEW_CONNECTION_ID",
        "RETIRE_CONNECTION_ID", "PATH_CHALLENGE", "PATH_RESPONSE", "CONNECTION_CLOSE",
        "CONNECTION_CLOSE application", "HANDSHAKE_DONE",
        [0x1f] = "IMMEDIATE_ACK", [0x24] = "RESET_STREAM_AT", [0x30] = "DATAGRAM", [0x31] = "DATAGRAM len",
        [0xaf] = "ACK_FREQUENCY",
    };
    return names[index];
}

static const struct {
    const char *name;
    size_t offset, count;
    const char *(*namer)(size_t index); /* NULL: nothing has this number */
} groups[] = {
    GROUP(link, link_name),     GROUP(change, change_name), GROUP(task, task_name),
    GROUP(event, event_name),   GROUP(frame, frame_name),   GROUP(source, source_name),
    GROUP(feature, feature_name),
};
#define GROUPS (sizeof groups / sizeof groups[0])
#define NUMBERS_IN_GROUP 256 /* more than any group has */

static uint64_t count_of(const sim_occurrences *occurrences, size_t group, size_t index) {
    uint64_t value;
    const char *base = (const char *)occurrences + groups[group].offset;
    memcpy(&value, base + index * sizeof value, sizeof value);
    return value;
}

void sim_occurrences_add(sim_occurrences *sum, const sim_occurrences *more) {
    for (size_t i = 0; i < sizeof *sum / sizeof(uint64_t); i++) {
        uint64_t a, b;
        memcpy(&a, (char *)sum + i * sizeof a, sizeof a);
        memcpy(&b, (const char *)more + i * sizeof b, sizeof b);
        a += b;
        memcpy((char *)sum + i * sizeof a, &a, sizeof a);
    }
}

void sim_occurrences_print(const sim_occurrences *occurrences, const char *prefix, FILE *out) {
    fprintf(out, "%s%-8s %-30s %12llu\n", prefix, "", "runs",
            (unsigned long long)occurrences->runs);
    for (size_t group = 0; group < GROUPS; group++) {
        for (size_t i = 0; i < groups[group].count; i++) {
            if (groups[group].namer(i) != NULL) {
                fprintf(out, "%s%-8s %-30s %12llu\n", prefix, groups[group].name,
                        groups[group].namer(i),
                        (unsigned long long)count_of(occurrences, group, i));
            }
        }
    }
}

/* What random scenarios cannot bring about, and why. */
static const struct {
    const char *name, *reason;
} impossible[] = {
    {"version_mismatch", "both sides have a version in common"},
    {"refused", "no side refuses"},
    {"protocol_error", "a failure of the run"},
    {"internal_error", "a failure of the run"},
};

static bool is_possible(const char *name) {
    for (size_t i = 0; i < sizeof impossible / sizeof impossible[0]; i++) {
        if (strcmp(impossible[i].name, name) == 0) {
            return false;
        }
    }
    return true;
}

const char *sim_occurrences_missing(const sim_occurrences *occurrences, size_t *cursor) {
    for (; *cursor < GROUPS * NUMBERS_IN_GROUP; (*cursor)++) {
        size_t group = *cursor / NUMBERS_IN_GROUP, index = *cursor % NUMBERS_IN_GROUP;
        const char *name = index < groups[group].count ? groups[group].namer(index) : NULL;
        if (name != NULL && count_of(occurrences, group, index) == 0 && is_possible(name)) {
            (*cursor)++;
            return name;
        }
    }
    return NULL;
}
