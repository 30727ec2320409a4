/* URLs and the references of redirects: tools/url.c. */
#include "leat_test.h"
#include "tools/url.h"

/* "authority target", or the problem in brackets. */
static const char *parsed(const char *text) {
    static char result[2 * URL_TARGET_MAX];
    static tool_url url;
    const char *problem = NULL;
    if (!url_parse(text, &url, &problem)) {
        snprintf(result, sizeof result, "(%s)", problem);
    } else {
        snprintf(
            result, sizeof result, "%s %u %s %s", url.host, url.port, url.authority, url.target);
    }
    return result;
}

static const char *resolved(const char *base_text, const char *reference) {
    static char result[2 * URL_TARGET_MAX];
    static tool_url base, url;
    const char *problem = NULL;
    ck_assert(url_parse(base_text, &base, &problem));
    if (!url_resolve(&base, reference, &url, &problem)) {
        snprintf(result, sizeof result, "(%s)", problem);
    } else {
        snprintf(result, sizeof result, "https://%s%s", url.authority, url.target);
    }
    return result;
}

START_TEST(host_port_and_target_are_found) {
    ck_assert_str_eq(parsed("https://example.com"), "example.com 443 example.com /");
    ck_assert_str_eq(
        parsed("HTTPS://example.com:4433/a/b?c=d"), "example.com 4433 example.com:4433 /a/b?c=d");
    ck_assert_str_eq(parsed("https://127.0.0.1:/x"), "127.0.0.1 443 127.0.0.1 /x");
    ck_assert_str_eq(parsed("https://a:443/"), "a 443 a /");
}
END_TEST

START_TEST(an_ipv6_address_stands_in_brackets) {
    ck_assert_str_eq(parsed("https://[::1]"), "::1 443 [::1] /");
    ck_assert_str_eq(
        parsed("https://[2001:db8::1]:8443/x"), "2001:db8::1 8443 [2001:db8::1]:8443 /x");
    ck_assert_str_eq(parsed("https://[::1"), "(an IPv6 address must end with ])");
    ck_assert_str_eq(parsed("https://[::g]/"), "(the IPv6 address is malformed)");
    ck_assert_str_eq(parsed("https://[]/"), "(the IPv6 address is malformed)");
    ck_assert_str_eq(parsed("https://[::1]x/"), "(the port must be a number from 1 to 65535)");
}
END_TEST

START_TEST(a_query_without_path_gets_a_slash) {
    ck_assert_str_eq(parsed("https://a?b"), "a 443 a /?b");
}
END_TEST

START_TEST(a_fragment_is_not_sent) {
    ck_assert_str_eq(parsed("https://a#b"), "a 443 a /");
    ck_assert_str_eq(parsed("https://a/b?c#d"), "a 443 a /b?c");
}
END_TEST

START_TEST(what_may_not_stand_in_a_uri_is_percent_encoded) {
    ck_assert_str_eq(parsed("https://a/b c\"\xc3\xa4%20\r\n"), "a 443 a /b%20c%22%C3%A4%20%0D%0A");
}
END_TEST

START_TEST(what_cannot_be_fetched_is_refused_with_a_reason) {
    ck_assert_str_eq(parsed("http://a/"), "(it must begin with https://)");
    ck_assert_str_eq(parsed("a/b"), "(it must begin with https://)");
    ck_assert_str_eq(parsed("https://user@a/"), "(a user name in a URL is not supported)");
    ck_assert_str_eq(parsed("https:///x"), "(the host must be a name in ASCII or an IP address)");
    ck_assert_str_eq(
        parsed("https://\xc3\xa4/"), "(the host must be a name in ASCII or an IP address)");
    ck_assert_str_eq(parsed("https://a b/"), "(the host must be a name in ASCII or an IP address)");
}
END_TEST

START_TEST(ports_lie_between_1_and_65535) {
    static const char *const wrong[] = {"https://a:0/", "https://a:65536/", "https://a:-1/",
        "https://a:4x/", "https://a:123456/", "https://a: 1/"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        ck_assert_str_eq(parsed(wrong[i]), "(the port must be a number from 1 to 65535)");
    }
    ck_assert_str_eq(parsed("https://a:65535"), "a 65535 a:65535 /");
}
END_TEST

START_TEST(names_and_paths_have_bounds) {
    static char text[3 * URL_TARGET_MAX];
    snprintf(text, sizeof text, "https://%0255d/", 0);
    ck_assert_int_ne(parsed(text)[0], '(');
    snprintf(text, sizeof text, "https://%0256d/", 0);
    ck_assert_str_eq(parsed(text), "(the host name is too long)");
    snprintf(text, sizeof text, "https://a/%08200d", 0);
    ck_assert_str_eq(parsed(text), "(the path is too long)");
}
END_TEST

/* TEST RFC 3986 §5.4: the examples that a Location field can hold, with https. */
START_TEST(references_mean_what_rfc_3986_says) {
    static const struct {
        const char *reference, *target;
    } rows[] = {
        {"g", "/b/c/g"},
        {"./g", "/b/c/g"},
        {"g/", "/b/c/g/"},
        {"/g", "/g"},
        {"?y", "/b/c/d;p?y"},
        {"g?y", "/b/c/g?y"},
        {"g?y#s", "/b/c/g?y"},
        {";x", "/b/c/;x"},
        {"g;x=1/./y", "/b/c/g;x=1/y"},
        {".", "/b/c/"},
        {"./", "/b/c/"},
        {"..", "/b/"},
        {"../", "/b/"},
        {"../g", "/b/g"},
        {"../..", "/"},
        {"../../", "/"},
        {"../../g", "/g"},
        {"../../../g", "/g"},
        {"/./g", "/g"},
        {"/../g", "/g"},
        {"g.", "/b/c/g."},
        {"..g", "/b/c/..g"},
        {"./../g", "/b/g"},
        {"./g/.", "/b/c/g/"},
        {"g/../h", "/b/c/h"},
        {"g?y/../x", "/b/c/g?y/../x"},
        {"", "/b/c/d;p?q"},
        {"#s", "/b/c/d;p?q"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char expected[64];
        snprintf(expected, sizeof expected, "https://a:1%s", rows[i].target);
        ck_assert_str_eq(resolved("https://a:1/b/c/d;p?q", rows[i].reference), expected);
    }
}
END_TEST

START_TEST(a_reference_may_name_another_server) {
    ck_assert_str_eq(resolved("https://a/b", "https://c:1/d"), "https://c:1/d");
    ck_assert_str_eq(resolved("https://a/b", "//c:1/d"), "https://c:1/d");
    ck_assert_str_eq(resolved("https://a/b", "http://c/"), "(it must begin with https://)");
    ck_assert_str_eq(resolved("https://a/b", "mailto:x"), "(it must begin with https://)");
}
END_TEST

START_TEST(files_are_named_after_the_last_segment) {
    static const char *const rows[][2] = {{"https://a/b/c.txt?x=/y", "c.txt"}, {"https://a/", ""},
        {"https://a/b/", ""}, {"https://a/b/..", ""}, {"https://a/.", ""},
        {"https://a/%2e%2e", "%2e%2e"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        static tool_url url;
        static char name[URL_TARGET_MAX];
        const char *problem;
        ck_assert(url_parse(rows[i][0], &url, &problem));
        url_file_name(&url, name);
        ck_assert_str_eq(name, rows[i][1]);
    }
}
END_TEST

LEAT_TEST_MAIN("tools url", host_port_and_target_are_found, an_ipv6_address_stands_in_brackets,
    a_query_without_path_gets_a_slash, a_fragment_is_not_sent,
    what_may_not_stand_in_a_uri_is_percent_encoded, what_cannot_be_fetched_is_refused_with_a_reason,
    ports_lie_between_1_and_65535, names_and_paths_have_bounds, references_mean_what_rfc_3986_says,
    a_reference_may_name_another_server, files_are_named_after_the_last_segment)
