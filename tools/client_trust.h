/* Whom the clients trust, as their options say: the system's store, a file of roots, pinned hashes,
 * or anybody. */
#ifndef LEAT_TOOLS_CLIENT_TRUST_H
#define LEAT_TOOLS_CLIENT_TRUST_H

#include <leat/tls.h>

#include "options.h"

typedef struct client_trust_options {
    const char *cacert;
    bool insecure;
    option_list cert_hash; /* base64 of SHA-256; they win over the others */
} client_trust_options;

/* clang-format off */
#define CLIENT_TRUST_ROWS(settings, member) \
    {"--cacert", OPTION_TEXT, offsetof(settings, member.cacert), "FILE", "trust the roots in FILE, PEM (the system's)"}, \
    {"--insecure", OPTION_FLAG, offsetof(settings, member.insecure), NULL, "accept every certificate: for experiments only"}, \
    {"--cert-hash", OPTION_LIST, offsetof(settings, member.cert_hash), "HASH", "accept this certificate only: base64 SHA-256, as serve prints it"}
/* clang-format on */

/* Gives a reference. NULL: an exit status in *status and one line on stderr. */
leat_trust *client_trust_open(
    const client_trust_options *options, const option_table *table, int *status);

#endif
