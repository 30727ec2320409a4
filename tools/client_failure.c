/* Sentences about the end of a connection, as rows: see client_failure.h. */
#include "client_failure.h"

#include "base/text.h"
#include <leat/h3.h>

#include <inttypes.h>
#include <string.h>

#define ALERT_NO_APPLICATION_PROTOCOL 120 /* RFC 7301 §3.2 */
#define ALERT_UNRECOGNIZED_NAME 112       /* RFC 6066 §3 */

/* clang-format off */
/* What each source means before and after the handshake; %s is host and port. NULL: told by its
 * code instead. */
static const struct {
    const char *before, *after;
} sentences[] = {
    [LEAT_SOURCE_LOCAL] = {"the connection to %s was given up", "the connection to %s was closed here"},
    [LEAT_SOURCE_IDLE_TIMEOUT] = {"cannot connect to %s: no answer; is a QUIC server running there, and does the "
                                  "network let UDP through?",
                                  "%s fell silent and the connection timed out; is the network still there?"},
    [LEAT_SOURCE_LIVENESS_TIMEOUT] = {"cannot connect to %s: it fell silent", "%s fell silent; is it still there?"},
    [LEAT_SOURCE_HANDSHAKE_TIMEOUT] = {"cannot connect to %s: no answer; is a QUIC server running there, and does the "
                                       "network let UDP through?",
                                       "the handshake with %s was not confirmed in time"},
    [LEAT_SOURCE_STATELESS_RESET] = {"%s does not know this connection; try again",
                                     "%s lost the connection (stateless reset), as after a restart; try again"},
    [LEAT_SOURCE_VERSION_MISMATCH] = {"%s does not speak QUIC version 1", "%s does not speak QUIC version 1"},
    [LEAT_SOURCE_INTERNAL_ERROR] = {"the connection to %s failed here", "the connection to %s failed here"},
};
/* clang-format on */

/* What to try for the alerts of RFC 8446 §6.2 that a certificate leads to; "" for others. */
static const char *advice_for_alert(uint64_t alert) {
    bool is_about_certificates = alert >= 42 && alert <= 48;
    return is_about_certificates
               ? "; to trust it name its root with --cacert or its hash with --cert-hash"
               : "";
}

static const char *meaning_of_peers_alert(uint64_t alert) {
    return alert == ALERT_NO_APPLICATION_PROTOCOL ? ": it does not speak HTTP/3"
           : alert == ALERT_UNRECOGNIZED_NAME     ? ": it does not know this host name"
                                                  : "";
}

static void describe_code(leat_text *text, const leat_event *terminated) {
    uint64_t code = terminated->connection_terminated.error_code;
    bool is_application = terminated->connection_terminated.frame_type == LEAT_FRAME_TYPE_NONE;
    leat_text_printf(
        text, "%s", is_application ? leat_h3_error_name(code) : leat_transport_error_name(code));
    leat_text_printf(text, " (0x%" PRIx64 ")", code);
    if (terminated->connection_terminated.reason_length > 0) {
        leat_text_printf(text, " ");
        leat_text_json(
            text, (leat_span){(const uint8_t *)terminated->connection_terminated.reason_phrase,
                      terminated->connection_terminated.reason_length});
    }
}

/* The server refused the handshake, or we refused the server. */
static void describe_handshake(
    leat_text *text, const leat_event *terminated, const char *authority) {
    uint64_t code = terminated->connection_terminated.error_code;
    bool is_alert = code >= LEAT_CRYPTO_ERROR && code < LEAT_CRYPTO_ERROR + 256;
    bool is_ours = terminated->connection_terminated.source == LEAT_SOURCE_PROTOCOL_ERROR;
    if (is_ours && is_alert) {
        leat_text_printf(text, "the handshake with %s failed: %s%s", authority,
            terminated->connection_terminated.reason_phrase,
            advice_for_alert(code - LEAT_CRYPTO_ERROR));
        return;
    }
    leat_text_printf(
        text, is_ours ? "the handshake with %s failed: " : "%s refused the handshake: ", authority);
    describe_code(text, terminated);
    leat_text_printf(text, "%s", is_alert ? meaning_of_peers_alert(code - LEAT_CRYPTO_ERROR) : "");
}

void client_failure_describe(const leat_event *terminated, bool had_handshake,
    const char *authority, char buffer[CLIENT_FAILURE_MAX]) {
    leat_text text = leat_text_make(buffer, CLIENT_FAILURE_MAX);
    leat_close_source source = terminated->connection_terminated.source;
    bool has_row = (size_t)source < sizeof sentences / sizeof sentences[0];
    const char *sentence = !has_row        ? NULL
                           : had_handshake ? sentences[source].after
                                           : sentences[source].before;
    if (sentence != NULL) {
        const char *place = strstr(sentence, "%s");
        leat_text_printf(
            &text, "%.*s%s%s", (int)(place - sentence), sentence, authority, place + 2);
    } else if (!had_handshake) {
        describe_handshake(&text, terminated, authority);
    } else {
        bool is_ours = source == LEAT_SOURCE_PROTOCOL_ERROR;
        leat_text_printf(
            &text, is_ours ? "%s broke the protocol: " : "%s closed the connection: ", authority);
        describe_code(&text, terminated);
    }
}
