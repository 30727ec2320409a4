/*
 * What carries data of the application: streams.c, stream_events.c, stream_endings.c,
 * flow_control.c, datagrams.c. The calls of the application are in leat/quic.h.
 */
#ifndef LEAT_QUIC_CONN_STREAMS_H
#define LEAT_QUIC_CONN_STREAMS_H

#include "base/ring.h"
#include "quic/conn/packets.h"
#include "quic/stream/stream_map.h"

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
/* Early data was rejected: no stream was ever opened, no byte ever sent, no limit known. */
void leat_streams_restart(leat_conn *conn);
/* Its bytes came in 0-RTT packets, and nothing shows yet that they are no replay. */
bool leat_streams_is_early(const leat_conn *conn, const leat_stream *stream);
/* The stream a frame of the peer is about; NULL: nothing to do (late, or a fault that was
 * recorded). */
leat_stream *leat_streams_find_for_frame(leat_conn *conn, uint64_t id, uint64_t frame_type);
/* For the calls of the application: LEAT_OK when the connection is open and the stream has that
 * part. */
int leat_streams_check_part(const leat_conn *conn, const leat_stream *stream, bool sending);
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
/* There are bytes to take, or the end. */
void leat_streams_tell_data(leat_conn *conn, leat_stream *stream);
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

/* reset_at.c: RESET_STREAM_AT */
void leat_reset_stream_at_on_frame(leat_conn *conn, const leat_frame *frame,
                                   leat_packet_in *packet);
void leat_reset_stream_at_on_acked(leat_conn *conn, leat_space space,
                                   const leat_sent_packet *packet,
                                   const leat_frame_record *record);
void leat_reset_stream_at_on_lost(leat_conn *conn, leat_space space,
                                  const leat_frame_record *record);
/* Bytes of a stream were sent, acknowledged, received or taken: a reset that waited for them may
 * now go on. */
void leat_reset_at_on_sent(leat_conn *conn, leat_stream *stream);
void leat_reset_at_on_acked(leat_conn *conn, leat_stream *stream);
void leat_reset_at_on_received(leat_conn *conn, leat_stream *stream);
/* The peer repeats the code of its first reset; false: a fault, which is recorded. */
bool leat_reset_at_has_same_code(leat_conn *conn, const leat_stream *stream, uint64_t frame_type,
                                 uint64_t error_code);

/* flow_tuning.c */
void leat_flow_tuning_on_consumed(leat_conn *conn, leat_stream *stream);
void leat_flow_tuning_on_acked(leat_conn *conn, leat_stream *stream);

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
/* Gives back what lies empty; for calm times. */
void leat_datagrams_trim(leat_conn *conn);
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

#endif
