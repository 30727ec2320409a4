/*
 * Names of the alerts (RFC 8446 §6) and the mapping of certificate faults to alerts (RFC 8446
 * §4.4.2.4, §6.2).
 */
#include "crypto/tls/alert.h"

static const struct {
    int alert;
    const char *name;
} alert_names[] = {
    {LEAT_ALERT_UNEXPECTED_MESSAGE, "unexpected_message"},
    {LEAT_ALERT_HANDSHAKE_FAILURE, "handshake_failure"},
    {LEAT_ALERT_BAD_CERTIFICATE, "bad_certificate"},
    {LEAT_ALERT_UNSUPPORTED_CERTIFICATE, "unsupported_certificate"},
    {LEAT_ALERT_CERTIFICATE_REVOKED, "certificate_revoked"},
    {LEAT_ALERT_CERTIFICATE_EXPIRED, "certificate_expired"},
    {LEAT_ALERT_CERTIFICATE_UNKNOWN, "certificate_unknown"},
    {LEAT_ALERT_ILLEGAL_PARAMETER, "illegal_parameter"},
    {LEAT_ALERT_UNKNOWN_CA, "unknown_ca"},
    {LEAT_ALERT_ACCESS_DENIED, "access_denied"},
    {LEAT_ALERT_DECODE_ERROR, "decode_error"},
    {LEAT_ALERT_DECRYPT_ERROR, "decrypt_error"},
    {LEAT_ALERT_PROTOCOL_VERSION, "protocol_version"},
    {LEAT_ALERT_INSUFFICIENT_SECURITY, "insufficient_security"},
    {LEAT_ALERT_INTERNAL_ERROR, "internal_error"},
    {LEAT_ALERT_MISSING_EXTENSION, "missing_extension"},
    {LEAT_ALERT_UNSUPPORTED_EXTENSION, "unsupported_extension"},
    {LEAT_ALERT_UNRECOGNIZED_NAME, "unrecognized_name"},
    {LEAT_ALERT_UNKNOWN_PSK_IDENTITY, "unknown_psk_identity"},
    {LEAT_ALERT_CERTIFICATE_REQUIRED, "certificate_required"},
    {LEAT_ALERT_NO_APPLICATION_PROTOCOL, "no_application_protocol"},
};

const char *leat_alert_name(int alert) {
    for (size_t i = 0; i < sizeof alert_names / sizeof alert_names[0]; i++) {
        if (alert_names[i].alert == alert) {
            return alert_names[i].name;
        }
    }
    return alert == LEAT_ALERT_NONE ? "none" : "unknown";
}

int leat_alert_of_x509(leat_x509_status status) {
    static const int alerts[] = {
        [LEAT_X509_OK] = LEAT_ALERT_NONE,
        [LEAT_X509_MALFORMED] = LEAT_ALERT_BAD_CERTIFICATE,
        [LEAT_X509_UNSUPPORTED] = LEAT_ALERT_UNSUPPORTED_CERTIFICATE,
        [LEAT_X509_REVOKED] = LEAT_ALERT_CERTIFICATE_REVOKED,
        [LEAT_X509_EXPIRED] = LEAT_ALERT_CERTIFICATE_EXPIRED,
        [LEAT_X509_UNKNOWN_CA] = LEAT_ALERT_UNKNOWN_CA,
        [LEAT_X509_NAME] = LEAT_ALERT_BAD_CERTIFICATE,
        [LEAT_X509_PURPOSE] = LEAT_ALERT_UNSUPPORTED_CERTIFICATE,
        [LEAT_X509_INTERNAL] = LEAT_ALERT_INTERNAL_ERROR,
    };
    /* A status that this table does not know is a refusal, never an acceptance. */
    return (size_t)status < sizeof alerts / sizeof alerts[0] ? alerts[status]
                                                             : LEAT_ALERT_INTERNAL_ERROR;
}
