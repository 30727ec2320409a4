/*
 * QPACK, RFC 9204, as the HTTP/3 connection sees it: one decoder and one encoder per connection.
 * Neither knows streams: field sections, encoder stream bytes and decoder stream bytes are handed
 * in and taken out by the caller, who also sends the stream types 0x02 and 0x03 and guards the
 * lifetime of these streams (§4.2).
 *
 * Results of type int: 0, a status or an HTTP/3 error code (> 0: close the connection with it; they
 * are those of RFC 9204 §6, LEAT_QPACK_..._ERROR and ..._FAILED), or a negative leat_err. After an
 * error code the object can only be freed.
 */
#ifndef LEAT_H3_QPACK_H
#define LEAT_H3_QPACK_H

#include "base/bytes.h"

#include <leat/h3.h>

/* What leat_qpack_decode returns besides 0, error codes and leat_err. */
/* RFC 9204 §2.2.1-1: keep the bytes and their credit, decode again when unblocked. */
#define LEAT_QPACK_BLOCKED 1
/* Over max_field_section_size; refuse the message. */
#define LEAT_QPACK_TOO_LARGE 2

/* Decoder: reads field sections and the peer's encoder stream, writes our decoder stream. */

typedef struct leat_qpack_decoder leat_qpack_decoder;

/*
 * The first two limits are what our SETTINGS promise; max_field_section_size counts as RFC 9114
 * §4.2.2 does (name + value + 32 per line). NULL when memory is out. The table's memory grows with
 * its use.
 */
leat_qpack_decoder *leat_qpack_decoder_new(const leat_allocator *allocator,
    uint64_t max_table_capacity, uint64_t max_blocked_streams, size_t max_field_section_size);
void leat_qpack_decoder_free(leat_qpack_decoder *decoder);

/*
 * Bytes of the encoder stream after its type, cut anywhere.
 * 0, LEAT_QPACK_ENCODER_STREAM_ERROR or LEAT_ERR_NOMEM.
 */
int leat_qpack_decoder_read_encoder_stream(leat_qpack_decoder *decoder, leat_span bytes);

/* Headers and bytes belong to the decoder and are valid until its next decode or free. */
typedef struct leat_qpack_section {
    const leat_h3_header *headers;
    size_t count;
    size_t size;                    /* RFC 9114 §4.2.2 */
    uint64_t required_insert_count; /* also set when blocked */
} leat_qpack_section;

/*
 * Decodes one complete field section.
 *  0                                the section is filled in
 *  LEAT_QPACK_BLOCKED               call again with the same bytes when the stream is unblocked
 *  LEAT_QPACK_TOO_LARGE             no headers; it counts as processed and is acknowledged, so the
 *                                   connection and even the stream may go on
 *  LEAT_QPACK_DECOMPRESSION_FAILED  malformed, or more blocked streams than promised
 *  LEAT_ERR_FULL                    the peer does not let us send the acknowledgments that pile
 *                                   up: close with H3_EXCESSIVE_LOAD
 *  LEAT_ERR_NOMEM
 */
int leat_qpack_decode(leat_qpack_decoder *decoder, uint64_t stream_id, leat_span bytes,
    leat_qpack_section *section);

uint64_t leat_qpack_decoder_insert_count(const leat_qpack_decoder *decoder);
bool leat_qpack_decoder_is_unblocked(
    const leat_qpack_decoder *decoder, uint64_t required_insert_count);
/* Takes one stream that was blocked and is no more; ask after read_encoder_stream until false. */
bool leat_qpack_decoder_next_unblocked(leat_qpack_decoder *decoder, uint64_t *stream_id);

/*
 * The stream was reset, or its reading given up, before its last field section was decoded:
 * forgets the blocked section and tells the encoder. 0, LEAT_ERR_NOMEM or LEAT_ERR_FULL as above.
 */
int leat_qpack_decoder_cancel_stream(leat_qpack_decoder *decoder, uint64_t stream_id);

/* Bytes due on the decoder stream, valid until the next call; then how many were taken. */
leat_span leat_qpack_decoder_output(leat_qpack_decoder *decoder);
void leat_qpack_decoder_consume(leat_qpack_decoder *decoder, size_t length);

/* Encoder: writes field sections and our encoder stream, reads the peer's decoder stream. */

typedef struct leat_qpack_encoder leat_qpack_encoder;

/* max_capacity: the largest dynamic table we are willing to keep; 0 = static table only. */
leat_qpack_encoder *leat_qpack_encoder_new(
    const leat_allocator *allocator, uint64_t max_capacity);
void leat_qpack_encoder_free(leat_qpack_encoder *encoder);

/*
 * The peer's SETTINGS; both are 0 before. May be called with remembered values for 0-RTT and again
 * with the real ones: LEAT_ERR_STATE when a capacity that was not 0 changes or the number of
 * blocked streams shrinks (RFC 9204 §3.2.3, RFC 9114 §7.2.4.2).
 */
int leat_qpack_encoder_set_peer_limits(
    leat_qpack_encoder *encoder, uint64_t max_table_capacity, uint64_t max_blocked_streams);

/*
 * How many bytes the encoder stream could take now (flow control and send buffer), before what is
 * still in output. Unlimited until told. An instruction that does not fit is not written
 * (RFC 9204 §2.1.3).
 */
void leat_qpack_encoder_set_stream_room(leat_qpack_encoder *encoder, uint64_t room);

/*
 * Appends one field section, which must then be sent on that stream; when the stream is reset
 * instead, the peer's cancellation releases its references. LEAT_ERR_NOMEM or LEAT_ERR_TOO_LARGE
 * (limit of out): out is unchanged and the encoder stays usable.
 */
int leat_qpack_encode(leat_qpack_encoder *encoder, uint64_t stream_id,
    const leat_h3_header *headers, size_t count, leat_buffer *out);

/* The section of the last encode will not be sent after all (no room): releases its references. */
void leat_qpack_encoder_unsend(leat_qpack_encoder *encoder);

/* Bytes due on the encoder stream: send them before the section that was just encoded. */
leat_span leat_qpack_encoder_output(leat_qpack_encoder *encoder);
void leat_qpack_encoder_consume(leat_qpack_encoder *encoder, size_t length);

/* Bytes of the peer's decoder stream after its type, cut anywhere; 0 or an error code. */
int leat_qpack_encoder_read_decoder_stream(leat_qpack_encoder *encoder, leat_span bytes);

#endif
