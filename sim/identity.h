/*
 * The server's certificate in a run: always the same, with a key whose signatures have one length,
 * so that chance changes no datagram's size.
 */
#ifndef LEAT_SIM_IDENTITY_H
#define LEAT_SIM_IDENTITY_H

#include <leat/tls.h>

/* chain_length: how often the certificate stands in its own chain. NULL: see message. */
leat_identity *sim_identity_new(unsigned chain_length, char message[LEAT_MESSAGE_MAX]);

#endif
