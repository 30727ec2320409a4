/* Addresses from text. Only names that need no network are resolved. */
#include "leat_test.h"

#include "io/sockaddr.h"

#include <leat/io.h>

static char message[LEAT_MESSAGE_MAX];
static leat_address found[4];

static const char *resolve(const char *text) {
    static char formatted[LEAT_ADDRESS_TEXT_MAX];
    message[0] = '\0';
    int count = leat_address_resolve(text, found, 4, message);
    return count > 0 ? leat_address_format(&found[0], formatted) : "";
}

START_TEST(addresses_with_ports_are_read) {
    ck_assert_str_eq(resolve("127.0.0.1:4433"), "127.0.0.1:4433");
    ck_assert_str_eq(resolve("[::1]:0"), "[::1]:0");
    ck_assert_str_eq(resolve("0.0.0.0:65535"), "0.0.0.0:65535");
    ck_assert_str_eq(resolve("[::]:443"), "[::]:443");
}
END_TEST

START_TEST(what_is_no_address_is_explained) {
    static const char *const wrong[] = {
        "",      "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "::1:4433",
        ":4433", "[]:1",      "a:b",        "127.0.0.1:-1",    "1.2.3.4:80x"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        ck_assert_str_eq(resolve(wrong[i]), "");
        ck_assert_msg(strstr(message, "HOST:PORT") != NULL, "%s", wrong[i]);
    }
}
END_TEST

START_TEST(an_overlong_host_is_refused) {
    static char text[1000];
    memset(text, 'a', sizeof text);
    strcpy(text + 900, ":1");
    ck_assert_str_eq(resolve(text), "");
}
END_TEST

START_TEST(socket_addresses_go_both_ways) {
    static const char *const texts[] = {"192.0.2.1:1", "[2001:db8::1]:65535"};
    for (size_t i = 0; i < 2; i++) {
        char formatted[LEAT_ADDRESS_TEXT_MAX];
        struct sockaddr_storage storage;
        leat_address back;
        resolve(texts[i]);
        ck_assert_uint_gt(leat_sockaddr_write(&found[0], &storage), 0);
        ck_assert(leat_sockaddr_parse(&storage, &back));
        ck_assert(leat_address_equal(&back, &found[0]));
        ck_assert_str_eq(leat_address_format(&back, formatted), texts[i]);
    }
    struct sockaddr_storage other = {.ss_family = AF_UNIX};
    leat_address none = {0};
    ck_assert(!leat_sockaddr_parse(&other, &none));
    ck_assert_uint_eq(leat_sockaddr_write(&none, &other), 0);
}
END_TEST

LEAT_TEST_MAIN("io address", addresses_with_ports_are_read, what_is_no_address_is_explained,
               an_overlong_host_is_refused, socket_addresses_go_both_ways)
