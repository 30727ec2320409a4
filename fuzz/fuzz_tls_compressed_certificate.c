/* RFC 8879 §4: parse, write, parse again; then as a message to a handshake. */
#include "fuzz_tls.h"

static size_t write_again(const leat_compressed_certificate *message, uint8_t *out) {
    leat_writer writer = leat_writer_make(out, FUZZ_MESSAGE_MAX);
    leat_compressed_certificate_write(message, &writer);
    FUZZ_CHECK(!writer.failed);
    return leat_writer_length(&writer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static uint8_t first[FUZZ_MESSAGE_MAX], second[FUZZ_MESSAGE_MAX];
    const char *why;
    leat_compressed_certificate message = {0};
    leat_span body = {data, size};
    if (size <= 65536 &&
        leat_compressed_certificate_parse(body, &message, &why) == LEAT_ALERT_NONE) {
        body = (leat_span){first, write_again(&message, first)};
        FUZZ_CHECK(leat_compressed_certificate_parse(body, &message, &why) == LEAT_ALERT_NONE);
        FUZZ_CHECK(write_again(&message, second) == body.length &&
                   memcmp(first, second, body.length) == 0);
    }
    fuzz_tls_feed(LEAT_CLIENT_HAS_EXTENSIONS, LEAT_COMPRESSED_CERTIFICATE, data, size);
    fuzz_tls_feed(LEAT_SERVER_ASKED, LEAT_COMPRESSED_CERTIFICATE, data, size);
    return 0;
}
