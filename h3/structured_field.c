/* A reader of structured dictionaries, RFC 9651 §4.2.2. Sticky like every cursor: test `failed` at
 * the end. */
#include "h3/structured_field.h"

#include "h3/characters.h"

static uint8_t peek(const leat_sf_parser *parser) {
    return parser->next < parser->end ? *parser->next : 0;
}
static bool at_end(const leat_sf_parser *parser) { return parser->next == parser->end; }

static bool accept(leat_sf_parser *parser, uint8_t c) {
    bool is_there = !at_end(parser) && *parser->next == c;
    if (is_there) {
        parser->next++;
    }
    return is_there;
}

static void fail(leat_sf_parser *parser) {
    parser->failed = true;
    parser->next = parser->end;
}

static bool is_key_char(uint8_t c) {
    return leat_is_lower(c) || leat_is_digit(c) || leat_is_in(c, "_-.*");
}
static bool is_token_char(uint8_t c) {
    return leat_is_letter(c) || leat_is_digit(c) || leat_is_in(c, "!#$%&'*+-.^_`|~:/");
}
static bool is_base64_char(uint8_t c) {
    return leat_is_letter(c) || leat_is_digit(c) || leat_is_in(c, "+/=");
}
static bool is_quoted_char(uint8_t c) { return c >= ' ' && c < 0x7f && c != '"'; }

static leat_span read_while(leat_sf_parser *parser, bool (*is_allowed)(uint8_t)) {
    const uint8_t *start = parser->next;
    while (!at_end(parser) && is_allowed(*parser->next)) {
        parser->next++;
    }
    return (leat_span){start, (size_t)(parser->next - start)};
}

static void skip(leat_sf_parser *parser, const char *set) {
    while (!at_end(parser) && leat_is_in(*parser->next, set)) {
        parser->next++;
    }
}

/* ---- bare items, RFC 9651 §4.2.3.1 -------------------------------------------------- */

static void read_number(leat_sf_parser *parser, leat_sf_member *item) {
    bool is_negative = accept(parser, '-');
    leat_span digits = read_while(parser, leat_is_digit);
    item->type = LEAT_SF_INTEGER;
    if (digits.length == 0 || digits.length > 15) {
        fail(parser);
        return;
    }
    for (size_t i = 0; i < digits.length; i++) {
        item->integer = item->integer * 10 + (digits.data[i] - '0');
    }
    item->integer = is_negative ? -item->integer : item->integer;
    if (accept(parser, '.')) {
        leat_span fraction = read_while(parser, leat_is_digit);
        item->type = LEAT_SF_OTHER;
        if (fraction.length == 0 || fraction.length > 3 || digits.length > 12) {
            fail(parser);
        }
    }
}

static void read_string(leat_sf_parser *parser, leat_sf_member *item) {
    item->type = LEAT_SF_STRING;
    item->text.data = parser->next;
    while (is_quoted_char(peek(parser))) {
        bool is_escape = accept(parser, '\\');
        if (is_escape && peek(parser) != '"' && peek(parser) != '\\') {
            fail(parser);
            return;
        }
        parser->next++;
    }
    item->text.length = (size_t)(parser->next - item->text.data);
    if (!accept(parser, '"')) {
        fail(parser);
    }
}

static void read_enclosed(
    leat_sf_parser *parser, leat_sf_member *item, uint8_t closing, bool (*is_allowed)(uint8_t)) {
    item->type = LEAT_SF_OTHER;
    read_while(parser, is_allowed);
    if (!accept(parser, closing)) {
        fail(parser);
    }
}

static void read_boolean(leat_sf_parser *parser, leat_sf_member *item) {
    item->type = LEAT_SF_BOOLEAN;
    item->integer = peek(parser) == '1';
    if (!accept(parser, '0') && !accept(parser, '1')) {
        fail(parser);
    }
}

static void read_date(leat_sf_parser *parser, leat_sf_member *item) {
    read_number(parser, item);
    if (item->type != LEAT_SF_INTEGER) {
        fail(parser);
    }
    item->type = LEAT_SF_OTHER;
}

/* RFC 9651 §3.3.8: a display string. */
static void read_display_string(leat_sf_parser *parser, leat_sf_member *item) {
    if (!accept(parser, '"')) {
        fail(parser);
        return;
    }
    read_enclosed(parser, item, '"', is_quoted_char);
}

static void read_bare_item(leat_sf_parser *parser, leat_sf_member *item) {
    uint8_t first = peek(parser);
    if (first == '-' || leat_is_digit(first)) {
        read_number(parser, item);
    } else if (leat_is_letter(first) || first == '*') {
        item->type = LEAT_SF_TOKEN;
        item->text = read_while(parser, is_token_char);
    } else if (accept(parser, '"')) {
        read_string(parser, item);
    } else if (accept(parser, '?')) {
        read_boolean(parser, item);
    } else if (accept(parser, ':')) {
        read_enclosed(parser, item, ':', is_base64_char);
    } else if (accept(parser, '@')) {
        read_date(parser, item);
    } else if (accept(parser, '%')) {
        read_display_string(parser, item);
    } else {
        fail(parser);
    }
}

/* ---- around them -------------------------------------------------------------------- */

static leat_span read_key(leat_sf_parser *parser) {
    if (!leat_is_lower(peek(parser)) && peek(parser) != '*') {
        fail(parser);
    }
    return read_while(parser, is_key_char);
}

static void skip_parameters(leat_sf_parser *parser) {
    while (accept(parser, ';')) {
        leat_sf_member ignored = {0};
        skip(parser, " ");
        read_key(parser);
        if (accept(parser, '=')) {
            read_bare_item(parser, &ignored);
        }
    }
}

static void read_inner_list(leat_sf_parser *parser, leat_sf_member *item) {
    for (skip(parser, " "); !accept(parser, ')'); skip(parser, " ")) {
        leat_sf_member ignored = {0};
        read_bare_item(parser, &ignored);
        skip_parameters(parser);
        if (peek(parser) != ' ' && peek(parser) != ')') {
            fail(parser);
            break;
        }
    }
    item->type = LEAT_SF_OTHER;
}

static void read_member_value(leat_sf_parser *parser, leat_sf_member *member) {
    if (!accept(parser, '=')) {
        member->type = LEAT_SF_BOOLEAN; /* RFC 9651 §3.2: a key alone is true */
        member->integer = 1;
    } else if (accept(parser, '(')) {
        read_inner_list(parser, member);
    } else {
        read_bare_item(parser, member);
    }
    skip_parameters(parser);
}

leat_sf_parser leat_sf_parser_make(leat_span value) {
    leat_sf_parser parser = {.next = value.data,
        .end = value.length > 0 ? value.data + value.length : value.data,
        .is_first = true};
    skip(&parser, " ");
    return parser;
}

static void read_separator(leat_sf_parser *parser) {
    skip(parser, " \t");
    if (at_end(parser)) {
        return;
    }
    if (!accept(parser, ',')) {
        fail(parser);
        return;
    }
    skip(parser, " \t");
    if (at_end(parser)) {
        fail(parser); /* a comma with nothing behind it */
    }
}

bool leat_sf_next_member(leat_sf_parser *parser, leat_sf_member *member) {
    *member = (leat_sf_member){0};
    if (!parser->is_first) {
        read_separator(parser);
    }
    parser->is_first = false;
    if (parser->failed || at_end(parser)) {
        return false;
    }
    member->key = read_key(parser);
    read_member_value(parser, member);
    return !parser->failed;
}
