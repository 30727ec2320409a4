/*
 * The inside of a connection: one small struct per file of this folder, in the order of a packet's
 * life, and the calls that the files make to each other. Everything runs to completion inside one
 * public call; conn->now is the time of that call. Faults of the peer are recorded by
 * leat_close_fault; every loop over frames, packets or sources stops when the state is no longer
 * LEAT_CONN_OPEN.
 */
#ifndef LEAT_QUIC_CONN_CONN_INTERNAL_H
#define LEAT_QUIC_CONN_CONN_INTERNAL_H

#include "base/alloc.h"
#include "quic/conn/conn.h"
#include "quic/conn/event_queue.h"
#include "quic/conn/transport_params.h"
#include "quic/frame/frame_codec.h"
#include "quic/packet/builder.h"
#include "quic/packet/number.h"
#include "quic/recovery/ack_tracker.h"
#include "quic/recovery/recovery.h"
#include "quic/stream/stream_map.h"

/* RFC 9000 §14.1: what every path must carry, and the size that Initials are padded to. */
#define LEAT_MIN_DATAGRAM 1200

typedef enum leat_conn_state {
    LEAT_CONN_NEW,      /* a client before leat_conn_connect */
    LEAT_CONN_OPEN,     /* handshake or data */
    LEAT_CONN_CLOSING,  /* we closed: RFC 9000 §10.2.1 */
    LEAT_CONN_DRAINING, /* the peer closed: §10.2.2 */
    LEAT_CONN_CLOSED,
} leat_conn_state;

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

/* ---- send.c ---------------------------------------------------------------------------------- */

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

/* ---- spaces: acks.c and crypto_stream.c ------------------------------------------------------ */

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

/* CRYPTO bytes held ahead of the read point, per level: stops endless handshake data (RFC 9000
 * §7.5). */
#define LEAT_CRYPTO_RECEIVE_MAX (64 * 1024)
/* CRYPTO bytes of ours in flight per level: a certificate chain fits. */
#define LEAT_CRYPTO_SEND_MAX (256 * 1024)
/* Session tickets taken from a server: stops a flood of them (attack B3). */
#define LEAT_TICKETS_MAX 16

typedef struct leat_conn_handshake {
    leat_tls *tls;
    leat_transport_params ours, peers;
    bool has_peer_params, is_complete, is_confirmed;
    bool done_due;            /* HANDSHAKE_DONE is to be sent */
    char *alpn;
    leat_time started;
    leat_time previous_keys_deadline; /* RFC 9001 §6.5: the previous read key goes then */
    unsigned tickets;
    uint64_t key_updates;
} leat_conn_handshake;

/* handshake.c */
int leat_handshake_init(leat_conn *conn, const leat_config *config);
void leat_handshake_clear(leat_conn *conn);
/* Client: the ClientHello. */
void leat_handshake_start(leat_conn *conn);
/* Bytes of a CRYPTO stream in order. */
void leat_handshake_receive(leat_conn *conn, leat_level level, leat_span bytes);
leat_ticket_keys *leat_resumption_ticket_keys(const leat_resumption_keys *keys); /* NULL for NULL */

/* keys.c */
/* LEAT_ERR_NOMEM, LEAT_ERR_RANDOM. */
int leat_crypto_open_space(leat_conn *conn, leat_space space);
void leat_crypto_discard_space(leat_conn *conn, leat_space space);
void leat_crypto_free_spaces(leat_conn *conn);
bool leat_crypto_install_initial(leat_conn *conn, leat_span dcid);
bool leat_crypto_install_secret(leat_conn *conn, leat_space space, bool write,
                                const leat_cipher_suite *suite,
                                const uint8_t *secret);
/* What the last packet completed: discards that waited for its end. */
void leat_crypto_after_packet(leat_conn *conn, const leat_packet_in *packet);
void leat_crypto_on_handshake_packet_sent(leat_conn *conn);
void leat_crypto_on_key_update(leat_conn *conn, bool by_peer);
/* RFC 9001 §6.6: updates before a key wears out. */
void leat_crypto_keep_keys_fresh(leat_conn *conn);

/* crypto_stream.c */
void leat_crypto_collect_output(leat_conn *conn);
void leat_crypto_on_frame(leat_conn *conn, const leat_frame *frame, leat_packet_in *packet);
void leat_crypto_on_acked(leat_conn *conn, leat_space space, const leat_sent_packet *packet,
                          const leat_frame_record *record);
void leat_crypto_on_lost(leat_conn *conn, leat_space space, const leat_frame_record *record);
bool leat_crypto_wants(const leat_conn *conn, leat_space space);
void leat_crypto_write(leat_conn *conn, leat_packet_out *out);
void leat_handshake_done_on_frame(leat_conn *conn, const leat_frame *frame, leat_packet_in *packet);
void leat_handshake_done_on_lost(leat_conn *conn, leat_space space,
                                 const leat_frame_record *record);
bool leat_handshake_done_wants(const leat_conn *conn, leat_space space);
void leat_handshake_done_write(leat_conn *conn, leat_packet_out *out);
leat_time leat_crypto_previous_keys_due(const leat_conn *conn);
void leat_crypto_discard_previous_keys(leat_conn *conn);

/* ---- negotiation.c: Version Negotiation and Retry, as a client meets them -------------------- */

leat_drop leat_negotiation_on_version_negotiation(leat_conn *conn, const leat_packet_in *packet);
leat_drop leat_negotiation_on_retry(leat_conn *conn, const leat_packet_in *packet);

/* ---- streams.c and flow_control.c ------------------------------------------------------------ */

typedef struct leat_conn_streams {
    leat_stream_map map;
    leat_flow flow;                       /* of the whole connection */
    leat_list ready[LEAT_URGENCY_COUNT];  /* streams with data and credit of their own */
    leat_list blocked;                    /* waiting for credit of the connection */
    leat_list control;                    /* with control frames */
    leat_list events;                     /* with events to tell */
    bool open_failed[LEAT_DIRECTION_COUNT]; /* the application wanted a stream above the limit */
    uint64_t bytes_sent, bytes_received;
    /* The StreamDataReceived popped last; its bytes are consumed at the next call. */
    leat_stream *popped;
    size_t popped_length, popped_unread;
    bool popped_end;
} leat_conn_streams;

int leat_streams_init(leat_conn *conn);
void leat_streams_clear(leat_conn *conn);
void leat_streams_on_peer_params(leat_conn *conn);
/* The stream a frame of the peer is about; NULL: nothing to do (late, or a fault that was
 * recorded). */
leat_stream *leat_streams_find_for_frame(leat_conn *conn, uint64_t id, uint64_t frame_type);
void leat_streams_on_frame(leat_conn *conn, const leat_frame *frame, leat_packet_in *packet);
void leat_streams_on_acked(leat_conn *conn, leat_space space, const leat_sent_packet *packet,
                           const leat_frame_record *record);
void leat_streams_on_lost(leat_conn *conn, leat_space space, const leat_frame_record *record);
bool leat_streams_wants(const leat_conn *conn, leat_space space);
void leat_streams_write(leat_conn *conn, leat_packet_out *out);
/* Puts the stream where its data and credit say: ready, blocked, or neither. */
void leat_streams_update_ready(leat_conn *conn, leat_stream *stream);
void leat_streams_want_control(leat_conn *conn, leat_stream *stream, unsigned control);
/* The connection got credit: streams that waited for it are ready again. */
void leat_streams_unblock(leat_conn *conn);
/* Counts bytes against both limits; false: the peer broke one, which is recorded. */
bool leat_streams_count_received(leat_conn *conn, leat_stream *stream, uint64_t growth,
                                 uint64_t frame_type);
/* StreamsAvailable, to an application that wanted a stream above the limit. */
void leat_streams_tell_available(leat_conn *conn);

/* stream_states.c: every change of a stream's states. True: it changed. */
bool leat_streams_on_send_input(leat_conn *conn, leat_stream *stream, leat_send_input input);
void leat_streams_on_recv_input(leat_conn *conn, leat_stream *stream, leat_recv_input input);

/* stream_events.c */
void leat_streams_tell(leat_conn *conn, leat_stream *stream, unsigned events);
uint64_t leat_streams_first_order(const leat_conn *conn);
void leat_streams_pop_event(leat_conn *conn, leat_event *event);
/* The application is done with the bytes of the last event. */
void leat_streams_settle_popped(leat_conn *conn);
void leat_streams_credit(leat_conn *conn, leat_stream *stream, uint64_t length);
/* Nobody will read what is buffered: drops it and gives its credit back. */
void leat_streams_drop_unread(leat_conn *conn, leat_stream *stream);
/* Frees the stream if both parts are finished and all is told. */
void leat_streams_try_close(leat_conn *conn, leat_stream *stream);

/* stream_endings.c: RESET_STREAM and STOP_SENDING */
void leat_reset_stream_on_frame(leat_conn *conn, const leat_frame *frame, leat_packet_in *packet);
void leat_reset_stream_on_acked(leat_conn *conn, leat_space space, const leat_sent_packet *packet,
                                const leat_frame_record *record);
void leat_reset_stream_on_lost(leat_conn *conn, leat_space space, const leat_frame_record *record);
void leat_stop_sending_on_frame(leat_conn *conn, const leat_frame *frame, leat_packet_in *packet);
void leat_stop_sending_on_lost(leat_conn *conn, leat_space space, const leat_frame_record *record);

bool leat_flow_control_wants(const leat_conn *conn, leat_space space);
void leat_flow_control_write(leat_conn *conn, leat_packet_out *out);
bool leat_stream_control_wants(const leat_conn *conn, leat_space space);
void leat_stream_control_write(leat_conn *conn, leat_packet_out *out);
void leat_max_data_on_frame(leat_conn *conn, const leat_frame *frame, leat_packet_in *packet);
void leat_max_data_on_lost(leat_conn *conn, leat_space space, const leat_frame_record *record);
void leat_max_stream_data_on_frame(leat_conn *conn, const leat_frame *frame,
                                   leat_packet_in *packet);
void leat_max_stream_data_on_lost(leat_conn *conn, leat_space space,
                                  const leat_frame_record *record);
void leat_max_streams_on_frame(leat_conn *conn, const leat_frame *frame, leat_packet_in *packet);
void leat_max_streams_on_lost(leat_conn *conn, leat_space space, const leat_frame_record *record);
void leat_data_blocked_on_lost(leat_conn *conn, leat_space space, const leat_frame_record *record);
void leat_stream_data_blocked_on_frame(leat_conn *conn, const leat_frame *frame,
                                       leat_packet_in *packet);
void leat_stream_data_blocked_on_lost(leat_conn *conn, leat_space space,
                                      const leat_frame_record *record);
void leat_streams_blocked_on_lost(leat_conn *conn, leat_space space,
                                  const leat_frame_record *record);

/* ---- connection_ids.c ------------------------------------------------------------------------ */

/* IDs of ours that the peer may use at a time, and of the peer's that we keep. */
#define LEAT_LOCAL_CIDS_MAX 8
#define LEAT_PEER_CIDS_MAX 8
/* Retirements not acknowledged yet: stops NEW_CONNECTION_ID floods with a rising Retire Prior To
 * (attack C1). */
#define LEAT_RETIREMENTS_MAX (2 * LEAT_PEER_CIDS_MAX)

typedef struct leat_local_cid {
    uint64_t sequence;
    leat_cid cid;
    uint8_t reset_token[16];
    bool in_use;   /* the row is taken */
    bool frame_due; /* NEW_CONNECTION_ID is to be sent */
} leat_local_cid;

typedef struct leat_peer_cid {
    uint64_t sequence;
    leat_cid cid;
    uint8_t reset_token[16];
    bool in_use;    /* the row is taken */
    bool has_token;
    bool is_watched; /* a path sends with it: its reset token counts (RFC 9000 §10.3.1) */
} leat_peer_cid;

typedef struct leat_retirement {
    uint64_t sequence;
    bool frame_due; /* else in flight */
} leat_retirement;

typedef struct leat_conn_cids {
    leat_local_cid local[LEAT_LOCAL_CIDS_MAX];
    uint64_t next_sequence;      /* of ours */
    leat_cid original_dcid;      /* of the client's first Initial: names the connection in traces */
    /* server: what the client's Initials are addressed to until it knows our ID */
    leat_cid client_dcid;
    leat_cid retry_scid;         /* both: of the Retry, if there was one */
    bool was_retried;
    leat_peer_cid peers[LEAT_PEER_CIDS_MAX];
    uint64_t retire_prior_to;    /* the highest the peer asked for */
    leat_range_set seen;         /* the peer's sequence numbers that arrived */
    leat_retirement retirements[LEAT_RETIREMENTS_MAX];
    size_t retirement_count;
    bool peer_cid_known;         /* client: the server's Source Connection ID was taken over */
} leat_conn_cids;

int leat_cids_init(leat_conn *conn, const leat_conn_origin *origin);
void leat_cids_clear(leat_conn *conn);
static inline bool leat_cids_is_ours(const leat_conn_cids *cids, leat_span dcid) {
    for (size_t i = 0; i < LEAT_LOCAL_CIDS_MAX; i++) {
        if (cids->local[i].in_use && leat_span_equal(leat_cid_span(&cids->local[i].cid), dcid)) {
            return true;
        }
    }
    return false;
}
const leat_cid *leat_cids_first_local(const leat_conn *conn); /* our Source Connection ID */
/* The peer's ID in packets on this path. */
const leat_cid *leat_cids_of_path(const leat_conn *conn, const leat_path_state *path);
/* Client: the server chose its ID (first Initial or Retry). */
void leat_cids_set_peer(leat_conn *conn, leat_span cid);
void leat_cids_set_peer_token(leat_conn *conn, const uint8_t token[16]);
/* Fills up to what the peer keeps. */
void leat_cids_replenish(leat_conn *conn);
/* Gives the path an ID of the peer that no other path uses; false when there is none. */
bool leat_cids_take_for_path(leat_conn *conn, leat_path_state *path);
/* Retires the path's ID unless another path uses it. */
void leat_cids_release_path(leat_conn *conn, leat_path_state *path);
bool leat_cids_is_reset_token(const leat_conn *conn, const uint8_t token[16]);
void leat_cids_tell_owner_watch(leat_conn *conn);
void leat_new_connection_id_on_frame(leat_conn *conn, const leat_frame *frame,
                                     leat_packet_in *packet);
void leat_new_connection_id_on_lost(leat_conn *conn, leat_space space,
                                    const leat_frame_record *record);
void leat_retire_connection_id_on_frame(leat_conn *conn, const leat_frame *frame,
                                        leat_packet_in *packet);
void leat_retire_connection_id_on_acked(leat_conn *conn, leat_space space,
                                        const leat_sent_packet *packet,
                                        const leat_frame_record *record);
void leat_retire_connection_id_on_lost(leat_conn *conn, leat_space space,
                                       const leat_frame_record *record);
bool leat_cids_wants(const leat_conn *conn, leat_space space);
void leat_cids_write(leat_conn *conn, leat_packet_out *out);

/* ---- paths.c --------------------------------------------------------------------------------- */

/* Address pairs remembered: stops packets from a thousand source ports (attacks C6, C7). */
#define LEAT_PATHS_MAX 4
/* RFC 9000 §8.2.1: challenges per validation, each with data of its own. */
#define LEAT_CHALLENGES_MAX 4

struct leat_path_state {
    leat_path addresses;
    leat_recovery_path recovery;
    uint64_t cid_sequence;   /* of the peer's ID in use here */
    uint64_t bytes_received, bytes_sent; /* RFC 9000 §8.1: counted until the address is validated */
    bool is_validated;
    bool response_due;       /* PATH_RESPONSE; one per path, the newest wins (attack C5) */
    uint8_t response[8];
    bool is_challenging;
    uint8_t challenges[LEAT_CHALLENGES_MAX][8];
    unsigned challenges_sent;
    bool challenge_frame_due;
    leat_time challenge_due; /* when the next PATH_CHALLENGE is due, or the validation has failed */
    uint64_t last_used;      /* for replacing the path used longest ago */
};

typedef struct leat_conn_paths {
    leat_path_state *all[LEAT_PATHS_MAX]; /* NULL: free */
    leat_path_state *active;
    /* the last validated one, while the active one is not (RFC 9000 §9.3.2) */
    leat_path_state *fallback;
    uint64_t use_counter;
} leat_conn_paths;

int leat_paths_init(leat_conn *conn, const leat_path *addresses, bool is_validated);
void leat_paths_clear(leat_conn *conn);
leat_path_state *leat_paths_find(const leat_conn *conn, const leat_path *addresses);
/* Whether packets from these addresses are looked at at all. */
bool leat_paths_accepts(const leat_conn *conn, const leat_path *addresses);
/* After the packet was opened: finds or makes its path, counts its bytes. False: no room for
 * another path. */
bool leat_paths_on_authentic(leat_conn *conn, leat_packet_in *packet);
/* After its frames: follows the peer to a new address (RFC 9000 §9.3). */
void leat_paths_after_packet(leat_conn *conn, const leat_packet_in *packet);
void leat_paths_set_validated(leat_conn *conn, leat_path_state *path);
/* Bytes that may be sent to this address now: SIZE_MAX when it is validated. */
size_t leat_path_send_limit(const leat_conn *conn, const leat_path_state *path);
void leat_path_on_sent(leat_conn *conn, leat_path_state *path, size_t bytes);
/* The path that the next datagram goes to: one with a challenge or response to send, else the
 * active one. */
leat_path_state *leat_paths_next_to_send(const leat_conn *conn);
bool leat_paths_has_probe(const leat_conn *conn, const leat_path_state *path);
void leat_paths_write(leat_conn *conn, leat_packet_out *out);
void leat_path_challenge_on_frame(leat_conn *conn, const leat_frame *frame, leat_packet_in *packet);
void leat_path_response_on_frame(leat_conn *conn, const leat_frame *frame, leat_packet_in *packet);
leat_time leat_paths_due(const leat_conn *conn);
void leat_paths_on_timer(leat_conn *conn);

/* ---- datagrams.c ----------------------------------------------------------------------------- */

/* Payload bytes of received DATAGRAM frames that wait for the application, besides their number
 * (attack F9). */
#define LEAT_DATAGRAMS_RECEIVED_BYTES_MAX (1024 * 1024)

typedef struct leat_queued_datagram {
    uint8_t *bytes;
    size_t length;
    uint64_t uid;   /* sending */
    uint64_t order; /* receiving */
} leat_queued_datagram;

typedef struct leat_conn_datagrams {
    leat_ring to_send, received; /* of leat_queued_datagram */
    size_t received_bytes;
    uint8_t *popped; /* bytes of the DatagramFrameReceived popped last */
    uint64_t sent_count, received_count, lost_count, expired_count, dropped_count;
} leat_conn_datagrams;

void leat_datagrams_init(leat_conn *conn);
void leat_datagrams_clear(leat_conn *conn);
void leat_datagrams_on_frame(leat_conn *conn, const leat_frame *frame, leat_packet_in *packet);
void leat_datagrams_on_acked(leat_conn *conn, leat_space space, const leat_sent_packet *packet,
                             const leat_frame_record *record);
void leat_datagrams_on_lost(leat_conn *conn, leat_space space, const leat_frame_record *record);
bool leat_datagrams_wants(const leat_conn *conn, leat_space space);
void leat_datagrams_write(leat_conn *conn, leat_packet_out *out);
/* No more will be sent: those that wait have expired. */
void leat_datagrams_expire_all(leat_conn *conn);
uint64_t leat_datagrams_first_order(const leat_conn *conn);
void leat_datagrams_pop_event(leat_conn *conn, leat_event *event);
void leat_datagrams_release_popped(leat_conn *conn);

/* ---- tokens.c -------------------------------------------------------------------------------- */

#define LEAT_TOKEN_SIZE_MAX 1024
/* NEW_TOKEN frames told to the application: stops a flood of them (attack F1). */
#define LEAT_NEW_TOKENS_MAX 8

typedef struct leat_conn_tokens {
    leat_buffer initial;  /* client: goes into every Initial */
    leat_buffer to_send;  /* server: NEW_TOKEN */
    bool frame_due;
    unsigned received;
} leat_conn_tokens;

void leat_tokens_init(leat_conn *conn);
void leat_tokens_clear(leat_conn *conn);
void leat_new_token_on_frame(leat_conn *conn, const leat_frame *frame, leat_packet_in *packet);
void leat_new_token_on_acked(leat_conn *conn, leat_space space, const leat_sent_packet *packet,
                             const leat_frame_record *record);
void leat_new_token_on_lost(leat_conn *conn, leat_space space, const leat_frame_record *record);
bool leat_new_token_wants(const leat_conn *conn, leat_space space);
void leat_new_token_write(leat_conn *conn, leat_packet_out *out);

/* ---- liveness.c: PING, keep-alive, silence, idle timeout ------------------------------------- */

/* PINGs of the application waiting or in flight at a time. */
#define LEAT_PINGS_MAX 64

typedef struct leat_conn_liveness {
    leat_ring pings;            /* uint64_t uids waiting to be sent */
    bool ping_due;              /* a PING of our own: keep-alive, liveness */
    unsigned wanted;            /* liveness: how many layers want it */
    bool starts_watching;       /* liveness: at the next time that the connection is told */
    leat_time watched_since;    /* liveness: silence before does not count */
    leat_time next_ping;        /* liveness */
    bool told_unresponsive;
    leat_time idle_since;       /* RFC 9000 §10.1: the idle timer runs from here */
    bool sent_eliciting;        /* since the last packet received */
    leat_time last_eliciting_sent;
    leat_time idle_timeout;     /* the lesser of both; 0: none */
} leat_conn_liveness;

void leat_liveness_init(leat_conn *conn);
void leat_liveness_clear(leat_conn *conn);
void leat_liveness_on_peer_params(leat_conn *conn);
void leat_liveness_on_received(leat_conn *conn);
void leat_liveness_on_eliciting_sent(leat_conn *conn);
void leat_ping_on_acked(leat_conn *conn, leat_space space, const leat_sent_packet *packet,
                        const leat_frame_record *record);
void leat_ping_on_lost(leat_conn *conn, leat_space space, const leat_frame_record *record);
bool leat_ping_wants(const leat_conn *conn, leat_space space);
bool leat_ping_joins(const leat_conn *conn, leat_space space);
void leat_ping_write(leat_conn *conn, leat_packet_out *out);
leat_time leat_liveness_silent_for(const leat_conn *conn);
leat_time leat_idle_due(const leat_conn *conn);
void leat_idle_expire(leat_conn *conn);
leat_time leat_keep_alive_due(const leat_conn *conn);
void leat_keep_alive_expire(leat_conn *conn);
void leat_liveness_on_time(leat_conn *conn);
leat_time leat_liveness_due(const leat_conn *conn);
void leat_liveness_expire(leat_conn *conn);
leat_time leat_handshake_timeout_due(const leat_conn *conn);
void leat_handshake_timeout_expire(leat_conn *conn);

/* ---- calm.c: what lies empty goes back when no packets come -------------------------------------- */

typedef struct leat_conn_calm {
    leat_time trimmed_for; /* the last packet's time when it was done; 0: never */
} leat_conn_calm;

void leat_calm_init(leat_conn *conn);
leat_time leat_calm_due(const leat_conn *conn);
void leat_calm_expire(leat_conn *conn);

/* ---- close.c --------------------------------------------------------------------------------- */

#define LEAT_REASON_MAX 1023

typedef struct leat_conn_ending {
    bool is_recorded;     /* the first cause wins */
    bool is_told;         /* ConnectionTerminated was popped */
    leat_close_source source;
    uint64_t error_code, frame_type;
    bool is_application;  /* 0x1d */
    char *reason;         /* NUL-terminated, or NULL */
    size_t reason_length;
    leat_time silent_for;
    bool period_begins;   /* at the next time that the connection is told */
    leat_time deadline;   /* of the closing or draining period */
    bool packet_due;      /* CONNECTION_CLOSE is to be sent */
    uint32_t packets_while_closing, answer_at; /* answers come at doubling distances */
} leat_conn_ending;

typedef struct leat_close_cause {
    leat_close_source source;
    uint64_t error_code, frame_type;
    bool is_application;
    const char *reason;
    size_t reason_length;
} leat_close_cause;

void leat_close_clear(leat_conn *conn);
/* A fault of the peer: closes with a transport error. frame_type 0 when no frame is to blame. */
void leat_close_fault(leat_conn *conn, uint64_t error_code, uint64_t frame_type,
                      const char *reason);
/* Ours: memory, random source, libcrypto. */
void leat_close_internal(leat_conn *conn, const char *reason);
/* Closes with a CONNECTION_CLOSE. */
void leat_close_start(leat_conn *conn, const leat_close_cause *cause);
/* Ends at once and in silence: timeouts, version mismatch. */
void leat_close_silently(leat_conn *conn, leat_close_source source, uint64_t error_code,
                         const char *reason);
void leat_close_on_frame(leat_conn *conn, const leat_frame *frame, leat_packet_in *packet);
void leat_close_on_packet_while_closing(leat_conn *conn);
bool leat_close_wants_packet(const leat_conn *conn, leat_space space);
void leat_close_write(leat_conn *conn, leat_packet_out *out);
void leat_close_on_time(leat_conn *conn);
leat_time leat_close_due(const leat_conn *conn);
void leat_close_expire(leat_conn *conn);
bool leat_close_pop_event(leat_conn *conn, leat_event *event);

/* ---- timers.c, events, trace ----------------------------------------------------------------- */

/* The time of this call; a clock that goes backwards stands still. */
void leat_timers_set_now(leat_conn *conn, leat_time now);
/* Every call that may have changed something ends here: recovery learns the conditions, the owner
 * that there is work. */
void leat_timers_finish_call(leat_conn *conn);
/* Queues a connection event; without memory the connection fails. */
void leat_events_push(leat_conn *conn, const leat_event *event);

/* ---- the connection -------------------------------------------------------------------------- */

struct leat_conn {
    /* a copy; pointers that are only borrowed while a connection is made are NULL in it */
    leat_config config;
    leat_allocator allocator_hooks;
    const leat_allocator *allocator;
    leat_random random;
    leat_trace_sink trace_sink; /* on_record NULL: off */
    const char *traced_state, *traced_congestion; /* what it was told last */
    leat_conn_owner owner;
    bool has_owner;
    void *user;
    leat_conn_state state;
    leat_time now;
    char *server_name;

    leat_conn_space *spaces[LEAT_SPACE_COUNT]; /* NULL: no keys yet, or discarded */
    bool discarded[LEAT_SPACE_COUNT];
    leat_recovery recovery;
    leat_conn_receive receive;
    leat_conn_send send;
    leat_conn_handshake handshake;
    leat_conn_streams streams;
    leat_conn_cids cids;
    leat_conn_paths paths;
    leat_conn_datagrams datagrams;
    leat_conn_tokens tokens;
    leat_conn_liveness liveness;
    leat_conn_calm calm;
    leat_conn_ending close;
    leat_event_queue events;
};

/* Assigns the state: the only place that does. */
void leat_conn_set_state(leat_conn *conn, leat_conn_state state);
static inline bool leat_conn_is_open(const leat_conn *conn) {
    return conn->state == LEAT_CONN_OPEN;
}
static inline bool leat_conn_is_server(const leat_conn *conn) { return !conn->config.is_client; }
int64_t leat_conn_wall_clock(const leat_config *config);

#endif
