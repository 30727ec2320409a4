/*
 * Every cell of the two state tables, written down a second time as the list of arrows in RFC
 * 9000's figures: what is not an arrow must keep the state.
 */
#include "leat_test.h"
#include "quic/stream/stream_state.h"

typedef struct arrow {
    int from, input, to;
} arrow;

static const arrow send_arrows[] = {
    {LEAT_SEND_READY, LEAT_SEND_ON_DATA, LEAT_SEND_SEND},
    {LEAT_SEND_READY, LEAT_SEND_ON_FIN, LEAT_SEND_DATA_SENT},
    {LEAT_SEND_READY, LEAT_SEND_ON_RESET, LEAT_SEND_RESET_SENT},
    {LEAT_SEND_SEND, LEAT_SEND_ON_FIN, LEAT_SEND_DATA_SENT},
    {LEAT_SEND_SEND, LEAT_SEND_ON_RESET, LEAT_SEND_RESET_SENT},
    {LEAT_SEND_DATA_SENT, LEAT_SEND_ON_RESET, LEAT_SEND_RESET_SENT},
    {LEAT_SEND_DATA_SENT, LEAT_SEND_ON_ALL_ACKED, LEAT_SEND_DATA_RECVD},
    {LEAT_SEND_RESET_SENT, LEAT_SEND_ON_RESET_ACKED, LEAT_SEND_RESET_RECVD},
};

static const arrow recv_arrows[] = {
    {LEAT_RECV_RECV, LEAT_RECV_ON_FIN, LEAT_RECV_SIZE_KNOWN},
    {LEAT_RECV_RECV, LEAT_RECV_ON_RESET, LEAT_RECV_RESET_RECVD},
    {LEAT_RECV_SIZE_KNOWN, LEAT_RECV_ON_ALL_DATA, LEAT_RECV_DATA_RECVD},
    {LEAT_RECV_SIZE_KNOWN, LEAT_RECV_ON_RESET, LEAT_RECV_RESET_RECVD},
    {LEAT_RECV_DATA_RECVD, LEAT_RECV_ON_DATA_READ, LEAT_RECV_DATA_READ},
    {LEAT_RECV_RESET_RECVD, LEAT_RECV_ON_RESET_READ, LEAT_RECV_RESET_READ},
};

static int target(const arrow *arrows, size_t count, int from, int input) {
    for (size_t i = 0; i < count; i++) {
        if (arrows[i].from == from && arrows[i].input == input) {
            return arrows[i].to;
        }
    }
    return from;
}

START_TEST(each_cell_of_the_sending_table_is_an_arrow_of_figure_2_or_keeps_the_state) {
    for (int from = 0; from < LEAT_SEND_STATE_COUNT; from++) {
        for (int input = 0; input < LEAT_SEND_INPUT_COUNT; input++) {
            leat_send_state state = (leat_send_state)from;
            int expected =
                target(send_arrows, sizeof send_arrows / sizeof send_arrows[0], from, input);
            bool changed = leat_send_state_apply(&state, (leat_send_input)input);
            ck_assert_msg((int)state == expected, "%s, input %d",
                leat_send_state_name((leat_send_state)from), input);
            ck_assert_int_eq(changed, expected != from);
        }
    }
}
END_TEST

START_TEST(each_cell_of_the_receiving_table_is_an_arrow_of_figure_3_or_keeps_the_state) {
    for (int from = 0; from < LEAT_RECV_STATE_COUNT; from++) {
        for (int input = 0; input < LEAT_RECV_INPUT_COUNT; input++) {
            leat_recv_state state = (leat_recv_state)from;
            int expected =
                target(recv_arrows, sizeof recv_arrows / sizeof recv_arrows[0], from, input);
            bool changed = leat_recv_state_apply(&state, (leat_recv_input)input);
            ck_assert_msg((int)state == expected, "%s, input %d",
                leat_recv_state_name((leat_recv_state)from), input);
            ck_assert_int_eq(changed, expected != from);
        }
    }
}
END_TEST

START_TEST(a_state_is_terminal_when_no_arrow_leaves_it) {
    for (int from = 0; from < LEAT_SEND_STATE_COUNT; from++) {
        bool leaves = false;
        for (int input = 0; input < LEAT_SEND_INPUT_COUNT; input++) {
            leaves |= (int)leat_send_state_table[from][input] != from;
        }
        ck_assert_int_eq(leat_send_state_is_terminal((leat_send_state)from), !leaves);
    }
    for (int from = 0; from < LEAT_RECV_STATE_COUNT; from++) {
        bool leaves = false;
        for (int input = 0; input < LEAT_RECV_INPUT_COUNT; input++) {
            leaves |= (int)leat_recv_state_table[from][input] != from;
        }
        ck_assert_int_eq(leat_recv_state_is_terminal((leat_recv_state)from), !leaves);
    }
}
END_TEST

/* TEST RFC 9000 §3.3-2: after RESET_STREAM and in terminal states no STREAM frame is sent. */
START_TEST(data_may_be_sent_only_before_a_reset_or_the_end) {
    static const bool expected[LEAT_SEND_STATE_COUNT] = {
        [LEAT_SEND_READY] = true, [LEAT_SEND_SEND] = true, [LEAT_SEND_DATA_SENT] = true};
    for (int state = 0; state < LEAT_SEND_STATE_COUNT; state++) {
        ck_assert_int_eq(leat_send_state_can_send((leat_send_state)state), expected[state]);
    }
}
END_TEST

START_TEST(every_state_has_a_name_of_its_own) {
    for (int a = 0; a < LEAT_SEND_STATE_COUNT; a++) {
        for (int b = 0; b < a; b++) {
            ck_assert_str_ne(
                leat_send_state_name((leat_send_state)a), leat_send_state_name((leat_send_state)b));
        }
    }
    for (int a = 0; a < LEAT_RECV_STATE_COUNT; a++) {
        for (int b = 0; b < a; b++) {
            ck_assert_str_ne(
                leat_recv_state_name((leat_recv_state)a), leat_recv_state_name((leat_recv_state)b));
        }
    }
}
END_TEST

LEAT_TEST_MAIN("quic/stream states",
    each_cell_of_the_sending_table_is_an_arrow_of_figure_2_or_keeps_the_state,
    each_cell_of_the_receiving_table_is_an_arrow_of_figure_3_or_keeps_the_state,
    a_state_is_terminal_when_no_arrow_leaves_it, data_may_be_sent_only_before_a_reset_or_the_end,
    every_state_has_a_name_of_its_own)
