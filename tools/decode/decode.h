/*
 * What the files of `leat decode` share: a decoder that is given datagrams in the order in which
 * they were seen, and the connections that it recognises in them. It only reads: it checks no
 * state, and goes on where an endpoint would close.
 *
 *   datagram.c     connections are found by their IDs, packets opened and their frames shown
 *   connection.c   what is kept of a connection, its keys, and reassembly
 *   frames.c       the fields of frames
 *   tls.c          handshake messages; tls_extensions.c their extensions and transport parameters
 *   http3.c        streams of HTTP/3 and WebTransport; http3_frames.c what stands in them
 *   capture.c      pcap files; hex.c text; output.c lines
 */
#ifndef LEAT_TOOLS_DECODE_H
#define LEAT_TOOLS_DECODE_H

#include "h3/capsule.h"
#include "h3/qpack.h"
#include "output.h"
#include "quic/frame/frame_codec.h"
#include "quic/packet/protect.h"
#include "quic/stream/recv_buffer.h"

/* Connections kept at once: a capture of a flood replaces the oldest. */
#define DECODE_CONNECTIONS_MAX 1024
/* Connection IDs remembered for each side: more replace the oldest. */
#define DECODE_CIDS_MAX 64
/* Streams of each side that are followed at once; finished ones make room. */
#define DECODE_STREAMS_MAX 256
/* Bytes of a stream kept ahead of a gap, and the longest message or field section that is put
 * together. */
#define DECODE_AHEAD_MAX (256 * 1024)
#define DECODE_MESSAGE_MAX (64 * 1024 + 4)

typedef enum decode_sender { CLIENT, SERVER } decode_sender;

/* How the bytes of a stream are read. */
typedef enum decode_stream_kind {
    STREAM_NEW,          /* its type, or first frame, has not come */
    STREAM_FRAMES,       /* a request, or the control stream */
    STREAM_SESSION,      /* WebTransport: the session's ID comes next */
    STREAM_PUSH,         /* the push ID comes next */
    STREAM_QPACK_ENCODER,
    STREAM_QPACK_DECODER,
    STREAM_BYTES,        /* nothing that could be taken apart */
} decode_stream_kind;

typedef struct decode_stream {
    uint64_t id;
    decode_stream_kind kind;
    bool is_ended, is_broken;
    bool has_capsules;     /* DATA holds capsules: a CONNECT with :protocol */
    leat_recv_buffer bytes;
    leat_tlv_reader frame;
    leat_buffer payload;   /* of a frame that is read as a whole */
    leat_buffer blocked;   /* a field section that waits for the QPACK encoder stream */
    leat_h3_capsule_reader *capsules;
} decode_stream;

/* What one endpoint sends. */
typedef struct decode_side {
    leat_cid cids[DECODE_CIDS_MAX];
    size_t cid_count; /* ever; the last DECODE_CIDS_MAX are kept */
    leat_keys keys[LEAT_LEVEL_COUNT];
    uint64_t largest[LEAT_SPACE_COUNT];
    leat_recv_buffer crypto[LEAT_SPACE_COUNT];
    leat_buffer message[LEAT_SPACE_COUNT]; /* a handshake message that is not complete */
    uint64_t ack_delay_exponent;
    uint64_t table_capacity; /* QPACK_MAX_TABLE_CAPACITY of its SETTINGS */
    leat_qpack_decoder *qpack; /* of its field sections */
    decode_stream *streams[DECODE_STREAMS_MAX];
} decode_side;

typedef struct decode_connection {
    struct decode_connection *next;
    unsigned number;
    leat_address addresses[2]; /* by decode_sender */
    leat_cid original_dcid; /* what the Initial keys come from: of the Retry, once there was one */
    leat_cid first_dcid;    /* of the first Initial: what Retry tags cover */
    bool has_random, is_h3, is_retried;
    uint8_t client_random[32];
    const leat_cipher_suite *suite;
    uint32_t version; /* of the server's last long header: it decides when two are in use */
    decode_side sides[2];
} decode_connection;

typedef struct decode_state {
    const leat_allocator *allocator;
    output out;
    leat_span key_log; /* the file's text */
    decode_connection *connections; /* the newest first */
    unsigned connection_count;
    unsigned datagram_count;
    /* For packets without their connection. */
    size_t short_cid_length;
    leat_span original_dcid; /* of Initial packets */
    leat_span secret;        /* of 1-RTT packets */
    const leat_cipher_suite *suite;
    uint64_t largest;
} decode_state;

/* connection.c */
decode_connection *decode_connection_new(
    decode_state *decoder, leat_span dcid, const leat_address *client, const leat_address *server);
void decode_connections_free(decode_state *decoder);
void decode_remember_cid(decode_side *side, leat_span cid);
/* The keys of what this side sends, or NULL, and then `why` says why there are none. */
leat_keys *decode_keys(decode_state *decoder, decode_connection *connection, decode_sender sender,
    const leat_packet_header *header, const char **why);
/* The secret of the key log line with this label and client random: its length, or 0. */
size_t decode_find_secret(leat_span key_log, const char *label, const uint8_t random[32],
    uint8_t secret[LEAT_HASH_MAX]);

/* datagram.c; path->local is the sender. The bytes are changed. */
void decode_datagram(decode_state *decoder, const leat_path *path, uint8_t *bytes, size_t length);
void decode_payload(decode_state *decoder, decode_connection *connection, decode_sender sender,
    leat_packet_type type, leat_span payload);

/* frames.c */
void decode_frame_fields(decode_state *decoder, const decode_side *sender, const leat_frame *frame);

/* tls.c: CRYPTO bytes in any order. */
void decode_crypto(decode_state *decoder, decode_connection *connection, decode_sender sender,
    leat_space space, uint64_t offset, leat_span bytes);
/* tls_extensions.c; message: LEAT_IN_*. */
void decode_extensions(decode_state *decoder, decode_connection *connection, decode_sender sender,
    unsigned message, leat_span list);
const char *decode_cipher_suite_name(uint16_t id);
const char *decode_signature_name(uint16_t scheme);
const char *decode_compression_name(uint16_t id);

/* http3.c */
void decode_stream_data(decode_state *decoder, decode_connection *connection, decode_sender sender,
    uint64_t id, uint64_t offset, leat_span bytes, bool fin);
void decode_http_datagram(decode_state *decoder, leat_span bytes);
void decode_stream_free(decode_state *decoder, decode_stream *stream);
decode_stream *decode_stream_of(const decode_side *side, uint64_t id);
/* http3_frames.c: a frame's payload as a whole, or a piece of DATA. */
const char *decode_h3_frame_name(uint64_t type, const char **section);
void decode_h3_payload(decode_state *decoder, decode_connection *connection, decode_sender sender,
    decode_stream *stream, leat_span payload);
void decode_h3_data(decode_state *decoder, decode_stream *stream, leat_span piece);
void decode_field_section(decode_state *decoder, decode_connection *connection, decode_sender sender,
    decode_stream *stream, leat_span section);
void decode_qpack_encoder_stream(
    decode_state *decoder, decode_connection *connection, decode_sender sender, leat_span bytes);

/* capture.c (or no_capture.c) and hex.c: an exit status. */
int decode_capture(decode_state *decoder, FILE *file, const char *name);
int decode_hex(decode_state *decoder, FILE *file, const char *name);
/* False: not hex. */
bool decode_hex_digits(const char *text, leat_buffer *bytes);

#endif
