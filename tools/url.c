/* Parsing of https URLs and references to them: see url.h. */
#include "url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SCHEME "https://"
#define LETTERS_AND_DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

static bool refuse(const char **problem, const char *reason) {
    *problem = reason;
    return false;
}

/* Only characters of `allowed`, and at least one. */
static bool consists_of(const char *text, size_t length, const char *allowed) {
    return length > 0 && strspn(text, allowed) >= length;
}

/* ":4433" or nothing. */
static bool parse_port(const char *text, size_t length, uint16_t *port) {
    *port = 443;
    if (length == 0 || (length == 1 && *text == ':')) {
        return true;
    }
    if (*text != ':' || length > 6 || !consists_of(text + 1, length - 1, "0123456789")) {
        return false;
    }
    long value = strtol(text + 1, NULL, 10);
    *port = (uint16_t)value;
    return value >= 1 && value <= UINT16_MAX;
}

static bool parse_authority(const char *text, size_t length, tool_url *url, const char **problem) {
    bool is_literal = length > 0 && text[0] == '[';
    size_t skipped = is_literal ? 1 : 0;
    const char *end = memchr(text, is_literal ? ']' : ':', length);
    size_t host_end = end == NULL ? length : (size_t)(end - text);
    if (memchr(text, '@', length) != NULL) {
        return refuse(problem, "a user name in a URL is not supported");
    }
    if (is_literal && end == NULL) {
        return refuse(problem, "an IPv6 address must end with ]");
    }
    size_t host_length = host_end - skipped, after = host_end + skipped;
    if (host_length >= sizeof url->host) {
        return refuse(problem, "the host name is too long");
    }
    const char *allowed = is_literal ? "0123456789abcdefABCDEF:." : LETTERS_AND_DIGITS "-._";
    if (!consists_of(text + skipped, host_length, allowed)) {
        return refuse(problem, is_literal ? "the IPv6 address is malformed"
                                          : "the host must be a name in ASCII or an IP address");
    }
    if (!parse_port(text + after, length - after, &url->port)) {
        return refuse(problem, "the port must be a number from 1 to 65535");
    }
    memcpy(url->host, text + skipped, host_length);
    url->host[host_length] = '\0';
    char port[8] = "";
    if (url->port != 443) {
        snprintf(port, sizeof port, ":%u", (unsigned)url->port);
    }
    snprintf(
        url->authority, sizeof url->authority, is_literal ? "[%s]%s" : "%s%s", url->host, port);
    return true;
}

/* Appends one byte; what may not stand in a URI goes percent-encoded. False: no room. */
static bool append_byte(char *target, size_t *length, unsigned char byte) {
    static const char digits[] = "0123456789ABCDEF";
    bool is_plain = byte > 0x20 && byte < 0x7f && strchr("\"<>\\^`{|}", byte) == NULL;
    if (*length + 4 > URL_TARGET_MAX) {
        return false;
    }
    if (is_plain) {
        target[(*length)++] = (char)byte;
    } else {
        target[(*length)++] = '%';
        target[(*length)++] = digits[byte >> 4];
        target[(*length)++] = digits[byte & 15];
    }
    target[*length] = '\0';
    return true;
}

static bool set_target(tool_url *url, const char *text, const char **problem) {
    size_t length = 0;
    if (*text != '/') {
        append_byte(url->target, &length, '/');
    }
    for (; *text != '\0' && *text != '#'; text++) {
        if (!append_byte(url->target, &length, (unsigned char)*text)) {
            return refuse(problem, "the path is too long");
        }
    }
    return true;
}

bool url_parse(const char *text, tool_url *url, const char **problem) {
    if (strncasecmp(text, SCHEME, strlen(SCHEME)) != 0) {
        return refuse(problem, "it must begin with https://");
    }
    text += strlen(SCHEME);
    size_t length = strcspn(text, "/?#");
    return parse_authority(text, length, url, problem) && set_target(url, text + length, problem);
}

/* ---- references ---- */

/* RFC 3986 §5.2.4: "." and ".." segments of the path take effect; the query stays as it is. */
static void remove_dot_segments(char *target) {
    size_t path_length = strcspn(target, "?"), out = 0;
    char *tail = target + path_length;
    for (size_t in = 0; in < path_length;) {
        size_t length = 1 + strcspn(target + in + 1, "/?");
        bool is_last = in + length >= path_length;
        bool is_up = length == 3 && memcmp(target + in, "/..", 3) == 0;
        bool is_here = length == 2 && memcmp(target + in, "/.", 2) == 0;
        while (is_up && out > 0 && target[--out] != '/') {
        }
        if (!is_up && !is_here) {
            memmove(target + out, target + in, length);
            out += length;
        } else if (is_last) {
            target[out++] = '/';
        }
        in += length;
    }
    memmove(target + out, tail, strlen(tail) + 1);
}

/* RFC 3986 §5.2.3: the reference replaces what follows the last slash of the base's path. */
static bool merge(const tool_url *base, const char *reference, char merged[2 * URL_TARGET_MAX]) {
    size_t path_length = strcspn(base->target, "?"), kept = path_length;
    while (*reference != '?' && kept > 0 && base->target[kept - 1] != '/') {
        kept--;
    }
    if (strlen(reference) >= URL_TARGET_MAX) {
        return false;
    }
    snprintf(merged, 2 * URL_TARGET_MAX, "%.*s%s", (int)kept, base->target, reference);
    return true;
}

/* A scheme stands before the first colon, when no slash or question mark comes earlier (RFC 3986
 * §4.1). */
static bool has_scheme(const char *reference) {
    size_t length = strspn(reference, LETTERS_AND_DIGITS "+-.");
    return length > 0 && reference[length] == ':';
}

bool url_resolve(const tool_url *base, const char *reference, tool_url *url, const char **problem) {
    char merged[2 * URL_TARGET_MAX];
    if (has_scheme(reference)) {
        return url_parse(reference, url, problem);
    }
    if (reference[0] == '/' && reference[1] == '/') {
        snprintf(merged, sizeof merged, "https:%.8000s", reference);
        return url_parse(merged, url, problem);
    }
    *url = *base;
    if (reference[0] == '\0' || reference[0] == '#') {
        return true;
    }
    if (reference[0] != '/') {
        if (!merge(base, reference, merged)) {
            return refuse(problem, "the path is too long");
        }
        reference = merged;
    }
    if (!set_target(url, reference, problem)) {
        return false;
    }
    remove_dot_segments(url->target);
    return true;
}

void url_file_name(const tool_url *url, char name[URL_TARGET_MAX]) {
    size_t path_length = strcspn(url->target, "?"), start = path_length;
    while (start > 0 && url->target[start - 1] != '/') {
        start--;
    }
    snprintf(name, URL_TARGET_MAX, "%.*s", (int)(path_length - start), url->target + start);
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
        name[0] = '\0';
    }
}
