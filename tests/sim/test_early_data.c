/* Early data under loss, reordering and Retry, accepted and rejected: whatever happens, every byte
 * arrives once and every task is done. */
#include "leat_test.h"
#include "sim/run.h"

#define SECOND_BEGINS (3 * LEAT_SECOND)

static sim_result result;

typedef struct early_run {
    sim_config config;
    sim_flow flows[2];
    sim_task first, second[4];
} early_run;

static void make_run(early_run *run, uint64_t seed) {
    *run = (early_run){.first = {.kind = SIM_TASK_STREAM, .size = 10, .answer = 10}};
    run->second[0] = (sim_task){.kind = SIM_TASK_STREAM, .count = 5, .size = 3000, .answer = 20000};
    run->second[1] = (sim_task){.kind = SIM_TASK_DATAGRAMS, .count = 10, .size = 400};
    run->second[2] = (sim_task){.kind = SIM_TASK_PINGS, .count = 3};
    run->second[3] = (sim_task){.kind = SIM_TASK_STREAM, .side = SIM_SERVER, .unidirectional = true,
                                .size = 5000};
    run->flows[0] = (sim_flow){.tasks = &run->first, .task_count = 1};
    run->flows[1] = (sim_flow){.tasks = run->second, .task_count = 4, .resumes = true,
                               .start = SECOND_BEGINS};
    sim_config_init(&run->config);
    run->config.seed = seed;
    run->config.flows = run->flows;
    run->config.flow_count = 2;
    run->config.tickets = run->config.early_data = true;
}

static void add_faults(early_run *run) {
    for (sim_side side = SIM_CLIENT; side < SIM_SIDES; side++) {
        run->config.link[side].loss = 10 * SIM_PERCENT;
        run->config.link[side].duplication = 5 * SIM_PERCENT;
        run->config.link[side].reordering = 20 * SIM_PERCENT;
        run->config.link[side].reorder_delay = 15 * LEAT_MILLISECOND;
        run->config.quic[side].handshake_timeout = 60 * LEAT_SECOND;
    }
}

static void expect_success(const early_run *run) {
    ck_assert_msg(sim_run(&run->config, &result), "%s", result.failure);
    ck_assert(result.flows[0].is_complete && result.flows[1].is_complete);
    ck_assert(!result.flows[0].is_early);
}

/* The question goes with the ClientHello, the answer comes with the ServerHello. */
START_TEST(an_early_question_is_answered_in_one_round_trip) {
    early_run run;
    make_run(&run, 1);
    run.second[0] = (sim_task){.kind = SIM_TASK_STREAM, .size = 100, .answer = 1000};
    run.flows[1].task_count = 1;
    expect_success(&run);
    ck_assert(result.flows[1].is_early);
    ck_assert_uint_eq(result.flows[1].ended, SECOND_BEGINS + 20 * LEAT_MILLISECOND);
}
END_TEST

START_TEST(rejected_early_data_costs_one_round_trip) {
    early_run run;
    make_run(&run, 1);
    run.second[0] = (sim_task){.kind = SIM_TASK_STREAM, .size = 100, .answer = 1000};
    run.flows[1].task_count = 1;
    run.flows[1].rejects_early_data = true;
    expect_success(&run);
    ck_assert(!result.flows[1].is_early && result.flows[1].is_resumed);
    ck_assert_uint_eq(result.occurrences.event[LEAT_EVENT_EARLY_DATA_REJECTED], 1);
    ck_assert_uint_eq(result.flows[1].ended, SECOND_BEGINS + 40 * LEAT_MILLISECOND);
}
END_TEST

/* TEST RFC 9000 §17.2.5.3: it goes again, with the token. */
START_TEST(early_data_goes_again_after_a_retry) {
    early_run run;
    make_run(&run, 1);
    run.config.retry = true;
    run.second[0] = (sim_task){.kind = SIM_TASK_STREAM, .size = 100, .answer = 1000};
    run.flows[1].task_count = 1;
    expect_success(&run);
    ck_assert(result.flows[1].is_early);
    ck_assert_uint_eq(result.flows[1].ended, SECOND_BEGINS + 40 * LEAT_MILLISECOND);
}
END_TEST

START_TEST(every_byte_arrives_once_on_bad_links) {
    unsigned accepted = 0, rejected = 0;
    for (uint64_t seed = 1; seed <= 150; seed++) {
        early_run run;
        make_run(&run, seed);
        add_faults(&run);
        run.config.retry = seed % 3 == 0;
        run.flows[1].rejects_early_data = seed % 4 == 0;
        expect_success(&run);
        accepted += result.flows[1].is_early;
        rejected += result.occurrences.event[LEAT_EVENT_EARLY_DATA_REJECTED] > 0;
    }
    ck_assert_uint_gt(accepted, 50);
    ck_assert_uint_gt(rejected, 20);
}
END_TEST

LEAT_TEST_MAIN("sim early data", an_early_question_is_answered_in_one_round_trip,
               rejected_early_data_costs_one_round_trip, early_data_goes_again_after_a_retry,
               every_byte_arrives_once_on_bad_links)
