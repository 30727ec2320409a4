/* A stream object's life: init and clear. What happens in between is decided in quic/conn. */
#include "quic/stream/stream.h"

void leat_stream_init(leat_stream *stream, const leat_stream_setup *setup) {
    bool is_unidirectional = leat_stream_is_unidirectional(setup->id);
    *stream = (leat_stream){
        .id = setup->id,
        .is_local = setup->is_local,
        .send_state = is_unidirectional && !setup->is_local ? LEAT_SEND_NONE : LEAT_SEND_READY,
        .recv_state = is_unidirectional && setup->is_local ? LEAT_RECV_NONE : LEAT_RECV_RECV,
        .urgency = LEAT_URGENCY_DEFAULT,
    };
    leat_send_buffer_init(&stream->send, setup->allocator, setup->send_buffer_limit);
    /* Flow control bounds what is held; the buffer itself must never be the one to refuse. */
    leat_recv_buffer_init(&stream->recv, setup->allocator, LEAT_VARINT_MAX);
    stream->send.ring.budget = stream->recv.ring.budget = setup->ring_budget;
    leat_flow_init(&stream->flow, setup->send_max, setup->receive_window, LEAT_VARINT_MAX);
    leat_list_init(&stream->ready_node);
    leat_list_init(&stream->blocked_node);
    leat_list_init(&stream->control_node);
    leat_list_init(&stream->event_node);
}

void leat_stream_clear(leat_stream *stream) {
    leat_list_remove(&stream->ready_node);
    leat_list_remove(&stream->blocked_node);
    leat_list_remove(&stream->control_node);
    leat_list_remove(&stream->event_node);
    leat_send_buffer_clear(&stream->send);
    leat_recv_buffer_clear(&stream->recv);
}

bool leat_stream_is_finished(const leat_stream *stream) {
    return leat_send_state_is_terminal(stream->send_state) &&
           leat_recv_state_is_terminal(stream->recv_state);
}
