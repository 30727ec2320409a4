/* The whole server, past its packet protection: see server_harness.h for the format of the input.
 */
#include "fuzz.h"
#include "server_harness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    server_harness_run(data, size, NULL);
    return 0;
}
