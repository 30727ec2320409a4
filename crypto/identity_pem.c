/*
 * Loads an identity from PEM. Most of this file is about saying clearly what is wrong with a file
 * that somebody has just configured: the common mistakes each have their own sentence.
 */
#include "crypto/objects.h"
#include "crypto/pem.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

typedef struct password_request {
    const char *password;
    bool asked;
} password_request;

static int give_password(char *out, int room, int is_writing, void *user) {
    password_request *request = user;
    size_t length = request->password == NULL ? 0 : strlen(request->password);
    (void)is_writing;
    request->asked = true;
    if (request->password == NULL || length > (size_t)room) {
        return -1;
    }
    memcpy(out, request->password, length);
    return (int)length;
}

static void explain_missing_key(const password_request *request, char *message) {
    if (!request->asked) {
        leat_message_set(message, "the private key is damaged: %s", leat_message_reason());
    } else if (request->password == NULL) {
        leat_message_set(
            message,
            "the private key is encrypted: give its password, or decrypt it with openssl pkey");
    } else {
        leat_message_set(message, "the private key cannot be decrypted: is the password right?");
    }
}

static EVP_PKEY *read_key(leat_span pem, const char *password, char *message) {
    password_request request = {.password = password};
    BIO *in = leat_pem_open(pem, "private key", message);
    if (in == NULL) {
        return NULL;
    }
    EVP_PKEY *key = NULL;
    if (!leat_pem_contains(pem, "PRIVATE KEY-----")) {
        leat_message_set(
            message,
            "there is no private key: no line says -----BEGIN PRIVATE KEY----- (put it into a file "
            "of its own, or behind the certificates)");
    } else {
        key = PEM_read_bio_PrivateKey(in, NULL, give_password, &request);
        if (key == NULL) {
            explain_missing_key(&request, message);
        }
    }
    BIO_free(in);
    return key;
}

static bool take_certificate(void *user, X509 *certificate, char *message) {
    if (leat_identity_add(user, certificate)) {
        return true;
    }
    leat_message_set(
        message,
        "the certificate chain is too long: at most %d certificates of %d bytes (or memory is out)",
        LEAT_X509_CHAIN_MAX, LEAT_X509_CERTIFICATE_MAX);
    return false;
}

static bool key_belongs(const leat_identity *identity, char *message) {
    const char *objection = leat_key_objection(identity->key);
    if (objection != NULL) {
        leat_message_set(message, "the private key %s", objection);
        return false;
    }
    if (X509_check_private_key(identity->chain[0], identity->key) == 1) {
        return true;
    }
    for (size_t i = 1; i < identity->chain_length; i++) {
        if (X509_check_private_key(identity->chain[i], identity->key) == 1) {
            leat_message_set(message,
                             "the private key belongs to certificate %zu: that one must come first",
                             i + 1);
            return false;
        }
    }
    leat_message_set(
        message,
        "the private key does not belong to the certificate: they are not of the same pair");
    return false;
}

leat_identity *leat_identity_from_pem(leat_span certificate_pem, leat_span key_pem,
                                      const char *password, char message[LEAT_MESSAGE_MAX]) {
    leat_identity *identity = leat_identity_new();
    if (identity == NULL) {
        leat_message_set(message, "memory is out");
        return NULL;
    }
    ERR_set_mark();
    bool good = leat_pem_each_certificate(certificate_pem, "certificate", take_certificate,
                                          identity, message);
    if (good) {
        identity->key = read_key(key_pem.length > 0 ? key_pem : certificate_pem, password, message);
        good = identity->key != NULL && key_belongs(identity, message);
    }
    ERR_pop_to_mark();
    if (!good) {
        leat_identity_free(identity);
        return NULL;
    }
    return identity;
}
