/*
 * Reads the vectors of tests/vectors/wycheproof one test at a time (the format is described in
 * tests/vectors/convert_wycheproof.py).
 */
#ifndef LEAT_TESTS_WYCHEPROOF_H
#define LEAT_TESTS_WYCHEPROOF_H
#include "leat_test.h"

#define WYCHEPROOF_FIELDS_MAX 8

typedef enum wycheproof_result {
    WYCHEPROOF_VALID,
    WYCHEPROOF_INVALID,
    WYCHEPROOF_ACCEPTABLE
} wycheproof_result;

typedef struct wycheproof_test {
    unsigned id; /* Wycheproof's tcId */
    wycheproof_result result;
    leat_span group; /* the value shared by the tests of a group */
    leat_span fields[WYCHEPROOF_FIELDS_MAX];
    size_t field_count;
} wycheproof_test;

/*
 * Calls check for every test of the file; the bytes live during the call. Fails when the file is
 * missing or holds another number of tests than it says or than `tests`.
 */
void wycheproof_each(const char *name, size_t tests,
                     void (*check)(const wycheproof_test *test, void *user), void *user);

#endif
