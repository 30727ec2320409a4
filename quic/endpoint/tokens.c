/*
 * Address validation by token: RFC 9000 §8.1. What the token of an Initial proves, and the tokens
 * for next time that accepted connections hand out: one when the handshake is complete, and one for
 * each other host that the client moved to. Retry itself is a reply: replies.c.
 */
#include "quic/endpoint/endpoint.h"

#include "crypto/key_epoch.h"

#include <leat/version.h>

#include <string.h>
#include <time.h>

int64_t leat_endpoint_wall_clock(const leat_endpoint *endpoint) {
    const leat_endpoint_config *config = &endpoint->config;
    return config->wall_clock == NULL ? (int64_t)time(NULL)
                                      : config->wall_clock(config->wall_clock_user);
}

/* A Retry token is good for the one connection attempt it was made for; one from NEW_TOKEN once. */
static leat_token_status spend(leat_endpoint *endpoint, const leat_token_info *info,
                               const leat_packet_header *header) {
    /* RFC 9369 §4.1, §5: a token is good for the version of the connection that it came from. */
    bool is_of_version = info->version == header->version;
    if (info->kind == LEAT_TOKEN_RETRY) {
        bool is_of_this_attempt = leat_span_equal(leat_cid_span(&info->retry_scid), header->dcid);
        return is_of_this_attempt && is_of_version ? LEAT_TOKEN_VALID : LEAT_TOKEN_INVALID_RETRY;
    }
    if (!is_of_version) {
        return LEAT_TOKEN_UNKNOWN;
    }
    /* RFC 9000 §8.1.4-8: a second time it proves nothing; no reason to turn the client away. */
    bool is_first_time = leat_spent_tokens_add(&endpoint->spent_tokens,
                                               leat_key_epoch(info->issued), info->id);
    return is_first_time ? LEAT_TOKEN_VALID : LEAT_TOKEN_UNKNOWN;
}

bool leat_endpoint_check_token(leat_endpoint *endpoint, const leat_endpoint_datagram *datagram,
                               const leat_packet_header *header, leat_conn_origin *origin) {
    leat_token_info info = {0};
    leat_token_status status = LEAT_TOKEN_UNKNOWN;
    if (header->token.length > 0) {
        status = leat_token_open(endpoint->token_keys, header->token, &datagram->path->remote,
                                 leat_endpoint_wall_clock(endpoint), &info);
    }
    if (status == LEAT_TOKEN_VALID) {
        status = spend(endpoint, &info, header);
    }
    origin->retried = status == LEAT_TOKEN_VALID && info.kind == LEAT_TOKEN_RETRY;
    if (origin->retried) {
        origin->original_dcid = info.original_dcid;
    }
    origin->address_validated = status == LEAT_TOKEN_VALID;
    return status != LEAT_TOKEN_INVALID_RETRY;
}

/* RFC 9000 §8.1.3: the client may show this token next time and needs no Retry then. */
static void give_token(leat_endpoint_entry *entry) {
    leat_endpoint *endpoint = entry->endpoint;
    uint8_t token[LEAT_TOKEN_MAX];
    leat_token_info info = {.kind = LEAT_TOKEN_NEW, .issued = leat_endpoint_wall_clock(endpoint),
                            .version = leat_conn_version(entry->conn)};
    entry->token_address = leat_conn_path(entry->conn)->remote;
    entry->tokens_given++;
    size_t length = leat_token_seal(endpoint->token_keys, &endpoint->random, &info,
                                    &entry->token_address, token);
    if (length > 0) {
        (void)leat_conn_send_new_token(entry->conn, (leat_span){token, length});
    }
}

static bool is_same_host(const leat_address *a, const leat_address *b) {
    return a->family == b->family && memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

/* RFC 9000 §8.1.3: a token names an address: where the client lives now it needs another. */
static bool has_moved(const leat_endpoint_entry *entry) {
    return entry->tokens_given > 0 && entry->tokens_given < LEAT_TOKENS_PER_CONNECTION &&
           !is_same_host(&leat_conn_path(entry->conn)->remote, &entry->token_address) &&
           leat_conn_is_path_validated(entry->conn);
}

void leat_endpoint_settle_handshake(leat_endpoint_entry *entry) {
    if (leat_conn_is_terminating(entry->conn)) {
        entry->endpoint->handshakes -= entry->is_handshaking ? 1 : 0;
        entry->is_handshaking = false;
    } else if (entry->is_handshaking && leat_conn_is_handshake_complete(entry->conn)) {
        entry->is_handshaking = false;
        entry->endpoint->handshakes--;
        give_token(entry);
    } else if (has_moved(entry)) {
        give_token(entry);
    }
}
