/*
 * One X.509 certificate (RFC 5280): parsing, hash, times and names. Chains are verified in
 * verify.c. The ASN.1 itself is libcrypto's.
 */
#include "crypto/x509.h"

#include "crypto/objects.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

/* RFC 1035 §2.3.4: names are at most 255 octets; longer text would only cost time. */
#define HOST_MAX 255
#define NAME_RULES (X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS)

X509 *leat_x509_parse(leat_span der) {
    const uint8_t *next = der.data;
    if (der.length == 0 || der.length > LEAT_X509_CERTIFICATE_MAX) {
        return NULL;
    }
    ERR_set_mark();
    X509 *certificate = d2i_X509(NULL, &next, (long)der.length);
    ERR_pop_to_mark();
    if (certificate != NULL && next != der.data + der.length) {
        X509_free(certificate);
        return NULL;
    }
    return certificate;
}

bool leat_x509_hash(const X509 *certificate, uint8_t hash[32]) {
    return X509_digest(certificate, EVP_sha256(), hash, NULL) == 1;
}

bool leat_x509_seconds(const ASN1_TIME *time, int64_t *seconds) {
    int days = 0, rest = 0;
    ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
    bool good = epoch != NULL && time != NULL && ASN1_TIME_diff(&days, &rest, epoch, time) == 1;
    ASN1_TIME_free(epoch);
    *seconds = (int64_t)days * 86400 + rest;
    return good;
}

bool leat_host_is_ip(const char *text) {
    /* libcrypto's reader is lenient about spaces and signs. */
    if (text[strspn(text, "0123456789abcdefABCDEF:.")] != '\0') {
        return false;
    }
    ERR_set_mark();
    ASN1_OCTET_STRING *address = a2i_IPADDRESS(text);
    ERR_pop_to_mark();
    bool is_ip = address != NULL;
    ASN1_OCTET_STRING_free(address);
    return is_ip;
}

/*
 * RFC 9525 §2 and §6.3: the common name is never looked at, and a wildcard is the whole left-most
 * label. An IP address matches an iPAddress name only, never a dNSName that looks like it.
 */
bool leat_x509_matches(X509 *certificate, const char *host) {
    size_t length = strlen(host);
    if (length == 0 || length > HOST_MAX) {
        return false;
    }
    ERR_set_mark();
    bool matches = leat_host_is_ip(host)
                       ? X509_check_ip_asc(certificate, host, 0) == 1
                       : X509_check_host(certificate, host, length, NAME_RULES, NULL) == 1;
    ERR_pop_to_mark();
    return matches;
}

leat_public_key *leat_x509_key(X509 *certificate, leat_x509_status *status) {
    ERR_set_mark();
    EVP_PKEY *key = X509_get_pubkey(certificate);
    ERR_pop_to_mark();
    if (key == NULL || leat_key_objection(key) != NULL) {
        EVP_PKEY_free(key);
        *status = LEAT_X509_UNSUPPORTED;
        return NULL;
    }
    leat_public_key *public_key = leat_public_key_new(key);
    *status = public_key == NULL ? LEAT_X509_INTERNAL : LEAT_X509_OK;
    return public_key;
}

leat_public_key *leat_x509_public_key(leat_span der, leat_x509_status *status) {
    X509 *certificate = leat_x509_parse(der);
    *status = LEAT_X509_MALFORMED;
    leat_public_key *key = certificate == NULL ? NULL : leat_x509_key(certificate, status);
    X509_free(certificate);
    return key;
}

int64_t leat_x509_not_after(leat_span der) {
    int64_t seconds;
    X509 *certificate = leat_x509_parse(der);
    bool good = certificate != NULL && leat_x509_seconds(X509_get0_notAfter(certificate), &seconds);
    X509_free(certificate);
    return good ? seconds : 0;
}
