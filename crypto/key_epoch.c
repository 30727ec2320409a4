/* Epochs of the wall clock and the keys that belong to them. */
#include "crypto/key_epoch.h"

#include "crypto/hash.h"

#include <string.h>

/* A purpose, an epoch, a salt. */
#define INFO_MAX 96

uint32_t leat_key_epoch(int64_t time) {
    return time < 0 ? 0 : (uint32_t)(time / LEAT_KEY_EPOCH);
}

bool leat_key_epoch_is_live(uint32_t epoch, int64_t now, int64_t lifetime, int64_t skew) {
    return epoch >= leat_key_epoch(now - lifetime) && epoch <= leat_key_epoch(now + skew);
}

bool leat_key_epoch_derive(const uint8_t secret[LEAT_KEY_EPOCH_SECRET], const char *purpose,
                           uint32_t epoch, leat_span salt, uint8_t *out, size_t length) {
    uint8_t info[INFO_MAX];
    leat_writer writer = leat_writer_make(info, sizeof info);
    /* With its NUL: no purpose is the beginning of another. */
    leat_write_bytes(&writer, purpose, strlen(purpose) + 1);
    leat_write_u32(&writer, epoch);
    leat_write_bytes(&writer, salt.data, salt.length);
    return !writer.failed &&
           leat_hkdf_expand(LEAT_HASH_SHA256, secret, LEAT_KEY_EPOCH_SECRET,
                            (leat_span){info, leat_writer_length(&writer)}, out, length);
}
