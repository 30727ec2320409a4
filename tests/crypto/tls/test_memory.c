/* Every allocation of a handshake fails once: no crash, no leak, no completion without memory. */
#include "tls_pair.h"

static void run(tls_pair *pair) {
    tls_pair_start(pair);
    tls_pair_run(pair);
}

static bool is_done(const tls_side *side) {
    return side->tls != NULL && leat_tls_is_complete(side->tls);
}

/* Returns how many allocations a handshake makes on that side. */
static size_t fail_each(bool of_client, bool resumed, bool retried,
                        leat_client_auth client_auth) {
    test_memory memory;
    tls_pair pair;
    size_t failures = 0;
    tls_pair_init(&pair);
    tls_pair_ask(&pair, client_auth);
    pair.server.config.ticket_keys = leat_ticket_keys_new(NULL);
    if (resumed) {
        run(&pair);
        tls_pair_restart(&pair);
        pair.client.config.session = (leat_span){pair.client.session, pair.client.session_length};
    }
    pair.server.config.force_hello_retry_request = retried;
    tls_side *side = of_client ? &pair.client : &pair.server;
    bool done = false;
    for (size_t fail_at = 1; !done; fail_at++) {
        test_memory_init(&memory);
        memory.fail_at = fail_at;
        side->config.allocator = &memory.allocator;
        run(&pair);
        done = memory.allocations < fail_at;
        if (side->tls != NULL && !done) {
            ck_assert_msg(side->alert == LEAT_ALERT_INTERNAL_ERROR, "allocation %zu: %s", fail_at,
                          leat_alert_name(side->alert));
            ck_assert(!leat_tls_is_complete(side->tls));
        }
        ck_assert(!done || (is_done(&pair.client) && is_done(&pair.server)));
        failures += !done;
        tls_pair_restart(&pair);
        ck_assert_msg(memory.live == 0, "allocation %zu leaks", fail_at);
    }
    tls_pair_free(&pair);
    return failures;
}

START_TEST(each_allocation_of_a_client_may_fail) {
    ck_assert_uint_gt(fail_each(true, false, false, LEAT_CLIENT_AUTH_NONE), 10);
    ck_assert_uint_gt(fail_each(true, true, true, LEAT_CLIENT_AUTH_REQUIRE), 10);
}
END_TEST

START_TEST(each_allocation_of_client_authentication_may_fail) {
    ck_assert_uint_gt(fail_each(true, false, false, LEAT_CLIENT_AUTH_REQUIRE), 10);
    ck_assert_uint_gt(fail_each(false, false, false, LEAT_CLIENT_AUTH_REQUIRE), 7);
}
END_TEST

START_TEST(each_allocation_of_a_server_may_fail) {
    ck_assert_uint_gt(fail_each(false, false, false, LEAT_CLIENT_AUTH_NONE), 5);
    ck_assert_uint_gt(fail_each(false, true, true, LEAT_CLIENT_AUTH_REQUIRE), 5);
}
END_TEST

LEAT_TEST_MAIN("crypto/tls memory", each_allocation_of_a_client_may_fail,
               each_allocation_of_client_authentication_may_fail,
               each_allocation_of_a_server_may_fail)
