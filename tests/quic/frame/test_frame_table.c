/* The rows: quic/frame/frame_table.c. */
#include "frame_samples.h"

START_TEST(every_kind_has_a_whole_row) {
    for (int kind = 0; kind < LEAT_FRAME_KIND_COUNT; kind++) {
        const leat_frame_row *row = &leat_frame_table[kind];
        ck_assert_ptr_nonnull(row->name);
        ck_assert_ptr_nonnull(row->section);
        ck_assert_uint_ne(row->allowed, 0);
        ck_assert_uint_le(row->first, row->last);
        ck_assert(kind == 0 || leat_frame_table[kind - 1].last < row->first);
        ck_assert_int_eq(row->fields[LEAT_FRAME_FIELDS_MAX].kind, LEAT_FIELD_END);
    }
}
END_TEST

START_TEST(types_lead_to_their_kind) {
    for (int kind = 0; kind < LEAT_FRAME_KIND_COUNT; kind++) {
        for (uint64_t type = leat_frame_table[kind].first; type <= leat_frame_table[kind].last;
             type++) {
            ck_assert_int_eq(leat_frame_kind_of(type), kind);
        }
    }
}
END_TEST

START_TEST(other_types_are_unknown) {
    for (uint64_t type = 0x1f; type < 0x4000; type++) {
        ck_assert(frame_is_extension(type) ||
                  leat_frame_kind_of(type) == LEAT_FRAME_KIND_COUNT);
    }
    ck_assert_int_eq(leat_frame_kind_of(UINT64_MAX), LEAT_FRAME_KIND_COUNT);
}
END_TEST

/* TEST RFC 9000 §12.4-3: table 3 of the RFC, written down once more as letters. */
START_TEST(frames_are_allowed_where_the_rfc_says) {
    static const struct {
        leat_frame_kind kind;
        const char *packets; /* I, H, 0, 1 */
    } expected[] = {
        {LEAT_FRAME_PADDING, "IH01"},
        {LEAT_FRAME_PING, "IH01"},
        {LEAT_FRAME_ACK, "IH_1"},
        {LEAT_FRAME_RESET_STREAM, "__01"},
        {LEAT_FRAME_STOP_SENDING, "__01"},
        {LEAT_FRAME_CRYPTO, "IH_1"},
        {LEAT_FRAME_NEW_TOKEN, "___1"},
        {LEAT_FRAME_STREAM, "__01"},
        {LEAT_FRAME_MAX_DATA, "__01"},
        {LEAT_FRAME_MAX_STREAM_DATA, "__01"},
        {LEAT_FRAME_MAX_STREAMS_BIDI, "__01"},
        {LEAT_FRAME_MAX_STREAMS_UNI, "__01"},
        {LEAT_FRAME_DATA_BLOCKED, "__01"},
        {LEAT_FRAME_STREAM_DATA_BLOCKED, "__01"},
        {LEAT_FRAME_STREAMS_BLOCKED_BIDI, "__01"},
        {LEAT_FRAME_STREAMS_BLOCKED_UNI, "__01"},
        {LEAT_FRAME_NEW_CONNECTION_ID, "__01"},
        /* Refused in 0-RTT as §12.5 permits: nothing was issued that a client could retire. */
        {LEAT_FRAME_RETIRE_CONNECTION_ID, "___1"},
        {LEAT_FRAME_PATH_CHALLENGE, "__01"},
        {LEAT_FRAME_PATH_RESPONSE, "___1"},
        {LEAT_FRAME_CONNECTION_CLOSE, "IH01"},
        {LEAT_FRAME_CONNECTION_CLOSE_APPLICATION, "__01"},
        {LEAT_FRAME_HANDSHAKE_DONE, "___1"},
        {LEAT_FRAME_IMMEDIATE_ACK, "___1"},
        {LEAT_FRAME_RESET_STREAM_AT, "__01"},
        {LEAT_FRAME_DATAGRAM, "__01"},
        {LEAT_FRAME_ACK_FREQUENCY, "___1"},
    };
    ck_assert_uint_eq(sizeof expected / sizeof expected[0], LEAT_FRAME_KIND_COUNT);
    for (size_t i = 0; i < LEAT_FRAME_KIND_COUNT; i++) {
        leat_frame_kind kind = expected[i].kind;
        ck_assert_int_eq(leat_frame_is_allowed(kind, LEAT_PACKET_INITIAL),
                         expected[i].packets[0] == 'I');
        ck_assert_int_eq(leat_frame_is_allowed(kind, LEAT_PACKET_HANDSHAKE),
                         expected[i].packets[1] == 'H');
        ck_assert_int_eq(leat_frame_is_allowed(kind, LEAT_PACKET_ZERO_RTT),
                         expected[i].packets[2] == '0');
        ck_assert_int_eq(leat_frame_is_allowed(kind, LEAT_PACKET_ONE_RTT),
                         expected[i].packets[3] == '1');
        ck_assert(!leat_frame_is_allowed(kind, LEAT_PACKET_RETRY));
        ck_assert(!leat_frame_is_allowed(kind, LEAT_PACKET_VERSION_NEGOTIATION));
    }
}
END_TEST

static unsigned mask_of(bool which, leat_frame_kind kind) { return which ? 1u << kind : 0; }

/* TEST RFC 9000 §13.2, §9.1; RFC 9002 §2. */
START_TEST(flags_are_those_of_the_rfc) {
    unsigned passive = 0, probing = 0, weightless = 0;
    for (int i = 0; i < LEAT_FRAME_KIND_COUNT; i++) {
        leat_frame_kind kind = (leat_frame_kind)i;
        passive |= mask_of(!leat_frame_table[i].ack_eliciting, kind);
        probing |= mask_of(leat_frame_table[i].probing, kind);
        weightless |= mask_of(!leat_frame_table[i].in_flight, kind);
    }
    unsigned closing =
        1u << LEAT_FRAME_CONNECTION_CLOSE | 1u << LEAT_FRAME_CONNECTION_CLOSE_APPLICATION;
    ck_assert_uint_eq(passive, 1u << LEAT_FRAME_ACK | 1u << LEAT_FRAME_PADDING | closing);
    ck_assert_uint_eq(weightless, 1u << LEAT_FRAME_ACK | closing);
    ck_assert_uint_eq(probing, 1u << LEAT_FRAME_PADDING | 1u << LEAT_FRAME_PATH_CHALLENGE |
                                   1u << LEAT_FRAME_PATH_RESPONSE |
                                   1u << LEAT_FRAME_NEW_CONNECTION_ID);
}
END_TEST

LEAT_TEST_MAIN("quic/frame table", every_kind_has_a_whole_row, types_lead_to_their_kind,
               other_types_are_unknown, frames_are_allowed_where_the_rfc_says,
               flags_are_those_of_the_rfc)
