/* The two lists of names, in the order of the codes. */
#include "qlog/error_names.h"

#include <stddef.h>

#define COUNT(names) (sizeof(names) / sizeof((names)[0]))
#define HTTP3_FIRST 0x100

static const char *const transport_errors[] = {
    "no_error", "internal_error", "connection_refused", "flow_control_error", "stream_limit_error", "stream_state_error",
    "final_size_error", "frame_encoding_error", "transport_parameter_error", "connection_id_limit_error",
    "protocol_violation", "invalid_token", "application_error", "crypto_buffer_exceeded", "key_update_error",
    "aead_limit_reached", "no_viable_path",
};

static const char *const http3_errors[] = {
    "http_no_error", "http_general_protocol_error", "http_internal_error", "http_stream_creation_error",
    "http_closed_critical_stream", "http_frame_unexpected", "http_frame_error", "http_excessive_load", "http_id_error",
    "http_settings_error", "http_missing_settings", "http_request_rejected", "http_request_cancelled",
    "http_request_incomplete", NULL /* H3_MESSAGE_ERROR: the draft has no name for it */, "http_connect_error",
    "http_version_fallback",
};

const char *leat_qlog_transport_error(uint64_t code) {
    return code < COUNT(transport_errors) ? transport_errors[code] : NULL;
}

const char *leat_qlog_http3_error(uint64_t code) {
    return code >= HTTP3_FIRST && code - HTTP3_FIRST < COUNT(http3_errors)
               ? http3_errors[code - HTTP3_FIRST]
               : NULL;
}
