/* Every allocation of a handshake fails once: no crash, no leak, no completion without memory. */
#include "tls_pair.h"

static void run(tls_pair *pair) {
    tls_pair_start(pair);
    tls_pair_run(pair);
}

static bool is_done(const tls_side *side) {
    return side->tls != NULL && leat_tls_is_complete(side->tls);
}

/* Which handshake, and which side of it runs out of memory. */
typedef struct memory_plan {
    bool of_client, resumed, early, retried, compressed;
    leat_client_auth client_auth;
} memory_plan;

static void init(tls_pair *pair, const memory_plan *plan) {
    tls_pair_init(pair);
    tls_pair_ask(pair, plan->client_auth);
    pair->server.config.ticket_keys = leat_ticket_keys_new(NULL);
    pair->server.config.replays = leat_replay_register_new(false);
    pair->client.config.early_data = pair->server.config.early_data = plan->early;
    pair->client.config.certificate_compression = plan->compressed;
    pair->server.config.certificate_compression = plan->compressed;
    if (plan->resumed) {
        run(pair);
        tls_pair_restart(pair);
        pair->client.config.session =
            (leat_span){pair->client.session, pair->client.session_length};
    }
    pair->server.config.force_hello_retry_request = plan->retried;
}

static void check_failure(const tls_side *side, size_t fail_at) {
    ck_assert_msg(side->alert == LEAT_ALERT_INTERNAL_ERROR, "allocation %zu: %s", fail_at,
                  leat_alert_name(side->alert));
    ck_assert(!leat_tls_is_complete(side->tls));
}

/* Returns how many allocations failed: nearly all that a handshake makes on that side. */
static size_t fail_each(const memory_plan *plan) {
    test_memory memory;
    tls_pair pair;
    size_t failures = 0;
    init(&pair, plan);
    tls_side *side = plan->of_client ? &pair.client : &pair.server;
    bool done = false;
    for (size_t fail_at = 1; !done; fail_at++) {
        test_memory_init(&memory);
        memory.fail_at = fail_at;
        side->config.allocator = &memory.allocator;
        run(&pair);
        done = memory.allocations < fail_at;
        if (side->tls != NULL && !done) {
            check_failure(side, fail_at);
        }
        ck_assert(!done || (is_done(&pair.client) && is_done(&pair.server)));
        ck_assert(!done || !plan->early ||
                  leat_tls_early_data(pair.client.tls) == LEAT_EARLY_DATA_ACCEPTED);
        failures += !done;
        tls_pair_restart(&pair);
        ck_assert_msg(memory.live == 0, "allocation %zu leaks", fail_at);
    }
    tls_pair_free(&pair);
    return failures;
}

START_TEST(each_allocation_of_a_client_may_fail) {
    ck_assert_uint_gt(fail_each(&(memory_plan){.of_client = true}), 10);
    ck_assert_uint_gt(fail_each(&(memory_plan){.of_client = true, .resumed = true, .retried = true,
                                               .client_auth = LEAT_CLIENT_AUTH_REQUIRE}),
                      10);
}
END_TEST

START_TEST(each_allocation_of_client_authentication_may_fail) {
    ck_assert_uint_gt(fail_each(&(memory_plan){.of_client = true,
                                               .client_auth = LEAT_CLIENT_AUTH_REQUIRE}),
                      10);
    ck_assert_uint_gt(fail_each(&(memory_plan){.client_auth = LEAT_CLIENT_AUTH_REQUIRE}), 7);
}
END_TEST

START_TEST(each_allocation_of_a_server_may_fail) {
    ck_assert_uint_gt(fail_each(&(memory_plan){0}), 5);
    ck_assert_uint_gt(fail_each(&(memory_plan){.resumed = true, .retried = true,
                                               .client_auth = LEAT_CLIENT_AUTH_REQUIRE}),
                      5);
}
END_TEST

START_TEST(each_allocation_with_early_data_may_fail) {
    for (int asks = 0; asks < 2; asks++) {
        memory_plan plan = {.resumed = true, .early = true, .of_client = true,
                            .client_auth = asks ? LEAT_CLIENT_AUTH_REQUIRE : LEAT_CLIENT_AUTH_NONE};
        ck_assert_uint_gt(fail_each(&plan), 10);
        plan.of_client = false;
        ck_assert_uint_gt(fail_each(&plan), 5);
    }
}
END_TEST

START_TEST(each_allocation_with_compressed_certificates_may_fail) {
    memory_plan plan = {.compressed = true, .client_auth = LEAT_CLIENT_AUTH_REQUIRE};
    ck_assert_uint_gt(fail_each(&plan), 7);
    plan.of_client = true;
    ck_assert_uint_gt(fail_each(&plan), 10);
}
END_TEST

LEAT_TEST_MAIN("crypto/tls memory", each_allocation_of_a_client_may_fail,
               each_allocation_of_client_authentication_may_fail,
               each_allocation_of_a_server_may_fail, each_allocation_with_early_data_may_fail,
               each_allocation_with_compressed_certificates_may_fail)
