/* Packet numbers on the wire: RFC 9000 §17.1, with the arithmetic of §A.2 and §A.3. */
#include "quic/packet/number.h"

#define PN_MAX      ((UINT64_C(1) << 62) - 1)
#define PN_SIZE_MAX 4

size_t leat_pn_size(uint64_t pn, uint64_t largest_acked) {
    /* RFC 9000 §17.1-2: the encoding must span more than twice the distance to what is
     * acknowledged. */
    uint64_t unacked = largest_acked == LEAT_PN_NONE ? pn + 1 : pn - largest_acked;
    size_t size = 1;
    while (size < PN_SIZE_MAX && unacked >> (8 * size - 1) != 0) {
        size++;
    }
    return size;
}

uint64_t leat_pn_recover(uint64_t truncated, size_t size, uint64_t largest_received) {
    uint64_t expected = largest_received == LEAT_PN_NONE ? 0 : largest_received + 1;
    uint64_t window = UINT64_C(1) << (8 * size);
    uint64_t half_window = window / 2;
    uint64_t candidate = (expected & ~(window - 1)) | truncated;
    /* The number nearest to the expected one that has these low bits and exists at all. */
    if (candidate + half_window <= expected && candidate <= PN_MAX - window) {
        return candidate + window;
    }
    if ((candidate > expected + half_window || candidate > PN_MAX) && candidate >= window) {
        return candidate - window;
    }
    return candidate;
}
