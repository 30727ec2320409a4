/* RFC 8446 §4.4.4: Finished to a client and to a server; none is ever accepted here. */
#include "fuzz_tls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    leat_span verify_data;
    const char *why;
    leat_finished_parse((leat_span){data, size}, 32, &verify_data, &why);
    leat_finished_parse((leat_span){data, size}, 48, &verify_data, &why);
    fuzz_tls_feed(LEAT_CLIENT_TRUSTS_SERVER, LEAT_FINISHED, data, size);
    fuzz_tls_feed(LEAT_SERVER_FLIGHT_SENT, LEAT_FINISHED, data, size);
    return 0;
}
