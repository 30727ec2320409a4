/*
 * Validation of field sections. Two tables: the pseudo-fields, with one rule per kind of message,
 * and the regular fields that HTTP/3 has an opinion on. RFC 9114 §4.2 to §4.4 and §10.3, RFC 9110
 * §5 and §8.6, RFC 9220 §3. Cookie lines are not joined (RFC 9114 §4.2.1): the application gets the
 * lines as they came.
 */
#include "h3/validate.h"

#include "h3/characters.h"

/* ---- characters --------------------------------------------------------------------- */


/* RFC 9110 §5.6.2: tchar. */
static bool is_token_char(uint8_t c) {
    return leat_is_letter(c) || leat_is_digit(c) || leat_is_in(c, "!#$%&'*+-.^_`|~");
}
/* RFC 9114 §4.2-2: an upper-case letter makes the message malformed. */
static bool is_name_char(uint8_t c) {
    return is_token_char(c) && (!leat_is_letter(c) || leat_is_lower(c));
}
/* RFC 9110 §5.5: visible characters, space, tab and bytes above ASCII; so no NUL, CR or LF can be
 * smuggled. */
static bool is_value_char(uint8_t c) { return c == '\t' || (c >= ' ' && c != 0x7f); }
static bool is_scheme_char(uint8_t c) {
    return leat_is_letter(c) || leat_is_digit(c) || leat_is_in(c, "+-.");
}
/* RFC 3986 §3.3, generously: what cannot break a request line. */
static bool is_path_char(uint8_t c) { return c > ' ' && c < 0x7f && c != '#'; }
/* RFC 3986 §3.2.2 without userinfo: RFC 9114 §4.3.1-1 forbids the "@". */
static bool is_host_char(uint8_t c) {
    return leat_is_letter(c) || leat_is_digit(c) || leat_is_in(c, "-._~%!$&'()*+,;=[]:");
}

static bool is_all(leat_span text, bool (*is_allowed)(uint8_t)) {
    for (size_t i = 0; i < text.length; i++) {
        if (!is_allowed(text.data[i])) {
            return false;
        }
    }
    return text.length > 0;
}

/* ---- values of pseudo-fields -------------------------------------------------------- */

static bool is_token(leat_span value) { return is_all(value, is_token_char); }
static bool is_scheme(leat_span value) {
    return is_all(value, is_scheme_char) && leat_is_letter(value.data[0]);
}
static bool is_path(leat_span value) { return is_all(value, is_path_char); }

/* The length of what stands before ":port", or all. */
static size_t host_length_of(leat_span authority) {
    size_t port = authority.length;
    while (port > 0 && leat_is_digit(authority.data[port - 1])) {
        port--;
    }
    return port > 0 && authority.data[port - 1] == ':' ? port - 1 : authority.length;
}

/* RFC 3986 §3.2: host, or "[address]", then perhaps ":" and a port. */
static bool is_authority(leat_span value) {
    if (!is_all(value, is_host_char)) {
        return false;
    }
    size_t host_length = host_length_of(value);
    leat_span host = {value.data, host_length};
    if (host_length > 2 && host.data[0] == '[') {
        return host.data[host_length - 1] == ']';
    }
    return host_length > 0 && memchr(host.data, ':', host_length) == NULL &&
           memchr(host.data, '[', host_length) == NULL &&
           memchr(host.data, ']', host_length) == NULL;
}

/* RFC 9110 §15: three digits. RFC 9114 §4.5: 101 has no meaning here. */
static bool is_status(leat_span value) {
    return value.length == 3 && is_all(value, leat_is_digit) && value.data[0] >= '1' &&
           value.data[0] <= '9' && !leat_span_is(value, "101");
}

/* ---- the table of pseudo-fields ----------------------------------------------------- */

typedef enum pseudo_rule { NEVER, MAY, MUST, MUST_OR_400 } pseudo_rule;
enum { METHOD, SCHEME, AUTHORITY, PATH, PROTOCOL, STATUS, PSEUDO_COUNT };

typedef struct pseudo_field {
    const char *name;
    uint8_t rules[LEAT_H3_KIND_COUNT]; /* pseudo_rule */
    bool (*is_valid)(leat_span value);
    const char *missing, *forbidden, *invalid;
} pseudo_field;

#define WORDS(name) name " is missing", name " is not allowed here", name " is invalid"

/* RFC 9114 §4.3.1, §4.3.2, §4.4; RFC 9220 §3. draft-ietf-webtrans-http3-16 §3.2-3: a session needs
 * :authority and :path. */
static const pseudo_field pseudo_fields[PSEUDO_COUNT] = {
    /*                           REQUEST CONNECT EXTENDED WEBTRANSPORT RESPONSE TRAILERS */
    [METHOD]    = {":method",    {MUST,  MUST,   MUST,    MUST,        NEVER,   NEVER}, is_token, WORDS(":method")},
    [SCHEME]    = {":scheme",    {MUST,  NEVER,  MUST,    MUST,        NEVER,   NEVER}, is_scheme, WORDS(":scheme")},
    [AUTHORITY] = {":authority", {MAY,   MUST,   MAY,     MUST_OR_400, NEVER,   NEVER}, is_authority, WORDS(":authority")},
    [PATH]      = {":path",      {MUST,  NEVER,  MUST,    MUST_OR_400, NEVER,   NEVER}, is_path, WORDS(":path")},
    [PROTOCOL]  = {":protocol",  {NEVER, NEVER,  MUST,    MUST,        NEVER,   NEVER}, is_token, WORDS(":protocol")},
    [STATUS]    = {":status",    {NEVER, NEVER,  NEVER,   NEVER,       MUST,    NEVER}, is_status, WORDS(":status")},
};

typedef struct section_scan {
    leat_h3_verdict verdict;
    leat_h3_section section;
    leat_span pseudo[PSEUDO_COUNT]; /* data NULL: absent */
    leat_span host;
    bool regular_seen;
} section_scan;

/* An absent value has data NULL, an empty one has not: so absence can be told from emptiness. */
static leat_span present(leat_span value) {
    return value.data != NULL ? value : (leat_span){(const uint8_t *)"", 0};
}

static const char *on_pseudo_field(section_scan *scan, const leat_h3_header *header) {
    if (scan->regular_seen) {
        /* RFC 9114 §4.3-6: after a regular field it could be overlooked. */
        return "pseudo-field after a regular field";
    }
    for (size_t i = 0; i < PSEUDO_COUNT; i++) {
        if (leat_span_is(header->name, pseudo_fields[i].name)) {
            if (scan->pseudo[i].data != NULL) {
                return "pseudo-field twice";
            }
            scan->pseudo[i] = present(header->value);
            return NULL;
        }
    }
    /* RFC 9114 §4.3-4: what is not defined is malformed. */
    return "unknown pseudo-field";
}

static const char *check_pseudo_field(
    const section_scan *scan, const pseudo_field *row, leat_span value, bool *deserves_400) {
    pseudo_rule rule = (pseudo_rule)row->rules[scan->verdict.kind];
    if (value.length == 0 && rule == MUST_OR_400) {
        *deserves_400 = true;
    }
    if (value.data == NULL) {
        return rule >= MUST ? row->missing : NULL;
    }
    if (rule == NEVER) {
        return row->forbidden;
    }
    return row->is_valid(value) ? NULL : row->invalid;
}

/* A violation that a 400 answers gives way to any other. */
static const char *check_pseudo_fields(section_scan *scan) {
    const char *answerable = NULL;
    for (size_t i = 0; i < PSEUDO_COUNT; i++) {
        bool deserves_400 = false;
        const char *violation =
            check_pseudo_field(scan, &pseudo_fields[i], scan->pseudo[i], &deserves_400);
        if (violation != NULL && !deserves_400) {
            return violation;
        }
        answerable = violation != NULL ? violation : answerable;
    }
    scan->verdict.deserves_400 = answerable != NULL;
    return answerable;
}

/* ---- the table of regular fields ---------------------------------------------------- */

static const char *on_connection_field(section_scan *scan, leat_span value) {
    (void)scan;
    (void)value;
    /* RFC 9114 §4.2-3, §4.1-5: these speak about a connection that HTTP/3 does not have; a classic
     * of request smuggling. */
    return "connection-specific field";
}

static const char *on_te(section_scan *scan, leat_span value) {
    /* RFC 9114 §4.2-4: the one exception, and only in requests. */
    bool is_fine = scan->section == LEAT_H3_SECTION_REQUEST && leat_span_is(value, "trailers");
    return is_fine ? NULL : "te is not \"trailers\"";
}

static const char *on_host(section_scan *scan, leat_span value) {
    if (scan->section != LEAT_H3_SECTION_REQUEST) {
        return NULL;
    }
    if (scan->host.data != NULL) {
        return "host twice";
    }
    scan->host = present(value);
    return NULL;
}

static const char *on_content_length(section_scan *scan, leat_span value) {
    uint64_t length = 0;
    /* RFC 9110 §8.6: digits only, once: no sign, no list, nothing that two readers could understand
     * differently. */
    if (!is_all(value, leat_is_digit) || value.length > 18 ||
        scan->verdict.content_length != LEAT_H3_NO_CONTENT_LENGTH) {
        return "invalid content-length";
    }
    for (size_t i = 0; i < value.length; i++) {
        length = length * 10 + (uint64_t)(value.data[i] - '0');
    }
    scan->verdict.content_length = length;
    scan->verdict.has_content_fields = true;
    return NULL;
}

static const char *on_content_type(section_scan *scan, leat_span value) {
    (void)value;
    scan->verdict.has_content_fields = true;
    return NULL;
}

static const char *on_priority(section_scan *scan, leat_span value) {
    scan->verdict.priority = value;
    return NULL;
}

static const struct {
    const char *name;
    const char *(*on_field)(section_scan *scan, leat_span value);
} regular_fields[] = {
    {"connection", on_connection_field},
    {"keep-alive", on_connection_field},
    {"proxy-connection", on_connection_field},
    {"transfer-encoding", on_connection_field},
    {"upgrade", on_connection_field},
    {"te", on_te},
    {"host", on_host},
    {"content-length", on_content_length},
    {"content-type", on_content_type},
    {"priority", on_priority},
};

static const char *on_regular_field(section_scan *scan, const leat_h3_header *header) {
    scan->regular_seen = true;
    if (!is_all(header->name, is_name_char)) {
        return "invalid field name";
    }
    for (size_t i = 0; i < sizeof regular_fields / sizeof regular_fields[0]; i++) {
        if (leat_span_is(header->name, regular_fields[i].name)) {
            return regular_fields[i].on_field(scan, header->value);
        }
    }
    return NULL;
}

/* ---- the message as a whole --------------------------------------------------------- */

static bool is_space(uint8_t c) { return c == ' ' || c == '\t'; }

static const char *check_value(leat_span value) {
    /* RFC 9114 §10.3-2: a character that is not permitted makes the message malformed, it is never
     * repaired. */
    if (value.length > 0 && !is_all(value, is_value_char)) {
        return "invalid field value";
    }
    /* RFC 9110 §5.5: a value does not begin or end with white space. */
    if (value.length > 0 && (is_space(value.data[0]) || is_space(value.data[value.length - 1]))) {
        return "white space around a field value";
    }
    return NULL;
}

static const char *read_fields(section_scan *scan, const leat_h3_header *headers, size_t count) {
    for (size_t i = 0; i < count; i++) {
        bool is_pseudo = headers[i].name.length > 0 && headers[i].name.data[0] == ':';
        const char *violation = check_value(headers[i].value);
        if (violation == NULL) {
            violation = is_pseudo ? on_pseudo_field(scan, &headers[i])
                                  : on_regular_field(scan, &headers[i]);
        }
        if (violation != NULL) {
            return violation;
        }
    }
    return NULL;
}

static leat_h3_kind classify(const section_scan *scan) {
    if (scan->section != LEAT_H3_SECTION_REQUEST) {
        return scan->section == LEAT_H3_SECTION_RESPONSE ? LEAT_H3_KIND_RESPONSE
                                                         : LEAT_H3_KIND_TRAILERS;
    }
    if (!leat_span_is(scan->pseudo[METHOD], "CONNECT")) {
        return LEAT_H3_KIND_REQUEST;
    }
    if (scan->pseudo[PROTOCOL].data == NULL) {
        return LEAT_H3_KIND_CONNECT;
    }
    leat_span protocol = scan->pseudo[PROTOCOL];
    bool is_webtransport =
        leat_span_is(protocol, "webtransport") || leat_span_is(protocol, "webtransport-h3");
    return is_webtransport ? LEAT_H3_KIND_WEBTRANSPORT_CONNECT : LEAT_H3_KIND_EXTENDED_CONNECT;
}

/* RFC 9114 §4.3.1: what http and https URIs demand beyond the table. */
static const char *check_target(const section_scan *scan) {
    leat_span authority = scan->pseudo[AUTHORITY], path = scan->pseudo[PATH],
              method = scan->pseudo[METHOD];
    /* RFC 9114 §4.3.1-9: two names for one target are an attack on whoever reads the other one. */
    if (authority.data != NULL && scan->host.data != NULL &&
        !leat_span_equal(authority, scan->host)) {
        return "host and :authority differ";
    }
    bool is_http =
        leat_span_is(scan->pseudo[SCHEME], "https") || leat_span_is(scan->pseudo[SCHEME], "http");
    if (!is_http) {
        return NULL;
    }
    if (authority.data == NULL && !is_authority(scan->host)) {
        return "neither :authority nor host";
    }
    bool is_asterisk = leat_span_is(path, "*") && leat_span_is(method, "OPTIONS");
    return path.data[0] == '/' || is_asterisk ? NULL : ":path does not begin with a slash";
}

static const char *check_request(const section_scan *scan, bool allows_protocol) {
    if (scan->pseudo[PROTOCOL].data != NULL && !allows_protocol) {
        /* RFC 9220 §3, RFC 8441 §4: without the setting the pseudo-field is not defined. */
        return ":protocol without SETTINGS_ENABLE_CONNECT_PROTOCOL";
    }
    if (scan->verdict.kind != LEAT_H3_KIND_CONNECT) {
        return check_target(scan);
    }
    /* RFC 9114 §4.4-1: the target of a tunnel is a host and a port. */
    leat_span target = scan->pseudo[AUTHORITY];
    return host_length_of(target) + 1 < target.length ? NULL
                                                      : ":authority of CONNECT without a port";
}

static unsigned number_of(leat_span digits) {
    return (unsigned)(digits.data[0] - '0') * 100 + (unsigned)(digits.data[1] - '0') * 10 +
           (unsigned)(digits.data[2] - '0');
}

leat_h3_verdict leat_h3_validate(
    const leat_h3_header *headers, size_t count, leat_h3_section section, bool allows_protocol) {
    section_scan scan = {
        .section = section, .verdict = {.content_length = LEAT_H3_NO_CONTENT_LENGTH}};
    leat_h3_verdict *verdict = &scan.verdict;
    verdict->violation = read_fields(&scan, headers, count);
    verdict->kind = classify(&scan);
    if (verdict->violation == NULL) {
        verdict->violation = check_pseudo_fields(&scan);
    }
    if (verdict->violation == NULL && section == LEAT_H3_SECTION_REQUEST) {
        verdict->violation = check_request(&scan, allows_protocol);
    }
    if (verdict->violation == NULL && section == LEAT_H3_SECTION_RESPONSE) {
        verdict->status = number_of(scan.pseudo[STATUS]);
    }
    verdict->is_head = leat_span_is(scan.pseudo[METHOD], "HEAD");
    return *verdict;
}

uint64_t leat_h3_section_size(const leat_h3_header *headers, size_t count) {
    uint64_t size = 0;
    for (size_t i = 0; i < count; i++) {
        size += (uint64_t)headers[i].name.length + headers[i].value.length + 32;
    }
    return size;
}
