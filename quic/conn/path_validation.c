/*
 * Whether a peer is reached at an address: PATH_CHALLENGE and PATH_RESPONSE (RFC 9000 §8.2). Each
 * path has its own challenges; what follows from an answer, or from none, is decided in
 * migration.c.
 */
#include "quic/conn/conn_internal.h"

#include <string.h>

/* ---- challenges ------------------------------------------------------------------------------ */

void leat_path_stop_challenge(leat_path_state *path) {
    path->is_challenging = path->is_size_asked = false;
    path->challenge_frame_due = false;
    path->challenge_due = LEAT_TIME_NEVER;
}

/* RFC 9000 §8.2.4: three times the larger of the PTO and that of a path nothing is known of. */
static leat_time validation_period(const leat_path_state *path) {
    leat_time pto = leat_rtt_pto_base(&path->recovery.rtt), unknown = 3 * LEAT_INITIAL_RTT;
    return leat_time_multiply(pto > unknown ? pto : unknown, 3);
}

static void next_challenge(leat_conn *conn, leat_path_state *path) {
    if (path->challenges_sent == LEAT_CHALLENGES_MAX || conn->now >= path->validation_deadline) {
        leat_migration_on_failed(conn, path);
        return;
    }
    /* RFC 9000 §8.2.1: data of its own for each one, so that an answer proves that this one
     * arrived. */
    if (!leat_random_bytes(&conn->random, path->challenges[path->challenges_sent], 8)) {
        leat_close_internal(conn, "random source failed");
        return;
    }
    path->full_challenges &= ~(1u << path->challenges_sent);
    path->challenges_sent++;
    path->challenge_frame_due = true;
    /* RFC 9000 §8.2.1: each one waits twice as long, as probes do. */
    leat_time pto = leat_rtt_pto_base(&path->recovery.rtt);
    leat_time wait = leat_time_multiply(pto, UINT64_C(1) << (path->challenges_sent - 1));
    leat_time due = leat_time_add(conn->now, wait);
    bool is_last = path->challenges_sent == LEAT_CHALLENGES_MAX;
    path->challenge_due = is_last || due > path->validation_deadline ? path->validation_deadline
                                                                     : due;
}

void leat_path_start_challenge(leat_conn *conn, leat_path_state *path) {
    if (!path->is_challenging) {
        path->is_challenging = true;
        path->challenges_sent = 0;
        path->validation_deadline = leat_time_add(conn->now, validation_period(path));
        next_challenge(conn, path);
    }
}

/* RFC 9000 §9.3.3: a path that was left is still asked; only then may it go. */
static leat_time leave_due(const leat_path_state *path) {
    return path->is_challenging ? LEAT_TIME_NEVER : path->leave_due;
}

leat_time leat_paths_due(const leat_conn *conn) {
    leat_time due = LEAT_TIME_NEVER;
    for (size_t i = 0; i < LEAT_PATHS_MAX; i++) {
        const leat_path_state *path = conn->paths.all[i];
        if (path != NULL) {
            leat_time own = path->is_challenging ? path->challenge_due : leave_due(path);
            due = own < due ? own : due;
        }
    }
    return due;
}

void leat_paths_on_timer(leat_conn *conn) {
    for (size_t i = 0; i < LEAT_PATHS_MAX && leat_conn_is_open(conn); i++) {
        leat_path_state *path = conn->paths.all[i];
        if (path == NULL) {
            continue;
        }
        if (leave_due(path) <= conn->now) {
            leat_paths_forget(conn, path);
        } else if (path->challenge_due <= conn->now) {
            next_challenge(conn, path);
        }
    }
}

/* ---- frames ---------------------------------------------------------------------------------- */

void leat_path_challenge_on_frame(leat_conn *conn, const leat_frame *frame,
                                  leat_packet_in *packet) {
    (void)conn;
    /* RFC 9000 §8.2.2: answered on the path it came in. */
    memcpy(packet->path->response, frame->path_challenge.data, sizeof packet->path->response);
    packet->path->response_due = true;
}

/* The number of the challenge that this answers, or LEAT_CHALLENGES_MAX. */
static unsigned find_challenge(const leat_path_state *path, const uint8_t data[8]) {
    for (unsigned i = 0; path->is_challenging && i < path->challenges_sent; i++) {
        if (memcmp(path->challenges[i], data, 8) == 0) {
            return i;
        }
    }
    return LEAT_CHALLENGES_MAX;
}

void leat_path_response_on_frame(leat_conn *conn, const leat_frame *frame, leat_packet_in *packet) {
    (void)packet;
    for (size_t i = 0; i < LEAT_PATHS_MAX; i++) {
        leat_path_state *path = conn->paths.all[i];
        unsigned number = path != NULL ? find_challenge(path, frame->path_response.data)
                                       : LEAT_CHALLENGES_MAX;
        if (number == LEAT_CHALLENGES_MAX) {
            continue;
        }
        /* RFC 9000 §8.2.3: it counts for the path that the challenge went out on, whichever way it
         * came back. */
        leat_migration_on_response(conn, path, (path->full_challenges >> number & 1) != 0);
        return;
    }
}

bool leat_paths_has_probe(const leat_conn *conn, const leat_path_state *path) {
    return (path->response_due || path->challenge_frame_due) &&
        leat_path_send_limit(conn, path) > 0;
}

void leat_paths_write(leat_conn *conn, leat_packet_out *out) {
    leat_path_state *path = out->path;
    leat_frame response = {.kind = LEAT_FRAME_PATH_RESPONSE, .type = 0x1b,
                           .path_response.data = path->response};
    if (path->response_due && leat_out_frame(conn, out, &response, 0, 0, 0)) {
        path->response_due = false;
        out->needs_full_datagram = true;
    }
    if (!path->challenge_frame_due) {
        return;
    }
    unsigned number = path->challenges_sent - 1;
    const leat_frame challenge = {.kind = LEAT_FRAME_PATH_CHALLENGE, .type = 0x1a,
                                  .path_challenge.data = path->challenges[number]};
    if (leat_out_frame(conn, out, &challenge, 0, 0, 0)) {
        bool is_full = leat_path_send_limit(conn, path) >= LEAT_MIN_DATAGRAM;
        path->full_challenges |= (unsigned)is_full << number;
        path->challenge_frame_due = false;
        out->needs_full_datagram = true;
    }
}
