/* RFC 8446 §4.3.1: EncryptedExtensions, where QUIC finds the server's protocol and transport
 * parameters. */
#include "crypto/tls/handshake.h"

/* RFC 9000 §18: ours are a few hundred bytes. */
#define TRANSPORT_PARAMETERS_ROOM 2048

int leat_encrypted_extensions_parse(leat_span body, uint32_t offered, leat_extensions *extensions,
                                    const char **why) {
    leat_reader reader = leat_reader_of(body);
    leat_span list = leat_read_vector16(&reader);
    if (!leat_reader_at_end(&reader)) {
        return leat_fault_decode(why, "EncryptedExtensions is malformed");
    }
    return leat_extensions_parse(LEAT_IN_ENCRYPTED_EXTENSIONS, list, offered, extensions, why);
}

void leat_encrypted_extensions_write(const leat_extensions *extensions, leat_writer *writer) {
    leat_extensions_write(LEAT_IN_ENCRYPTED_EXTENSIONS, extensions, writer);
}

int leat_tls_on_encrypted_extensions(leat_tls *tls, leat_span message) {
    leat_tls_handshake *handshake = tls->handshake;
    leat_extensions extensions;
    int alert = leat_encrypted_extensions_parse(leat_tls_body(message), handshake->offered,
                                                &extensions, &tls->error);
    if (alert != LEAT_ALERT_NONE) {
        return alert;
    }
    handshake->turn = handshake->with_psk ? LEAT_TURN_SHORTER : LEAT_TURN_STRAIGHT;
    leat_reader name = leat_reader_of(extensions.protocols);
    leat_span protocol = leat_read_vector8(&name);
    leat_span ours = {handshake->alpn.data, handshake->alpn.length};
    if (!leat_protocol_list_contains(ours, protocol)) { /* RFC 9001 §8.1-6 */
        return leat_fault(&tls->error, LEAT_ALERT_NO_APPLICATION_PROTOCOL,
                          "the server chose a protocol not offered");
    }
    alert = leat_early_data_on_answer(tls, &extensions, protocol);
    if (alert == LEAT_ALERT_NONE) {
        alert = leat_tls_hash_message(tls, message);
    }
    if (alert == LEAT_ALERT_NONE) {
        alert = leat_tls_set_alpn(tls, protocol);
    }
    return alert == LEAT_ALERT_NONE
               ? leat_tls_give_transport_parameters(tls, extensions.transport_parameters)
               : alert;
}

int leat_tls_send_encrypted_extensions(leat_tls *tls) {
    leat_tls_message message;
    uint8_t parameters[TRANSPORT_PARAMETERS_ROOM], protocol[1 + 255];
    size_t length =
        tls->hooks.write_transport_parameters == NULL
            ? 0
            : tls->hooks.write_transport_parameters(tls->hooks.user, parameters, sizeof parameters);
    if (length == 0 || length > sizeof parameters) {
        return leat_fault(&tls->error, LEAT_ALERT_INTERNAL_ERROR,
                          "our transport parameters could not be written");
    }
    protocol[0] = (uint8_t)tls->alpn_length;
    memcpy(protocol + 1, tls->alpn, tls->alpn_length);
    leat_extensions extensions = {
        .present = LEAT_HAS_ALPN | LEAT_HAS_TRANSPORT_PARAMETERS,
        .protocols = {protocol, 1 + tls->alpn_length},
        .transport_parameters = {parameters, length},
    };
    /* RFC 6066 §3: says that the name chose the certificate. */
    if (tls->handshake->name_matched && !tls->handshake->with_psk) {
        extensions.present |= LEAT_HAS_SERVER_NAME;
    }
    if (tls->early_data == LEAT_EARLY_DATA_ACCEPTED) {
        extensions.present |= LEAT_HAS_EARLY_DATA;
    }
    if (!leat_tls_message_begin(tls, &message, LEAT_LEVEL_HANDSHAKE, LEAT_ENCRYPTED_EXTENSIONS,
                                512 + length)) {
        return leat_fault_memory(&tls->error);
    }
    leat_encrypted_extensions_write(&extensions, &message.writer);
    return leat_tls_message_end(tls, &message);
}
