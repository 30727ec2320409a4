/*
 * See wycheproof.h. Hexadecimal text is turned into bytes in place: a line never needs more room
 * than it had.
 */
#include "wycheproof.h"

static uint8_t nibble(char digit) {
    return (uint8_t)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
}

static leat_span bytes_in_place(char *hex) {
    size_t length = strcmp(hex, "-") == 0 ? 0 : strlen(hex) / 2;
    uint8_t *out = (uint8_t *)hex;
    ck_assert(length > 0 || strcmp(hex, "-") == 0);
    for (size_t i = 0; i < length; i++) {
        out[i] = (uint8_t)(nibble(hex[2 * i]) << 4 | nibble(hex[2 * i + 1]));
    }
    return (leat_span){out, length};
}

static char *next_word(char **at) {
    char *word = *at;
    if (word != NULL) {
        char *space = strchr(word, ' ');
        *at = space == NULL ? NULL : space + 1;
        if (space != NULL) {
            *space = '\0';
        }
    }
    return word;
}

static wycheproof_result result_of(const char *word) {
    static const char *const names[] = {"valid", "invalid", "acceptable"};
    for (size_t i = 0; i < 3; i++) {
        if (strcmp(word, names[i]) == 0) {
            return (wycheproof_result)i;
        }
    }
    ck_abort_msg("no result: %s", word);
    return WYCHEPROOF_INVALID;
}

static void read_test(wycheproof_test *test, const char *id, char *rest) {
    test->id = (unsigned)strtoul(id, NULL, 10);
    test->result = result_of(next_word(&rest));
    test->field_count = 0;
    for (char *word; (word = next_word(&rest)) != NULL;) {
        ck_assert_uint_lt(test->field_count, WYCHEPROOF_FIELDS_MAX);
        test->fields[test->field_count++] = bytes_in_place(word);
    }
}

void wycheproof_each(const char *name, size_t tests,
                     void (*check)(const wycheproof_test *test, void *user), void *user) {
    char path[256];
    snprintf(path, sizeof path, "vectors/wycheproof/%s.txt", name);
    char *text = (char *)test_read_file(path, NULL), *line = text;
    wycheproof_test test = {0};
    size_t promised = 0, done = 0;
    while (line != NULL && *line != '\0') {
        char *rest = line, *end = strchr(line, '\n');
        line = end == NULL ? NULL : end + 1;
        if (end != NULL) {
            *end = '\0';
        }
        const char *word = next_word(&rest);
        if (strcmp(word, "tests") == 0) {
            promised = strtoul(rest, NULL, 10);
        } else if (strcmp(word, "group") == 0) {
            test.group = bytes_in_place(rest);
        } else if (strcmp(word, "#") != 0) {
            read_test(&test, word, rest);
            check(&test, user);
            done++;
        }
    }
    ck_assert_uint_eq(done, promised);
    ck_assert_uint_eq(done, tests);
    free(text);
}
