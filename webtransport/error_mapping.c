/*
 * Application error codes of streams share the HTTP/3 code space: draft-ietf-webtrans-http3-07
 * §4.3. Every 31st code is left out because it has the reserved form 0x1f * N + 0x21 of RFC 9114
 * §8.1. The 8-bit codes of draft-02 map to the same values, so one mapping serves all dialects.
 */
#include <leat/webtransport.h>

#define FIRST UINT64_C(0x52e4a40fa8db)
#define LAST UINT64_C(0x52e5ac983162)

uint64_t leat_wt_code_to_http(uint32_t code) {
    return FIRST + code + code / 0x1e;
}

bool leat_wt_code_from_http(uint64_t http_code, uint32_t *code) {
    if (http_code < FIRST || http_code > LAST || (http_code - 0x21) % 0x1f == 0) {
        return false;
    }
    uint64_t shifted = http_code - FIRST;
    *code = (uint32_t)(shifted - shifted / 0x1f);
    return true;
}
