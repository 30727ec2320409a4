/* The row table of transport parameters and the two walks over it: RFC 9000 §7.4 and §18, RFC 9221
 * §3, RFC 9287 §3, RFC 9368 §3. */
#include "quic/conn/transport_params.h"

#include "quic/conn/paths.h"
#include "quic/packet/version.h"

#define ROLE_ANY false
#define SERVER_ONLY true

typedef enum tp_kind {
    TP_INTEGER, TP_FLAG, TP_CID, TP_TOKEN, TP_PREFERRED_ADDRESS, TP_VERSIONS,
} tp_kind;

typedef struct tp_row {
    uint64_t id;
    const char *name;
    tp_kind kind;
    uint64_t min, max, initial; /* TP_INTEGER; `initial` holds when the parameter is absent */
    bool server_only;
    size_t offset;
} tp_row;

#define AT(member) offsetof(leat_transport_params, member)
#define ANY_VALUE 0, LEAT_VARINT_MAX
/* RFC 9000 §18.2: more streams than 2^60 could not be numbered. */
#define STREAM_COUNT_VALUE 0, (UINT64_C(1) << 60)

static const tp_row tp_rows[LEAT_TP_COUNT] = {
    [LEAT_TP_ORIGINAL_DESTINATION_CONNECTION_ID] = {0x00, "original_destination_connection_id", TP_CID, 0, 0, 0, SERVER_ONLY, AT(original_destination_connection_id)},
    [LEAT_TP_MAX_IDLE_TIMEOUT] = {0x01, "max_idle_timeout", TP_INTEGER, ANY_VALUE, 0, ROLE_ANY, AT(max_idle_timeout)},
    [LEAT_TP_STATELESS_RESET_TOKEN] = {0x02, "stateless_reset_token", TP_TOKEN, 0, 0, 0, SERVER_ONLY, AT(stateless_reset_token)},
    [LEAT_TP_MAX_UDP_PAYLOAD_SIZE] = {0x03, "max_udp_payload_size", TP_INTEGER, 1200, LEAT_VARINT_MAX, 65527, ROLE_ANY, AT(max_udp_payload_size)},
    [LEAT_TP_INITIAL_MAX_DATA] = {0x04, "initial_max_data", TP_INTEGER, ANY_VALUE, 0, ROLE_ANY, AT(initial_max_data)},
    [LEAT_TP_INITIAL_MAX_STREAM_DATA_BIDI_LOCAL] = {0x05, "initial_max_stream_data_bidi_local", TP_INTEGER, ANY_VALUE, 0, ROLE_ANY, AT(initial_max_stream_data_bidi_local)},
    [LEAT_TP_INITIAL_MAX_STREAM_DATA_BIDI_REMOTE] = {0x06, "initial_max_stream_data_bidi_remote", TP_INTEGER, ANY_VALUE, 0, ROLE_ANY, AT(initial_max_stream_data_bidi_remote)},
    [LEAT_TP_INITIAL_MAX_STREAM_DATA_UNI] = {0x07, "initial_max_stream_data_uni", TP_INTEGER, ANY_VALUE, 0, ROLE_ANY, AT(initial_max_stream_data_uni)},
    [LEAT_TP_INITIAL_MAX_STREAMS_BIDI] = {0x08, "initial_max_streams_bidi", TP_INTEGER, STREAM_COUNT_VALUE, 0, ROLE_ANY, AT(initial_max_streams_bidi)},
    [LEAT_TP_INITIAL_MAX_STREAMS_UNI] = {0x09, "initial_max_streams_uni", TP_INTEGER, STREAM_COUNT_VALUE, 0, ROLE_ANY, AT(initial_max_streams_uni)},
    [LEAT_TP_ACK_DELAY_EXPONENT] = {0x0a, "ack_delay_exponent", TP_INTEGER, 0, 20, 3, ROLE_ANY, AT(ack_delay_exponent)},
    [LEAT_TP_MAX_ACK_DELAY] = {0x0b, "max_ack_delay", TP_INTEGER, 0, (1 << 14) - 1, 25, ROLE_ANY, AT(max_ack_delay)},
    [LEAT_TP_DISABLE_ACTIVE_MIGRATION] = {0x0c, "disable_active_migration", TP_FLAG, 0, 0, 0, ROLE_ANY, AT(disable_active_migration)},
    [LEAT_TP_PREFERRED_ADDRESS] = {0x0d, "preferred_address", TP_PREFERRED_ADDRESS, 0, 0, 0, SERVER_ONLY, AT(preferred_address)},
    [LEAT_TP_ACTIVE_CONNECTION_ID_LIMIT] = {0x0e, "active_connection_id_limit", TP_INTEGER, 2, LEAT_VARINT_MAX, 2, ROLE_ANY, AT(active_connection_id_limit)},
    [LEAT_TP_INITIAL_SOURCE_CONNECTION_ID] = {0x0f, "initial_source_connection_id", TP_CID, 0, 0, 0, ROLE_ANY, AT(initial_source_connection_id)},
    [LEAT_TP_RETRY_SOURCE_CONNECTION_ID] = {0x10, "retry_source_connection_id", TP_CID, 0, 0, 0, SERVER_ONLY, AT(retry_source_connection_id)},
    [LEAT_TP_MAX_DATAGRAM_FRAME_SIZE] = {0x20, "max_datagram_frame_size", TP_INTEGER, ANY_VALUE, 0, ROLE_ANY, AT(max_datagram_frame_size)},
    /* draft-ietf-quic-reliable-stream-reset-10 §3, and the number that its versions 05 to 07 had:
     * the frame is the same, and peers of both kinds are about. */
    [LEAT_TP_RESET_STREAM_AT] = {0x1d, "reset_stream_at", TP_FLAG, 0, 0, 0, ROLE_ANY, AT(reset_stream_at)},
    [LEAT_TP_RESET_STREAM_AT_07] = {0x17f7586d2cb571, "reset_stream_at of draft 07", TP_FLAG, 0, 0, 0, ROLE_ANY, AT(reset_stream_at)},
    [LEAT_TP_MIN_ACK_DELAY] = {0xff04de1b, "min_ack_delay", TP_INTEGER, ANY_VALUE, 0, ROLE_ANY, AT(min_ack_delay)},
    [LEAT_TP_VERSION_INFORMATION] = {0x11, "version_information", TP_VERSIONS, 0, 0, 0, ROLE_ANY, AT(version_information)},
    [LEAT_TP_GREASE_QUIC_BIT] = {0x2ab2, "grease_quic_bit", TP_FLAG, 0, 0, 0, ROLE_ANY, AT(grease_quic_bit)},
};

const char *leat_transport_params_name(leat_tp tp) { return tp_rows[tp].name; }

static void *member_of(leat_transport_params *params, const tp_row *row) {
    return (char *)params + row->offset;
}
static const void *value_of(const leat_transport_params *params, const tp_row *row) {
    return (const char *)params + row->offset;
}

void leat_transport_params_default(leat_transport_params *params) {
    *params = (leat_transport_params){0};
    for (size_t i = 0; i < LEAT_TP_COUNT; i++) {
        if (tp_rows[i].kind == TP_INTEGER) {
            *(uint64_t *)member_of(params, &tp_rows[i]) = tp_rows[i].initial;
        }
    }
}

static bool read_value(leat_transport_params *params, const tp_row *row, leat_span bytes) {
    leat_reader value = leat_reader_of(bytes);
    void *member = member_of(params, row);
    switch (row->kind) {
    case TP_INTEGER: {
        uint64_t integer = leat_read_varint(&value);
        *(uint64_t *)member = integer;
        return leat_reader_at_end(&value) && integer >= row->min && integer <= row->max;
    }
    case TP_FLAG:
        *(bool *)member = true;
        return bytes.length == 0;
    case TP_CID:
        return leat_cid_from_span(member, bytes);
    case TP_TOKEN:
        leat_read_copy(&value, member, sizeof params->stateless_reset_token);
        return leat_reader_at_end(&value);
    case TP_PREFERRED_ADDRESS:
        return leat_preferred_address_parse(&value, member);
    case TP_VERSIONS:
        *(leat_span *)member = bytes;
        return leat_version_information_parse(&(leat_version_information){0}, bytes);
    }
    return false;
}

static leat_tp find_row(uint64_t id) {
    leat_tp tp = 0;
    while (tp < LEAT_TP_COUNT && tp_rows[tp].id != id) {
        tp++;
    }
    return tp;
}

const char *leat_transport_params_parse(leat_transport_params *params, leat_span encoded,
                                        bool from_client) {
    leat_transport_params_default(params);
    leat_reader reader = leat_reader_of(encoded);
    while (leat_reader_left(&reader) > 0) {
        uint64_t id = leat_read_varint(&reader);
        leat_span value = leat_read_vector_varint(&reader);
        if (reader.failed) {
            return "truncated transport parameters";
        }
        leat_tp tp = find_row(id);
        if (tp == LEAT_TP_COUNT) {
            /* RFC 9000 §7.4.2: unknown ones are ignored, reserved ones exist to test that. */
            continue;
        }
        if (tp_rows[tp].server_only && from_client) {
            return "a client sent a server's transport parameter";
        }
        /* RFC 9000 §7.4: the same parameter twice has no meaning. */
        if (leat_transport_params_has(params, tp)) {
            return "duplicate transport parameter";
        }
        if (!read_value(params, &tp_rows[tp], value)) {
            return tp_rows[tp].name;
        }
        params->present |= UINT32_C(1) << tp;
    }
    /* draft-ietf-quic-ack-frequency §3: microseconds against milliseconds. */
    bool is_reversed = params->min_ack_delay > params->max_ack_delay * 1000;
    return is_reversed ? tp_rows[LEAT_TP_MIN_ACK_DELAY].name : NULL;
}

static void write_value(leat_writer *writer, const tp_row *row, const void *value) {
    leat_write_varint(writer, row->id);
    switch (row->kind) {
    case TP_INTEGER:
        leat_write_varint(writer, leat_varint_size(*(const uint64_t *)value));
        leat_write_varint(writer, *(const uint64_t *)value);
        break;
    case TP_CID:
        leat_write_varint(writer, ((const leat_cid *)value)->length);
        leat_write_bytes(writer, ((const leat_cid *)value)->bytes,
                         ((const leat_cid *)value)->length);
        break;
    case TP_TOKEN:
        leat_write_varint(writer, 16);
        leat_write_bytes(writer, value, 16);
        break;
    case TP_VERSIONS:
        leat_write_varint(writer, ((const leat_span *)value)->length);
        leat_write_bytes(writer, ((const leat_span *)value)->data,
                         ((const leat_span *)value)->length);
        break;
    case TP_FLAG:
        leat_write_varint(writer, 0);
        break;
    case TP_PREFERRED_ADDRESS:
        leat_preferred_address_write(writer, value);
        break;
    }
}

void leat_transport_params_write(leat_writer *writer, const leat_transport_params *params) {
    for (leat_tp tp = 0; tp < LEAT_TP_COUNT; tp++) {
        const tp_row *row = &tp_rows[tp];
        const void *value = value_of(params, row);
        bool differs = row->kind == TP_INTEGER && *(const uint64_t *)value != row->initial;
        if (differs || leat_transport_params_has(params, tp)) {
            write_value(writer, row, value);
        }
    }
}

/* RFC 9000 §7.4.1, RFC 9221 §3: the limits under which 0-RTT packets are sent. */
static const leat_tp remembered[] = {
    LEAT_TP_INITIAL_MAX_DATA,
    LEAT_TP_INITIAL_MAX_STREAM_DATA_BIDI_LOCAL,
    LEAT_TP_INITIAL_MAX_STREAM_DATA_BIDI_REMOTE,
    LEAT_TP_INITIAL_MAX_STREAM_DATA_UNI,
    LEAT_TP_INITIAL_MAX_STREAMS_BIDI,
    LEAT_TP_INITIAL_MAX_STREAMS_UNI,
    LEAT_TP_ACTIVE_CONNECTION_ID_LIMIT,
    LEAT_TP_MAX_DATAGRAM_FRAME_SIZE,
};
#define REMEMBERED (sizeof remembered / sizeof remembered[0])

void leat_transport_params_write_remembered(leat_writer *writer,
                                            const leat_transport_params *params) {
    for (size_t i = 0; i < REMEMBERED; i++) {
        const tp_row *row = &tp_rows[remembered[i]];
        write_value(writer, row, value_of(params, row));
    }
}

const char *leat_transport_params_reduced(const leat_transport_params *now,
                                          const leat_transport_params *then) {
    for (size_t i = 0; i < REMEMBERED; i++) {
        const tp_row *row = &tp_rows[remembered[i]];
        if (*(const uint64_t *)value_of(now, row) < *(const uint64_t *)value_of(then, row)) {
            return row->name;
        }
    }
    return NULL;
}
