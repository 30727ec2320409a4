/* The rows: see endings.h. */
#include "webtransport/endings.h"

static void close_here(wt_rig *rig, uint64_t id) {
    leat_wt_close(rig->wt, id, 9, "enough", 6);
    wt_drain(rig);
}

static void capsule_and_fin(wt_rig *rig, uint64_t id) {
    wt_close_capsule(rig, id, 7, "bye", 3, true);
}
static void capsule_alone(wt_rig *rig, uint64_t id) {
    wt_close_capsule(rig, id, 7, "bye", 3, false);
}
static void fin_alone(wt_rig *rig, uint64_t id) {
    wt_feed(rig, id, NULL, true);
}
static void reset_stream(wt_rig *rig, uint64_t id) {
    wt_reset(rig, id, LEAT_H3_REQUEST_CANCELLED);
}
static void stop_stream(wt_rig *rig, uint64_t id) {
    wt_stop(rig, id, LEAT_H3_NO_ERROR);
}

static void stop_and_round_trip(wt_rig *rig, uint64_t id) {
    wt_stop(rig, id, LEAT_H3_NO_ERROR);
    wt_ping_answered(rig);
}

static void bad_reason(wt_rig *rig, uint64_t id) {
    wt_close_capsule(rig, id, 7, "\xff", 1, false);
}

static void malformed(wt_rig *rig, uint64_t id) {
    wt_capsule(rig, id, "6843", true); /* RFC 9297 §3.3: ends inside a capsule */
}

/* clang-format off */
#define CONNECTION_ENDING(function, source, code) \
    static void function(wt_rig *rig, uint64_t id) { (void)id; wt_terminate(rig, source, code); }
CONNECTION_ENDING(application_close, LEAT_SOURCE_PEER_APPLICATION, LEAT_H3_NO_ERROR)
CONNECTION_ENDING(transport_close, LEAT_SOURCE_PEER_TRANSPORT, LEAT_NO_ERROR)
CONNECTION_ENDING(idle_timeout, LEAT_SOURCE_IDLE_TIMEOUT, 0)
CONNECTION_ENDING(liveness_timeout, LEAT_SOURCE_LIVENESS_TIMEOUT, 0)
CONNECTION_ENDING(stateless_reset, LEAT_SOURCE_STATELESS_RESET, 0)
CONNECTION_ENDING(quic_fault, LEAT_SOURCE_PROTOCOL_ERROR, LEAT_FLOW_CONTROL_ERROR)
CONNECTION_ENDING(h3_memory, LEAT_SOURCE_PROTOCOL_ERROR, LEAT_H3_INTERNAL_ERROR)
CONNECTION_ENDING(internal_error, LEAT_SOURCE_INTERNAL_ERROR, LEAT_INTERNAL_ERROR)
CONNECTION_ENDING(connection_closed_here, LEAT_SOURCE_LOCAL, LEAT_H3_NO_ERROR)

const wt_ending_row wt_endings[] = {
    {"local", close_here, "origin=local cause=local code=9 reason=\"enough\" http_code=0 quic_code=0" CLEAN_TAIL, false, true},
    {"capsule and fin", capsule_and_fin, "origin=peer cause=capsule code=7 reason=\"bye\" http_code=0 quic_code=0" CLEAN_TAIL, false, false},
    {"capsule", capsule_alone, "origin=peer cause=capsule code=7 reason=\"bye\" http_code=0 quic_code=0" CLEAN_TAIL, false, true},
    {"fin", fin_alone, "origin=peer cause=fin code=0 reason=\"\" http_code=0 quic_code=0" CLEAN_TAIL, false, false},
    {"reset", reset_stream, "origin=peer cause=reset code=0 reason=\"\" http_code=268 quic_code=0" BROKEN_TAIL, false, false},
    {"stop", stop_stream, "origin=peer cause=stop code=0 reason=\"\" http_code=256 quic_code=0" BROKEN_TAIL, false, true},
    {"connection", application_close, "origin=peer cause=connection_close code=0 reason=\"\" http_code=0 quic_code=256" GONE_TAIL, true, false},
    /* ranked ones end here */
    {"stop and a round trip", stop_and_round_trip, "origin=peer cause=stop code=0 reason=\"\" http_code=256 quic_code=0" BROKEN_TAIL, false, false},
    {"bad reason", bad_reason, "origin=local cause=protocol_error code=0 reason=\"\" http_code=270 quic_code=0" BROKEN_TAIL, false, false},
    {"cut capsule", malformed, "origin=local cause=protocol_error code=0 reason=\"\" http_code=270 quic_code=0" BROKEN_TAIL, false, false},
    {"transport close", transport_close, "origin=peer cause=connection_close code=0 reason=\"\" http_code=0 quic_code=0" GONE_TAIL, true, false},
    {"idle timeout", idle_timeout, "origin=timer cause=timeout code=0 reason=\"\" http_code=0 quic_code=0" GONE_TAIL, true, false},
    {"liveness timeout", liveness_timeout, "origin=timer cause=timeout code=0 reason=\"\" http_code=0 quic_code=0" GONE_TAIL, true, false},
    {"stateless reset", stateless_reset, "origin=transport cause=stateless_reset code=0 reason=\"\" http_code=0 quic_code=0" GONE_TAIL, true, false},
    {"fault of QUIC", quic_fault, "origin=local cause=protocol_error code=0 reason=\"\" http_code=0 quic_code=3" GONE_TAIL, true, false},
    {"memory of HTTP/3", h3_memory, "origin=local cause=internal_error code=0 reason=\"\" http_code=0 quic_code=258" GONE_TAIL, true, false},
    {"internal error", internal_error, "origin=local cause=internal_error code=0 reason=\"\" http_code=0 quic_code=1" GONE_TAIL, true, false},
    {"connection closed here", connection_closed_here,
     "origin=local cause=local code=0 reason=\"\" http_code=0 quic_code=256 clean=yes connection_usable=no silent_for=3000ms datagrams_dropped=0\n", true, false},
};
/* clang-format on */
const size_t wt_endings_count = sizeof wt_endings / sizeof wt_endings[0];
const size_t wt_endings_ranked = 7;
