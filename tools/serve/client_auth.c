/*
 * `leat serve --client-ca` and `--client-auth`: whose client certificates are accepted. The file is
 * loaded again on SIGHUP, for full handshakes from then on: a session that is resumed keeps the
 * identity that was accepted when it began (see leat_client_auth).
 */
#include "serve.h"

#include "../file.h"

#include <stdio.h>
#include <string.h>

static leat_trust *load(const serve_app *serve, char message[LEAT_MESSAGE_MAX]) {
    size_t length;
    uint8_t *pem = file_read(serve->settings.client_ca, &length, message);
    leat_trust *trust = pem == NULL ? NULL : leat_trust_from_pem((leat_span){pem, length}, message);
    leat_free(NULL, pem);
    return trust;
}

int client_auth_open(serve_app *serve, char message[LEAT_MESSAGE_MAX]) {
    const char *file = serve->settings.client_ca, *how = serve->settings.client_auth;
    bool is_request = how != NULL && strcmp(how, "request") == 0;
    if (how != NULL && !is_request && strcmp(how, "require") != 0) {
        return options_complain(
            serve->table, "--client-auth wants require or request, not '%s'", how);
    }
    if (file == NULL) {
        return how == NULL ? 0 : options_complain(serve->table, "--client-auth needs --client-ca");
    }
    leat_trust *trust = load(serve, message);
    if (trust == NULL) {
        options_complain(serve->table, "--client-ca: %s", message);
        return 1;
    }
    serve->quic.client_trust = trust;
    serve->quic.client_auth = is_request ? LEAT_CLIENT_AUTH_REQUEST : LEAT_CLIENT_AUTH_REQUIRE;
    return 0;
}

bool client_auth_reload(serve_app *serve) {
    char message[LEAT_MESSAGE_MAX];
    if (serve->settings.client_ca == NULL) {
        return false;
    }
    leat_trust *trust = load(serve, message);
    if (trust == NULL) {
        fprintf(stderr, "leat serve: --client-ca stays as it was: %s\n", message);
        return false;
    }
    leat_trust_free(serve->quic.client_trust);
    serve->quic.client_trust = trust;
    return true;
}
