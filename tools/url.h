/*
 * https URLs as the clients need them (RFC 3986, RFC 9110 §4.2.2): whom to connect to and what to
 * ask for. References in redirects are resolved. No user information, no internationalised names:
 * those are refused with a reason.
 */
#ifndef LEAT_TOOLS_URL_H
#define LEAT_TOOLS_URL_H

#include <stdbool.h>
#include <stdint.h>

#define URL_HOST_MAX 256
#define URL_TARGET_MAX 8192

typedef struct tool_url {
    char host[URL_HOST_MAX]; /* a name, or an address without brackets */
    uint16_t port;           /* 443 when the URL names none */
    char authority[URL_HOST_MAX +
                   16];          /* host and port as :authority has them; no port when it is 443 */
    char target[URL_TARGET_MAX]; /* path and query, begins with a slash; no fragment */
} tool_url;

/* False: *problem says in words why text is no URL that can be fetched; static storage. */
bool url_parse(const char *text, tool_url *url, const char **problem);
/* The URL that `reference` (a Location field) means at `base`. False as above. */
bool url_resolve(const tool_url *base, const char *reference, tool_url *url, const char **problem);
/* The last segment of the path, to name a file after; empty when there is none or it would leave
 * the folder. */
void url_file_name(const tool_url *url, char name[URL_TARGET_MAX]);

#endif
