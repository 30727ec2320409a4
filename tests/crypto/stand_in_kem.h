/*
 * A KEM with the sizes of ML-KEM-768 and no security at all, for tests where libcrypto has none:
 * leat_key_exchange_set_test_kem(&stand_in_kem).
 */
#ifndef LEAT_TESTS_STAND_IN_KEM_H
#define LEAT_TESTS_STAND_IN_KEM_H
#include "crypto/key_exchange.h"

extern const leat_kem stand_in_kem;

#endif
