/*
 * Comparing and printing addresses. Nothing here knows sockets: an address is a family, bytes and a
 * port. The text form of IPv6 follows RFC 5952 §4 (lower case, the longest run of zero groups
 * shortened).
 */
#include <leat/base.h>
#include <stdio.h>
#include <string.h>

#define IPV6_GROUPS 8

bool leat_address_equal(const leat_address *a, const leat_address *b) {
    if (a->family != b->family || a->port != b->port) {
        return false;
    }
    switch (a->family) {
    case LEAT_ADDRESS_IPV4:
        return memcmp(a->ip, b->ip, 4) == 0;
    case LEAT_ADDRESS_IPV6:
        return memcmp(a->ip, b->ip, 16) == 0 && a->scope_id == b->scope_id;
    default:
        return true;
    }
}

bool leat_path_equal(const leat_path *a, const leat_path *b) {
    return leat_address_equal(&a->local, &b->local) && leat_address_equal(&a->remote, &b->remote);
}

static unsigned group_at(const leat_address *address, int index) {
    return (unsigned)address->ip[2 * index] << 8 | address->ip[2 * index + 1];
}

/* The longest run of at least two zero groups, the first of equals; *length is 0 when there is
 * none. */
static int find_zero_run(const leat_address *address, int *length) {
    int best = IPV6_GROUPS;
    *length = 0;
    for (int i = 0; i < IPV6_GROUPS; i++) {
        int run = 0;
        while (i + run < IPV6_GROUPS && group_at(address, i + run) == 0) {
            run++;
        }
        if (run > *length && run > 1) {
            best = i;
            *length = run;
        }
        i += run;
    }
    return best;
}

static void format_ipv6(const leat_address *address, char text[LEAT_ADDRESS_TEXT_MAX]) {
    int zeros;
    int zero_start = find_zero_run(address, &zeros);
    char *at = text;
    char *end = text + LEAT_ADDRESS_TEXT_MAX;
    *at++ = '[';
    for (int i = 0; i < IPV6_GROUPS; i++) {
        if (i == zero_start) {
            at += snprintf(at, (size_t)(end - at), "::");
            i += zeros - 1;
        } else {
            bool first = i == 0 || i == zero_start + zeros;
            at += snprintf(at, (size_t)(end - at), "%s%x", first ? "" : ":", group_at(address, i));
        }
    }
    if (address->scope_id != 0) {
        at += snprintf(at, (size_t)(end - at), "%%%u", (unsigned)address->scope_id);
    }
    snprintf(at, (size_t)(end - at), "]:%u", address->port);
}

char *leat_address_format(const leat_address *address, char text[LEAT_ADDRESS_TEXT_MAX]) {
    const uint8_t *ip = address->ip;
    if (address->family == LEAT_ADDRESS_IPV4) {
        snprintf(text, LEAT_ADDRESS_TEXT_MAX, "%u.%u.%u.%u:%u", ip[0], ip[1], ip[2], ip[3],
                 address->port);
    } else if (address->family == LEAT_ADDRESS_IPV6) {
        format_ipv6(address, text);
    } else {
        snprintf(text, LEAT_ADDRESS_TEXT_MAX, "none");
    }
    return text;
}
