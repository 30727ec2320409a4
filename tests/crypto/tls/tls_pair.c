/* See tls_pair.h. */
#include "tls_pair.h"

#include "fixture.h"

leat_identity *test_identity(const char *file) {
    char path[128], message[LEAT_MESSAGE_MAX];
    size_t length;
    snprintf(path, sizeof path, "vectors/tls/%s.pem", file);
    uint8_t *pem = test_read_file(path, &length);
    leat_identity *identity =
        leat_identity_from_pem((leat_span){pem, length}, (leat_span){NULL, 0}, NULL, message);
    ck_assert_msg(identity != NULL, "%s: %s", file, message);
    free(pem);
    return identity;
}

leat_trust *test_trust(void) {
    char message[LEAT_MESSAGE_MAX];
    size_t length;
    uint8_t *pem = test_read_file("vectors/tls/ca.pem", &length);
    leat_trust *trust = leat_trust_from_pem((leat_span){pem, length}, message);
    ck_assert_msg(trust != NULL, "%s", message);
    free(pem);
    return trust;
}

static void on_secret(void *user, leat_level level, bool write, const leat_cipher_suite *suite,
                      const uint8_t *secret) {
    tls_side *side = user;
    ck_assert(!side->has_secret[level][write]);
    side->has_secret[level][write] = true;
    memcpy(side->secrets[level][write], secret, leat_hash_size(suite->hash));
}

static int on_transport_parameters(void *user, leat_span encoded) {
    tls_side *side = user;
    ck_assert_uint_lt(encoded.length, sizeof side->peer_parameters);
    memcpy(side->peer_parameters, encoded.data, encoded.length);
    side->peer_parameters[encoded.length] = '\0';
    return side->refuse_parameters;
}

static size_t write_transport_parameters(void *user, uint8_t *out, size_t room) {
    (void)user, (void)room;
    memcpy(out, SERVER_PARAMETERS, sizeof SERVER_PARAMETERS - 1);
    return sizeof SERVER_PARAMETERS - 1;
}

static void on_alpn(void *user, leat_span protocol) {
    tls_side *side = user;
    ck_assert_uint_lt(protocol.length, sizeof side->alpn);
    memcpy(side->alpn, protocol.data, protocol.length);
    side->alpn[protocol.length] = '\0';
}

static void on_key_log(void *user, const char *line) {
    tls_side *side = user;
    ck_assert_uint_lt(side->key_log_lines, 8);
    snprintf(side->key_log[side->key_log_lines++], 256, "%s", line);
}

static void on_session_ticket(void *user, leat_span ticket) {
    tls_side *side = user;
    ck_assert_uint_le(ticket.length, sizeof side->session);
    memcpy(side->session, ticket.data, ticket.length);
    side->session_length = ticket.length;
    side->sessions++;
}

static void on_message(void *user, bool written, leat_level level, uint8_t type, size_t length) {
    tls_side *side = user;
    (void)level, (void)length;
    if (written && side->message_count < sizeof side->messages) {
        side->messages[side->message_count++] = type;
    }
}

static size_t write_session_application(void *user, uint8_t *out, size_t room) {
    const tls_side *side = user;
    const char *text = side->remembers == NULL ? "" : side->remembers;
    ck_assert_uint_le(strlen(text), room);
    memcpy(out, text, strlen(text));
    return strlen(text);
}

static uint32_t session_context(void *user, bool is_new) {
    const tls_side *side = user;
    return is_new ? side->new_context : side->context;
}

static bool can_use_early_data(void *user, leat_span alpn, leat_span application) {
    tls_side *side = user;
    ck_assert(alpn.length > 0);
    ck_assert_uint_lt(application.length, sizeof side->remembered);
    if (application.length > 0) {
        memcpy(side->remembered, application.data, application.length);
    }
    side->remembered[application.length] = '\0';
    side->times_asked++;
    return !side->refuses_early_data;
}

static bool refuse_peer(void *user, const leat_span *chain, size_t count) {
    tls_side *side = user;
    ck_assert_uint_gt(count, 0);
    side->seen_leaf_length = chain[0].length;
    return false;
}

static leat_tls *make(tls_side *side) {
    leat_tls_hooks hooks = {
        .user = side,
        .on_secret = on_secret,
        .on_transport_parameters = on_transport_parameters,
        .write_transport_parameters = write_transport_parameters,
        .on_alpn = on_alpn,
        .on_key_log = on_key_log,
        .on_session_ticket = on_session_ticket,
        .write_session_application = write_session_application,
        .can_use_early_data = can_use_early_data,
        .session_context = session_context,
        .on_message = on_message,
        .verify_peer = side->refuses_peer ? refuse_peer : NULL,
    };
    side->alert = LEAT_ALERT_NONE;
    return leat_tls_new(&side->config, &hooks);
}

void tls_pair_init(tls_pair *pair) {
    *pair = (tls_pair){0};
    pair->client_alpn[0] = pair->server_alpn[0] = (leat_span){(const uint8_t *)"h3", 2};
    pair->client_alpn[1] = pair->server_alpn[1] = (leat_span){(const uint8_t *)"other", 5};
    pair->identities[0] = test_identity("p256");
    pair->client.refuse_parameters = pair->server.refuse_parameters = LEAT_ALERT_NONE;
    pair->client.seed = 1;
    pair->server.seed = 2;
    pair->client.config = (leat_tls_config){
        .is_client = true,
        .random = {test_random, &pair->client.seed},
        .now = NOW,
        .alpn = pair->client_alpn,
        .alpn_count = 1,
        .server_name = "leat.test",
        .trust = test_trust(),
        .transport_parameters = {(const uint8_t *)CLIENT_PARAMETERS, sizeof CLIENT_PARAMETERS - 1},
    };
    pair->server.config = (leat_tls_config){
        .random = {test_random, &pair->server.seed},
        .now = NOW,
        .alpn = pair->server_alpn,
        .alpn_count = 1,
        .identities = pair->identities,
        .identity_count = 1,
    };
}

void tls_pair_ask(tls_pair *pair, leat_client_auth client_auth) {
    pair->server.config.client_auth = client_auth;
    pair->server.config.trust = fixture_trust("intermediate");
    pair->client_identities[0] = fixture_identity("client");
    pair->client.config.identities = pair->client_identities;
    pair->client.config.identity_count = 1;
}

void tls_pair_start(tls_pair *pair) {
    pair->server.tls = make(&pair->server);
    pair->client.tls = make(&pair->client);
    if (pair->client.tls != NULL) {
        pair->client.alert = leat_tls_start(pair->client.tls);
    }
}

int tls_pair_carry(tls_pair *pair, tls_side *from, tls_side *to, leat_level level) {
    for (leat_span out;
         (out = leat_tls_output(from->tls, level)).length > 0 && to->alert == LEAT_ALERT_NONE;) {
        size_t length = pair->cut != 0 && pair->cut < out.length ? pair->cut : out.length;
        to->alert = leat_tls_receive(to->tls, level, (leat_span){out.data, length});
        leat_tls_output_consume(from->tls, level, length);
    }
    return to->alert;
}

void tls_pair_run(tls_pair *pair) {
    if (pair->client.tls == NULL || pair->server.tls == NULL) {
        return;
    }
    for (int turn = 0; turn < 4; turn++) {
        for (leat_level level = LEAT_LEVEL_INITIAL; level < LEAT_LEVEL_COUNT; level++) {
            if (pair->client.alert == LEAT_ALERT_NONE && pair->server.alert == LEAT_ALERT_NONE) {
                tls_pair_carry(pair, &pair->client, &pair->server, level);
            }
        }
        for (leat_level level = LEAT_LEVEL_INITIAL; level < LEAT_LEVEL_COUNT; level++) {
            if (pair->client.alert == LEAT_ALERT_NONE && pair->server.alert == LEAT_ALERT_NONE) {
                tls_pair_carry(pair, &pair->server, &pair->client, level);
            }
        }
    }
}

static void restart_side(tls_side *side) {
    leat_tls_free(side->tls);
    side->tls = NULL;
    memset(side->has_secret, 0, sizeof side->has_secret);
    side->key_log_lines = side->message_count = 0;
    side->alpn[0] = side->peer_parameters[0] = side->remembered[0] = '\0';
    side->times_asked = 0;
}

void tls_pair_restart(tls_pair *pair) {
    restart_side(&pair->client);
    restart_side(&pair->server);
}

void tls_pair_free(tls_pair *pair) {
    tls_pair_restart(pair);
    leat_trust_free(pair->client.config.trust);
    leat_trust_free(pair->server.config.trust);
    leat_ticket_keys_free(pair->server.config.ticket_keys);
    leat_replay_register_free(pair->server.config.replays);
    leat_identity_free(pair->identities[0]);
    leat_identity_free(pair->identities[1]);
    leat_identity_free(pair->client_identities[0]);
    leat_identity_free(pair->client_identities[1]);
}

void assert_complete(const tls_pair *pair) {
    const tls_side *client = &pair->client, *server = &pair->server;
    ck_assert_msg(client->alert == LEAT_ALERT_NONE, "client: %s",
                  leat_tls_error_message(client->tls));
    ck_assert_msg(server->alert == LEAT_ALERT_NONE, "server: %s",
                  leat_tls_error_message(server->tls));
    ck_assert(leat_tls_is_complete(client->tls));
    ck_assert(leat_tls_is_complete(server->tls));
    for (leat_level level = LEAT_LEVEL_HANDSHAKE; level < LEAT_LEVEL_COUNT; level++) {
        for (int write = 0; write < 2; write++) {
            ck_assert(client->has_secret[level][write]);
            ck_assert_mem_eq(client->secrets[level][write], server->secrets[level][!write],
                             LEAT_HASH_MAX);
        }
    }
    ck_assert_ptr_eq(leat_tls_cipher_suite(client->tls), leat_tls_cipher_suite(server->tls));
    ck_assert_uint_eq(leat_tls_group(client->tls), leat_tls_group(server->tls));
    ck_assert_str_eq(client->peer_parameters, SERVER_PARAMETERS);
    ck_assert_str_eq(server->peer_parameters, CLIENT_PARAMETERS);
    ck_assert_str_eq(client->alpn, server->alpn);
}

void run_to_completion(tls_pair *pair) {
    tls_pair_start(pair);
    tls_pair_run(pair);
    assert_complete(pair);
}

void run_to_failure(tls_pair *pair, int client_alert, int server_alert) {
    tls_pair_start(pair);
    tls_pair_run(pair);
    ck_assert_str_eq(leat_alert_name(pair->client.alert), leat_alert_name(client_alert));
    ck_assert_str_eq(leat_alert_name(pair->server.alert), leat_alert_name(server_alert));
    ck_assert(!leat_tls_is_complete(pair->client.tls));
    ck_assert(!leat_tls_is_complete(pair->server.tls));
    tls_pair_free(pair);
}
