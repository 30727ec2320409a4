/* One sentence for the person in front of the terminal: what ended a client's connection, at which
 * step, and what to try. */
#ifndef LEAT_TOOLS_CLIENT_FAILURE_H
#define LEAT_TOOLS_CLIENT_FAILURE_H

#include <leat/quic.h>

#define CLIENT_FAILURE_MAX 1536

/* terminated: a ConnectionTerminated event. had_handshake: HandshakeCompleted came before. */
void client_failure_describe(const leat_event *terminated, bool had_handshake,
    const char *authority, char text[CLIENT_FAILURE_MAX]);

#endif
