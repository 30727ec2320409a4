/*
 * Names of what can end a connection: the transport error codes of RFC 9000 §20.1 with the TLS
 * alerts of RFC 9001 §4.8 behind CRYPTO_ERROR, and the sources of ConnectionTerminated. One row
 * each; the names are static.
 */
#include <leat/quic.h>

typedef struct error_row {
    uint64_t code;
    const char *name;
} error_row;

static const error_row error_rows[] = {
    {LEAT_NO_ERROR, "NO_ERROR"},
    {LEAT_INTERNAL_ERROR, "INTERNAL_ERROR"},
    {LEAT_CONNECTION_REFUSED, "CONNECTION_REFUSED"},
    {LEAT_FLOW_CONTROL_ERROR, "FLOW_CONTROL_ERROR"},
    {LEAT_STREAM_LIMIT_ERROR, "STREAM_LIMIT_ERROR"},
    {LEAT_STREAM_STATE_ERROR, "STREAM_STATE_ERROR"},
    {LEAT_FINAL_SIZE_ERROR, "FINAL_SIZE_ERROR"},
    {LEAT_FRAME_ENCODING_ERROR, "FRAME_ENCODING_ERROR"},
    {LEAT_TRANSPORT_PARAMETER_ERROR, "TRANSPORT_PARAMETER_ERROR"},
    {LEAT_CONNECTION_ID_LIMIT_ERROR, "CONNECTION_ID_LIMIT_ERROR"},
    {LEAT_PROTOCOL_VIOLATION, "PROTOCOL_VIOLATION"},
    {LEAT_INVALID_TOKEN, "INVALID_TOKEN"},
    {LEAT_APPLICATION_ERROR, "APPLICATION_ERROR"},
    {LEAT_CRYPTO_BUFFER_EXCEEDED, "CRYPTO_BUFFER_EXCEEDED"},
    {LEAT_KEY_UPDATE_ERROR, "KEY_UPDATE_ERROR"},
    {LEAT_AEAD_LIMIT_REACHED, "AEAD_LIMIT_REACHED"},
    {LEAT_NO_VIABLE_PATH, "NO_VIABLE_PATH"},
    {LEAT_VERSION_NEGOTIATION_ERROR, "VERSION_NEGOTIATION_ERROR"},
    /* RFC 9001 §4.8: the alert stands in the low byte. */
    {LEAT_CRYPTO_ERROR + 10, "CRYPTO_ERROR unexpected_message"},
    {LEAT_CRYPTO_ERROR + 20, "CRYPTO_ERROR bad_record_mac"},
    {LEAT_CRYPTO_ERROR + 40, "CRYPTO_ERROR handshake_failure"},
    {LEAT_CRYPTO_ERROR + 42, "CRYPTO_ERROR bad_certificate"},
    {LEAT_CRYPTO_ERROR + 43, "CRYPTO_ERROR unsupported_certificate"},
    {LEAT_CRYPTO_ERROR + 44, "CRYPTO_ERROR certificate_revoked"},
    {LEAT_CRYPTO_ERROR + 45, "CRYPTO_ERROR certificate_expired"},
    {LEAT_CRYPTO_ERROR + 46, "CRYPTO_ERROR certificate_unknown"},
    {LEAT_CRYPTO_ERROR + 47, "CRYPTO_ERROR illegal_parameter"},
    {LEAT_CRYPTO_ERROR + 48, "CRYPTO_ERROR unknown_ca"},
    {LEAT_CRYPTO_ERROR + 49, "CRYPTO_ERROR access_denied"},
    {LEAT_CRYPTO_ERROR + 50, "CRYPTO_ERROR decode_error"},
    {LEAT_CRYPTO_ERROR + 51, "CRYPTO_ERROR decrypt_error"},
    {LEAT_CRYPTO_ERROR + 70, "CRYPTO_ERROR protocol_version"},
    {LEAT_CRYPTO_ERROR + 71, "CRYPTO_ERROR insufficient_security"},
    {LEAT_CRYPTO_ERROR + 80, "CRYPTO_ERROR internal_error"},
    {LEAT_CRYPTO_ERROR + 90, "CRYPTO_ERROR user_canceled"},
    {LEAT_CRYPTO_ERROR + 109, "CRYPTO_ERROR missing_extension"},
    {LEAT_CRYPTO_ERROR + 110, "CRYPTO_ERROR unsupported_extension"},
    {LEAT_CRYPTO_ERROR + 112, "CRYPTO_ERROR unrecognized_name"},
    {LEAT_CRYPTO_ERROR + 113, "CRYPTO_ERROR bad_certificate_status_response"},
    {LEAT_CRYPTO_ERROR + 115, "CRYPTO_ERROR unknown_psk_identity"},
    {LEAT_CRYPTO_ERROR + 116, "CRYPTO_ERROR certificate_required"},
    {LEAT_CRYPTO_ERROR + 120, "CRYPTO_ERROR no_application_protocol"},
};

const char *leat_transport_error_name(uint64_t code) {
    for (size_t i = 0; i < sizeof error_rows / sizeof error_rows[0]; i++) {
        if (error_rows[i].code == code) {
            return error_rows[i].name;
        }
    }
    return code >= LEAT_CRYPTO_ERROR && code <= LEAT_CRYPTO_ERROR + 0xff ? "CRYPTO_ERROR"
                                                                         : "unknown";
}

const char *leat_close_source_name(leat_close_source source) {
    static const char *const names[] = {
        [LEAT_SOURCE_LOCAL] = "local",
        [LEAT_SOURCE_PEER_TRANSPORT] = "peer_transport",
        [LEAT_SOURCE_PEER_APPLICATION] = "peer_application",
        [LEAT_SOURCE_IDLE_TIMEOUT] = "idle_timeout",
        [LEAT_SOURCE_LIVENESS_TIMEOUT] = "liveness_timeout",
        [LEAT_SOURCE_HANDSHAKE_TIMEOUT] = "handshake_timeout",
        [LEAT_SOURCE_STATELESS_RESET] = "stateless_reset",
        [LEAT_SOURCE_VERSION_MISMATCH] = "version_mismatch",
        [LEAT_SOURCE_PROTOCOL_ERROR] = "protocol_error",
        [LEAT_SOURCE_REFUSED] = "refused",
        [LEAT_SOURCE_INTERNAL_ERROR] = "internal_error",
        [LEAT_SOURCE_REQUEST_TIMEOUT] = "request_timeout",
    };
    return (size_t)source < sizeof names / sizeof names[0] ? names[source] : "unknown";
}
