/*
 * A certificate chain with its private key: lifetime and what can be asked of it. How one comes
 * about is in identity_pem.c and identity_self_signed.c.
 */
#include "base/alloc.h"
#include "crypto/objects.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

leat_identity *leat_identity_new(void) {
    leat_identity *identity = leat_alloc(NULL, sizeof *identity);
    if (identity != NULL) {
        identity->references = 1;
    }
    return identity;
}

bool leat_identity_add(leat_identity *identity, X509 *certificate) {
    uint8_t *der = NULL;
    int length = identity->chain_length == LEAT_X509_CHAIN_MAX ? 0 : i2d_X509(certificate, &der);
    if (length <= 0 || length > LEAT_X509_CERTIFICATE_MAX) {
        OPENSSL_free(der);
        X509_free(certificate);
        return false;
    }
    identity->der[identity->chain_length] = (leat_span){der, (size_t)length};
    identity->chain[identity->chain_length++] = certificate;
    return true;
}

leat_identity *leat_identity_ref(leat_identity *identity) {
    identity->references++;
    return identity;
}

void leat_identity_free(leat_identity *identity) {
    if (identity == NULL || --identity->references > 0) {
        return;
    }
    for (size_t i = 0; i < identity->chain_length; i++) {
        OPENSSL_free((void *)(uintptr_t)identity->der[i].data);
        X509_free(identity->chain[i]);
    }
    for (leat_identity_kept_bytes *kept = atomic_load(&identity->kept), *next; kept != NULL;
         kept = next) {
        next = kept->next;
        leat_free(NULL, kept);
    }
    EVP_PKEY_free(identity->key);
    leat_free(NULL, identity);
}

size_t leat_identity_chain_length(const leat_identity *identity) { return identity->chain_length; }

leat_span leat_identity_chain_der(const leat_identity *identity, size_t index) {
    return index < identity->chain_length ? identity->der[index] : (leat_span){NULL, 0};
}

static const leat_identity_kept_bytes *find_kept(const leat_identity_kept_bytes *first,
                                                 uint16_t kind) {
    while (first != NULL && first->kind != kind) {
        first = first->next;
    }
    return first;
}

bool leat_identity_keep(leat_identity *identity, uint16_t kind, leat_span bytes) {
    leat_identity_kept_bytes *made = leat_alloc(NULL, sizeof *made + bytes.length);
    if (made == NULL) {
        return false;
    }
    made->kind = kind;
    made->length = bytes.length;
    memcpy(made->bytes, bytes.data, bytes.length);
    made->next = atomic_load(&identity->kept);
    do {
        if (find_kept(made->next, kind) != NULL) { /* another thread was faster */
            leat_free(NULL, made);
            return true;
        }
    } while (!atomic_compare_exchange_weak(&identity->kept, &made->next, made));
    return true;
}

bool leat_identity_kept(const leat_identity *identity, uint16_t kind, leat_span *bytes) {
    const leat_identity_kept_bytes *found = find_kept(atomic_load(&identity->kept), kind);
    *bytes = found == NULL ? (leat_span){NULL, 0} : (leat_span){found->bytes, found->length};
    return found != NULL;
}

void leat_identity_hash(const leat_identity *identity, uint8_t hash[32]) {
    if (!leat_x509_hash(identity->chain[0], hash)) {
        memset(hash, 0, 32);
    }
}

static int64_t seconds_or_zero(const ASN1_TIME *time) {
    int64_t seconds;
    return leat_x509_seconds(time, &seconds) ? seconds : 0;
}

int64_t leat_identity_not_before(const leat_identity *identity) {
    return seconds_or_zero(X509_get0_notBefore(identity->chain[0]));
}

int64_t leat_identity_not_after(const leat_identity *identity) {
    return seconds_or_zero(X509_get0_notAfter(identity->chain[0]));
}

bool leat_identity_matches(const leat_identity *identity, const char *host) {
    return leat_x509_matches(identity->chain[0], host);
}

static bool write_pem(const leat_identity *identity, BIO *out) {
    for (size_t i = 0; i < identity->chain_length; i++) {
        if (PEM_write_bio_X509(out, identity->chain[i]) != 1) {
            return false;
        }
    }
    return PEM_write_bio_PKCS8PrivateKey(out, identity->key, NULL, NULL, 0, NULL, NULL) == 1;
}

size_t leat_identity_to_pem(const leat_identity *identity, char *text, size_t capacity) {
    BIO *out = BIO_new(BIO_s_mem()); /* wipes what it held when freed */
    size_t length = 0;
    if (out != NULL && write_pem(identity, out)) {
        char *pem;
        length = (size_t)BIO_get_mem_data(out, &pem);
        if (capacity > 0) {
            size_t take = length < capacity - 1 ? length : capacity - 1;
            memcpy(text, pem, take);
            text[take] = '\0';
        }
    } else if (capacity > 0) {
        text[0] = '\0';
    }
    BIO_free(out);
    return length;
}
