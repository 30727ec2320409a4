/* Tokens that are good once: RFC 9000 §8.1.4, quic/endpoint/spent_tokens.c and tokens.c. */
#include "fake_conn.h"
#include "quic/endpoint/spent_tokens.h"

#define DCID "83 94 c8 f0 3e 51 57 08"
#define EPOCH 40000

static fake_endpoint fake;
static leat_spent_tokens spent;
static test_memory memory;
static const leat_span no_token;

static void begin(void) {
    test_memory_init(&memory);
    leat_spent_tokens_init(&spent, &memory.allocator);
}

static void end(void) {
    leat_spent_tokens_clear(&spent);
    ck_assert_uint_eq(memory.live, 0);
}

/* ---- the register ---- */

START_TEST(an_id_is_spent_once) {
    begin();
    ck_assert(leat_spent_tokens_add(&spent, EPOCH, 7));
    ck_assert(!leat_spent_tokens_add(&spent, EPOCH, 7));
    ck_assert(leat_spent_tokens_add(&spent, EPOCH, 8));
    ck_assert(leat_spent_tokens_add(&spent, EPOCH, 0));
    ck_assert(!leat_spent_tokens_add(&spent, EPOCH, 0));
    end();
}
END_TEST

START_TEST(ids_survive_growth_and_collisions) {
    begin();
    for (uint64_t id = 1; id <= 3000; id++) {
        ck_assert(leat_spent_tokens_add(&spent, EPOCH, id << 20));
    }
    for (uint64_t id = 1; id <= 3000; id++) {
        ck_assert(!leat_spent_tokens_add(&spent, EPOCH, id << 20));
    }
    end();
}
END_TEST

START_TEST(a_full_slice_takes_nothing_more_and_the_next_one_does) {
    begin();
    for (uint64_t id = 1; id <= LEAT_SPENT_TOKENS_MAX; id++) {
        ck_assert(leat_spent_tokens_add(&spent, EPOCH, id));
    }
    ck_assert(!leat_spent_tokens_add(&spent, EPOCH, LEAT_SPENT_TOKENS_MAX + 1));
    ck_assert_uint_eq(spent.slices[EPOCH % LEAT_TOKEN_EPOCHS].capacity, 2 * LEAT_SPENT_TOKENS_MAX);
    ck_assert(leat_spent_tokens_add(&spent, EPOCH + 1, LEAT_SPENT_TOKENS_MAX + 1));
    end();
}
END_TEST

START_TEST(slices_go_when_their_tokens_cannot_be_live) {
    begin();
    for (uint32_t epoch = EPOCH; epoch < EPOCH + 100; epoch++) {
        ck_assert(leat_spent_tokens_add(&spent, epoch, 7));
    }
    ck_assert_uint_eq(memory.live, LEAT_TOKEN_EPOCHS);
    end();
}
END_TEST

START_TEST(a_clock_that_steps_back_makes_no_spent_token_good_again) {
    begin();
    ck_assert(leat_spent_tokens_add(&spent, EPOCH, 7));
    ck_assert(!leat_spent_tokens_add(&spent, EPOCH - LEAT_TOKEN_EPOCHS, 9));
    ck_assert(!leat_spent_tokens_add(&spent, EPOCH, 7));
    end();
}
END_TEST

START_TEST(what_cannot_be_remembered_is_not_spent_well) {
    begin();
    memory.fail_at = 1;
    ck_assert(!leat_spent_tokens_add(&spent, EPOCH, 7));
    memory.fail_at = 0;
    ck_assert(leat_spent_tokens_add(&spent, EPOCH, 7));
    end();
}
END_TEST

/* ---- the endpoint ---- */

/* Finishes a handshake; the token it earned. Static storage. */
static leat_span earn_token(leat_conn *conn) {
    static uint8_t bytes[256];
    conn->is_complete = true;
    leat_endpoint_touch(fake.endpoint, conn);
    memcpy(bytes, conn->new_token, conn->new_token_length);
    return (leat_span){bytes, conn->new_token_length};
}

static leat_conn *open_with(const char *dcid, leat_span token) {
    leat_path path = fake_path(1, 5000);
    fake_last_conn = NULL;
    fake_receive(fake.endpoint, fake_initial(dcid, token), &path, 0);
    return fake_last_conn;
}

/* TEST RFC 9000 §8.1.4-8: once; then it is as if there were no token. */
START_TEST(a_token_shown_again_validates_nothing) {
    fake_endpoint_prepare(&fake);
    fake_endpoint_start(&fake);
    leat_span token = earn_token(open_with(DCID, no_token));
    leat_conn *first = open_with("01 02 03 04 05 06 07 08", token);
    ck_assert(first->origin.address_validated);
    leat_conn *second = open_with("02 02 03 04 05 06 07 08", token);
    ck_assert_ptr_nonnull(second);
    ck_assert(!second->origin.address_validated);
    fake_endpoint_end(&fake);
}
END_TEST

START_TEST(under_load_a_token_shown_again_costs_a_retry) {
    fake_endpoint_prepare(&fake);
    fake_endpoint_start(&fake);
    leat_span token = earn_token(open_with(DCID, no_token));
    open_with("01 02 03 04 05 06 07 08", token);
    fake.endpoint->config.retry = true;
    ck_assert_ptr_null(open_with("02 02 03 04 05 06 07 08", token));
    ck_assert_uint_gt(fake_reply(fake.endpoint, NULL).length, 0);
    fake_endpoint_end(&fake);
}
END_TEST

START_TEST(without_memory_to_remember_it_a_token_validates_nothing) {
    fake_endpoint_prepare(&fake);
    fake_endpoint_start(&fake);
    leat_span token = earn_token(open_with(DCID, no_token));
    fake.memory.fail_at = fake.memory.allocations + 1;
    leat_conn *conn = open_with("01 02 03 04 05 06 07 08", token);
    ck_assert_ptr_nonnull(conn);
    ck_assert(!conn->origin.address_validated);
    fake_endpoint_end(&fake);
}
END_TEST

static void move_to(leat_conn *conn, uint8_t host, uint16_t port) {
    conn->path = fake_path(host, port);
    leat_endpoint_touch(fake.endpoint, conn);
}

/* TEST RFC 9000 §8.1.3: another host needs another token; another port does not. */
START_TEST(a_client_that_moved_gets_a_token_for_its_new_host) {
    fake_endpoint_prepare(&fake);
    fake_endpoint_start(&fake);
    leat_conn *conn = open_with(DCID, no_token);
    earn_token(conn);
    move_to(conn, 1, 5001);
    ck_assert_uint_eq(conn->new_tokens, 1);
    conn->is_path_unvalidated = true;
    move_to(conn, 2, 5001);
    ck_assert_uint_eq(conn->new_tokens, 1);
    conn->is_path_unvalidated = false;
    move_to(conn, 2, 5001);
    move_to(conn, 2, 5002);
    ck_assert_uint_eq(conn->new_tokens, 2);
    leat_span token = {conn->new_token, conn->new_token_length};
    leat_path path = fake_path(2, 7000);
    fake_receive(fake.endpoint, fake_initial("01 02 03 04 05 06 07 08", token), &path, 0);
    ck_assert(fake_last_conn != conn && fake_last_conn->origin.address_validated);
    fake_endpoint_end(&fake);
}
END_TEST

START_TEST(a_client_that_moves_for_ever_gets_no_more_tokens) {
    fake_endpoint_prepare(&fake);
    fake_endpoint_start(&fake);
    leat_conn *conn = open_with(DCID, no_token);
    earn_token(conn);
    for (int i = 0; i < 100; i++) {
        move_to(conn, (uint8_t)(2 + i % 2), 5001);
    }
    ck_assert_uint_eq(conn->new_tokens, LEAT_TOKENS_PER_CONNECTION);
    fake_endpoint_end(&fake);
}
END_TEST

START_TEST(the_key_of_a_token_rotates_under_a_running_server) {
    fake_endpoint_prepare(&fake);
    fake_endpoint_start(&fake);
    leat_span token = earn_token(open_with(DCID, no_token));
    fake.wall_clock += LEAT_TOKEN_NEW_LIFETIME;
    ck_assert(open_with("01 02 03 04 05 06 07 08", token)->origin.address_validated);
    fake.wall_clock += LEAT_KEY_EPOCH;
    ck_assert(!open_with("02 02 03 04 05 06 07 08", token)->origin.address_validated);
    fake_endpoint_end(&fake);
}
END_TEST

LEAT_TEST_MAIN("quic/endpoint spent_tokens", an_id_is_spent_once,
               ids_survive_growth_and_collisions,
               a_full_slice_takes_nothing_more_and_the_next_one_does,
               slices_go_when_their_tokens_cannot_be_live,
               a_clock_that_steps_back_makes_no_spent_token_good_again,
               what_cannot_be_remembered_is_not_spent_well, a_token_shown_again_validates_nothing,
               under_load_a_token_shown_again_costs_a_retry,
               without_memory_to_remember_it_a_token_validates_nothing,
               a_client_that_moved_gets_a_token_for_its_new_host,
               a_client_that_moves_for_ever_gets_no_more_tokens,
               the_key_of_a_token_rotates_under_a_running_server)
