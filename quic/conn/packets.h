/*
 * Packets on their way in and out, and what is kept per packet number space: receive.c, send.c,
 * packing.c, acks.c, and the table that says which file answers for which frame.
 */
#ifndef LEAT_QUIC_CONN_PACKETS_H
#define LEAT_QUIC_CONN_PACKETS_H

#include "quic/conn/conn.h"
#include "quic/frame/frame_codec.h"
#include "quic/packet/builder.h"
#include "quic/packet/number.h"
#include "quic/recovery/ack_tracker.h"
#include "quic/recovery/recovery.h"
#include "quic/stream/recv_buffer.h"
#include "quic/stream/send_buffer.h"

/* RFC 9000 §14.1: what every path must carry, and the size that Initials are padded to. */
#define LEAT_MIN_DATAGRAM 1200

/* ---- packets on their way in and out --------------------------------------------------------- */

typedef struct leat_path_state leat_path_state;

/* The scratch struct that the stages of receive.c hand on. */
typedef struct leat_packet_in {
    uint8_t *bytes; /* of this packet */
    size_t length;
    leat_packet_header header;
    leat_space space;
    leat_opened opened;
    const leat_path *addresses;
    leat_path_state *path; /* NULL until the packet is authentic when it comes from new addresses */
    size_t datagram_length;
    uint8_t ecn;
    bool ack_eliciting, non_probing;
    bool is_newest; /* no higher packet number was received before */
} leat_packet_in;

/* One packet being written. */
typedef struct leat_packet_out {
    leat_builder builder;
    leat_space space;
    leat_path_state *path;
    leat_frame_records records;
    bool needs_full_datagram; /* the datagram must have LEAT_MIN_DATAGRAM bytes */
} leat_packet_out;

/* One row per frame kind; NULL: nothing to do. Records are what leat_out_frame was given. */
typedef struct leat_frame_handler {
    bool is_never_repeated; /* not even in the probe after a PTO */
    void (*on_frame)(leat_conn *conn, const leat_frame *frame, leat_packet_in *packet);
    void (*on_acked)(leat_conn *conn, leat_space space, const leat_sent_packet *packet,
                     const leat_frame_record *record);
    void (*on_lost)(leat_conn *conn, leat_space space, const leat_frame_record *record);
} leat_frame_handler;
extern const leat_frame_handler leat_frame_handlers[LEAT_FRAME_KIND_COUNT];

/* ---- receive.c ------------------------------------------------------------------------------- */

/* Packets kept until their keys come: stops an attacker from parking datagrams here (RFC 9001
 * §5.7). */
#define LEAT_EARLY_PACKETS_MAX 8
#define LEAT_EARLY_PACKET_SIZE_MAX 1500

typedef struct leat_early_packet {
    uint8_t *bytes;
    size_t length;
    size_t datagram_length;
    leat_path addresses;
    uint8_t ecn;
} leat_early_packet;

typedef struct leat_conn_receive {
    leat_ring early;             /* of leat_early_packet; empty once the handshake is complete */
    bool keys_arrived;           /* since the last look at the ring */
    leat_time last_packet_time;  /* of the last authentic packet: silence is counted from here */
    uint64_t packets, dropped, bytes;
} leat_conn_receive;

void leat_receive_init(leat_conn *conn);
void leat_receive_clear(leat_conn *conn);
/* Counts and traces a packet without effect. */
void leat_receive_drop(leat_conn *conn, leat_drop drop, leat_packet_type type, size_t length);

/* ---- send.c, packing.c ----------------------------------------------------------------------- */

typedef struct leat_conn_send {
    bool is_dirty;        /* something happened since datagrams_to_send last returned 0 */
    leat_time pacing_due; /* the pacer held back data until then, or LEAT_TIME_NEVER */
    uint64_t packets, bytes;
} leat_conn_send;

/*
 * Writes a frame and notes (kind, flags, a, b, c) for its handler. False: it does not fit, and
 * nothing was written (or memory is out, and the connection fails).
 */
bool leat_out_frame(leat_conn *conn, leat_packet_out *out, const leat_frame *frame, uint64_t a,
                    uint64_t b, uint64_t c);
/* For frames written by hand (STREAM, CRYPTO, ACK, DATAGRAM), which went into out->builder.payload
 * since `mark`. */
bool leat_out_record(leat_conn *conn, leat_packet_out *out, const leat_writer *mark,
                     leat_frame_kind kind, uint8_t flags,
                     uint64_t a, uint64_t b, uint64_t c);
static inline size_t leat_out_room(const leat_packet_out *out) {
    return leat_writer_room(&out->builder.payload);
}
/* After a PTO: `count` ack-eliciting packets in the space, whatever the window says. */
void leat_send_probe(leat_conn *conn, leat_space space, unsigned count);

/* ---- acks.c: packet number spaces and acknowledgments ---------------------------------------- */

/* One packet number space with its keys and its CRYPTO stream; made when keys come, freed when they
 * are discarded. */
typedef struct leat_conn_space {
    leat_keys keys;
    leat_ack_tracker acks;
    leat_send_buffer crypto_send;
    leat_recv_buffer crypto_recv;
    uint64_t next_pn;
    uint64_t skip_pn;       /* the next number to leave out (RFC 9000 §21.4) */
    unsigned probes;        /* packets owed to a PTO */
    unsigned ack_only_sent; /* packets since the last ack-eliciting one */
} leat_conn_space;

/* RFC 9000 §13.2.4: so many packets without a frame that asks for an ACK, then a PING. */
#define LEAT_ACK_ONLY_MAX 19

void leat_acks_on_frame(leat_conn *conn, const leat_frame *frame, leat_packet_in *packet);
void leat_acks_on_ack_acked(leat_conn *conn, leat_space space, const leat_sent_packet *packet,
                            const leat_frame_record *record);
bool leat_acks_wants(const leat_conn *conn, leat_space space); /* an ACK is due */
/* worth adding to a packet that is sent anyway */
bool leat_acks_joins(const leat_conn *conn, leat_space space);
void leat_acks_write(leat_conn *conn, leat_packet_out *out);
leat_time leat_acks_due(const leat_conn *conn);
/* Recovery's verdicts on packets: the hooks given to every leat_recovery call. */
leat_recovery_hooks leat_acks_hooks(leat_conn *conn);
/* Content of the oldest unacknowledged packets goes out again as a probe (RFC 9002 §6.2.4). */
void leat_acks_repeat_oldest(leat_conn *conn, leat_space space, unsigned count);

/* ---- ack_frequency.c: ACK_FREQUENCY and IMMEDIATE_ACK ---------------------------------------- */

typedef struct leat_conn_ack_frequency {
    uint64_t next_received; /* sequence numbers below are old */
    uint64_t next_sequence; /* of our requests */
    uint64_t threshold;     /* asked for last; 0: nothing was asked for */
    leat_time longest_delay; /* of the newest request and of those still on their way */
    bool is_agreed;          /* the newest one was acknowledged at some time */
    bool is_due;
    leat_time sent_at;
} leat_conn_ack_frequency;

bool leat_ack_frequency_can_ask(const leat_conn *conn);
/* After an ACK: decides whether the peer should be asked for another frequency. */
void leat_ack_frequency_review(leat_conn *conn);
/* The longest time that the peer may wait with an ACK: what the PTO has to allow for. */
leat_time leat_ack_frequency_peer_delay(const leat_conn *conn);
bool leat_ack_frequency_wants(const leat_conn *conn, leat_space space);
void leat_ack_frequency_write(leat_conn *conn, leat_packet_out *out);
void leat_ack_frequency_on_frame(leat_conn *conn, const leat_frame *frame, leat_packet_in *packet);
void leat_ack_frequency_on_acked(leat_conn *conn, leat_space space, const leat_sent_packet *packet,
                                 const leat_frame_record *record);
void leat_ack_frequency_on_lost(leat_conn *conn, leat_space space, const leat_frame_record *record);
bool leat_immediate_ack_wants(const leat_conn *conn, leat_space space);
void leat_immediate_ack_write(leat_conn *conn, leat_packet_out *out);
void leat_immediate_ack_on_frame(leat_conn *conn, const leat_frame *frame, leat_packet_in *packet);

#endif
