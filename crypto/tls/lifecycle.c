/* Making and freeing a leat_tls: checks and copies the configuration, and drops what only the
 * handshake needed. */
#include "crypto/tls/handshake.h"

static const uint16_t default_suites[] = {0x1301, 0x1302, 0x1303};
static const uint16_t default_groups[] = {LEAT_GROUP_X25519MLKEM768, LEAT_GROUP_X25519,
                                          LEAT_GROUP_P256, LEAT_GROUP_P384};
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool copy_suites(leat_tls_handshake *handshake, const leat_tls_config *config) {
    const uint16_t *suites = config->cipher_suites != NULL ? config->cipher_suites : default_suites;
    size_t count =
        config->cipher_suites != NULL ? config->cipher_suite_count : COUNT(default_suites);
    for (size_t i = 0; i < count; i++) {
        if (leat_cipher_suite_find(suites[i]) == NULL ||
            handshake->cipher_suite_count == LEAT_TLS_SUITES_MAX) {
            return false;
        }
        handshake->cipher_suites[handshake->cipher_suite_count++] = suites[i];
    }
    return count > 0;
}

/* Groups that this libcrypto does not have are left out: the list is a preference, not a demand. */
static bool copy_groups(leat_tls_handshake *handshake, const leat_tls_config *config) {
    const uint16_t *groups = config->groups != NULL ? config->groups : default_groups;
    size_t count = config->groups != NULL ? config->group_count : COUNT(default_groups);
    for (size_t i = 0; i < count; i++) {
        if (!leat_group_is_available(groups[i])) {
            continue;
        }
        if (handshake->group_count == LEAT_TLS_GROUPS_MAX) {
            return false;
        }
        handshake->groups[handshake->group_count++] = groups[i];
    }
    if (handshake->group_count == 0) {
        return false;
    }
    /* A post-quantum share goes with a classical one, which any server can use without another
     * round trip. */
    size_t usual = handshake->groups[0] == LEAT_GROUP_X25519MLKEM768 ? 2 : 1;
    size_t wanted = config->key_share_count != 0 ? config->key_share_count : usual;
    wanted = wanted < LEAT_TLS_SHARES_MAX ? wanted : LEAT_TLS_SHARES_MAX;
    handshake->key_share_count = wanted < handshake->group_count ? wanted : handshake->group_count;
    return true;
}

/* RFC 9001 §8.1-1: QUIC needs a protocol. */
static bool copy_alpn(leat_tls_handshake *handshake, const leat_tls_config *config) {
    for (size_t i = 0; i < config->alpn_count; i++) {
        leat_span name = config->alpn[i];
        uint8_t length = (uint8_t)name.length;
        if (name.length == 0 || name.length > 255 ||
            leat_buffer_append(&handshake->alpn, &length, 1) != LEAT_OK ||
            leat_buffer_append(&handshake->alpn, name.data, name.length) != LEAT_OK) {
            return false;
        }
    }
    return config->alpn_count > 0;
}

/* A session that cannot be read is no error: the handshake is a full one then. */
static bool copy_session(leat_tls_handshake *handshake, leat_span session) {
    if (session.length == 0 || session.length > LEAT_SESSION_MAX) {
        return true;
    }
    if (leat_buffer_append(&handshake->session_bytes, session.data, session.length) != LEAT_OK) {
        return false;
    }
    leat_span copy = {handshake->session_bytes.data, handshake->session_bytes.length};
    if (!leat_session_parse(copy, &handshake->session)) {
        handshake->session.suite = NULL;
    }
    return true;
}

/* RFC 9001 §4.4-1: without a name and somebody to trust there is nothing to authenticate a server
 * by. */
static bool copy_client(leat_tls *tls, const leat_tls_config *config) {
    leat_tls_handshake *handshake = tls->handshake;
    if (config->server_name == NULL || config->trust == NULL ||
        strlen(config->server_name) > LEAT_TLS_NAME_MAX) {
        return false;
    }
    tls->server_name = leat_strdup(tls->allocator, config->server_name);
    return tls->server_name != NULL && config->server_name[0] != '\0' &&
           leat_buffer_append(&handshake->transport_parameters, config->transport_parameters.data,
                              config->transport_parameters.length) == LEAT_OK &&
           copy_session(handshake, config->session);
}

static bool copy_identities(leat_tls *tls, const leat_tls_config *config) {
    leat_tls_handshake *handshake = tls->handshake;
    if (config->identity_count == 0) {
        return true;
    }
    handshake->identities =
        leat_alloc_array(tls->allocator, config->identity_count, sizeof *handshake->identities);
    if (handshake->identities == NULL) {
        return false;
    }
    for (; handshake->identity_count < config->identity_count; handshake->identity_count++) {
        handshake->identities[handshake->identity_count] =
            leat_identity_ref(config->identities[handshake->identity_count]);
    }
    return true;
}

/* A ticket's nonce is one byte; a few per connection are plenty. */
#define TICKETS_TO_SEND_MAX 16

static bool copy_server(leat_tls *tls, const leat_tls_config *config) {
    leat_tls_handshake *handshake = tls->handshake;
    bool is_complete = config->identity_count > 0 &&
                       (config->client_auth == LEAT_CLIENT_AUTH_NONE || config->trust != NULL);
    if (!is_complete || config->tickets_to_send > TICKETS_TO_SEND_MAX) {
        return false;
    }
    handshake->client_auth = config->client_auth;
    if (config->ticket_keys != NULL) {
        handshake->ticket_keys = leat_ticket_keys_ref(config->ticket_keys);
        handshake->tickets_to_send = config->tickets_to_send != 0 ? config->tickets_to_send : 1;
    }
    handshake->force_hello_retry_request = config->force_hello_retry_request;
    handshake->replays = leat_replay_register_ref(config->replays);
    if (handshake->replays != NULL && handshake->early_data) {
        leat_replay_register_start(handshake->replays, config->now);
    }
    return true;
}

/* More than QUIC ever needs; the bound keeps our ClientHello finite. */
#define TRANSPORT_PARAMETERS_MAX 4096
#define SHARE_LIST_MAX (LEAT_TLS_SHARES_MAX * (4 + LEAT_KEY_SHARE_MAX))

static bool copy_config(leat_tls *tls, const leat_tls_config *config) {
    leat_tls_handshake *handshake = leat_alloc(tls->allocator, sizeof *handshake);
    if (handshake == NULL) {
        return false;
    }
    tls->handshake = handshake;
    handshake->random = config->random;
    handshake->early_data = config->early_data;
    handshake->certificate_compression = config->certificate_compression;
    handshake->trust = config->trust == NULL ? NULL : leat_trust_ref(config->trust);
    leat_transcript_init(&handshake->transcript, tls->allocator);
    leat_buffer_init(&handshake->alpn, tls->allocator, LEAT_TLS_ALPN_MAX);
    leat_buffer_init(&handshake->transport_parameters, tls->allocator, TRANSPORT_PARAMETERS_MAX);
    leat_buffer_init(&handshake->share_list, tls->allocator, SHARE_LIST_MAX);
    leat_buffer_init(&handshake->session_bytes, tls->allocator, LEAT_SESSION_MAX);
    return copy_suites(handshake, config) && copy_groups(handshake, config) &&
           copy_alpn(handshake, config) && copy_identities(tls, config) &&
           (config->is_client ? copy_client(tls, config) : copy_server(tls, config));
}

leat_tls *leat_tls_new(const leat_tls_config *config, const leat_tls_hooks *hooks) {
    leat_tls *tls = leat_alloc(config->allocator, sizeof *tls);
    if (tls == NULL) {
        return NULL;
    }
    tls->allocator = config->allocator;
    tls->hooks = hooks != NULL ? *hooks : (leat_tls_hooks){0};
    tls->is_client = config->is_client;
    tls->state = config->is_client ? LEAT_CLIENT_NEW : LEAT_SERVER_NEW;
    tls->alert = LEAT_ALERT_NONE;
    tls->now = config->now;
    leat_buffer_init(&tls->input, tls->allocator, LEAT_TLS_INPUT_MAX);
    for (size_t i = 0; i < LEAT_LEVEL_COUNT; i++) {
        leat_buffer_init(&tls->output[i], tls->allocator, LEAT_TLS_OUTPUT_MAX);
    }
    if (!copy_config(tls, config)) {
        leat_tls_free(tls);
        return NULL;
    }
    return tls;
}

static void free_handshake(leat_tls *tls) {
    leat_tls_handshake *handshake = tls->handshake;
    if (handshake == NULL) {
        return;
    }
    leat_transcript_clear(&handshake->transcript);
    leat_buffer_clear(&handshake->alpn);
    leat_buffer_clear(&handshake->transport_parameters);
    leat_buffer_clear(&handshake->share_list);
    if (handshake->session_bytes.length > 0) {
        leat_wipe(handshake->session_bytes.data, handshake->session_bytes.length);
    }
    leat_buffer_clear(&handshake->session_bytes);
    for (size_t i = 0; i < LEAT_TLS_SHARES_MAX; i++) {
        leat_key_exchange_free(handshake->shares[i].exchange);
    }
    for (size_t i = 0; i < handshake->identity_count; i++) {
        leat_identity_free(handshake->identities[i]);
    }
    leat_free(tls->allocator, handshake->identities);
    leat_trust_free(handshake->trust);
    leat_public_key_free(handshake->peer_key);
    leat_ticket_keys_free(handshake->ticket_keys);
    leat_replay_register_free(handshake->replays);
    leat_wipe(handshake, sizeof *handshake);
    leat_free(tls->allocator, handshake);
    tls->handshake = NULL;
}

void leat_tls_handshake_confirmed(leat_tls *tls) {
    if (!leat_tls_is_complete(tls)) {
        return;
    }
    free_handshake(tls);
    leat_buffer_clear(&tls->output[LEAT_LEVEL_INITIAL]);
    leat_buffer_clear(&tls->output[LEAT_LEVEL_HANDSHAKE]);
}

void leat_tls_free(leat_tls *tls) {
    if (tls == NULL) {
        return;
    }
    const leat_allocator *allocator = tls->allocator;
    free_handshake(tls);
    leat_buffer_clear(&tls->input);
    for (size_t i = 0; i < LEAT_LEVEL_COUNT; i++) {
        leat_buffer_clear(&tls->output[i]);
    }
    leat_free(allocator, tls->server_name);
    leat_free(allocator, tls->alpn);
    leat_free(allocator, tls->chain_bytes);
    leat_free(allocator, tls->chain);
    leat_wipe(tls, sizeof *tls);
    leat_free(allocator, tls);
}
