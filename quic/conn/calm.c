/*
 * Memory of a busy connection and of a calm one. While packets come, what was drained is kept for
 * the next bytes, so that steady traffic allocates nothing; once none has come for a while, what
 * lies empty goes back: rings of streams, of datagrams, of sent packets, free records. Thousands of
 * idle connections are small this way.
 */
#include "quic/conn/conn_internal.h"

/* Longer than the pauses of a busy application, much shorter than an idle timeout. */
#define CALM_AFTER LEAT_SECOND

static size_t at_most_half(uint64_t size) {
    return size < SIZE_MAX / 2 ? (size_t)size : SIZE_MAX / 2;
}

void leat_calm_init(leat_conn *conn) {
    /* What one window of data in each direction fills: more never lies empty, however many streams
     * the peer fills in turn. */
    conn->streams.map.ring_budget.limit =
        at_most_half(conn->config.max_data) + at_most_half(conn->config.send_buffer_limit);
}

leat_time leat_calm_due(const leat_conn *conn) {
    leat_time last = conn->receive.last_packet_time;
    return last != conn->calm.trimmed_for ? leat_time_add(last, CALM_AFTER) : LEAT_TIME_NEVER;
}

void leat_calm_expire(leat_conn *conn) {
    conn->calm.trimmed_for = conn->receive.last_packet_time;
    leat_streams_settle_popped(conn);
    leat_stream_map_trim(&conn->streams.map);
    leat_datagrams_trim(conn);
    leat_recovery_trim(&conn->recovery);
}
