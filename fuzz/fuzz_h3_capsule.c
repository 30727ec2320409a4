/* Capsules, RFC 9297 §3.2: the first byte says where the stream is cut in two; any cut gives the
 * same capsules. */
#include "fuzz.h"
#include "h3/capsule.h"

static uint64_t mix(uint64_t digest, uint64_t value) {
    return (digest ^ value) * UINT64_C(0x100000001b3);
}

static uint64_t read_all(leat_span first, leat_span second) {
    leat_h3_capsule_reader *reader = leat_h3_capsule_reader_new(NULL);
    leat_span pieces[] = {first, second};
    leat_h3_capsule capsule;
    uint64_t digest = 0;
    fuzz_require(reader != NULL);
    for (size_t i = 0; i < 2; i++) {
        while (leat_h3_capsule_read(reader, &pieces[i], &capsule) == 1) {
            fuzz_require(capsule.value.length <= LEAT_H3_CAPSULE_MAX &&
                         capsule.value.length <= capsule.length);
            digest = mix(mix(digest, capsule.type), capsule.length);
            for (size_t j = 0; j < capsule.value.length; j++) {
                digest = mix(digest, capsule.value.data[j]);
            }
        }
    }
    digest = mix(digest, leat_h3_capsule_reader_is_between(reader));
    leat_h3_capsule_reader_free(reader, NULL);
    return digest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > 0) {
        leat_span all = {data + 1, size - 1};
        size_t cut = data[0] < all.length ? data[0] : all.length;
        leat_span first = {all.data, cut}, rest = {all.data + cut, all.length - cut},
                  none = {all.data, 0};
        fuzz_require(read_all(all, none) == read_all(first, rest));
    }
    return 0;
}
