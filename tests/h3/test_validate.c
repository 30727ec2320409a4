/* Field sections judged alone: RFC 9114 §4.2 to §4.4, RFC 9110 §5, RFC 9220 §3. Tables of messages
 * and of characters. */
#include "h3/rig.h"
#include "h3/validate.h"

#define HTTPS ":method=GET\n:scheme=https\n:authority=a.example\n:path=/"
#define FROM(method) ":method=" method "\n:scheme=https\n:authority=a\n"

typedef struct message {
    const char *lines;
    bool is_fine;
} message;

static const message requests[] = {
    {HTTPS, true},
    {HTTPS "\naccept=*/*\ncookie=a=b\ncookie=c=d", true},
    {FROM("OPTIONS") ":path=*", true},
    {":method=GET\n:scheme=https\n:path=/\nhost=a.example", true},
    {HTTPS "\nhost=a.example", true},
    {":path=/\n:authority=a.example\n:method=GET\n:scheme=https", true},
    {":method=GET\n:scheme=masque\n:path=anything", true},
    {":method=GET\n:scheme=https\n:authority=[::1]:4433\n:path=/", true},
    {":method=GET\n:scheme=https\n:authority=a:\n:path=/", true},
    {HTTPS "\nte=trailers", true},
    {HTTPS "\nx-empty=", true},
    {HTTPS "\ncontent-length=0", true},
    {HTTPS "\ncontent-length=000000000000000017", true},
    /* pseudo-fields: missing, twice, unknown, late, of responses */
    {":scheme=https\n:authority=a\n:path=/", false},
    {":method=GET\n:authority=a\n:path=/", false},
    {":method=GET\n:scheme=https\n:authority=a", false},
    {":method=GET\n:scheme=https\n:path=/", false},
    {HTTPS "\n:method=GET", false},
    {HTTPS "\n:path=/", false},
    {HTTPS "\n:authority=a.example", false},
    {HTTPS "\n:unknown=x", false},
    {HTTPS "\n:status=200", false},
    {HTTPS "\n:protocol=websocket", false},
    {HTTPS "\n:Method=GET", false},
    {":method=GET\n:scheme=https\nx=y\n:authority=a\n:path=/", false},
    {"x=y\n" HTTPS, false},
    /* their values */
    {FROM("GET") ":path=", false},
    {FROM("GET") ":path=*", false},
    {FROM("GET") ":path=a", false},
    {FROM("GET") ":path=/a b", false},
    {FROM("GET") ":path=/a#b", false},
    {FROM("G ET") ":path=/", false},
    {FROM("") ":path=/", false},
    {FROM("GET(") ":path=/", false},
    {":method=GET\n:scheme=\n:authority=a\n:path=/", false},
    {":method=GET\n:scheme=1http\n:authority=a\n:path=/", false},
    {":method=GET\n:scheme=https:\n:authority=a\n:path=/", false},
    {":method=GET\n:scheme=https\n:authority=\n:path=/", false},
    {":method=GET\n:scheme=https\n:authority=user@a\n:path=/", false},
    {":method=GET\n:scheme=https\n:authority=a/b\n:path=/", false},
    {":method=GET\n:scheme=https\n:authority=a b\n:path=/", false},
    {":method=GET\n:scheme=https\n:authority=:443\n:path=/", false},
    {":method=GET\n:scheme=https\n:authority=a:b\n:path=/", false},
    {":method=GET\n:scheme=https\n:authority=[::1\n:path=/", false},
    {":method=GET\n:scheme=https\n:path=/\nhost=", false},
    {":method=GET\n:scheme=https\n:path=/\nhost=a\nhost=a", false},
    {HTTPS "\nhost=b.example", false},
    /* connection-specific fields, RFC 9114 §4.2-3 */
    {HTTPS "\nconnection=close", false},
    {HTTPS "\nkeep-alive=1", false},
    {HTTPS "\nproxy-connection=close", false},
    {HTTPS "\ntransfer-encoding=chunked", false},
    {HTTPS "\nupgrade=h2c", false},
    {HTTPS "\nte=gzip", false},
    {HTTPS "\nte=trailers, gzip", false},
    {HTTPS "\nte=", false},
    /* names and values */
    {HTTPS "\nX-Upper=1", false},
    {HTTPS "\nx upper=1", false},
    {HTTPS "\nx:y=1", false},
    {HTTPS "\nx= lead", false},
    {HTTPS "\nx=trail ", false},
    {HTTPS "\nx=\tlead", false},
    {HTTPS "\nx=a\rb", false},
    {HTTPS "\nx=a\x7f", false},
    /* content-length */
    {HTTPS "\ncontent-length=+5", false},
    {HTTPS "\ncontent-length=-5", false},
    {HTTPS "\ncontent-length=5, 5", false},
    {HTTPS "\ncontent-length=5\ncontent-length=5", false},
    {HTTPS "\ncontent-length=5\ncontent-length=6", false},
    {HTTPS "\ncontent-length=", false},
    {HTTPS "\ncontent-length=0x5", false},
    {HTTPS "\ncontent-length=99999999999999999999999", false},
    /* CONNECT */
    {":method=CONNECT\n:authority=a:443", true},
    {":method=CONNECT\n:authority=[::1]:443", true},
    {":method=CONNECT\n:authority=a", false},
    {":method=CONNECT\n:authority=a:", false},
    {":method=CONNECT", false},
    {":method=CONNECT\n:authority=a:443\n:path=/", false},
    {":method=CONNECT\n:authority=a:443\n:scheme=https", false},
    /* extended CONNECT */
    {":method=CONNECT\n:protocol=websocket\n:scheme=https\n:authority=a\n:path=/", true},
    {":method=CONNECT\n:protocol=websocket\n:scheme=https\n:path=/\nhost=a", true},
    {":method=CONNECT\n:protocol=websocket\n:scheme=https\n:authority=a", false},
    {":method=CONNECT\n:protocol=websocket\n:authority=a\n:path=/", false},
    {":method=CONNECT\n:protocol=\n:scheme=https\n:authority=a\n:path=/", false},
    {":method=CONNECT\n:protocol=web socket\n:scheme=https\n:authority=a\n:path=/", false},
    {":method=CONNECT\n:protocol=webtransport\n:scheme=https\n:authority=a\n:path=/", true},
    {":method=CONNECT\n:protocol=webtransport-h3\n:scheme=https\n:authority=a\n:path=/", true},
    {":method=CONNECT\n:protocol=webtransport\n:scheme=https\n:path=/\nhost=a", false},
};

static const message responses[] = {
    {":status=200", true}, {":status=100", true}, {":status=599\nx=y", true}, {":status=999", true},
    {":status=200\nhost=a\nhost=b", true},
    {"", false}, {"x=y", false}, {":status=", false}, {":status=20", false}, {":status=2000", false}, {":status=2x0", false},
    {":status=000", false}, {":status=+20", false}, {":status=101", false}, {":status=200\n:status=200", false},
    {":status=200\n:path=/", false}, {":status=200\n:method=GET", false}, {":status=200\nte=trailers", false},
    {":status=200\nconnection=close", false}, {"x=y\n:status=200", false},
};

static const message trailers[] = {
    {"x=y", true}, {"", true}, {":status=200", false}, {":path=/", false}, {"x=y\n:path=/", false}, {":x=y", false},
    {"connection=close", false}, {"X=y", false}, {"te=trailers", false},
};

static void check(const message *messages, size_t count, leat_h3_section section) {
    leat_h3_header headers[32];
    for (size_t i = 0; i < count; i++) {
        size_t lines = rig_parse_lines(messages[i].lines, headers, 32);
        leat_h3_verdict verdict = leat_h3_validate(headers, lines, section, true);
        ck_assert_msg((verdict.violation == NULL) == messages[i].is_fine, "%s: %s",
            messages[i].lines, verdict.violation != NULL ? verdict.violation : "accepted");
    }
}

#define COUNT(table) (sizeof table / sizeof table[0])

START_TEST(requests_are_well_formed_or_not) {
    check(requests, COUNT(requests), LEAT_H3_SECTION_REQUEST);
}
END_TEST
START_TEST(responses_are_well_formed_or_not) {
    check(responses, COUNT(responses), LEAT_H3_SECTION_RESPONSE);
}
END_TEST
START_TEST(trailers_are_well_formed_or_not) {
    check(trailers, COUNT(trailers), LEAT_H3_SECTION_TRAILERS);
}
END_TEST

static leat_h3_verdict judge(const char *lines, bool allows_protocol) {
    leat_h3_header headers[32];
    size_t count = rig_parse_lines(lines, headers, 32);
    return leat_h3_validate(headers, count, LEAT_H3_SECTION_REQUEST, allows_protocol);
}

/* TEST RFC 9220 §3. */
START_TEST(the_protocol_needs_the_setting) {
    ck_assert_ptr_null(judge(WEBTRANSPORT, true).violation);
    ck_assert_ptr_nonnull(judge(WEBTRANSPORT, false).violation);
    ck_assert(!judge(WEBTRANSPORT, false).deserves_400);
}
END_TEST

#define WT_WITHOUT(rest) ":method=CONNECT\n:protocol=webtransport\n:scheme=https" rest

START_TEST(a_session_request_without_target_deserves_an_answer) {
    static const char *const answered[] = {
        WT_WITHOUT("\n:authority=a"),
        WT_WITHOUT("\n:path=/"),
        WT_WITHOUT(""),
        WT_WITHOUT("\n:authority=\n:path=/"),
        WT_WITHOUT("\n:authority=a\n:path="),
    };
    static const char *const unanswered[] = {
        WT_WITHOUT("\n:authority=a b\n:path=/"),
        WT_WITHOUT("\n:authority=a\nX=y"),
        WT_WITHOUT("\n:authority=a\n:status=200"),
        ":method=CONNECT\n:protocol=webtransport\n:authority=a",
        ":method=CONNECT\n:protocol=websocket\n:scheme=https\n:authority=a",
    };
    for (size_t i = 0; i < COUNT(answered); i++) {
        leat_h3_verdict verdict = judge(answered[i], true);
        ck_assert_msg(verdict.violation != NULL && verdict.deserves_400, "%s", answered[i]);
    }
    for (size_t i = 0; i < COUNT(unanswered); i++) {
        leat_h3_verdict verdict = judge(unanswered[i], true);
        ck_assert_msg(verdict.violation != NULL && !verdict.deserves_400, "%s", unanswered[i]);
    }
}
END_TEST

/* Is this byte allowed as the middle one of a name, or of a value? */
static bool allows(leat_h3_section section, bool in_name, int byte) {
    char name[] = "x-y", value[] = "a-b";
    (in_name ? name : value)[1] = (char)byte;
    leat_h3_header header = {{(const uint8_t *)name, 3}, {(const uint8_t *)value, 3}, false};
    return leat_h3_validate(&header, 1, section, true).violation == NULL;
}

/* TEST RFC 9114 §10.3, RFC 9110 §5.1, §5.5: every byte in a name and in a value. */
START_TEST(every_byte_in_names_and_values) {
    for (int byte = 0; byte < 256; byte++) {
        bool is_lower_or_digit = (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9');
        bool in_name = is_lower_or_digit || (byte != 0 && strchr("!#$%&'*+-.^_`|~", byte) != NULL);
        bool in_value = byte == '\t' || (byte >= 0x20 && byte != 0x7f);
        ck_assert_msg(
            allows(LEAT_H3_SECTION_TRAILERS, true, byte) == in_name, "name byte %02x", byte);
        ck_assert_msg(
            allows(LEAT_H3_SECTION_TRAILERS, false, byte) == in_value, "value byte %02x", byte);
    }
}
END_TEST

START_TEST(an_empty_name_is_malformed) {
    leat_h3_header header = {{(const uint8_t *)"", 0}, {NULL, 0}, false};
    ck_assert_ptr_nonnull(leat_h3_validate(&header, 1, LEAT_H3_SECTION_TRAILERS, true).violation);
}
END_TEST

START_TEST(the_verdict_says_what_the_message_is) {
    ck_assert_int_eq(judge(HTTPS, true).kind, LEAT_H3_KIND_REQUEST);
    ck_assert_int_eq(judge(WEBTRANSPORT, true).kind, LEAT_H3_KIND_WEBTRANSPORT_CONNECT);
    ck_assert_uint_eq(judge(HTTPS, true).content_length, LEAT_H3_NO_CONTENT_LENGTH);
    ck_assert_uint_eq(judge(HTTPS "\ncontent-length=17", true).content_length, 17);
    ck_assert(judge(FROM("HEAD") ":path=/", true).is_head);
    ck_assert(judge(HTTPS "\ncontent-type=a/b", true).has_content_fields);
    ck_assert(leat_span_is(judge(HTTPS "\npriority=u=1", true).priority, "u=1"));
    leat_h3_header status = leat_h3_header_of(":status", "404");
    ck_assert_uint_eq(leat_h3_validate(&status, 1, LEAT_H3_SECTION_RESPONSE, true).status, 404);
    ck_assert_uint_eq(leat_h3_section_size(&status, 1), 7 + 3 + 32);
}
END_TEST

LEAT_TEST_MAIN("h3 validate", requests_are_well_formed_or_not, responses_are_well_formed_or_not,
    trailers_are_well_formed_or_not, the_protocol_needs_the_setting,
    a_session_request_without_target_deserves_an_answer, every_byte_in_names_and_values,
    an_empty_name_is_malformed, the_verdict_says_what_the_message_is)
