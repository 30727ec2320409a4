/* From options to what a client shows of itself: see client_identity.h. */
#include "client_identity.h"

#include "identity_file.h"

int client_identity_open(const client_identity_options *options, const option_table *table,
    leat_identity **identity, leat_config *quic) {
    char message[LEAT_MESSAGE_MAX];
    *identity = NULL;
    if (options->certificate == NULL) {
        return options->key == NULL
                   ? 0
                   : options_complain(table, "--client-key needs its --client-cert");
    }
    *identity = identity_file_load(options->certificate, options->key, NULL, message);
    if (*identity == NULL) {
        options_complain(table, "%s", message);
        return 1;
    }
    quic->identities = identity;
    quic->identity_count = 1;
    return 0;
}
