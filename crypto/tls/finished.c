/*
 * RFC 8446 §4.4.4: Finished, the message that proves the handshake; only its verification completes
 * one (RFC 9001 §4.1.1). Here are also the secrets that appear with it.
 */
#include "crypto/tls/handshake.h"

int leat_finished_parse(leat_span body, size_t hash_size, leat_span *verify_data,
                        const char **why) {
    leat_reader reader = leat_reader_of(body);
    *verify_data = leat_read_bytes(&reader, hash_size);
    return leat_reader_at_end(&reader) ? LEAT_ALERT_NONE
                                       : leat_fault_decode(why, "Finished has the wrong length");
}

/* Compares with what the peer must have computed over the messages before this one, then counts it
 * in. */
static int verify(leat_tls *tls, leat_span message, const uint8_t *base_secret) {
    leat_tls_handshake *handshake = tls->handshake;
    uint8_t digest[LEAT_HASH_MAX], expected[LEAT_HASH_MAX];
    leat_span verify_data;
    size_t size = leat_hash_size(tls->suite->hash);
    int alert = leat_finished_parse(leat_tls_body(message), size, &verify_data, &tls->error);
    if (alert != LEAT_ALERT_NONE) {
        return alert;
    }
    if (!leat_transcript_hash(&handshake->transcript, digest) ||
        !leat_finished_mac(tls->suite->hash, base_secret, digest, expected)) {
        return leat_fault_memory(&tls->error);
    }
    bool equal = leat_constant_time_equal(verify_data.data, expected, size);
    leat_wipe(expected, sizeof expected);
    if (!equal) {
        return leat_fault(&tls->error, LEAT_ALERT_DECRYPT_ERROR, "Finished does not verify");
    }
    return leat_tls_hash_message(tls, message);
}

int leat_tls_send_finished(leat_tls *tls, leat_level level, const uint8_t *base_secret) {
    uint8_t digest[LEAT_HASH_MAX], mac[LEAT_HASH_MAX];
    leat_tls_message message;
    if (!leat_transcript_hash(&tls->handshake->transcript, digest) ||
        !leat_finished_mac(tls->suite->hash, base_secret, digest, mac) ||
        !leat_tls_message_begin(tls, &message, level, LEAT_FINISHED, LEAT_HASH_MAX)) {
        return leat_fault_memory(&tls->error);
    }
    leat_write_bytes(&message.writer, mac, leat_hash_size(tls->suite->hash));
    return leat_tls_message_end(tls, &message);
}

/* The client's last flight: who it is, if that was asked (RFC 8446 §4.4.2), then Finished. */
static int send_client_flight(leat_tls *tls) {
    leat_tls_handshake *handshake = tls->handshake;
    int alert = leat_tls_answer_certificate_request(tls);
    if (alert == LEAT_ALERT_NONE) {
        alert =
            leat_tls_send_finished(tls, LEAT_LEVEL_HANDSHAKE, handshake->client_handshake_secret);
    }
    if (alert == LEAT_ALERT_NONE) {
        alert = leat_tls_keep_client(tls);
    }
    return alert == LEAT_ALERT_NONE ? leat_tls_derive_resumption_secret(tls) : alert;
}

int leat_tls_on_server_finished(leat_tls *tls, leat_span message) {
    leat_tls_handshake *handshake = tls->handshake;
    int alert = verify(tls, message, handshake->server_handshake_secret);
    if (alert == LEAT_ALERT_NONE) {
        alert = leat_tls_derive_application_secrets(tls);
    }
    if (alert == LEAT_ALERT_NONE) {
        alert = send_client_flight(tls);
    }
    if (alert == LEAT_ALERT_NONE) {
        leat_tls_give_secret(tls, LEAT_LEVEL_APPLICATION, false,
                             handshake->server_application_secret);
        leat_tls_give_secret(tls, LEAT_LEVEL_APPLICATION, true,
                             handshake->client_application_secret);
    }
    return alert;
}

int leat_tls_on_client_finished(leat_tls *tls, leat_span message) {
    leat_tls_handshake *handshake = tls->handshake;
    int alert = verify(tls, message, handshake->client_handshake_secret);
    if (alert == LEAT_ALERT_NONE) {
        alert = leat_tls_keep_client(tls);
    }
    if (alert == LEAT_ALERT_NONE) {
        alert = leat_tls_derive_resumption_secret(tls);
    }
    if (alert == LEAT_ALERT_NONE) {
        /* RFC 9001 §5.7-2: the server may not read 1-RTT packets before this moment. */
        leat_tls_give_secret(tls, LEAT_LEVEL_APPLICATION, false,
                             handshake->client_application_secret);
        alert = leat_tls_send_new_session_tickets(tls);
    }
    return alert;
}
