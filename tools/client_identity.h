/* The certificate that the clients show to a server that asks, as their options say. */
#ifndef LEAT_TOOLS_CLIENT_IDENTITY_H
#define LEAT_TOOLS_CLIENT_IDENTITY_H

#include <leat/quic.h>

#include "options.h"

typedef struct client_identity_options {
    const char *certificate, *key;
} client_identity_options;

/* clang-format off */
#define CLIENT_IDENTITY_ROWS(settings, member) \
    {"--client-cert", OPTION_TEXT, offsetof(settings, member.certificate), "FILE", "show this certificate chain, PEM, to a server that asks for one"}, \
    {"--client-key", OPTION_TEXT, offsetof(settings, member.key), "FILE", "its private key (in the same file)"}
/* clang-format on */

/* Gives a reference in *identity, which quic then points at, or NULL where no option wants one.
 * Returns 0 or an exit status after one line on stderr. */
int client_identity_open(const client_identity_options *options, const option_table *table,
    leat_identity **identity, leat_config *quic);

#endif
