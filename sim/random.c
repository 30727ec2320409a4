/* A counter that is scrambled: any seed is a good one, and two seeds have nothing in common. */
#include "sim/random.h"

#include <string.h>

#define STEP UINT64_C(0x9e3779b97f4a7c15) /* 2^64 divided by the golden ratio, odd */

uint64_t sim_mix(uint64_t value) {
    value = (value ^ value >> 32) * UINT64_C(0xd6e8feb86659fd93);
    value = (value ^ value >> 32) * UINT64_C(0xd6e8feb86659fd93);
    return value ^ value >> 32;
}

uint64_t sim_random(uint64_t *state) {
    *state += STEP;
    return sim_mix(*state);
}

uint64_t sim_random_between(uint64_t *state, uint64_t low, uint64_t high) {
    return low + sim_random(state) % (high - low + 1);
}

uint64_t sim_random_magnitude(uint64_t *state, uint64_t low, uint64_t high) {
    unsigned doublings = 0;
    while (high >> doublings > low) {
        doublings++;
    }
    uint64_t base = low << sim_random_between(state, 0, doublings);
    uint64_t top = base >= high / 2 ? high : base * 2;
    return base >= high ? high : sim_random_between(state, base, top);
}

bool sim_random_chance(uint64_t *state, sim_ppm chance) {
    return sim_random(state) % SIM_ALWAYS < chance;
}

bool sim_random_bytes(void *user, uint8_t *bytes, size_t length) {
    for (size_t at = 0; at < length; at += sizeof(uint64_t)) {
        uint64_t value = sim_random(user);
        size_t left = length - at;
        memcpy(bytes + at, &value, left < sizeof value ? left : sizeof value);
    }
    return true;
}
