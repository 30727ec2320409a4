/* See identity_file.h. */
#include "identity_file.h"

#include "base/alloc.h"
#include "file.h"

#include <stdio.h>
#include <string.h>

typedef struct file_bytes {
    uint8_t *data;
    size_t length;
} file_bytes;

/* A file that is not wanted is read as empty. */
static bool read_wanted(const char *path, file_bytes *bytes, char *message) {
    *bytes = (file_bytes){NULL, 0};
    if (path != NULL) {
        bytes->data = file_read(path, &bytes->length, message);
    }
    return path == NULL || bytes->data != NULL;
}

leat_identity *identity_file_load(const char *certificate_file, const char *key_file,
    const char *password_file, char message[LEAT_MESSAGE_MAX]) {
    file_bytes certificate = {0}, key = {0}, password = {0};
    leat_identity *identity = NULL;
    bool is_read = read_wanted(certificate_file, &certificate, message) &&
                   read_wanted(key_file, &key, message) &&
                   read_wanted(password_file, &password, message);
    if (is_read) {
        char reason[LEAT_MESSAGE_MAX];
        char *text = (char *)password.data;
        if (text != NULL) {
            text[strcspn(text, "\r\n")] = '\0';
        }
        identity = leat_identity_from_pem((leat_span){certificate.data, certificate.length},
            (leat_span){key.data, key.length}, text, reason);
        if (identity == NULL) {
            snprintf(message, LEAT_MESSAGE_MAX, "%.100s: %.140s", certificate_file, reason);
        }
    }
    leat_free(NULL, certificate.data);
    leat_free(NULL, key.data);
    leat_free(NULL, password.data);
    return identity;
}
