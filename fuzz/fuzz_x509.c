/*
 * Certificates of a peer: the input is the body of a TLS 1.3 Certificate message as far as it goes
 * (RFC 8446 §4.4.2: context, then entries of DER and extensions); every entry also goes alone
 * through the reader of the leaf's key. Whatever the bytes, nobody is nobody.invalid.
 */
#include "base/bytes.h"
#include "crypto/x509.h"

#include <stdlib.h>

#define NOW INT64_C(2000000000)

/* tests/vectors/x509/root.pem: the chains of the corpus end here, so that all checks are
 * reached. */
static const char root[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBezCCASGgAwIBAgITdWMwOFwbxdQ9raaO5gFapaacczAKBggqhkjOPQQDAjAb\n"
    "MRkwFwYDVQQDDBByb290LmV4YW1wbGUuY29tMCAXDTI2MTEyMTA5NTc0OFoYDzIx\n"
    "MjYxMDI4MDk1NzQ4WjAbMRkwFwYDVQQDDBByb290LmV4YW1wbGUuY29tMFkwEwYH\n"
    "KoZIzj0CAQYIKoZIzj0DAQcDQgAEHd+LlFH/xWMO4IRv38ImSDrnO71HnoLXsv54\n"
    "/wa643JKwwtWAlpkvBRo0O8kyV5GXn7s12mQgkAn2+MyFsCoVqNCMEAwDwYDVR0T\n"
    "AQH/BAUwAwEB/zAOBgNVHQ8BAf8EBAMCAgQwHQYDVR0OBBYEFK0+l7Ysd5UC2QEp\n"
    "EJiWLNjnpo/3MAoGCCqGSM49BAMCA0gAMEUCIQDmHifSy5bxxGivOQ5OEqgmNKEP\n"
    "zmEX4LDTOn9i3S5JBAIgRCEGWri75gG//0hYBXlZythos7ZV2kPSQ9wJPvwKznM=\n"
    "-----END CERTIFICATE-----\n";

static size_t read_chain(leat_reader *reader, leat_span *chain) {
    size_t count = 0;
    while (leat_reader_left(reader) > 0 && count <= LEAT_X509_CHAIN_MAX) {
        chain[count] = leat_read_vector24(reader);
        leat_read_vector16(reader);
        count += reader->failed && chain[count].length == 0 ? 0 : 1;
    }
    return count;
}

static void read_leaf(leat_span der) {
    leat_x509_status status = LEAT_X509_INTERNAL;
    leat_public_key *key = leat_x509_public_key(der, &status);
    if ((key != NULL) != (status == LEAT_X509_OK)) {
        abort();
    }
    if (key != NULL) {
        leat_public_key_verify(key, LEAT_SIG_ECDSA_P256_SHA256, der, der);
    }
    leat_public_key_free(key);
}

static void verify(leat_trust *trust, const leat_span *chain, size_t count, bool may_accept) {
    char message[LEAT_MESSAGE_MAX];
    for (int is_server = 0; is_server < 2 && trust != NULL; is_server++) {
        leat_x509_status status =
            leat_trust_verify(trust, chain, count, "nobody.invalid", is_server == 1, NOW,
                              message, NULL);
        if (status == LEAT_X509_OK && !may_accept) {
            abort();
        }
    }
    leat_trust_free(trust);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const uint8_t no_pins[32] = {0};
    leat_span chain[LEAT_X509_CHAIN_MAX + 1];
    char message[LEAT_MESSAGE_MAX];
    leat_reader reader = leat_reader_make(data, size);
    leat_read_vector8(&reader);
    leat_reader entries = leat_reader_of(leat_read_vector24(&reader));
    size_t count = read_chain(&entries, chain);
    read_leaf((leat_span){data, size});
    for (size_t i = 0; i < count; i++) {
        read_leaf(chain[i]);
    }
    verify(leat_trust_from_pem((leat_span){(const uint8_t *)root, sizeof root - 1}, message), chain,
           count, false);
    verify(leat_trust_from_hashes(no_pins, 1), chain, count, false);
    verify(leat_trust_insecure_accept_anything(), chain, count, true);
    return 0;
}
