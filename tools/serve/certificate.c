/*
 * Certificates of the server. Given ones are loaded from files and again on SIGHUP. Without any, an
 * ECDSA P-256 certificate for this machine's loopback names is made, kept in the user's state
 * folder and renewed before it ends: browsers accept such a certificate by its hash for at most 14
 * days.
 */
#include "serve.h"

#include "../file.h"
#include "../identity_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DAY (24 * 3600)

struct serve_certificates {
    serve_app *serve;
    leat_identity *identities[OPTION_LIST_MAX];
    size_t count;
    char hash[48];
};

/* ---- files ---- */

static bool state_file(const char *name, char path[4096]) {
    const char *state = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    char folder[3072];
    if (state != NULL && state[0] == '/') {
        snprintf(folder, sizeof folder, "%s", state);
    } else {
        snprintf(folder, sizeof folder, "%s/.local/state", home == NULL ? "" : home);
    }
    for (char *slash = folder + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        mkdir(folder, 0755);
        *slash = '/';
    }
    mkdir(folder, 0755);
    snprintf(path, 4096, "%s/leat", folder);
    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        return false;
    }
    snprintf(path, 4096, "%s/leat/%s", folder, name);
    return true;
}

bool reset_key_load(const char *file, uint8_t key[32], char message[LEAT_MESSAGE_MAX]) {
    char path[4096];
    size_t length = 0;
    if (file == NULL && !state_file("reset.key", path)) {
        snprintf(message, LEAT_MESSAGE_MAX,
            "cannot make the state folder for the reset key; give one with --reset-key FILE");
        return false;
    }
    const char *name = file == NULL ? path : file;
    if (access(name, F_OK) != 0) {
        FILE *random = fopen("/dev/urandom", "rb");
        bool is_made =
            random != NULL && fread(key, 1, 32, random) == 32 && file_write_private(name, key, 32);
        if (random != NULL) {
            fclose(random);
        }
        if (!is_made) {
            snprintf(message, LEAT_MESSAGE_MAX, "cannot write the reset key %.150s: %s", name,
                strerror(errno));
        }
        return is_made;
    }
    uint8_t *data = file_read(name, &length, message);
    bool is_good = data != NULL && length == 32;
    if (is_good) {
        memcpy(key, data, 32);
    } else if (data != NULL) {
        snprintf(message, LEAT_MESSAGE_MAX,
            "%.100s is not a reset key: it must have 32 bytes; remove it to get a new one", name);
    }
    leat_free(NULL, data);
    return is_good;
}

/* ---- our own certificate ---- */

static bool is_fresh(const leat_identity *identity) {
    int64_t now = (int64_t)time(NULL);
    return leat_identity_not_before(identity) <= now &&
           leat_identity_not_after(identity) - now > DAY;
}

static leat_identity *load_own(void) {
    char path[4096], message[LEAT_MESSAGE_MAX];
    size_t length;
    uint8_t *pem = state_file("certificate.pem", path) ? file_read(path, &length, message) : NULL;
    leat_identity *identity = pem == NULL ? NULL
                                          : leat_identity_from_pem((leat_span){pem, length},
                                                (leat_span){NULL, 0}, NULL, message);
    leat_free(NULL, pem);
    if (identity != NULL && !is_fresh(identity)) {
        leat_identity_free(identity);
        identity = NULL;
    }
    return identity;
}

static leat_identity *make_own(char message[LEAT_MESSAGE_MAX]) {
    static const char *const names[] = {"localhost", "127.0.0.1", "::1"};
    char path[4096], pem[8192];
    int64_t start = (int64_t)time(NULL) - 3600;
    leat_identity *identity = leat_identity_self_signed(names, 3, start, start + 13 * DAY, message);
    if (identity == NULL) {
        return NULL;
    }
    size_t length = leat_identity_to_pem(identity, pem, sizeof pem);
    if (!state_file("certificate.pem", path) || length >= sizeof pem ||
        !file_write_private(path, pem, length)) {
        fprintf(stderr, "leat serve: the certificate could not be kept for the next start: %s\n",
            strerror(errno));
    }
    return identity;
}

/* ---- given ones ---- */

static const char *value_at(const option_list *list, size_t index) {
    return index < list->count ? list->values[index] : NULL;
}

static leat_identity *load_given(
    const serve_app *serve, size_t index, char message[LEAT_MESSAGE_MAX]) {
    return identity_file_load(serve->settings.cert.values[index],
        value_at(&serve->settings.key, index), value_at(&serve->settings.key_password_file, index),
        message);
}

/* ---- all ---- */

static void base64_hash(serve_certificates *certificates) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint8_t hash[33] = {0};
    leat_identity_hash(certificates->identities[0], hash);
    for (size_t i = 0; i < 11; i++) {
        uint32_t group =
            (uint32_t)hash[3 * i] << 16 | (uint32_t)hash[3 * i + 1] << 8 | hash[3 * i + 2];
        for (size_t j = 0; j < 4; j++) {
            certificates->hash[4 * i + j] = digits[group >> (18 - 6 * j) & 63];
        }
    }
    certificates->hash[43] = '=';
    certificates->hash[44] = '\0';
}

bool certificates_are_own(const serve_certificates *certificates) {
    return certificates->serve->settings.cert.count == 0;
}

static bool load_all(serve_certificates *certificates, char message[LEAT_MESSAGE_MAX]) {
    leat_identity *loaded[OPTION_LIST_MAX];
    size_t count = 0;
    if (certificates_are_own(certificates)) {
        loaded[count] = load_own();
        if (loaded[count] == NULL) {
            loaded[count] = make_own(message);
        }
        count += loaded[count] != NULL ? 1 : 0;
    }
    for (size_t i = 0; i < certificates->serve->settings.cert.count; i++, count++) {
        loaded[count] = load_given(certificates->serve, i, message);
        if (loaded[count] == NULL) {
            break;
        }
    }
    size_t wanted =
        certificates_are_own(certificates) ? 1 : certificates->serve->settings.cert.count;
    leat_identity **drop = count == wanted ? certificates->identities : loaded;
    size_t drop_count = count == wanted ? certificates->count : count;
    for (size_t i = 0; i < drop_count; i++) {
        leat_identity_free(drop[i]);
    }
    if (count != wanted) {
        return false;
    }
    memcpy(certificates->identities, loaded, count * sizeof loaded[0]);
    certificates->count = count;
    base64_hash(certificates);
    return true;
}

serve_certificates *certificates_open(serve_app *serve, char message[LEAT_MESSAGE_MAX]) {
    serve_certificates *opened = leat_alloc(NULL, sizeof *opened);
    if (opened == NULL) {
        snprintf(message, LEAT_MESSAGE_MAX, "out of memory");
        return NULL;
    }
    opened->serve = serve;
    if (!load_all(opened, message)) {
        leat_free(NULL, opened);
        return NULL;
    }
    return opened;
}

bool certificates_reload(serve_certificates *certificates, bool forced) {
    char message[LEAT_MESSAGE_MAX];
    bool is_due = certificates_are_own(certificates) && !is_fresh(certificates->identities[0]);
    if (!is_due && !(forced && !certificates_are_own(certificates))) {
        return false;
    }
    if (!load_all(certificates, message)) {
        fprintf(stderr, "leat serve: the certificates stay as they were: %s\n", message);
        return false;
    }
    return true;
}

leat_identity *const *certificates_identities(serve_certificates *certificates, size_t *count) {
    *count = certificates->count;
    return certificates->identities;
}

const char *certificates_hash(serve_certificates *certificates) {
    return certificates->hash;
}

void certificates_free(serve_certificates *certificates) {
    if (certificates != NULL) {
        for (size_t i = 0; i < certificates->count; i++) {
            leat_identity_free(certificates->identities[i]);
        }
        leat_free(NULL, certificates);
    }
}
