/*
 * Addresses from text and from the system's structures. Resolving blocks; nothing else here does.
 */
#include <leat/io.h>
#include "io/sockaddr.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOST_MAX 256

bool leat_sockaddr_parse(const struct sockaddr_storage *from, leat_address *address) {
    *address = (leat_address){0};
    if (from->ss_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, from, sizeof in);
        address->family = LEAT_ADDRESS_IPV4;
        address->port = ntohs(in.sin_port);
        memcpy(address->ip, &in.sin_addr, 4);
        return true;
    }
    if (from->ss_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, from, sizeof in6);
        address->family = LEAT_ADDRESS_IPV6;
        address->port = ntohs(in6.sin6_port);
        address->scope_id = in6.sin6_scope_id;
        memcpy(address->ip, &in6.sin6_addr, 16);
        return true;
    }
    return false;
}

socklen_t leat_sockaddr_write(const leat_address *address, struct sockaddr_storage *to) {
    memset(to, 0, sizeof *to);
    if (address->family == LEAT_ADDRESS_IPV4) {
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(address->port)};
        memcpy(&in.sin_addr, address->ip, 4);
        memcpy(to, &in, sizeof in);
        return sizeof in;
    }
    if (address->family == LEAT_ADDRESS_IPV6) {
        struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(address->port)};
        in6.sin6_scope_id = address->scope_id;
        memcpy(&in6.sin6_addr, address->ip, 16);
        memcpy(to, &in6, sizeof in6);
        return sizeof in6;
    }
    return 0;
}

bool leat_address_is_any(const leat_address *address) {
    static const uint8_t zero[16];
    return memcmp(address->ip, zero, sizeof zero) == 0;
}

int leat_address_lookup(const char *host, uint16_t port, leat_address *addresses, size_t capacity,
                        char *message) {
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM}, *found = NULL;
    int failed = getaddrinfo(host, NULL, &hints, &found);
    if (failed != 0) {
        snprintf(message, LEAT_MESSAGE_MAX, "cannot resolve \"%.100s\": %s", host,
                 gai_strerror(failed));
        return LEAT_ERR_IO;
    }
    size_t count = 0;
    for (const struct addrinfo *info = found; info != NULL && count < capacity;
         info = info->ai_next) {
        struct sockaddr_storage storage = {0};
        memcpy(&storage, info->ai_addr, info->ai_addrlen);
        if (leat_sockaddr_parse(&storage, &addresses[count])) {
            addresses[count].port = port;
            count++;
        }
    }
    freeaddrinfo(found);
    return (int)count;
}

static bool parse_port(const char *text, uint16_t *port) {
    char *end = NULL;
    unsigned long value = strtoul(text, &end, 10);
    *port = (uint16_t)value;
    return *text >= '0' && *text <= '9' && *end == '\0' && value <= UINT16_MAX;
}

/* "host:port" or "[host]:port"; an address with colons needs the brackets. */
static bool split(const char *host_port, char host[HOST_MAX], uint16_t *port) {
    const char *colon = strrchr(host_port, ':');
    if (colon == NULL || !parse_port(colon + 1, port)) {
        return false;
    }
    const char *start = host_port;
    size_t length = (size_t)(colon - host_port);
    if (length >= 2 && start[0] == '[' && start[length - 1] == ']') {
        start++;
        length -= 2;
    } else if (memchr(start, ':', length) != NULL) {
        return false;
    }
    if (length == 0 || length >= HOST_MAX) {
        return false;
    }
    memcpy(host, start, length);
    host[length] = '\0';
    return true;
}

int leat_address_resolve(const char *host_port, leat_address *addresses, size_t capacity,
                         char message[LEAT_MESSAGE_MAX]) {
    char host[HOST_MAX];
    uint16_t port;
    if (!split(host_port, host, &port)) {
        snprintf(message, LEAT_MESSAGE_MAX,
                 "\"%.100s\" is not HOST:PORT; examples: 127.0.0.1:4433, [::1]:4433, localhost:0",
                 host_port);
        return LEAT_ERR_INVALID;
    }
    return leat_address_lookup(host, port, addresses, capacity, message);
}
