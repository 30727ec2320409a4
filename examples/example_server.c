/* A server of about 30 lines on leat/io.h: everything a handler needs around it. */
#include "example_server.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static leat_server *running;

static void on_signal(int number) {
    (void)number;
    leat_server_request_stop(running);
}

static void print_hash(const leat_identity *identity) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint8_t hash[33] = {0};
    leat_identity_hash(identity, hash);
    printf("certificate-hash: ");
    for (int bit = 0; bit < 258; bit += 6) {
        unsigned window = (unsigned)hash[bit / 8] << 8 | (bit / 8 < 32 ? hash[bit / 8 + 1] : 0u);
        putchar(digits[window >> (10 - bit % 8) & 63]);
    }
    printf("=\n");
}

int example_server_run(int count, char **arguments, leat_io_layers layers,
    const leat_io_handler *handler, void *user) {
    static const char *const names[] = {"localhost", "127.0.0.1", "::1"};
    static const char *const alpn[] = {"h3"};
    char message[LEAT_MESSAGE_MAX] = "", text[LEAT_ADDRESS_TEXT_MAX];
    int64_t start = (int64_t)time(NULL) - 3600;
    leat_identity *identity =
        leat_identity_self_signed(names, 3, start, start + 13 * 24 * 3600, message);
    leat_address address;
    if (identity == NULL || leat_address_resolve(count > 1 ? arguments[1] : "127.0.0.1:4433",
                                &address, 1, message) < 1) {
        fprintf(stderr, "%s: %s\n", arguments[0], message);
        return 1;
    }

    leat_config quic;
    leat_config_init(&quic, false);
    quic.alpn = alpn;
    quic.alpn_count = 1;
    quic.identities = &identity;
    quic.identity_count = 1;
    quic.max_datagram_frame_size = 65535;
    quic.liveness = 3 * LEAT_SECOND;

    leat_server_config config;
    leat_server_config_init(&config);
    config.quic = &quic;
    config.layers = layers;
    config.listen = &address;
    config.listen_count = 1;
    config.handler = *handler;
    config.user = user;
    running = leat_server_new(&config, message);
    if (running == NULL) {
        fprintf(stderr, "%s: %s\n", arguments[0], message);
        return 1;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    print_hash(identity);
    printf("listening: %s\n", leat_address_format(leat_server_address(running, 0), text));
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    int result = leat_server_run(running);
    leat_server_free(running);
    leat_identity_free(identity);
    return result == 0 ? 0 : 1;
}
