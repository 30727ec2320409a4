/* A certificate chain and its key from files. */
#ifndef LEAT_TOOLS_IDENTITY_FILE_H
#define LEAT_TOOLS_IDENTITY_FILE_H

#include <leat/tls.h>

/* key_file NULL: the key stands in the certificate's file. password_file NULL: the key has none.
 * Gives a reference; NULL: message says why. */
leat_identity *identity_file_load(const char *certificate_file, const char *key_file,
    const char *password_file, char message[LEAT_MESSAGE_MAX]);

#endif
