/* Whole runs: that they do what they are told, are the same each time, and notice what is wrong. */
#include "leat_test.h"
#include "sim/scenario.h"

static sim_result result;

static void make(sim_config *config, const sim_flow *flow) {
    sim_config_init(config);
    config->flows = flow;
    config->flow_count = 1;
}

static void expect_success(const sim_config *config) {
    ck_assert_msg(sim_run(config, &result), "%s", result.failure);
}

START_TEST(a_transfer_arrives) {
    const sim_task task = {.kind = SIM_TASK_STREAM, .size = 100, .answer = 300000};
    const sim_flow flow = {.tasks = &task, .task_count = 1};
    sim_config config;
    make(&config, &flow);
    expect_success(&config);
    ck_assert(result.flows[0].is_complete);
    ck_assert_uint_eq(result.flows[0].bytes, 300100);
}
END_TEST

/* Two round trips of handshake and request, and not a nanosecond more. */
START_TEST(time_is_the_delay_of_the_link) {
    const sim_task task = {.kind = SIM_TASK_STREAM, .size = 100, .answer = 100};
    const sim_flow flow = {.tasks = &task, .task_count = 1};
    sim_config config;
    make(&config, &flow);
    expect_success(&config);
    ck_assert_uint_eq(result.flows[0].handshake, 20 * LEAT_MILLISECOND);
    ck_assert_uint_eq(result.flows[0].ended, 40 * LEAT_MILLISECOND);
}
END_TEST

START_TEST(the_rate_of_the_link_is_used_and_not_exceeded) {
    const sim_task task = {.kind = SIM_TASK_STREAM, .size = 100, .answer = 3000000};
    const sim_flow flow = {.tasks = &task, .task_count = 1};
    sim_config config;
    make(&config, &flow);
    config.link[SIM_SERVER].rate = 10000000;
    config.link[SIM_SERVER].queue = 50;
    expect_success(&config);
    ck_assert_uint_lt(sim_goodput(&result.flows[0]), 10000000);
    ck_assert_uint_gt(sim_goodput(&result.flows[0]), 8500000);
}
END_TEST

/* Windows and buffers of the defaults grow to the bandwidth-delay product of 1.25 MB. */
START_TEST(a_long_fast_path_is_filled) {
    enum { WARM_UP = 30000000, MORE = 25000000 };
    leat_time ended[2];
    for (unsigned i = 0; i < 2; i++) {
        const sim_task task = {.kind = SIM_TASK_STREAM, .size = 100,
                               .answer = WARM_UP + i * MORE};
        const sim_flow flow = {.tasks = &task, .task_count = 1};
        sim_config config;
        make(&config, &flow);
        for (sim_side side = SIM_CLIENT; side < SIM_SIDES; side++) {
            config.link[side] = (sim_link_config){.delay = 50 * LEAT_MILLISECOND};
        }
        config.link[SIM_SERVER].rate = 100000000;
        config.link[SIM_SERVER].queue = 1000;
        expect_success(&config);
        ended[i] = result.flows[0].ended;
    }
    uint64_t rate = (uint64_t)MORE * 8 * LEAT_SECOND / (ended[1] - ended[0]);
    ck_assert_msg(rate > 90000000, "%llu bit/s", (unsigned long long)rate);
}
END_TEST

START_TEST(the_same_seed_is_the_same_run) {
    static sim_scenario scenario;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        sim_scenario_random(&scenario, seed);
        expect_success(&scenario.config);
        uint64_t digest = result.digest;
        expect_success(&scenario.config);
        ck_assert_uint_eq(digest, result.digest);
        scenario.config.seed++;
        expect_success(&scenario.config);
        ck_assert_uint_ne(digest, result.digest);
    }
}
END_TEST

START_TEST(what_is_not_done_by_the_deadline_is_a_failure) {
    const sim_task task = {.kind = SIM_TASK_STREAM, .size = 100, .answer = 3000000};
    const sim_flow flow = {.tasks = &task, .task_count = 1};
    sim_config config;
    make(&config, &flow);
    config.link[SIM_SERVER].rate = 1000000;
    config.deadline = 5 * LEAT_SECOND;
    ck_assert(!sim_run(&config, &result));
    ck_assert_ptr_nonnull(strstr(result.failure, "the deadline is over; connection 0, task 0"));
}
END_TEST

START_TEST(a_connection_that_ends_too_early_is_a_failure) {
    const sim_task task = {.kind = SIM_TASK_STREAM, .size = 100, .answer = 300000};
    const sim_flow flow = {.tasks = &task, .task_count = 1};
    const sim_change death = {.kind = SIM_CHANGE_DEATH, .side = SIM_SERVER,
                              .at = 30 * LEAT_MILLISECOND};
    sim_config config;
    make(&config, &flow);
    config.changes = &death;
    config.change_count = 1;
    ck_assert(!sim_run(&config, &result));
    ck_assert_ptr_nonnull(strstr(result.failure, "idle_timeout"));
}
END_TEST

/* Steady state, once windows have grown: five times the bytes need no more memory, and hardly an
 * allocation more. */
START_TEST(memory_does_not_grow_with_a_transfer) {
    size_t peaks[2];
    uint64_t allocations[2];
    for (unsigned i = 0; i < 2; i++) {
        const sim_task task = {.kind = SIM_TASK_STREAM, .size = 100,
                               .answer = i == 0 ? 10000000 : 50000000};
        const sim_flow flow = {.tasks = &task, .task_count = 1};
        sim_config config;
        make(&config, &flow);
        config.link[SIM_SERVER].rate = 100000000;
        config.link[SIM_SERVER].queue = 100;
        expect_success(&config);
        peaks[i] = result.memory_peak;
        allocations[i] = result.allocations;
    }
    ck_assert_uint_le(peaks[1], peaks[0] + peaks[0] / 4);
    ck_assert_uint_le(allocations[1], allocations[0] + allocations[0] / 4);
}
END_TEST

START_TEST(two_connections_share_a_link) {
    const sim_task task = {.kind = SIM_TASK_STREAM, .size = 100, .answer = 2000000};
    const sim_flow flow = {.tasks = &task, .task_count = 1}, flows[2] = {flow, flow};
    sim_config config;
    make(&config, flows);
    config.flow_count = 2;
    config.link[SIM_SERVER].rate = 10000000;
    config.link[SIM_SERVER].queue = 60;
    expect_success(&config);
    uint64_t a = sim_goodput(&result.flows[0]), b = sim_goodput(&result.flows[1]);
    ck_assert_uint_lt(a, 9000000);
    ck_assert_uint_lt(b, 9000000);
    ck_assert_uint_gt(a + b, 8000000);
}
END_TEST

LEAT_TEST_MAIN("sim/run", a_transfer_arrives, time_is_the_delay_of_the_link,
               the_rate_of_the_link_is_used_and_not_exceeded, a_long_fast_path_is_filled,
               the_same_seed_is_the_same_run,
               what_is_not_done_by_the_deadline_is_a_failure,
               a_connection_that_ends_too_early_is_a_failure, memory_does_not_grow_with_a_transfer,
               two_connections_share_a_link)
