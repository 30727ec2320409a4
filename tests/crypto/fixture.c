/* See fixture.h. */
#include "fixture.h"

#define SLOTS 16
#define SLOT_BYTES 8192

static uint8_t *next_slot(void) {
    static uint8_t slots[SLOTS][SLOT_BYTES];
    static unsigned turn;
    return slots[turn++ % SLOTS];
}

leat_span fixture_pem(const char *name) {
    char path[256];
    size_t length;
    snprintf(path, sizeof path, "vectors/x509/%s", name);
    uint8_t *text = test_read_file(path, &length), *slot = next_slot();
    ck_assert_uint_lt(length, SLOT_BYTES);
    memcpy(slot, text, length + 1);
    free(text);
    return (leat_span){slot, length};
}

leat_span fixture_der(const char *name) {
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *text = (const char *)fixture_pem(name).data;
    uint8_t *slot = next_slot();
    size_t length = 0;
    uint32_t bits = 0, count = 0;
    for (const char *c = strchr(text, '\n'); *c != '-' && *c != '='; c++) {
        const char *at = strchr(alphabet, *c);
        if (at == NULL) {
            continue;
        }
        bits = bits << 6 | (uint32_t)(at - alphabet);
        count += 6;
        if (count >= 8) {
            count -= 8;
            slot[length++] = (uint8_t)(bits >> count);
        }
    }
    return (leat_span){slot, length};
}

leat_identity *fixture_identity(const char *name) {
    char pem[64], key[64], message[LEAT_MESSAGE_MAX];
    snprintf(pem, sizeof pem, "%s.pem", name);
    snprintf(key, sizeof key, "%s.key", name);
    leat_identity *identity =
        leat_identity_from_pem(fixture_pem(pem), fixture_pem(key), NULL, message);
    ck_assert_msg(identity != NULL, "%s: %s", name, message);
    return identity;
}

leat_trust *fixture_trust(const char *name) {
    char pem[64], message[LEAT_MESSAGE_MAX];
    snprintf(pem, sizeof pem, "%s.pem", name);
    leat_trust *trust = leat_trust_from_pem(fixture_pem(pem), message);
    ck_assert_msg(trust != NULL, "%s: %s", name, message);
    return trust;
}
