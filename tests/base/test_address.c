/* Addresses, error names and the version: base/address.c, base/error.c. */
#include "leat_test.h"

static leat_address ipv6(const char *hex, uint16_t port, uint32_t scope_id) {
    leat_address address = {.family = LEAT_ADDRESS_IPV6, .port = port, .scope_id = scope_id};
    memcpy(address.ip, test_hex(hex).data, 16);
    return address;
}

static leat_address ipv4(uint8_t last, uint16_t port) {
    return (leat_address){.family = LEAT_ADDRESS_IPV4, .port = port, .ip = {192, 0, 2, last}};
}

static void assert_text(leat_address address, const char *expected) {
    char text[LEAT_ADDRESS_TEXT_MAX];
    ck_assert_str_eq(leat_address_format(&address, text), expected);
}

START_TEST(an_ipv4_address_prints_with_its_port) { assert_text(ipv4(7, 4433), "192.0.2.7:4433"); }
END_TEST

START_TEST(ipv6_prints_the_longest_zero_run_as_two_colons) {
    assert_text(ipv6("00000000 00000000 00000000 00000001", 4433, 0), "[::1]:4433");
    assert_text(ipv6("00000000 00000000 00000000 00000000", 1, 0), "[::]:1");
    assert_text(ipv6("20010db8 00000000 00010000 00000001", 443, 0), "[2001:db8::1:0:0:1]:443");
    assert_text(ipv6("20010db8 00000001 00000000 00000001", 443, 0), "[2001:db8:0:1::1]:443");
    assert_text(ipv6("20010db8 00010002 00030004 00000000", 443, 0), "[2001:db8:1:2:3:4::]:443");
    assert_text(ipv6("20010db8 00000001 00010001 00010001", 443, 0), "[2001:db8:0:1:1:1:1:1]:443");
}
END_TEST

START_TEST(the_longest_ipv6_text_fits) {
    assert_text(ipv6("abcdabcd abcdabcd abcdabcd abcdabcd", 65535, UINT32_MAX),
                "[abcd:abcd:abcd:abcd:abcd:abcd:abcd:abcd%4294967295]:65535");
}
END_TEST

START_TEST(an_unset_address_prints_as_none) {
    assert_text((leat_address){.family = LEAT_ADDRESS_NONE}, "none");
}
END_TEST

START_TEST(addresses_differ_by_family_ip_port_and_zone) {
    leat_address a = ipv4(1, 5), other_ip = ipv4(2, 5), other_port = ipv4(1, 6), same = ipv4(1, 5);
    ck_assert(leat_address_equal(&a, &same));
    ck_assert(!leat_address_equal(&a, &other_ip));
    ck_assert(!leat_address_equal(&a, &other_port));
    leat_address six = ipv6("fe800000 00000000 00000000 00000001", 5, 1), zone = six, last = six;
    zone.scope_id = 2;
    last.ip[15] = 2;
    ck_assert(!leat_address_equal(&a, &six));
    ck_assert(!leat_address_equal(&six, &zone));
    ck_assert(!leat_address_equal(&six, &last));
}
END_TEST

START_TEST(bytes_beyond_an_ipv4_address_do_not_matter) {
    leat_address a = ipv4(1, 5), b = ipv4(1, 5);
    b.ip[9] = 1;
    ck_assert(leat_address_equal(&a, &b));
}
END_TEST

START_TEST(paths_are_equal_when_both_ends_are) {
    leat_path a = {ipv4(1, 1), ipv4(2, 2)}, b = a, reversed = {ipv4(2, 2), ipv4(1, 1)};
    ck_assert(leat_path_equal(&a, &b));
    ck_assert(!leat_path_equal(&a, &reversed));
    b.remote.port++;
    ck_assert(!leat_path_equal(&a, &b));
}
END_TEST

START_TEST(every_error_has_a_sentence_of_its_own) {
    for (int a = LEAT_ERR_REFUSED; a <= LEAT_OK; a++) {
        ck_assert_ptr_nonnull(leat_err_string(a));
        for (int b = LEAT_ERR_REFUSED; b < a; b++) {
            ck_assert_str_ne(leat_err_string(a), leat_err_string(b));
        }
    }
    ck_assert_str_eq(leat_err_string(LEAT_ERR_REFUSED - 1), "unknown error");
    ck_assert_str_eq(leat_err_string(INT32_MIN), "unknown error");
    ck_assert_str_eq(leat_err_string(17), "no error");
}
END_TEST

START_TEST(the_linked_version_is_that_of_the_header) {
    ck_assert_str_eq(leat_version(), LEAT_VERSION_STRING);
}
END_TEST

LEAT_TEST_MAIN("base/address", an_ipv4_address_prints_with_its_port,
               ipv6_prints_the_longest_zero_run_as_two_colons, the_longest_ipv6_text_fits,
               an_unset_address_prints_as_none, addresses_differ_by_family_ip_port_and_zone,
               bytes_beyond_an_ipv4_address_do_not_matter, paths_are_equal_when_both_ends_are,
               every_error_has_a_sentence_of_its_own, the_linked_version_is_that_of_the_header)
