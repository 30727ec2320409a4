/*
 * The dialect table, the settings of all dialects, and the choice between them. Chromium and
 * Firefox speak -02 only, Safari -07: both are offered at once, since unknown settings are ignored
 * (RFC 9114 §7.2.4.2).
 */
#include "webtransport/dialect.h"

#define SETTING_CONNECT_PROTOCOL UINT64_C(0x08)        /* RFC 9220 §5 */
#define SETTING_H3_DATAGRAM UINT64_C(0x33)             /* RFC 9297 §2.1.1 */
#define SETTING_H3_DATAGRAM_DRAFT04 UINT64_C(0xffd277) /* offered only: draft-02 names it */
#define SETTING_WT_DRAFT02 UINT64_C(0x2b603742)
#define SETTING_WT_DRAFT07 UINT64_C(0xc671706a)

static const wt_dialect_row rows[] = {
    {LEAT_WT_DIALECT_DRAFT02, "draft-02", SETTING_WT_DRAFT02, 1, 1, "webtransport",
        "sec-webtransport-http3-draft02", "sec-webtransport-http3-draft", "draft02", false, false},
    {LEAT_WT_DIALECT_DRAFT07, "draft-07", SETTING_WT_DRAFT07, WT_SESSIONS_DEFAULT, UINT64_MAX,
        "webtransport", NULL, NULL, NULL, true, true},
};
#define ROWS (sizeof rows / sizeof rows[0])

const wt_dialect_row *leat_wt_dialect_row(leat_wt_dialect dialect) {
    for (size_t i = 0; i < ROWS; i++) {
        if (rows[i].dialect == dialect) {
            return &rows[i];
        }
    }
    return NULL;
}

const char *leat_wt_dialect_name(leat_wt_dialect dialect) {
    const wt_dialect_row *row = leat_wt_dialect_row(dialect);
    return row == NULL ? "none" : row->name;
}

static bool peer_has(const leat_h3 *h3, uint64_t setting, uint64_t value) {
    uint64_t sent;
    return leat_h3_peer_setting(h3, setting, &sent) && sent == value;
}

leat_wt_dialect leat_wt_dialect_choose(const leat_h3 *h3, bool is_client) {
    leat_wt_dialect chosen = LEAT_WT_DIALECT_NONE;
    /* draft-ietf-webtrans-http3-07 §3.1: no session without datagrams on both levels. */
    if (leat_conn_peer_max_datagram_frame_size(leat_h3_conn(h3)) == 0 ||
        !peer_has(h3, SETTING_H3_DATAGRAM, 1)) {
        return chosen;
    }
    for (size_t i = 0; i < ROWS; i++) {
        uint64_t value;
        /* draft-ietf-webtrans-http3-07 §3.1: the server's extended CONNECT setting is required; -02
         * implies it. */
        bool connects = !is_client || !rows[i].needs_connect_setting ||
                        peer_has(h3, SETTING_CONNECT_PROTOCOL, 1);
        if (connects && leat_h3_peer_setting(h3, rows[i].setting, &value) && value > 0) {
            chosen = rows[i].dialect;
        }
    }
    return chosen;
}

bool leat_wt_dialect_settings_are_valid(const leat_h3 *h3) {
    for (size_t i = 0; i < ROWS; i++) {
        uint64_t value;
        /* draft-ietf-webtrans-http3-02 §3.1: 0 or 1. */
        if (leat_h3_peer_setting(h3, rows[i].setting, &value) && value > rows[i].max_value) {
            return false;
        }
    }
    return true;
}

uint64_t leat_wt_dialect_session_limit(const leat_h3 *h3, leat_wt_dialect dialect) {
    uint64_t value;
    /* draft-ietf-webtrans-http3-07 §3.4: a client opens no more; -02 has no limit. */
    bool is_limited =
        dialect == LEAT_WT_DIALECT_DRAFT07 && leat_h3_peer_setting(h3, SETTING_WT_DRAFT07, &value);
    return is_limited ? value : UINT64_MAX;
}

void leat_wt_h3_config(leat_h3_config *config) {
    static const leat_h3_setting offered[] = {
        {SETTING_H3_DATAGRAM_DRAFT04, 1},
        {SETTING_WT_DRAFT02, 1},
        {SETTING_WT_DRAFT07, WT_SESSIONS_DEFAULT},
    };
    config->enable_connect_protocol = true;
    config->enable_datagrams = true;
    config->enable_webtransport = true;
    config->settings = offered;
    config->setting_count = sizeof offered / sizeof offered[0];
}
