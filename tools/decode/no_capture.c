/* `leat decode` of pcap files in builds without libpcap. */
#include "decode.h"

int decode_capture(decode_state *decoder, FILE *file, const char *name) {
    (void)decoder, (void)file;
    fprintf(stderr, "leat decode: %s is a capture, and this build has no libpcap: install "
                    "libpcap-dev and build again\n", name);
    return 1;
}
