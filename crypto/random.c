/*
 * The random source: the caller's hook, or libcrypto's generator, which seeds itself from the
 * system and notices forks. RFC 8446 §C.1: every secret of the handshake is as strong as this
 * source, so a failure is final and never papered over.
 */
#include "crypto/random.h"

#include "crypto/secret.h"

#include <limits.h>
#include <openssl/rand.h>

static bool fill_from_system(uint8_t *bytes, size_t length) {
    while (length > 0) {
        int chunk = length < INT_MAX ? (int)length : INT_MAX;
        if (RAND_bytes(bytes, chunk) != 1) {
            return false;
        }
        bytes += chunk;
        length -= (size_t)chunk;
    }
    return true;
}

bool leat_random_bytes(const leat_random *random, void *out, size_t length) {
    bool filled = random != NULL && random->fill != NULL ? random->fill(random->user, out, length)
                                                         : fill_from_system(out, length);
    if (!filled) {
        /* Half-filled buffers must not look random to a caller that forgets to test. */
        leat_wipe(out, length);
    }
    return filled;
}
