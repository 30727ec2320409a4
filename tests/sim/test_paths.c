/* What paths tell of themselves, over whole runs: ECN marks (RFC 9000 §13.4), MTU (§14). */
#include "leat_test.h"
#include "sim/run.h"

static sim_result result;

/* The server sends a megabyte over a link of ten megabits. */
static const sim_task download = {.kind = SIM_TASK_STREAM, .size = 100, .answer = 1000000};
static const sim_flow flow = {.tasks = &download, .task_count = 1};

static void make(sim_config *config) {
    sim_config_init(config);
    config->flows = &flow;
    config->flow_count = 1;
    for (sim_side side = SIM_CLIENT; side < SIM_SIDES; side++) {
        config->link[side].rate = 10000000;
        config->link[side].queue = 100;
        config->quic[side].max_send_udp_payload = 1200;
    }
}

static void expect_success(const sim_config *config) {
    ck_assert_msg(sim_run(config, &result), "%s", result.failure);
    ck_assert(result.flows[0].is_complete);
}

/* TEST RFC 9002 §7.1: a queue that marks instead of dropping is obeyed, and nothing is lost. */
START_TEST(a_marking_queue_slows_every_controller_down_without_loss) {
    static const char *const controllers[] = {"newreno", "cubic", "bbr"};
    for (size_t i = 0; i < 3; i++) {
        sim_config config;
        make(&config);
        config.link[SIM_SERVER].codel = config.link[SIM_SERVER].marks = true;
        config.link[SIM_SERVER].queue = 0;
        config.quic[SIM_SERVER].congestion_control = controllers[i];
        expect_success(&config);
        const leat_stats *stats = &result.flows[0].stats[SIM_SERVER];
        ck_assert(stats->is_ecn_capable);
        ck_assert_uint_eq(stats->packets_lost, 0);
        ck_assert_uint_eq(result.occurrences.link[SIM_LINK_CODEL_MARKED] > 0,
                          stats->packets_marked_ce > 0);
        ck_assert_uint_gt(sim_goodput(&result.flows[0]), 6000000);
    }
}
END_TEST

START_TEST(a_path_that_changes_marks_loses_nothing_but_ecn) {
    for (unsigned how = 0; how < 3; how++) {
        sim_config config;
        make(&config);
        config.link[SIM_SERVER].bleaching = how == 0 ? SIM_ALWAYS : 0;
        config.link[SIM_SERVER].remarking = how == 1 ? SIM_ALWAYS : 0;
        config.link[SIM_SERVER].drops_marked = how == 2;
        expect_success(&config);
        ck_assert(!result.flows[0].stats[SIM_SERVER].is_ecn_capable);
        /* The other direction is another path, as long as its timeouts do not cast doubt on it. */
        ck_assert(how == 2 || result.flows[0].stats[SIM_CLIENT].is_ecn_capable);
    }
}
END_TEST

START_TEST(a_larger_mtu_is_a_faster_transfer) {
    static const sim_task long_download = {.kind = SIM_TASK_STREAM, .size = 100,
                                           .answer = 8000000};
    static const sim_flow long_flow = {.tasks = &long_download, .task_count = 1};
    sim_config config;
    make(&config);
    config.flows = &long_flow;
    config.quic[SIM_SERVER].max_mtu = 1200;
    expect_success(&config);
    uint64_t packets = result.flows[0].stats[SIM_SERVER].packets_sent;
    uint64_t goodput = sim_goodput(&result.flows[0]);
    config.quic[SIM_SERVER].max_mtu = 0;
    expect_success(&config);
    ck_assert_uint_eq(result.flows[0].stats[SIM_SERVER].path_mtu, 1472);
    ck_assert_uint_lt(result.flows[0].stats[SIM_SERVER].packets_sent, packets * 90 / 100);
    ck_assert_uint_gt(sim_goodput(&result.flows[0]), goodput);
    ck_assert_uint_gt(result.occurrences.feature[SIM_FEATURE_MTU_RAISED], 0);
}
END_TEST

START_TEST(a_link_that_narrows_in_a_transfer_is_a_black_hole_and_not_the_end) {
    static const sim_change narrows = {.kind = SIM_CHANGE_MTU, .side = SIM_SERVER,
                                       .at = 300 * LEAT_MILLISECOND, .value = 1300};
    sim_config config;
    make(&config);
    config.changes = &narrows;
    config.change_count = 1;
    expect_success(&config);
    ck_assert_uint_gt(result.occurrences.feature[SIM_FEATURE_BLACK_HOLE], 0);
    /* 28 bytes of it are headers. */
    ck_assert_uint_le(result.flows[0].stats[SIM_SERVER].path_mtu, 1272);
    ck_assert_uint_gt(result.flows[0].stats[SIM_SERVER].path_mtu, 1200);
    ck_assert_uint_lt(result.finished, 5 * LEAT_SECOND);
}
END_TEST

LEAT_TEST_MAIN("sim paths", a_marking_queue_slows_every_controller_down_without_loss,
               a_path_that_changes_marks_loses_nothing_but_ecn, a_larger_mtu_is_a_faster_transfer,
               a_link_that_narrows_in_a_transfer_is_a_black_hole_and_not_the_end)
