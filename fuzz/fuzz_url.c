/* A Location field: it names a URL that parses again to the same, or is refused. */
#include "tools/url.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static tool_url base, url, again;
    static char text[sizeof url + 16];
    const char *problem = NULL;
    char *reference = malloc(size + 1);
    if (reference == NULL) {
        return 0;
    }
    memcpy(reference, data, size);
    reference[size] = '\0';
    bool is_base = url_parse("https://example.com:4433/a/b?c", &base, &problem);
    if (is_base && url_resolve(&base, reference, &url, &problem)) {
        snprintf(text, sizeof text, "https://%s%s", url.authority, url.target);
        if (url.target[0] != '/' || !url_parse(text, &again, &problem) ||
            strcmp(again.target, url.target) != 0 || strcmp(again.host, url.host) != 0 ||
            again.port != url.port) {
            abort();
        }
        url_file_name(&url, text);
        if (strchr(text, '/') != NULL) {
            abort();
        }
    } else if (problem == NULL) {
        abort();
    }
    free(reference);
    return 0;
}
