/* `leat serve --client-ca` and `--client-auth`: whose client certificates are accepted. */
#include "serve.h"

#include "../file.h"

#include <string.h>

int client_auth_open(serve_app *serve, char message[LEAT_MESSAGE_MAX]) {
    const char *file = serve->settings.client_ca, *how = serve->settings.client_auth;
    bool is_request = how != NULL && strcmp(how, "request") == 0;
    size_t length;
    if (how != NULL && !is_request && strcmp(how, "require") != 0) {
        return options_complain(
            serve->table, "--client-auth wants require or request, not '%s'", how);
    }
    if (file == NULL) {
        return how == NULL ? 0 : options_complain(serve->table, "--client-auth needs --client-ca");
    }
    uint8_t *pem = file_read(file, &length, message);
    leat_trust *trust = pem == NULL ? NULL : leat_trust_from_pem((leat_span){pem, length}, message);
    leat_free(NULL, pem);
    if (trust == NULL) {
        options_complain(serve->table, "--client-ca: %s", message);
        return 1;
    }
    serve->quic.client_trust = trust;
    serve->quic.client_auth = is_request ? LEAT_CLIENT_AUTH_REQUEST : LEAT_CLIENT_AUTH_REQUIRE;
    return 0;
}
