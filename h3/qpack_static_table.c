/*
 * The QPACK static table, RFC 9204 Appendix A, and the encoder's way into it: a binary search over
 * an index that is sorted by name. The rows and the index never change; the tests compare both with
 * the table of the RFC.
 */
#include "h3/qpack_static_table.h"

#define TEXT(literal) {(const uint8_t *)(literal), sizeof(literal) - 1}
#define ROW(name, value) {TEXT(name), TEXT(value)}

static const leat_qpack_line lines[LEAT_QPACK_STATIC_COUNT] = {
    [0] = ROW(":authority", ""),
    [1] = ROW(":path", "/"),
    [2] = ROW("age", "0"),
    [3] = ROW("content-disposition", ""),
    [4] = ROW("content-length", "0"),
    [5] = ROW("cookie", ""),
    [6] = ROW("date", ""),
    [7] = ROW("etag", ""),
    [8] = ROW("if-modified-since", ""),
    [9] = ROW("if-none-match", ""),
    [10] = ROW("last-modified", ""),
    [11] = ROW("link", ""),
    [12] = ROW("location", ""),
    [13] = ROW("referer", ""),
    [14] = ROW("set-cookie", ""),
    [15] = ROW(":method", "CONNECT"),
    [16] = ROW(":method", "DELETE"),
    [17] = ROW(":method", "GET"),
    [18] = ROW(":method", "HEAD"),
    [19] = ROW(":method", "OPTIONS"),
    [20] = ROW(":method", "POST"),
    [21] = ROW(":method", "PUT"),
    [22] = ROW(":scheme", "http"),
    [23] = ROW(":scheme", "https"),
    [24] = ROW(":status", "103"),
    [25] = ROW(":status", "200"),
    [26] = ROW(":status", "304"),
    [27] = ROW(":status", "404"),
    [28] = ROW(":status", "503"),
    [29] = ROW("accept", "*/*"),
    [30] = ROW("accept", "application/dns-message"),
    [31] = ROW("accept-encoding", "gzip, deflate, br"),
    [32] = ROW("accept-ranges", "bytes"),
    [33] = ROW("access-control-allow-headers", "cache-control"),
    [34] = ROW("access-control-allow-headers", "content-type"),
    [35] = ROW("access-control-allow-origin", "*"),
    [36] = ROW("cache-control", "max-age=0"),
    [37] = ROW("cache-control", "max-age=2592000"),
    [38] = ROW("cache-control", "max-age=604800"),
    [39] = ROW("cache-control", "no-cache"),
    [40] = ROW("cache-control", "no-store"),
    [41] = ROW("cache-control", "public, max-age=31536000"),
    [42] = ROW("content-encoding", "br"),
    [43] = ROW("content-encoding", "gzip"),
    [44] = ROW("content-type", "application/dns-message"),
    [45] = ROW("content-type", "application/javascript"),
    [46] = ROW("content-type", "application/json"),
    [47] = ROW("content-type", "application/x-www-form-urlencoded"),
    [48] = ROW("content-type", "image/gif"),
    [49] = ROW("content-type", "image/jpeg"),
    [50] = ROW("content-type", "image/png"),
    [51] = ROW("content-type", "text/css"),
    [52] = ROW("content-type", "text/html; charset=utf-8"),
    [53] = ROW("content-type", "text/plain"),
    [54] = ROW("content-type", "text/plain;charset=utf-8"),
    [55] = ROW("range", "bytes=0-"),
    [56] = ROW("strict-transport-security", "max-age=31536000"),
    [57] = ROW("strict-transport-security", "max-age=31536000; includesubdomains"),
    [58] = ROW("strict-transport-security", "max-age=31536000; includesubdomains; preload"),
    [59] = ROW("vary", "accept-encoding"),
    [60] = ROW("vary", "origin"),
    [61] = ROW("x-content-type-options", "nosniff"),
    [62] = ROW("x-xss-protection", "1; mode=block"),
    [63] = ROW(":status", "100"),
    [64] = ROW(":status", "204"),
    [65] = ROW(":status", "206"),
    [66] = ROW(":status", "302"),
    [67] = ROW(":status", "400"),
    [68] = ROW(":status", "403"),
    [69] = ROW(":status", "421"),
    [70] = ROW(":status", "425"),
    [71] = ROW(":status", "500"),
    [72] = ROW("accept-language", ""),
    [73] = ROW("access-control-allow-credentials", "FALSE"),
    [74] = ROW("access-control-allow-credentials", "TRUE"),
    [75] = ROW("access-control-allow-headers", "*"),
    [76] = ROW("access-control-allow-methods", "get"),
    [77] = ROW("access-control-allow-methods", "get, post, options"),
    [78] = ROW("access-control-allow-methods", "options"),
    [79] = ROW("access-control-expose-headers", "content-length"),
    [80] = ROW("access-control-request-headers", "content-type"),
    [81] = ROW("access-control-request-method", "get"),
    [82] = ROW("access-control-request-method", "post"),
    [83] = ROW("alt-svc", "clear"),
    [84] = ROW("authorization", ""),
    [85] = ROW("content-security-policy", "script-src 'none'; object-src 'none'; base-uri 'none'"),
    [86] = ROW("early-data", "1"),
    [87] = ROW("expect-ct", ""),
    [88] = ROW("forwarded", ""),
    [89] = ROW("if-range", ""),
    [90] = ROW("origin", ""),
    [91] = ROW("purpose", "prefetch"),
    [92] = ROW("server", ""),
    [93] = ROW("timing-allow-origin", "*"),
    [94] = ROW("upgrade-insecure-requests", "1"),
    [95] = ROW("user-agent", ""),
    [96] = ROW("x-forwarded-for", ""),
    [97] = ROW("x-frame-options", "deny"),
    [98] = ROW("x-frame-options", "sameorigin"),
};

/* Indices in ascending order of name length, name, index: rows with one name are neighbours. */
static const uint8_t by_name[LEAT_QPACK_STATIC_COUNT] = {
    2, 6, 7, 11, 59, 60, 1, 55, 29, 30, 5, 90, 92, 15, 16, 17, 18, 19, 20, 21,
    22, 23, 24, 25, 26, 27, 28, 63, 64, 65, 66, 67, 68, 69, 70, 71, 83, 91, 13, 89,
    12, 87, 88, 0, 86, 14, 95, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 32, 84,
    36, 37, 38, 39, 40, 41, 9, 10, 4, 31, 72, 96, 97, 98, 42, 43, 62, 8, 3, 93,
    61, 85, 56, 57, 58, 94, 35, 33, 34, 75, 76, 77, 78, 79, 81, 82, 80, 73, 74,
};

const leat_qpack_line *leat_qpack_static_line(uint64_t index) {
    return index < LEAT_QPACK_STATIC_COUNT ? &lines[index] : NULL;
}

static int compare_names(leat_span a, leat_span b) {
    if (a.length != b.length) {
        return a.length < b.length ? -1 : 1;
    }
    return a.length == 0 ? 0 : memcmp(a.data, b.data, a.length);
}

/* The place in by_name of the first row whose name is not less than `name`. */
static size_t first_place(leat_span name) {
    size_t low = 0;
    size_t high = LEAT_QPACK_STATIC_COUNT;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_names(lines[by_name[middle]].name, name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

leat_qpack_match leat_qpack_static_find(leat_span name, leat_span value, uint64_t *index) {
    leat_qpack_match match = LEAT_QPACK_MATCH_NONE;
    for (size_t place = first_place(name); place < LEAT_QPACK_STATIC_COUNT; place++) {
        const leat_qpack_line *line = &lines[by_name[place]];
        if (!leat_span_equal(line->name, name)) {
            break;
        }
        if (leat_span_equal(line->value, value)) {
            *index = by_name[place];
            return LEAT_QPACK_MATCH_LINE;
        }
        if (match == LEAT_QPACK_MATCH_NONE) {
            *index = by_name[place];
            match = LEAT_QPACK_MATCH_NAME;
        }
    }
    return match;
}
