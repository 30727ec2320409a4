/*
 * ACKs as a hostile peer sends them, against the recovery of a sender. Input: records of 4 bytes:
 * operation and three arguments. Whatever is acknowledged: each packet gets at most one verdict and
 * the flight adds up.
 */
#include "quic/recovery/recovery.h"

#include <stdlib.h>
#include <string.h>

#define PACKETS 1024
#define RANGES 8

typedef struct model {
    leat_recovery recovery;
    leat_recovery_path path;
    uint8_t verdicts[PACKETS];
    bool sent[PACKETS];
    uint64_t next_pn;
    leat_time now;
} model;

static void check(bool holds) {
    if (!holds) {
        abort();
    }
}

static void on_verdict(void *user, leat_space space, const leat_sent_packet *packet) {
    model *m = user;
    check(space == LEAT_SPACE_APPLICATION && m->sent[packet->pn] && m->verdicts[packet->pn]++ == 0);
}

static void send_packet(model *m, uint8_t flags) {
    m->next_pn += flags % 16 == 0 ? 1 : 0;
    if (m->next_pn >= PACKETS) {
        return;
    }
    leat_frame_records records = {NULL, NULL};
    leat_sent_info info = {.pn = m->next_pn,
        .time_sent = m->now,
        .sent_bytes = 1000,
        .ecn = leat_ecn_mark(&m->path.ecn),
        .ack_eliciting = true,
        .in_flight = true,
        .is_mtu_probe = flags == 255,
        .path = &m->path};
    check(leat_recovery_record(&m->recovery, &records, 1, 0, m->next_pn, 0, 0));
    check(leat_recovery_on_packet_sent(&m->recovery, LEAT_SPACE_APPLICATION, &info, &records) ==
          LEAT_OK);
    m->sent[m->next_pn++] = true;
}

/*
 * Ranges as a parser would hand them over: descending, disjoint, from a largest number of the
 * peer's choice.
 */
static void receive_ack(model *m, const uint8_t arguments[3], const leat_recovery_hooks *hooks) {
    leat_range ranges[RANGES];
    size_t count = 0;
    uint64_t end = (uint64_t)arguments[0] * 4 + 1;
    while (count < RANGES && end > 0) {
        uint64_t length = 1 + arguments[1 + count % 2] % 16;
        uint64_t start = end > length ? end - length : 0;
        ranges[count++] = (leat_range){start, end};
        uint64_t gap = 1 + arguments[1 + (count + 1) % 2] / 16;
        end = start > gap ? start - gap : 0;
    }
    bool is_lie = false;
    for (size_t i = 0; i < count; i++) {
        for (uint64_t pn = ranges[i].start; pn < ranges[i].end; pn++) {
            is_lie |=
                pn >= m->next_pn ||
                (!m->sent[pn] && pn >= m->recovery.spaces[LEAT_SPACE_APPLICATION].sent.first_pn);
        }
    }
    leat_ack_info ack = {.ranges = ranges,
        .count = count,
        .ack_delay = (leat_time)arguments[2] << 56 | arguments[1],
        .has_ecn = arguments[2] % 2 == 0,
        .ecn = {arguments[1], 0, arguments[2] / 64}};
    uint64_t error =
        leat_recovery_on_ack_received(&m->recovery, LEAT_SPACE_APPLICATION, &ack, m->now, hooks);
    check(!is_lie || error != 0);
}

static void check_flight(const model *m) {
    uint64_t flight = 0;
    for (uint64_t pn = 0; pn < m->next_pn && pn < PACKETS; pn++) {
        flight += m->sent[pn] && m->verdicts[pn] == 0 ? 1000 : 0;
    }
    check(m->path.bytes_in_flight == flight);
    check(leat_congestion_window(&m->path.congestion) >= 2400);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static model m;
    memset(&m, 0, sizeof m);
    leat_recovery_hooks hooks = {&m, on_verdict, on_verdict};
    leat_recovery_init(&m.recovery, NULL, false);
    m.recovery.conditions.handshake_confirmed = true;
    check(leat_recovery_path_init(&m.path, NULL, NULL, 1200, 0, true) == LEAT_OK);
    leat_recovery_set_path(&m.recovery, &m.path);
    for (; size >= 4; data += 4, size -= 4) {
        m.now += (leat_time)data[1] << (data[2] % 40);
        if (data[0] % 4 == 0) {
            receive_ack(&m, data + 1, &hooks);
        } else if (data[0] % 4 == 1) {
            (void)leat_recovery_on_timeout(&m.recovery, m.now, &hooks);
        } else {
            send_packet(&m, data[3]);
        }
        check_flight(&m);
    }
    leat_recovery_path_clear(&m.recovery, &m.path);
    leat_recovery_clear(&m.recovery);
    return 0;
}
