/*
 * Makes self-signed certificates for development and for serverCertificateHashes. The profile is
 * what browsers accept there: X.509 v3, ECDSA with P-256; the names stand in the subjectAltName
 * (RFC 5280 §4.2.1.6) alone.
 */
#include "crypto/objects.h"
#include "crypto/random.h"

#include <ctype.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#define NAMES_MAX 100
#define DNS_NAME_MAX 253
/* RFC 5280 §4.1.2.2: at most 20 octets, positive; these are unique by chance. */
#define SERIAL_BYTES 16

/* A host name with an optional wildcard as its first label; verifiers want two labels behind it. */
static bool is_dns_name(const char *name) {
    bool is_wildcard = strncmp(name, "*.", 2) == 0;
    const char *labels = is_wildcard ? name + 2 : name;
    size_t length = strlen(labels);
    if (length == 0 || length > DNS_NAME_MAX || (is_wildcard && strchr(labels, '.') == NULL)) {
        return false;
    }
    for (const char *c = labels; *c != '\0'; c++) {
        if (!isalnum((unsigned char)*c) && *c != '-' && *c != '.' && *c != '_') {
            return false;
        }
    }
    return true;
}

static bool set_value(GENERAL_NAME *name, int type, ASN1_STRING *value) {
    if (name == NULL || value == NULL) {
        ASN1_STRING_free(value);
        return false;
    }
    GENERAL_NAME_set0_value(name, type, value);
    return true;
}

static ASN1_STRING *dns_string(const char *text) {
    ASN1_STRING *string = ASN1_IA5STRING_new();
    if (string != NULL && ASN1_STRING_set(string, text, (int)strlen(text)) != 1) {
        ASN1_STRING_free(string);
        return NULL;
    }
    return string;
}

static bool add_name(GENERAL_NAMES *names, const char *text) {
    GENERAL_NAME *name = GENERAL_NAME_new();
    bool is_ip = leat_host_is_ip(text);
    if (!set_value(name, is_ip ? GEN_IPADD : GEN_DNS,
                   is_ip ? a2i_IPADDRESS(text) : dns_string(text)) ||
        sk_GENERAL_NAME_push(names, name) == 0) {
        GENERAL_NAME_free(name);
        return false;
    }
    return true;
}

static bool add_names(X509 *certificate, const char *const *texts, size_t count) {
    GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
    bool good = names != NULL;
    for (size_t i = 0; i < count && good; i++) {
        good = add_name(names, texts[i]);
    }
    /* RFC 5280 §4.2.1.6: with an empty subject the names must be critical. */
    good = good &&
           X509_add1_ext_i2d(certificate, NID_subject_alt_name, names, 1, X509V3_ADD_DEFAULT) == 1;
    GENERAL_NAMES_free(names);
    return good;
}

static bool add_extension(X509 *certificate, int id, const char *value) {
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, id, value);
    bool good = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return good;
}

static bool set_serial(X509 *certificate) {
    uint8_t bytes[SERIAL_BYTES];
    if (!leat_random_bytes(NULL, bytes, sizeof bytes)) {
        return false;
    }
    bytes[0] = (uint8_t)((bytes[0] & 0x3f) | 0x40);
    BIGNUM *number = BN_bin2bn(bytes, sizeof bytes, NULL);
    bool good =
        number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
    BN_free(number);
    return good;
}

static bool fill(X509 *certificate, EVP_PKEY *key, const char *const *names, size_t count,
                 int64_t not_before, int64_t not_after) {
    return X509_set_version(certificate, X509_VERSION_3) == 1 && set_serial(certificate) &&
           ASN1_TIME_set(X509_getm_notBefore(certificate), (time_t)not_before) != NULL &&
           ASN1_TIME_set(X509_getm_notAfter(certificate), (time_t)not_after) != NULL &&
           X509_set_pubkey(certificate, key) == 1 && add_names(certificate, names, count) &&
           add_extension(certificate, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(certificate, NID_key_usage, "critical,digitalSignature") &&
           add_extension(certificate, NID_ext_key_usage, "serverAuth") &&
           X509_sign(certificate, key, EVP_sha256()) > 0;
}

static bool arguments_are_good(const char *const *names, size_t count, int64_t not_before,
                               int64_t not_after, char *message) {
    if (count == 0 || count > NAMES_MAX) {
        leat_message_set(message, "a certificate needs between 1 and %d names", NAMES_MAX);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!leat_host_is_ip(names[i]) && !is_dns_name(names[i])) {
            leat_message_set(message, "\"%s\" is neither a DNS name nor an IP address", names[i]);
            return false;
        }
    }
    if (not_after <= not_before) {
        leat_message_set(message, "the certificate would end before it begins");
        return false;
    }
    return true;
}

leat_identity *leat_identity_self_signed(const char *const *names, size_t name_count,
                                         int64_t not_before, int64_t not_after,
                                         char message[LEAT_MESSAGE_MAX]) {
    if (!arguments_are_good(names, name_count, not_before, not_after, message)) {
        return NULL;
    }
    ERR_set_mark();
    leat_identity *identity = leat_identity_new();
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    X509 *certificate = X509_new();
    bool good = identity != NULL && key != NULL && certificate != NULL &&
                fill(certificate, key, names, name_count, not_before, not_after);
    if (!good) {
        leat_message_set(message, "the certificate cannot be made: %s", leat_message_reason());
        X509_free(certificate);
    }
    good = good && leat_identity_add(identity, certificate);
    ERR_pop_to_mark();
    if (!good) {
        EVP_PKEY_free(key);
        leat_identity_free(identity);
        return NULL;
    }
    identity->key = key;
    return identity;
}
