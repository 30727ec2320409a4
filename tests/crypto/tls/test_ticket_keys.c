/* Sealing tickets with keys that rotate: crypto/tls/ticket_keys.c. */
#include "crypto/key_epoch.h"
#include "crypto/tls/session.h"
#include "leat_test.h"

#define BORDER (INT64_C(40000) * LEAT_KEY_EPOCH)
#define EPOCH_AT 9 /* in a ticket: behind version and name */

static const uint8_t secret[32] = {1, 2, 3};
static uint8_t ticket[512];
static size_t ticket_length;

/* Seals with one set of keys what another of the same secret shall open, as processes do. */
static void seal_at(int64_t created) {
    leat_ticket_keys *keys = leat_ticket_keys_new(secret);
    const leat_random random = {0};
    leat_session session = {.suite = leat_cipher_suite_find(0x1301), .created = created,
                            .lifetime = LEAT_TICKET_LIFETIME_MAX};
    ticket_length = leat_ticket_seal(keys, &random, &session, ticket, sizeof ticket);
    ck_assert_uint_gt(ticket_length, 0);
    leat_ticket_keys_free(keys);
}

static bool opens_at(int64_t now) {
    uint8_t out[sizeof ticket];
    leat_session session;
    leat_ticket_keys *keys = leat_ticket_keys_new(secret);
    bool opens = leat_ticket_open(keys, (leat_span){ticket, ticket_length}, now, out, &session);
    leat_ticket_keys_free(keys);
    return opens;
}

START_TEST(a_ticket_opens_in_all_epochs_of_its_lifetime) {
    seal_at(BORDER - 1);
    ck_assert(opens_at(BORDER - 1));
    ck_assert(opens_at(BORDER));
    ck_assert(opens_at(BORDER + LEAT_KEY_EPOCH));
    ck_assert(opens_at(BORDER - 1 + LEAT_TICKET_LIFETIME_MAX));
}
END_TEST

START_TEST(a_ticket_of_an_epoch_that_is_over_is_refused) {
    seal_at(BORDER - 1);
    ck_assert(!opens_at(BORDER + LEAT_TICKET_LIFETIME_MAX));
    ck_assert(!opens_at(BORDER + 365 * LEAT_TICKET_LIFETIME_MAX));
}
END_TEST

START_TEST(a_clock_that_steps_back_refuses_tickets_of_later_epochs) {
    seal_at(BORDER);
    ck_assert(!opens_at(BORDER - 1));
    ck_assert(!opens_at(0));
    ck_assert(opens_at(BORDER));
}
END_TEST

START_TEST(a_ticket_renamed_to_another_epoch_does_not_open) {
    seal_at(BORDER - 1);
    ticket[EPOCH_AT + 3]++;
    ck_assert(!opens_at(BORDER));
    ticket[EPOCH_AT + 3]--;
    ck_assert(opens_at(BORDER));
}
END_TEST

LEAT_TEST_MAIN("crypto/tls ticket_keys", a_ticket_opens_in_all_epochs_of_its_lifetime,
               a_ticket_of_an_epoch_that_is_over_is_refused,
               a_clock_that_steps_back_refuses_tickets_of_later_epochs,
               a_ticket_renamed_to_another_epoch_does_not_open)
