/*
 * One row per draft of WebTransport over HTTP/3. The dialect of a connection is the newest one that
 * both SETTINGS offer (draft-ietf-webtrans-http3-07 §3.1; -02 §3.1).
 */
#ifndef LEAT_WEBTRANSPORT_DIALECT_H
#define LEAT_WEBTRANSPORT_DIALECT_H

#include <leat/webtransport.h>

typedef struct wt_dialect_row {
    leat_wt_dialect dialect;
    const char *name;
    uint64_t setting, offered; /* what we send */
    uint64_t max_value;        /* of the peer: 0 is no support, more than this H3_SETTINGS_ERROR */
    const char *protocol;      /* the :protocol token */
    const char *request_header, *response_header, *response_value; /* version fields, or NULL */
    bool has_drain;                                                /* WT_DRAIN_SESSION exists */
    bool needs_connect_setting; /* SETTINGS_ENABLE_CONNECT_PROTOCOL is not implied */
} wt_dialect_row;

const wt_dialect_row *leat_wt_dialect_row(leat_wt_dialect dialect); /* NULL for NONE */
/* The newest dialect that the peer's SETTINGS allow, or NONE. */
leat_wt_dialect leat_wt_dialect_choose(const leat_h3 *h3, bool is_client);
/* False: the peer sent a value that its draft forbids. */
bool leat_wt_dialect_settings_are_valid(const leat_h3 *h3);
/* Sessions that the server takes at a time, as far as it said so. */
uint64_t leat_wt_dialect_session_limit(const leat_h3 *h3, leat_wt_dialect dialect);

/* Sessions of one connection, unless the configuration says otherwise: what is offered and what is
 * accepted. */
#define WT_SESSIONS_DEFAULT 16

/* The capsules: one row each. */
enum {
    WT_CAPSULE_CLOSE = 0x2843, /* draft-ietf-webtrans-http3-07 §5 */
    WT_CAPSULE_DRAIN = 0x78ae, /* draft-ietf-webtrans-http3-07 §4.6 */
};

#endif
