/* Handling of secret bytes. */
#ifndef LEAT_CRYPTO_SECRET_H
#define LEAT_CRYPTO_SECRET_H
#include <leat/base.h>

/* True when equal; the time taken depends on the length only. */
bool leat_constant_time_equal(const void *a, const void *b, size_t length);
/* Overwrites in a way the compiler keeps. */
void leat_wipe(void *bytes, size_t length);

#endif
