/* Several endpoints behind one address: quic/endpoint/workers.c. */
#include "fake_conn.h"

#define WORKERS 3
#define DCID "83 94 c8 f0 3e 51 57 08"

static const uint8_t reset_key[32] = {7};
static fake_endpoint workers[WORKERS];
static const leat_span no_token;
static unsigned handed_to, handed_count;
static size_t handed_length, handed_segment;

/* As a mailbox does it: the bytes go to the other one, which is in the same thread here. */
static void hand_over(void *user, unsigned worker, const uint8_t *data, size_t length,
                      size_t segment_size, const leat_path *path, uint8_t ecn) {
    uint8_t copy[8192];
    (void)user;
    handed_to = worker;
    handed_count++;
    handed_length = length;
    handed_segment = segment_size;
    memcpy(copy, data, length);
    leat_endpoint_receive_datagram(workers[worker].endpoint, copy, length, segment_size, path, ecn,
                                   0);
}

static void start(void) {
    handed_count = 0;
    for (unsigned i = 0; i < WORKERS; i++) {
        fake_endpoint_prepare(&workers[i]);
        workers[i].seed = i;
        workers[i].config.reset_key = reset_key;
        workers[i].config.worker_count = WORKERS;
        workers[i].config.worker = i;
        workers[i].config.hand_over = hand_over;
        fake_endpoint_start(&workers[i]);
    }
}

static void end(void) {
    for (unsigned i = 0; i < WORKERS; i++) {
        leat_endpoint_free(workers[i].endpoint);
        ck_assert_uint_eq(workers[i].memory.live, 0);
    }
}

/* A connection of this worker, opened by an ID that names nobody else. */
static leat_conn *open_at(unsigned worker) {
    leat_path path = fake_path(1, (uint16_t)(5000 + worker));
    fake_last_conn = NULL;
    fake_receive(workers[worker].endpoint, fake_initial(DCID, no_token), &path, 0);
    ck_assert_ptr_nonnull(fake_last_conn);
    return fake_last_conn;
}

static void receive_short(unsigned worker, const leat_conn *conn) {
    leat_path path = fake_path(9, 9999);
    fake_receive(workers[worker].endpoint, fake_short(leat_cid_span(&conn->cid), 100), &path, 0);
}

START_TEST(a_packet_at_the_wrong_worker_comes_to_its_connection) {
    start();
    for (unsigned owner = 0; owner < WORKERS; owner++) {
        leat_conn *conn = open_at(owner);
        size_t received = conn->received;
        for (unsigned at = 0; at < WORKERS; at++) {
            handed_count = 0;
            receive_short(at, conn);
            ck_assert_uint_eq(conn->received, ++received);
            ck_assert_uint_eq(handed_count, at == owner ? 0 : 1);
        }
    }
    end();
}
END_TEST

START_TEST(a_train_of_one_connection_goes_over_in_one_piece) {
    start();
    const leat_conn *conn = open_at(1);
    leat_path path = fake_path(9, 9999);
    uint8_t train[350];
    for (size_t i = 0; i < sizeof train; i += 100) {
        size_t size = sizeof train - i < 100 ? sizeof train - i : 100;
        memcpy(train + i, fake_short(leat_cid_span(&conn->cid), size).data, size);
    }
    leat_endpoint_receive_datagram(workers[0].endpoint, train, sizeof train, 100, &path, 0, 0);
    ck_assert_uint_eq(handed_count, 1);
    ck_assert_uint_eq(handed_to, 1);
    ck_assert_uint_eq(handed_length, sizeof train);
    ck_assert_uint_eq(handed_segment, 100);
    end();
}
END_TEST

START_TEST(a_train_of_several_connections_is_taken_apart) {
    start();
    leat_conn *conns[] = {open_at(1), open_at(0), open_at(2)};
    leat_path path = fake_path(9, 9999);
    uint8_t train[300];
    for (size_t i = 0; i < 3; i++) {
        memcpy(train + 100 * i, fake_short(leat_cid_span(&conns[i]->cid), 100).data, 100);
    }
    leat_endpoint_receive_datagram(workers[0].endpoint, train, sizeof train, 100, &path, 0, 0);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_uint_eq(conns[i]->received, 2);
    }
    ck_assert_uint_eq(handed_count, 2);
    end();
}
END_TEST

/* TEST RFC 9000 §5.1: IDs of one worker show nothing in common. */
START_TEST(the_number_of_the_worker_cannot_be_seen) {
    start();
    unsigned seen[256] = {0}, different = 0;
    for (unsigned i = 0; i < 300; i++) {
        leat_cid cid = {.length = 8};
        test_random(&workers[0].seed, cid.bytes, 8);
        leat_endpoint_mark_worker(workers[0].endpoint, &cid);
        different += seen[cid.bytes[0]]++ == 0 ? 1 : 0;
    }
    ck_assert_uint_gt(different, 128);
    end();
}
END_TEST

/* Whatever clients invent: each packet ends somewhere, and all with one ID in the same place. */
START_TEST(an_invented_connection_id_is_at_home_in_one_place) {
    start();
    unsigned elsewhere = 0;
    for (unsigned i = 0; i < 2000; i++) {
        char dcid[32];
        leat_path path = fake_path(1, 5000);
        snprintf(dcid, sizeof dcid, "%02x %02x 03 04 05 06 07 08", i / 256, i % 256);
        handed_count = 0;
        fake_receive(workers[0].endpoint, fake_initial(dcid, no_token), &path, 0);
        leat_conn *conn = fake_last_conn;
        if (handed_count > 0) {
            elsewhere++;
            size_t received = conn->received;
            fake_receive(workers[0].endpoint, fake_initial(dcid, no_token), &path, 0);
            ck_assert_uint_eq(conn->received, received + 1);
        }
    }
    /* Two of 256 numbers name another worker. */
    ck_assert_uint_gt(elsewhere, 0);
    ck_assert_uint_lt(elsewhere, 60);
    end();
}
END_TEST

START_TEST(tokens_and_retry_are_good_at_every_worker) {
    start();
    leat_conn *conn = open_at(0);
    conn->is_complete = true;
    leat_endpoint_touch(workers[0].endpoint, conn);
    leat_span token = {conn->new_token, conn->new_token_length};
    leat_path path = fake_path(1, 7000);
    fake_receive(workers[2].endpoint, fake_initial("01 02 03 04 05 06 07 09", token), &path, 0);
    ck_assert(fake_last_conn != conn && fake_last_conn->origin.address_validated);
    end();
}
END_TEST

START_TEST(without_hand_over_a_foreign_packet_is_an_unknown_one) {
    start();
    leat_conn *conn = open_at(1);
    workers[0].endpoint->config.hand_over = NULL;
    receive_short(0, conn);
    ck_assert_uint_eq(conn->received, 1);
    ck_assert_uint_gt(fake_reply(workers[0].endpoint, NULL).length, 0); /* a stateless reset */
    end();
}
END_TEST

START_TEST(impossible_workers_are_refused) {
    fake_endpoint fake;
    int error = 0;
    fake_endpoint_prepare(&fake);
    fake.config.worker_count = 2;
    fake.config.worker = 2;
    ck_assert_ptr_null(leat_endpoint_new(&fake.config, &error));
    fake.config.worker = 1;
    fake.config.connection_id_length = 7;
    ck_assert_ptr_null(leat_endpoint_new(&fake.config, &error));
    fake.config.connection_id_length = 8;
    fake.config.worker_count = LEAT_WORKERS_MAX + 1;
    ck_assert_ptr_null(leat_endpoint_new(&fake.config, &error));
    ck_assert_int_eq(error, LEAT_ERR_INVALID);
}
END_TEST

LEAT_TEST_MAIN("quic/endpoint workers", a_packet_at_the_wrong_worker_comes_to_its_connection,
               a_train_of_one_connection_goes_over_in_one_piece,
               a_train_of_several_connections_is_taken_apart,
               the_number_of_the_worker_cannot_be_seen,
               an_invented_connection_id_is_at_home_in_one_place,
               tokens_and_retry_are_good_at_every_worker,
               without_hand_over_a_foreign_packet_is_an_unknown_one,
               impossible_workers_are_refused)
