/*
 * Streams of HTTP/3 for `leat decode`: bytes in order, then by the stream's type (RFC 9114 §6) its
 * frames, QPACK instructions or WebTransport bytes. Nothing is checked that only an endpoint has to
 * check, so that what a broken one sends is still shown.
 */
#include "base/alloc.h"
#include "h3/frames.h"
#include "h3/webtransport_stream.h"
#include "decode.h"

#define SIGNAL_SECTION "draft-ietf-webtrans-http3-07 §4.2"

typedef struct stream_context {
    decode_state *decoder;
    decode_connection *connection;
    decode_sender sender;
    decode_stream *stream;
} stream_context;

/* ---- the streams of a side ---------------------------------------------------------- */

decode_stream *decode_stream_of(const decode_side *side, uint64_t id) {
    for (size_t i = 0; i < DECODE_STREAMS_MAX; i++) {
        if (side->streams[i] != NULL && side->streams[i]->id == id) {
            return side->streams[i];
        }
    }
    return NULL;
}

void decode_stream_free(decode_state *decoder, decode_stream *stream) {
    if (stream != NULL) {
        leat_recv_buffer_clear(&stream->bytes);
        leat_buffer_clear(&stream->payload);
        leat_buffer_clear(&stream->blocked);
        leat_h3_capsule_reader_free(stream->capsules, decoder->allocator);
        leat_free(decoder->allocator, stream);
    }
}

static decode_stream **find_room(decode_side *side) {
    decode_stream **room = NULL;
    for (size_t i = 0; i < DECODE_STREAMS_MAX; i++) {
        decode_stream **place = &side->streams[i];
        if (*place == NULL) {
            return place;
        }
        room = (*place)->is_ended ? place : room;
    }
    return room;
}

static decode_stream *make_stream(decode_state *decoder, decode_side *side, uint64_t id,
                                  decode_stream_kind kind) {
    decode_stream **place = find_room(side);
    decode_stream *stream =
        place == NULL ? NULL : leat_alloc(decoder->allocator, sizeof *stream);
    if (stream == NULL) {
        return NULL;
    }
    decode_stream_free(decoder, *place);
    *place = stream;
    stream->id = id;
    stream->kind = kind;
    leat_recv_buffer_init(&stream->bytes, decoder->allocator, DECODE_AHEAD_MAX);
    leat_buffer_init(&stream->payload, decoder->allocator, DECODE_MESSAGE_MAX);
    leat_buffer_init(&stream->blocked, decoder->allocator, DECODE_MESSAGE_MAX);
    return stream;
}

/* The other half of a WebTransport stream has no head: whoever opened it said what it is. */
static decode_stream_kind first_kind(const decode_connection *connection, decode_sender sender,
                                     uint64_t id) {
    bool is_bidirectional = (id & 2) == 0;
    decode_sender opener = (id & 1) != 0 ? SERVER : CLIENT;
    const decode_stream *opened =
        opener == sender ? NULL : decode_stream_of(&connection->sides[opener], id);
    if (is_bidirectional && opened != NULL && opened->kind == STREAM_BYTES) {
        return STREAM_BYTES;
    }
    return is_bidirectional ? STREAM_FRAMES : STREAM_NEW;
}

/* ---- by type ------------------------------------------------------------------------ */

static const struct {
    uint64_t type;
    decode_stream_kind kind;
    const char *name, *section;
} stream_types[] = {
    {0x00, STREAM_FRAMES, "control", "RFC 9114 §6.2.1"},
    {0x01, STREAM_PUSH, "push", "RFC 9114 §6.2.2"},
    {0x02, STREAM_QPACK_ENCODER, "QPACK encoder", "RFC 9204 §4.2"},
    {0x03, STREAM_QPACK_DECODER, "QPACK decoder", "RFC 9204 §4.2"},
    {LEAT_H3_STREAM_TYPE_WEBTRANSPORT, STREAM_SESSION, "WebTransport", "draft-ietf-webtrans-http3-07 §4.1"},
};

static void read_type(const stream_context *context, leat_span *input) {
    uint64_t type;
    if (!leat_tlv_read_varint(&context->stream->frame, input, &type)) {
        return;
    }
    context->stream->kind = STREAM_BYTES;
    const char *name = "reserved or unknown", *section = "RFC 9114 §6.2.3";
    for (size_t i = 0; i < sizeof stream_types / sizeof stream_types[0]; i++) {
        if (stream_types[i].type == type) {
            name = stream_types[i].name;
            section = stream_types[i].section;
            context->stream->kind = stream_types[i].kind;
        }
    }
    show_code(&context->decoder->out, "stream_type", section, type, 2, name);
}

static void read_id(const stream_context *context, leat_span *input) {
    uint64_t id;
    bool is_push = context->stream->kind == STREAM_PUSH;
    if (leat_tlv_read_varint(&context->stream->frame, input, &id)) {
        show_number(&context->decoder->out, is_push ? "push_id" : "session_id",
                    is_push ? "RFC 9114 §4.6" : "draft-ietf-webtrans-http3-07 §4.1", id);
        context->stream->kind = is_push ? STREAM_FRAMES : STREAM_BYTES;
    }
}

/* ---- frames ------------------------------------------------------------------------- */

/* RFC 9114 §7.2.1: DATA comes in pieces; so does what nobody knows. */
static bool comes_in_pieces(uint64_t type) {
    const char *section;
    return type == LEAT_H3_FRAME_DATA || decode_h3_frame_name(type, &section) == NULL;
}

static void show_frame(const stream_context *context, const char *format_tail, uint64_t bytes) {
    const leat_tlv_reader *frame = &context->stream->frame;
    const char *section;
    const char *name = decode_h3_frame_name(frame->type, &section);
    show(&context->decoder->out, "h3_frame", section, "%s (0x%llx), length %llu%s%llu",
         name == NULL ? "reserved or unknown" : name, (unsigned long long)frame->type,
         (unsigned long long)frame->length, format_tail, (unsigned long long)bytes);
}

static void read_piece(const stream_context *context, leat_span piece) {
    decode_stream *stream = context->stream;
    show_frame(context, ", from its byte ",
               stream->frame.length - stream->frame.left - piece.length);
    show_inner(&context->decoder->out);
    decode_stream *client = decode_stream_of(&context->connection->sides[CLIENT], stream->id);
    bool is_data = stream->frame.type == LEAT_H3_FRAME_DATA;
    stream->has_capsules = stream->has_capsules || (client != NULL && client->has_capsules);
    if (is_data) {
        decode_h3_data(context->decoder, stream, piece);
    } else {
        show_data(&context->decoder->out, "payload", "RFC 9114 §7.2.8", piece);
    }
    show_outer(&context->decoder->out);
}

static void read_whole(const stream_context *context, leat_span piece) {
    decode_stream *stream = context->stream;
    uint64_t seen = stream->frame.length - stream->frame.left;
    if (seen <= DECODE_MESSAGE_MAX &&
        leat_buffer_append(&stream->payload, piece.data, piece.length) != 0) {
        stream->is_broken = true;
    }
    show_frame(context, stream->frame.left > 0 ? ", bytes so far: " : ", complete: ", seen);
    if (stream->frame.left > 0) {
        return;
    }
    show_inner(&context->decoder->out);
    if (stream->frame.length > DECODE_MESSAGE_MAX || stream->is_broken) {
        show(&context->decoder->out, "not_followed", NULL, "a frame longer than %d bytes",
             DECODE_MESSAGE_MAX);
    } else {
        decode_h3_payload(context->decoder, context->connection, context->sender, stream,
                          (leat_span){stream->payload.data, stream->payload.length});
    }
    show_outer(&context->decoder->out);
    leat_buffer_clear(&stream->payload);
}

static void read_frame(const stream_context *context, leat_span *input) {
    decode_stream *stream = context->stream;
    leat_tlv_reader *frame = &stream->frame;
    if (frame->part != LEAT_TLV_VALUE) {
        bool is_request = (stream->id & 2) == 0;
        if (!leat_tlv_read_head(frame, input)) {
            return;
        }
        if (is_request && frame->type == LEAT_H3_FRAME_WEBTRANSPORT_STREAM) {
            /* What stands where a frame has its length is the session. */
            show_code(&context->decoder->out, "signal_value", SIGNAL_SECTION, frame->type, 2,
                      "WebTransport stream");
            show_number(&context->decoder->out, "session_id", SIGNAL_SECTION, frame->length);
            stream->kind = STREAM_BYTES;
            return;
        }
    }
    leat_span piece = leat_tlv_read_value(frame, input);
    (comes_in_pieces(frame->type) ? read_piece : read_whole)(context, piece);
    if (frame->left == 0) {
        leat_tlv_next(frame);
    }
}

/* ---- bytes in order ----------------------------------------------------------------- */

static void read_bytes(const stream_context *context, leat_span input) {
    output *out = &context->decoder->out;
    while (input.length > 0) {
        leat_span rest = input;
        switch (context->stream->kind) {
        case STREAM_NEW:
            read_type(context, &input);
            continue;
        case STREAM_SESSION:
        case STREAM_PUSH:
            read_id(context, &input);
            continue;
        case STREAM_FRAMES:
            read_frame(context, &input);
            continue;
        case STREAM_QPACK_ENCODER:
            decode_qpack_encoder_stream(
                context->decoder, context->connection, context->sender, rest);
            return;
        case STREAM_QPACK_DECODER:
            show_hex(out, "decoder_instructions", "RFC 9204 §4.4", rest);
            return;
        case STREAM_BYTES:
            show_data(out, "application_data", NULL, rest);
            return;
        }
    }
}

void decode_stream_data(decode_state *decoder, decode_connection *connection, decode_sender sender,
                        uint64_t id, uint64_t offset, leat_span bytes, bool fin) {
    decode_side *side = &connection->sides[sender];
    decode_stream *stream = decode_stream_of(side, id);
    if (!connection->is_h3 || (stream != NULL && stream->is_ended)) {
        return;
    }
    if (stream == NULL) {
        stream = make_stream(decoder, side, id, first_kind(connection, sender, id));
    }
    if (stream == NULL || leat_recv_buffer_insert(&stream->bytes, offset, bytes.data,
                                                  bytes.length, fin) != LEAT_INSERT_OK) {
        show(&decoder->out, "not_followed", NULL, "%s",
             stream == NULL ? "too many streams are open"
                            : "these bytes are too far ahead of what was seen");
        return;
    }
    stream_context context = {decoder, connection, sender, stream};
    if (offset > stream->bytes.contiguous_end) {
        show(&decoder->out, "waits", "RFC 9000 §2.2", "for the bytes from offset %llu",
             (unsigned long long)stream->bytes.contiguous_end);
    }
    leat_span ready;
    while ((ready = leat_recv_buffer_readable(&stream->bytes)).length > 0) {
        read_bytes(&context, ready);
        leat_recv_buffer_consume(&stream->bytes, ready.length);
    }
    stream->is_ended = leat_recv_buffer_is_at_end(&stream->bytes);
}

void decode_http_datagram(decode_state *decoder, leat_span bytes) {
    const char *section = "RFC 9297 §2.1";
    leat_reader reader = leat_reader_of(bytes);
    uint64_t quarter = leat_read_varint(&reader);
    if (reader.failed) {
        show(&decoder->out, "fault", section, "the quarter stream ID is cut short");
        return;
    }
    show(&decoder->out, "quarter_stream_id", section, "%llu (stream %llu)",
         (unsigned long long)quarter, (unsigned long long)quarter * 4);
    show_data(&decoder->out, "http_datagram_payload", section, leat_read_rest(&reader));
}
