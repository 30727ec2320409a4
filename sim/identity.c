/*
 * An Ed25519 key and certificates for localhost, valid for a century, for simulations alone: a
 * small one, and one with a long list of names for chains that do not fit into three times a
 * ClientHello.
 */
#include "sim/identity.h"

#include <stdlib.h>
#include <string.h>

static const char certificate[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBVTCCAQegAwIBAgIUY6iJbihv40px5ArjDwnvtSCVs1UwBQYDK2VwMBQxEjAQ\n"
    "BgNVBAMMCWxvY2FsaG9zdDAgFw0yNjExMjExMDU5MjNaGA8yMTI2MTAyODEwNTky\n"
    "M1owFDESMBAGA1UEAwwJbG9jYWxob3N0MCowBQYDK2VwAyEA8iIpyCfBOGGBAikx\n"
    "coSo63mG0fw6c4T1vNReBLqV1pKjaTBnMB0GA1UdDgQWBBSBNKTToXzlxtZGSzSo\n"
    "Q0MgAf3TsTAfBgNVHSMEGDAWgBSBNKTToXzlxtZGSzSoQ0MgAf3TsTAPBgNVHRMB\n"
    "Af8EBTADAQH/MBQGA1UdEQQNMAuCCWxvY2FsaG9zdDAFBgMrZXADQQDNqFCX3Pdb\n"
    "wICNaHr4Yqf5w18lXdGdGW/wq5YIWiq2kcj5phv5xp2Ubslvblpnlblqa5qxVMve\n"
    "YBlXRPq6XBgK\n"
    "-----END CERTIFICATE-----\n";

static const char long_certificate[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIDXzCCAxGgAwIBAgIUBhyljzqiHqzqp1IrT4skCWwkBNIwBQYDK2VwMBQxEjAQ\n"
    "BgNVBAMMCWxvY2FsaG9zdDAgFw0yNjExMjExMTQyMDRaGA8yMTI2MTAyODExNDIw\n"
    "NFowFDESMBAGA1UEAwwJbG9jYWxob3N0MCowBQYDK2VwAyEA8iIpyCfBOGGBAikx\n"
    "coSo63mG0fw6c4T1vNReBLqV1pKjggJxMIICbTAdBgNVHQ4EFgQUgTSk06F85cbW\n"
    "Rks0qENDIAH907EwHwYDVR0jBBgwFoAUgTSk06F85cbWRks0qENDIAH907EwDwYD\n"
    "VR0TAQH/BAUwAwEB/zCCAhgGA1UdEQSCAg8wggILgglsb2NhbGhvc3SCHm5hbWUt\n"
    "MDAub2YtYS1sb25nLWxpc3QuZXhhbXBsZYIebmFtZS0wMS5vZi1hLWxvbmctbGlz\n"
    "dC5leGFtcGxlgh5uYW1lLTAyLm9mLWEtbG9uZy1saXN0LmV4YW1wbGWCHm5hbWUt\n"
    "MDMub2YtYS1sb25nLWxpc3QuZXhhbXBsZYIebmFtZS0wNC5vZi1hLWxvbmctbGlz\n"
    "dC5leGFtcGxlgh5uYW1lLTA1Lm9mLWEtbG9uZy1saXN0LmV4YW1wbGWCHm5hbWUt\n"
    "MDYub2YtYS1sb25nLWxpc3QuZXhhbXBsZYIebmFtZS0wNy5vZi1hLWxvbmctbGlz\n"
    "dC5leGFtcGxlgh5uYW1lLTA4Lm9mLWEtbG9uZy1saXN0LmV4YW1wbGWCHm5hbWUt\n"
    "MDkub2YtYS1sb25nLWxpc3QuZXhhbXBsZYIebmFtZS0xMC5vZi1hLWxvbmctbGlz\n"
    "dC5leGFtcGxlgh5uYW1lLTExLm9mLWEtbG9uZy1saXN0LmV4YW1wbGWCHm5hbWUt\n"
    "MTIub2YtYS1sb25nLWxpc3QuZXhhbXBsZYIebmFtZS0xMy5vZi1hLWxvbmctbGlz\n"
    "dC5leGFtcGxlgh5uYW1lLTE0Lm9mLWEtbG9uZy1saXN0LmV4YW1wbGWCHm5hbWUt\n"
    "MTUub2YtYS1sb25nLWxpc3QuZXhhbXBsZTAFBgMrZXADQQAOgjAL0hvF1ZWbJfWA\n"
    "x157n0h7GltjzryMIXrBusQjx15JcZICPmVLlTPwZ86Jso6ylttgl40KjjGvUWda\n"
    "dgIO\n"
    "-----END CERTIFICATE-----\n";

static const char key[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEIKgwCtfTPnLfab+BkVz0qOmfZKGuaHhoq6Xt9r8aGxls\n"
    "-----END PRIVATE KEY-----\n";

leat_identity *sim_identity_new(unsigned chain_length, char message[LEAT_MESSAGE_MAX]) {
    bool is_chain = chain_length > 1;
    const char *pem = is_chain ? long_certificate : certificate;
    size_t one = strlen(pem), count = is_chain ? chain_length : 1;
    char *chain = malloc(one * count);
    if (chain == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        memcpy(chain + i * one, pem, one);
    }
    const leat_span certificate_pem = {(const uint8_t *)chain, one * count};
    const leat_span key_pem = {(const uint8_t *)key, sizeof key - 1};
    leat_identity *identity = leat_identity_from_pem(certificate_pem, key_pem, NULL, message);
    free(chain);
    return identity;
}
