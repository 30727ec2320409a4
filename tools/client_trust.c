/* From options to a leat_trust: see client_trust.h. */
#include "client_trust.h"

#include "base/alloc.h"
#include "file.h"

#include <string.h>

static int base64_value(char c) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *found = c == '\0' ? NULL : strchr(digits, c);
    return found == NULL ? -1 : (int)(found - digits);
}

/* RFC 4648 §4: 32 bytes are 43 digits and one pad, which may be missing. The two bits left over
 * must be zero. */
static bool parse_hash(const char *text, uint8_t hash[32]) {
    uint32_t group = 0;
    size_t length = 0;
    if (strlen(text) != 43 && !(strlen(text) == 44 && text[43] == '=')) {
        return false;
    }
    for (size_t i = 0; i < 43; i++) {
        int value = base64_value(text[i]);
        if (value < 0) {
            return false;
        }
        group = group << 6 | (uint32_t)value;
        if (i % 4 != 0) {
            hash[length++] = (uint8_t)(group >> (6 - 2 * (i % 4)));
        }
    }
    return (group & 3) == 0;
}

static leat_trust *open_hashes(const option_list *list, const option_table *table, int *status) {
    uint8_t hashes[OPTION_LIST_MAX][32];
    for (size_t i = 0; i < list->count; i++) {
        if (!parse_hash(list->values[i], hashes[i])) {
            *status = options_complain(table,
                "--cert-hash wants the base64 of a SHA-256 (44 characters), not '%s'",
                list->values[i]);
            return NULL;
        }
    }
    return leat_trust_from_hashes(hashes[0], list->count);
}

static leat_trust *open_file(const char *path, char message[LEAT_MESSAGE_MAX]) {
    size_t length;
    uint8_t *pem = file_read(path, &length, message);
    leat_trust *trust = pem == NULL ? NULL : leat_trust_from_pem((leat_span){pem, length}, message);
    leat_free(NULL, pem);
    return trust;
}

leat_trust *client_trust_open(
    const client_trust_options *options, const option_table *table, int *status) {
    char message[LEAT_MESSAGE_MAX] = "out of memory";
    leat_trust *trust;
    *status = 0;
    if (options->cert_hash.count > 0) {
        trust = open_hashes(&options->cert_hash, table, status);
    } else if (options->insecure) {
        trust = leat_trust_insecure_accept_anything();
    } else if (options->cacert != NULL) {
        trust = open_file(options->cacert, message);
    } else {
        trust = leat_trust_system(message);
    }
    if (trust == NULL && *status == 0) {
        options_complain(table, "%s", message);
        *status = 1;
    }
    return trust;
}
