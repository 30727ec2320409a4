/* Whole small files: certificates, keys, session tickets. */
#ifndef LEAT_TOOLS_FILE_H
#define LEAT_TOOLS_FILE_H

#include <leat/tls.h>

/* Longest file that is read: these are all small, and a device would never end. */
#define FILE_SIZE_MAX ((size_t)1024 * 1024)

/* Gives the bytes with a NUL after them, to be freed with leat_free(NULL, ...). NULL: message says
 * why. */
uint8_t *file_read(const char *path, size_t *length, char message[LEAT_MESSAGE_MAX]);
/* Mode 0600; written under another name first, so that a reader never sees half a file. False:
 * errno says why. */
bool file_write_private(const char *path, const void *data, size_t length);

#endif
