/*
 * The handshake's state machine (RFC 8446 §A, RFC 9001 §4.1): THE table of state and message, the
 * reassembly of messages from bytes of one encryption level, and what the owner may ask. Everything
 * that a message means is in its own file.
 */
#include "crypto/tls/handshake.h"

/* RFC 8446 §4, bounds per message, far above what is needed: stop a peer that announces 16 MB and
 * drips them. */
#define HELLO_MAX 16384
#define EXTENSIONS_MAX 16384
#define CERTIFICATE_MAX LEAT_TLS_MESSAGE_MAX
#define VERIFY_MAX 2048
#define TICKET_MESSAGE_MAX LEAT_TLS_MESSAGE_MAX
#define HEADER_SIZE 4

/* RFC 9001 §4.1.3: each state reads one encryption level only. */
static const leat_level levels[LEAT_TLS_STATE_COUNT] = {
    [LEAT_CLIENT_NEW] = LEAT_LEVEL_INITIAL,
    [LEAT_CLIENT_HELLO_SENT] = LEAT_LEVEL_INITIAL,
    [LEAT_CLIENT_RETRIED] = LEAT_LEVEL_INITIAL,
    [LEAT_CLIENT_HAS_SERVER_HELLO] = LEAT_LEVEL_HANDSHAKE,
    [LEAT_CLIENT_HAS_EXTENSIONS] = LEAT_LEVEL_HANDSHAKE,
    [LEAT_CLIENT_HAS_CERTIFICATE_REQUEST] = LEAT_LEVEL_HANDSHAKE,
    [LEAT_CLIENT_HAS_CERTIFICATE] = LEAT_LEVEL_HANDSHAKE,
    [LEAT_CLIENT_TRUSTS_SERVER] = LEAT_LEVEL_HANDSHAKE,
    [LEAT_CLIENT_DONE] = LEAT_LEVEL_APPLICATION,
    [LEAT_SERVER_NEW] = LEAT_LEVEL_INITIAL,
    [LEAT_SERVER_RETRIED] = LEAT_LEVEL_INITIAL,
    [LEAT_SERVER_ASKED] = LEAT_LEVEL_HANDSHAKE,
    [LEAT_SERVER_HAS_CERTIFICATE] = LEAT_LEVEL_HANDSHAKE,
    [LEAT_SERVER_FLIGHT_SENT] = LEAT_LEVEL_HANDSHAKE,
    [LEAT_SERVER_DONE] = LEAT_LEVEL_APPLICATION,
};

/*
 * Every message that may be read, in every state; all others are unexpected_message (RFC 8446 §4).
 * So KeyUpdate (RFC 9001 §6-2), EndOfEarlyData (RFC 9001 §8.3), a Certificate that was not asked
 * for and authentication after the handshake (RFC 9001 §4.4-3) have no row. `next`: the state that
 * follows, by the turn that the handler takes.
 */
static const struct message_row {
    leat_tls_state state;
    uint16_t message;
    size_t limit;
    leat_tls_handler *handler;
    leat_tls_state next[LEAT_TURN_COUNT];
} messages[] = {
    {LEAT_CLIENT_HELLO_SENT, LEAT_HELLO_RETRY_REQUEST, HELLO_MAX, leat_tls_on_hello_retry_request, {LEAT_CLIENT_RETRIED}},
    {LEAT_CLIENT_HELLO_SENT, LEAT_SERVER_HELLO, HELLO_MAX, leat_tls_on_server_hello, {LEAT_CLIENT_HAS_SERVER_HELLO}},
    {LEAT_CLIENT_RETRIED, LEAT_SERVER_HELLO, HELLO_MAX, leat_tls_on_server_hello, {LEAT_CLIENT_HAS_SERVER_HELLO}},
    {LEAT_CLIENT_HAS_SERVER_HELLO, LEAT_ENCRYPTED_EXTENSIONS, EXTENSIONS_MAX, leat_tls_on_encrypted_extensions, {LEAT_CLIENT_HAS_EXTENSIONS, [LEAT_TURN_SHORTER] = LEAT_CLIENT_TRUSTS_SERVER}},
    {LEAT_CLIENT_HAS_EXTENSIONS, LEAT_CERTIFICATE_REQUEST, EXTENSIONS_MAX, leat_tls_on_certificate_request, {LEAT_CLIENT_HAS_CERTIFICATE_REQUEST}},
    {LEAT_CLIENT_HAS_EXTENSIONS, LEAT_CERTIFICATE, CERTIFICATE_MAX, leat_tls_on_certificate, {LEAT_CLIENT_HAS_CERTIFICATE}},
    {LEAT_CLIENT_HAS_EXTENSIONS, LEAT_COMPRESSED_CERTIFICATE, CERTIFICATE_MAX, leat_tls_on_compressed_certificate, {LEAT_CLIENT_HAS_CERTIFICATE}},
    {LEAT_CLIENT_HAS_CERTIFICATE_REQUEST, LEAT_CERTIFICATE, CERTIFICATE_MAX, leat_tls_on_certificate, {LEAT_CLIENT_HAS_CERTIFICATE}},
    {LEAT_CLIENT_HAS_CERTIFICATE_REQUEST, LEAT_COMPRESSED_CERTIFICATE, CERTIFICATE_MAX, leat_tls_on_compressed_certificate, {LEAT_CLIENT_HAS_CERTIFICATE}},
    {LEAT_CLIENT_HAS_CERTIFICATE, LEAT_CERTIFICATE_VERIFY, VERIFY_MAX, leat_tls_on_certificate_verify, {LEAT_CLIENT_TRUSTS_SERVER}},
    {LEAT_CLIENT_TRUSTS_SERVER, LEAT_FINISHED, LEAT_HASH_MAX, leat_tls_on_server_finished, {LEAT_CLIENT_DONE}},
    {LEAT_CLIENT_DONE, LEAT_NEW_SESSION_TICKET, TICKET_MESSAGE_MAX, leat_tls_on_new_session_ticket, {LEAT_CLIENT_DONE}},
    {LEAT_SERVER_NEW, LEAT_CLIENT_HELLO, HELLO_MAX, leat_tls_on_client_hello, {LEAT_SERVER_FLIGHT_SENT, [LEAT_TURN_AGAIN] = LEAT_SERVER_RETRIED, [LEAT_TURN_LONGER] = LEAT_SERVER_ASKED}},
    {LEAT_SERVER_RETRIED, LEAT_CLIENT_HELLO, HELLO_MAX, leat_tls_on_client_hello, {LEAT_SERVER_FLIGHT_SENT, [LEAT_TURN_LONGER] = LEAT_SERVER_ASKED}},
    {LEAT_SERVER_ASKED, LEAT_CERTIFICATE, CERTIFICATE_MAX, leat_tls_on_certificate, {LEAT_SERVER_HAS_CERTIFICATE, [LEAT_TURN_SHORTER] = LEAT_SERVER_FLIGHT_SENT}},
    {LEAT_SERVER_ASKED, LEAT_COMPRESSED_CERTIFICATE, CERTIFICATE_MAX, leat_tls_on_compressed_certificate, {LEAT_SERVER_HAS_CERTIFICATE, [LEAT_TURN_SHORTER] = LEAT_SERVER_FLIGHT_SENT}},
    {LEAT_SERVER_HAS_CERTIFICATE, LEAT_CERTIFICATE_VERIFY, VERIFY_MAX, leat_tls_on_certificate_verify, {LEAT_SERVER_FLIGHT_SENT}},
    {LEAT_SERVER_FLIGHT_SENT, LEAT_FINISHED, LEAT_HASH_MAX, leat_tls_on_client_finished, {LEAT_SERVER_DONE}},
};

static const struct message_row *find_message(leat_tls_state state, uint16_t message) {
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++) {
        if (messages[i].state == state && messages[i].message == message) {
            return &messages[i];
        }
    }
    return NULL;
}

/* The first fault ends the handshake; later calls repeat its alert. */
static int fail(leat_tls *tls, int alert) {
    if (tls->alert == LEAT_ALERT_NONE) {
        tls->alert = alert;
        tls->error = tls->error != NULL ? tls->error : leat_alert_name(alert);
        leat_buffer_clear(&tls->input);
    }
    return tls->alert;
}

static int fail_with(leat_tls *tls, int alert, const char *reason) {
    tls->error = reason;
    return fail(tls, alert);
}

int leat_tls_start(leat_tls *tls) {
    if (tls->alert != LEAT_ALERT_NONE || tls->state != LEAT_CLIENT_NEW) {
        return fail_with(tls, LEAT_ALERT_INTERNAL_ERROR, "started twice or as a server");
    }
    leat_tls_handshake *handshake = tls->handshake;
    if (!leat_random_bytes(&handshake->random, handshake->client_random,
                           sizeof handshake->client_random)) {
        return fail_with(tls, LEAT_ALERT_INTERNAL_ERROR, "the random source failed");
    }
    int alert = leat_tls_send_client_hello(tls, (leat_span){NULL, 0});
    if (alert != LEAT_ALERT_NONE) {
        return fail(tls, alert);
    }
    tls->state = LEAT_CLIENT_HELLO_SENT;
    return LEAT_ALERT_NONE;
}

int leat_tls_start_over(leat_tls *tls, leat_span transport_parameters) {
    if (tls->alert != LEAT_ALERT_NONE || tls->state != LEAT_CLIENT_HELLO_SENT) {
        return fail_with(tls, LEAT_ALERT_INTERNAL_ERROR, "started over too late");
    }
    leat_tls_forget_hello(tls);
    leat_buffer *parameters = &tls->handshake->transport_parameters;
    leat_buffer_consume(parameters, parameters->length);
    if (leat_buffer_append(parameters, transport_parameters.data, transport_parameters.length) !=
        LEAT_OK) {
        return fail(tls, leat_fault_memory(&tls->error));
    }
    return leat_tls_start(tls);
}

/* RFC 8446 §4.1.4: only the random tells a HelloRetryRequest from a ServerHello. */
static uint16_t classify(leat_span message) {
    uint16_t type = message.data[0];
    return type == LEAT_SERVER_HELLO && leat_server_hello_is_retry(leat_tls_body(message))
               ? LEAT_HELLO_RETRY_REQUEST
               : type;
}

static int on_message(leat_tls *tls, leat_span message) {
    const struct message_row *row = find_message(tls->state, classify(message));
    leat_level level = levels[tls->state];
    if (row == NULL) {
        return leat_fault(&tls->error, LEAT_ALERT_UNEXPECTED_MESSAGE,
                          "a handshake message out of order");
    }
    if (tls->hooks.on_message != NULL) {
        tls->hooks.on_message(tls->hooks.user, false, level, message.data[0], message.length);
    }
    if (tls->handshake != NULL) {
        tls->handshake->turn = LEAT_TURN_STRAIGHT;
    }
    int alert = row->handler(tls, message);
    if (alert == LEAT_ALERT_NONE) {
        tls->state = row->next[tls->handshake != NULL ? tls->handshake->turn : LEAT_TURN_STRAIGHT];
    }
    return alert;
}

/* Judges a message by its header alone, so that nothing is kept of one that will be refused. */
static int check_header(leat_tls *tls, uint8_t type, size_t length) {
    const struct message_row *row = find_message(tls->state, type);
    if (row == NULL) {
        /* RFC 9001 §4.4-3: authentication after the handshake. */
        tls->violates_quic = type == LEAT_CERTIFICATE_REQUEST && tls->state == LEAT_CLIENT_DONE;
        return leat_fault(&tls->error, LEAT_ALERT_UNEXPECTED_MESSAGE,
                          "a handshake message out of order");
    }
    return length > row->limit ? leat_fault_decode(&tls->error, "a handshake message is too long")
                               : LEAT_ALERT_NONE;
}

/*
 * Moves bytes into the input until a header, then a message is complete. *complete says that the
 * input holds one. Only bytes that arrived are ever allocated for, never a length that was
 * announced.
 */
static int collect(leat_tls *tls, leat_reader *bytes, bool *complete) {
    leat_buffer *input = &tls->input;
    *complete = false;
    for (size_t wanted = HEADER_SIZE;;) {
        if (input->length >= HEADER_SIZE) {
            leat_reader header = leat_reader_make(input->data, HEADER_SIZE);
            uint8_t type = leat_read_u8(&header);
            size_t length = leat_read_u24(&header);
            int alert = check_header(tls, type, length);
            wanted = HEADER_SIZE + length;
            if (alert != LEAT_ALERT_NONE || input->length == wanted) {
                *complete = alert == LEAT_ALERT_NONE;
                return alert;
            }
        }
        size_t missing = wanted - input->length;
        size_t left = leat_reader_left(bytes);
        if (left == 0) {
            return LEAT_ALERT_NONE;
        }
        leat_span part = leat_read_bytes(bytes, missing < left ? missing : left);
        if (leat_buffer_append(input, part.data, part.length) != LEAT_OK) {
            return leat_fault_memory(&tls->error);
        }
    }
}

int leat_tls_receive(leat_tls *tls, leat_level level, leat_span bytes) {
    if (tls->alert != LEAT_ALERT_NONE || bytes.length == 0) {
        return tls->alert;
    }
    leat_reader reader = leat_reader_of(bytes);
    while (leat_reader_left(&reader) > 0) {
        /* RFC 9001 §4.1.3-3: also what is left over when the level changed under these bytes. */
        if (level != levels[tls->state]) {
            tls->violates_quic = true;
            return fail_with(tls, LEAT_ALERT_UNEXPECTED_MESSAGE,
                             "handshake bytes at the wrong encryption level");
        }
        bool complete;
        int alert = collect(tls, &reader, &complete);
        if (alert == LEAT_ALERT_NONE && complete) {
            alert = on_message(tls, (leat_span){tls->input.data, tls->input.length});
            leat_buffer_clear(&tls->input);
        }
        if (alert != LEAT_ALERT_NONE) {
            return fail(tls, alert);
        }
    }
    return LEAT_ALERT_NONE;
}

bool leat_tls_message_begin(leat_tls *tls, leat_tls_message *message, leat_level level,
                            uint8_t type, size_t room) {
    leat_buffer *output = &tls->output[level];
    if (leat_buffer_reserve(output, HEADER_SIZE + room) != LEAT_OK) {
        return false;
    }
    message->level = level;
    message->mark = output->length;
    message->writer = leat_writer_make(output->data + output->length, HEADER_SIZE + room);
    leat_write_u8(&message->writer, type);
    leat_write_u24(&message->writer, 0);
    return true;
}

int leat_tls_message_close(leat_tls *tls, leat_tls_message *message, leat_span *bytes) {
    leat_buffer *output = &tls->output[message->level];
    size_t length = leat_writer_length(&message->writer);
    uint8_t *start = output->data + message->mark;
    if (message->writer.failed) {
        return leat_fault(&tls->error, LEAT_ALERT_INTERNAL_ERROR, "a message of ours does not fit");
    }
    leat_writer header = leat_writer_make(start + 1, 3);
    leat_write_u24(&header, (uint32_t)(length - HEADER_SIZE));
    output->length += length;
    *bytes = (leat_span){start, length};
    if (tls->hooks.on_message != NULL) {
        tls->hooks.on_message(tls->hooks.user, true, message->level, start[0], length);
    }
    return LEAT_ALERT_NONE;
}

int leat_tls_message_end(leat_tls *tls, leat_tls_message *message) {
    leat_span bytes;
    int alert = leat_tls_message_close(tls, message, &bytes);
    return alert == LEAT_ALERT_NONE ? leat_tls_hash_message(tls, bytes) : alert;
}

leat_span leat_tls_output(const leat_tls *tls, leat_level level) {
    return (leat_span){tls->output[level].data, tls->output[level].length};
}

void leat_tls_output_consume(leat_tls *tls, leat_level level, size_t length) {
    leat_buffer *output = &tls->output[level];
    if (length >= output->length) {
        leat_buffer_clear(output);
    } else {
        leat_buffer_consume(output, length);
    }
}

bool leat_tls_is_complete(const leat_tls *tls) {
    return tls->alert == LEAT_ALERT_NONE &&
           (tls->state == LEAT_CLIENT_DONE || tls->state == LEAT_SERVER_DONE);
}

bool leat_tls_violates_quic(const leat_tls *tls) {
    return tls->alert != LEAT_ALERT_NONE && tls->violates_quic;
}

bool leat_tls_is_resumed(const leat_tls *tls) {
    return tls->resumed;
}

leat_early_data leat_tls_early_data(const leat_tls *tls) {
    return tls->early_data;
}

bool leat_tls_retried(const leat_tls *tls) {
    return tls->retried;
}

leat_span leat_tls_alpn(const leat_tls *tls) {
    return (leat_span){tls->alpn, tls->alpn_length};
}

const char *leat_tls_sni(const leat_tls *tls) {
    return tls->is_client ? NULL : tls->server_name;
}

const leat_cipher_suite *leat_tls_cipher_suite(const leat_tls *tls) {
    return tls->suite;
}

uint16_t leat_tls_group(const leat_tls *tls) {
    return tls->group;
}

const char *leat_tls_error_message(const leat_tls *tls) {
    return tls->error != NULL ? tls->error : "";
}

leat_span leat_tls_peer_certificate(const leat_tls *tls, size_t index) {
    return index < tls->chain_length ? tls->chain[index] : (leat_span){NULL, 0};
}

bool leat_tls_peer_leaf_hash(const leat_tls *tls, uint8_t hash[32]) {
    if (!tls->is_client) {
        memcpy(hash, tls->client.leaf, 32);
        return tls->client.is_known;
    }
    leat_span leaf = leat_tls_peer_certificate(tls, 0);
    return leaf.length > 0 && leat_hash_once(LEAT_HASH_SHA256, leaf.data, leaf.length, hash);
}
