/* Whom to trust: how the kinds come about. What they accept is in verify.c. */
#include "crypto/trust.h"

#include "base/alloc.h"
#include "crypto/pem.h"

#include <openssl/err.h>
#include <string.h>

static leat_trust *trust_new(leat_trust_kind kind) {
    leat_trust *trust = leat_alloc(NULL, sizeof *trust);
    if (trust != NULL) {
        trust->references = 1;
        trust->kind = kind;
    }
    return trust;
}

static leat_trust *trust_with_store(char *message) {
    leat_trust *trust = trust_new(LEAT_TRUST_ROOTS);
    if (trust != NULL && (trust->roots = X509_STORE_new()) == NULL) {
        leat_trust_free(trust);
        trust = NULL;
    }
    if (trust == NULL) {
        leat_message_set(message, "memory is out");
    }
    return trust;
}

leat_trust *leat_trust_system(char message[LEAT_MESSAGE_MAX]) {
    leat_trust *trust = trust_with_store(message);
    if (trust == NULL) {
        return NULL;
    }
    ERR_set_mark();
    bool loaded = X509_STORE_set_default_paths(trust->roots) == 1;
    if (!loaded) {
        leat_message_set(message,
                         "the system's trusted certificates cannot be loaded (%s): install "
                         "ca-certificates or give "
                         "a CA file",
                         leat_message_reason());
        leat_trust_free(trust);
    }
    ERR_pop_to_mark();
    return loaded ? trust : NULL;
}

static bool take_root(void *user, X509 *certificate, char *message) {
    leat_trust *trust = user;
    bool added = X509_STORE_add_cert(trust->roots, certificate) == 1;
    X509_free(certificate);
    if (!added) {
        leat_message_set(message, "a CA certificate cannot be used: %s", leat_message_reason());
    }
    return added;
}

leat_trust *leat_trust_from_pem(leat_span ca_pem, char message[LEAT_MESSAGE_MAX]) {
    leat_trust *trust = trust_with_store(message);
    if (trust == NULL) {
        return NULL;
    }
    /* Whoever names a certificate trusts it, be it an intermediate or a server's own. */
    X509_STORE_set_flags(trust->roots, X509_V_FLAG_PARTIAL_CHAIN);
    if (!leat_pem_each_certificate(ca_pem, "CA file", take_root, trust, message)) {
        leat_trust_free(trust);
        return NULL;
    }
    return trust;
}

leat_trust *leat_trust_from_hashes(const uint8_t *hashes, size_t count) {
    leat_trust *trust = trust_new(LEAT_TRUST_HASHES);
    if (trust == NULL) {
        return NULL;
    }
    trust->hashes = leat_alloc_array(NULL, count, sizeof *trust->hashes);
    if (trust->hashes == NULL) {
        leat_trust_free(trust);
        return NULL;
    }
    if (count > 0) {
        memcpy(trust->hashes, hashes, count * sizeof *trust->hashes);
    }
    trust->hash_count = count;
    return trust;
}

leat_trust *leat_trust_insecure_accept_anything(void) { return trust_new(LEAT_TRUST_ANYTHING); }

leat_trust *leat_trust_ref(leat_trust *trust) {
    trust->references++;
    return trust;
}

void leat_trust_free(leat_trust *trust) {
    if (trust == NULL || --trust->references > 0) {
        return;
    }
    X509_STORE_free(trust->roots);
    leat_free(NULL, trust->hashes);
    leat_free(NULL, trust);
}
