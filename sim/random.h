/*
 * The dice of the simulator: one 64-bit state, so that one seed is one run. Never for keys.
 */
#ifndef LEAT_SIM_RANDOM_H
#define LEAT_SIM_RANDOM_H

#include <leat/base.h>

/* Chances are in parts per million. */
typedef uint32_t sim_ppm;
#define SIM_PERCENT ((sim_ppm)10000)
#define SIM_ALWAYS ((sim_ppm)1000000)

uint64_t sim_random(uint64_t *state);
/* A number from low to high, both included. */
uint64_t sim_random_between(uint64_t *state, uint64_t low, uint64_t high);
/* The same, but each order of magnitude is as likely as the next. low is at least 1. */
uint64_t sim_random_magnitude(uint64_t *state, uint64_t low, uint64_t high);
bool sim_random_chance(uint64_t *state, sim_ppm chance);
/* A leat_random_fn: user is the state. */
bool sim_random_bytes(void *user, uint8_t *bytes, size_t length);
/* Scrambles a number: neighbours have nothing in common. */
uint64_t sim_mix(uint64_t value);

#endif
