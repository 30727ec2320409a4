/*
 * What stands in HTTP/3 frames for `leat decode`: RFC 9114 §7.2, settings by rows, field sections
 * through the QPACK decoder of each direction (RFC 9204), capsules (RFC 9297 §3).
 */
#include "h3/frames.h"
#include "h3/qpack_table.h"
#include "h3/settings.h"
#include "decode.h"

#include "webtransport/dialect.h"

typedef struct payload_context {
    decode_state *decoder;
    decode_connection *connection;
    decode_sender sender;
    decode_stream *stream;
    const char *section;
} payload_context;

typedef void show_payload(const payload_context *context, leat_reader *payload);

/* ---- settings ----------------------------------------------------------------------- */

static const struct {
    uint64_t id;
    const char *name, *section;
} settings[] = {
    {LEAT_H3_SETTING_QPACK_MAX_TABLE_CAPACITY, "QPACK_MAX_TABLE_CAPACITY", "RFC 9204 §5"},
    {LEAT_H3_SETTING_MAX_FIELD_SECTION_SIZE, "MAX_FIELD_SECTION_SIZE", "RFC 9114 §7.2.4.1"},
    {LEAT_H3_SETTING_QPACK_BLOCKED_STREAMS, "QPACK_BLOCKED_STREAMS", "RFC 9204 §5"},
    {LEAT_H3_SETTING_ENABLE_CONNECT_PROTOCOL, "ENABLE_CONNECT_PROTOCOL", "RFC 9220 §3"},
    {LEAT_H3_SETTING_H3_DATAGRAM, "H3_DATAGRAM", "RFC 9297 §2.1.1"},
    {0xffd277, "H3_DATAGRAM (draft-04)", "draft-ietf-webtrans-http3-02 §3.1"},
    {0x2b603742, "ENABLE_WEBTRANSPORT", "draft-ietf-webtrans-http3-02 §8.2"},
    {0xc671706a, "WEBTRANSPORT_MAX_SESSIONS", "draft-ietf-webtrans-http3-07 §8.2"},
};

/* RFC 9204 §3.2.3: how this side's peer may compress follows from this side's settings. */
static void on_table_capacity(const payload_context *context, uint64_t capacity) {
    decode_side *side = &context->connection->sides[context->sender];
    decode_side *peer = &context->connection->sides[1 - context->sender];
    side->table_capacity =
        capacity < LEAT_QPACK_CAPACITY_MAX ? capacity : LEAT_QPACK_CAPACITY_MAX;
    if (peer->qpack != NULL && leat_qpack_decoder_insert_count(peer->qpack) == 0) {
        leat_qpack_decoder_free(peer->qpack);
        peer->qpack = NULL;
    }
}

static void show_settings(const payload_context *context, leat_reader *payload) {
    output *out = &context->decoder->out;
    while (leat_reader_left(payload) > 0) {
        char name[48];
        uint64_t id = leat_read_varint(payload), value = leat_read_varint(payload);
        const char *section = "RFC 9114 §7.2.4.1";
        snprintf(name, sizeof name, "setting 0x%llx", (unsigned long long)id);
        for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
            if (settings[i].id == id) {
                snprintf(name, sizeof name, "%s", settings[i].name);
                section = settings[i].section;
            }
        }
        if (payload->failed) {
            return;
        }
        show_number(out, name, section, value);
        if (id == LEAT_H3_SETTING_QPACK_MAX_TABLE_CAPACITY) {
            on_table_capacity(context, value);
        }
    }
}

/* ---- field sections ----------------------------------------------------------------- */

#define BLOCKED_STREAMS 128
#define FIELD_SECTION_SIZE ((size_t)256 * 1024)

static leat_qpack_decoder *qpack_of(
    decode_state *decoder, decode_connection *connection, decode_sender sender) {
    decode_side *side = &connection->sides[sender];
    if (side->qpack == NULL) {
        side->qpack = leat_qpack_decoder_new(decoder->allocator,
            connection->sides[1 - sender].table_capacity, BLOCKED_STREAMS, FIELD_SECTION_SIZE);
    }
    return side->qpack;
}

/* The answers that a decoder has for the encoder are of no use here. */
static void drop_answers(leat_qpack_decoder *qpack) {
    leat_qpack_decoder_consume(qpack, leat_qpack_decoder_output(qpack).length);
}

static void show_section(output *out, const leat_qpack_section *section, decode_stream *stream) {
    show_number(out, "required_insert_count", "RFC 9204 §4.5.1.1",
                section->required_insert_count);
    for (size_t i = 0; i < section->count; i++) {
        const leat_h3_header *header = &section->headers[i];
        bool is_pseudo = header->name.length > 0 && header->name.data[0] == ':';
        show_pair(out, "field", is_pseudo ? "RFC 9114 §4.3" : "RFC 9114 §4.2", header->name,
                  header->value);
        /* RFC 9220 §3: the content of an extended CONNECT is capsules. */
        if (leat_span_is(header->name, ":protocol")) {
            stream->has_capsules = true;
        }
    }
}

void decode_field_section(decode_state *decoder, decode_connection *connection,
                          decode_sender sender, decode_stream *stream, leat_span bytes) {
    output *out = &decoder->out;
    leat_qpack_section section;
    leat_qpack_decoder *qpack = qpack_of(decoder, connection, sender);
    int result = qpack == NULL
                     ? LEAT_ERR_NOMEM
                     : leat_qpack_decode(qpack, stream->id, bytes, &section);
    if (result == 0) {
        show_section(out, &section, stream);
    } else if (result == LEAT_QPACK_BLOCKED) {
        show(out, "blocked", "RFC 9204 §2.2.1", "until %llu insertions were seen",
             (unsigned long long)section.required_insert_count);
        leat_buffer_clear(&stream->blocked);
        if (leat_buffer_append(&stream->blocked, bytes.data, bytes.length) != 0) {
            show(out, "not_followed", NULL, "no memory for it");
        }
    } else if (result == LEAT_QPACK_TOO_LARGE) {
        show(out, "not_followed", NULL, "a field section of more than %zu bytes",
             FIELD_SECTION_SIZE);
    } else {
        show(out, "fault", "RFC 9204 §6", "the field section cannot be decoded%s",
             connection->sides[1 - sender].table_capacity == 0
                 ? " (no dynamic table was allowed, or its SETTINGS were not seen)" : "");
        show_hex(out, "encoded_field_section", "RFC 9204 §4.5", bytes);
    }
    if (qpack != NULL) {
        drop_answers(qpack);
    }
}

void decode_qpack_encoder_stream(
    decode_state *decoder, decode_connection *connection, decode_sender sender, leat_span bytes) {
    output *out = &decoder->out;
    uint64_t stream_id;
    leat_qpack_decoder *qpack = qpack_of(decoder, connection, sender);
    show_hex(out, "encoder_instructions", "RFC 9204 §4.3", bytes);
    if (qpack == NULL || leat_qpack_decoder_read_encoder_stream(qpack, bytes) != 0) {
        show(out, "fault", "RFC 9204 §6", "the instructions cannot be followed");
        return;
    }
    show_number(out, "insert_count", "RFC 9204 §2.1.4", leat_qpack_decoder_insert_count(qpack));
    while (leat_qpack_decoder_next_unblocked(qpack, &stream_id)) {
        decode_stream *stream = decode_stream_of(&connection->sides[sender], stream_id);
        if (stream == NULL || stream->blocked.length == 0) {
            continue;
        }
        show(out, "unblocked", "RFC 9204 §2.2.1", "the field section of stream %llu",
             (unsigned long long)stream_id);
        leat_buffer section = stream->blocked;
        leat_buffer_init(&stream->blocked, decoder->allocator, DECODE_MESSAGE_MAX);
        show_inner(out);
        decode_field_section(
            decoder, connection, sender, stream, (leat_span){section.data, section.length});
        show_outer(out);
        leat_buffer_clear(&section);
    }
    drop_answers(qpack);
}

/* ---- the frames --------------------------------------------------------------------- */

static void show_field_section(const payload_context *context, leat_reader *payload) {
    leat_span section = leat_read_rest(payload);
    decode_field_section(context->decoder, context->connection, context->sender, context->stream,
                         section);
}

static void show_push_promise(const payload_context *context, leat_reader *payload) {
    show_number(&context->decoder->out, "push_id", context->section, leat_read_varint(payload));
    show_field_section(context, payload);
}

static void show_id(const payload_context *context, leat_reader *payload) {
    show_number(&context->decoder->out, "id", context->section, leat_read_varint(payload));
}

static void show_priority(const payload_context *context, leat_reader *payload) {
    output *out = &context->decoder->out;
    show_number(out, "prioritized_element_id", context->section, leat_read_varint(payload));
    show_text(out, "priority_field_value", context->section, leat_read_rest(payload));
}

static const struct {
    uint64_t type;
    const char *name, *section;
    show_payload *show;
} h3_frames[] = {
    {LEAT_H3_FRAME_DATA, "DATA", "RFC 9114 §7.2.1", NULL},
    {LEAT_H3_FRAME_HEADERS, "HEADERS", "RFC 9114 §7.2.2", show_field_section},
    {LEAT_H3_FRAME_CANCEL_PUSH, "CANCEL_PUSH", "RFC 9114 §7.2.3", show_id},
    {LEAT_H3_FRAME_SETTINGS, "SETTINGS", "RFC 9114 §7.2.4", show_settings},
    {LEAT_H3_FRAME_PUSH_PROMISE, "PUSH_PROMISE", "RFC 9114 §7.2.5", show_push_promise},
    {LEAT_H3_FRAME_GOAWAY, "GOAWAY", "RFC 9114 §7.2.6", show_id},
    {LEAT_H3_FRAME_MAX_PUSH_ID, "MAX_PUSH_ID", "RFC 9114 §7.2.7", show_id},
    {LEAT_H3_FRAME_PRIORITY_UPDATE_REQUEST, "PRIORITY_UPDATE", "RFC 9218 §7.2", show_priority},
    {LEAT_H3_FRAME_PRIORITY_UPDATE_PUSH, "PRIORITY_UPDATE", "RFC 9218 §7.2", show_priority},
};
#define H3_FRAMES (sizeof h3_frames / sizeof h3_frames[0])

const char *decode_h3_frame_name(uint64_t type, const char **section) {
    *section = "RFC 9114 §7.2.8";
    for (size_t i = 0; i < H3_FRAMES; i++) {
        if (h3_frames[i].type == type) {
            *section = h3_frames[i].section;
            return h3_frames[i].name;
        }
    }
    return NULL;
}

void decode_h3_payload(decode_state *decoder, decode_connection *connection, decode_sender sender,
                       decode_stream *stream, leat_span payload) {
    leat_reader reader = leat_reader_of(payload);
    payload_context context = {decoder, connection, sender, stream, NULL};
    decode_h3_frame_name(stream->frame.type, &context.section);
    for (size_t i = 0; i < H3_FRAMES; i++) {
        if (h3_frames[i].type == stream->frame.type && h3_frames[i].show != NULL) {
            h3_frames[i].show(&context, &reader);
        }
    }
    if (!leat_reader_at_end(&reader)) {
        show(&decoder->out, "fault", context.section,
             "the frame is not as long as its fields");
    }
}

/* ---- capsules ----------------------------------------------------------------------- */

static void show_capsule(output *out, const leat_h3_capsule *capsule) {
    leat_reader reader = leat_reader_of(capsule->value);
    bool is_close = capsule->type == WT_CAPSULE_CLOSE;
    bool is_drain = capsule->type == WT_CAPSULE_DRAIN;
    bool is_datagram = capsule->type == LEAT_H3_CAPSULE_DATAGRAM;
    const char *section = is_close      ? "draft-ietf-webtrans-http3-07 §5"
                          : is_drain    ? "draft-ietf-webtrans-http3-07 §4.6"
                          : is_datagram ? "RFC 9297 §3.5"
                                        : "RFC 9297 §3.2";
    show(out, "capsule", section, "%s (0x%llx), length %llu",
         is_close      ? "CLOSE_WEBTRANSPORT_SESSION"
         : is_drain    ? "DRAIN_WEBTRANSPORT_SESSION"
         : is_datagram ? "DATAGRAM"
                       : "unknown",
         (unsigned long long)capsule->type, (unsigned long long)capsule->length);
    show_inner(out);
    if (is_close && capsule->value.length >= 4) {
        show_number(out, "application_error_code", section, leat_read_u32(&reader));
        show_text(out, "application_error_message", section, leat_read_rest(&reader));
    } else {
        show_data(out, "capsule_value", section, capsule->value);
    }
    show_outer(out);
}

void decode_h3_data(decode_state *decoder, decode_stream *stream, leat_span piece) {
    output *out = &decoder->out;
    leat_h3_capsule capsule;
    show_data(out, "data", "RFC 9114 §7.2.1", piece);
    if (stream->has_capsules && stream->capsules == NULL) {
        stream->capsules = leat_h3_capsule_reader_new(decoder->allocator);
    }
    while (stream->capsules != NULL &&
           leat_h3_capsule_read(stream->capsules, &piece, &capsule) == 1) {
        show_capsule(out, &capsule);
    }
}
