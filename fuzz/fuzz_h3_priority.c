/* Priority field values, RFC 9218 §4, and the dictionaries of RFC 9651 beneath. */
#include "fuzz.h"
#include "h3/priority.h"
#include "h3/structured_field.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    leat_span value = {data, size};
    fuzz_require(leat_h3_priority_parse(value).urgency <= 7);
    leat_sf_parser parser = leat_sf_parser_make(value);
    leat_sf_member member;
    for (size_t i = 0; leat_sf_next_member(&parser, &member); i++) {
        fuzz_require(i < size && member.key.length > 0);
    }
    return 0;
}
