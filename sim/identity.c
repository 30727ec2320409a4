/* An Ed25519 key and its certificate for localhost, valid for a century, for simulations alone. */
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

static const char key[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEIKgwCtfTPnLfab+BkVz0qOmfZKGuaHhoq6Xt9r8aGxls\n"
    "-----END PRIVATE KEY-----\n";

leat_identity *sim_identity_new(unsigned chain_length, char message[LEAT_MESSAGE_MAX]) {
    size_t one = sizeof certificate - 1, count = chain_length > 1 ? chain_length : 1;
    char *chain = malloc(one * count);
    if (chain == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        memcpy(chain + i * one, certificate, one);
    }
    const leat_span certificate_pem = {(const uint8_t *)chain, one * count};
    const leat_span key_pem = {(const uint8_t *)key, sizeof key - 1};
    leat_identity *identity = leat_identity_from_pem(certificate_pem, key_pem, NULL, message);
    free(chain);
    return identity;
}
