/* The shared part of the unit tests: see leat_test.h. */
#include "leat_test.h"

#include <ctype.h>

#define SLOTS 8
#define SLOT_BYTES 65536

static int digit(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

leat_span test_hex(const char *hex) {
    static uint8_t slots[SLOTS][SLOT_BYTES];
    static unsigned turn;
    uint8_t *out = slots[turn++ % SLOTS];
    size_t digits = 0;
    memset(out, 0, SLOT_BYTES);
    for (const char *c = hex; *c != '\0'; c++) {
        if (isspace((unsigned char)*c)) {
            continue;
        }
        ck_assert_msg(digit(*c) >= 0, "not hex: %s", c);
        ck_assert_uint_lt(digits / 2, SLOT_BYTES);
        out[digits / 2] = (uint8_t)(out[digits / 2] << 4 | digit(*c));
        digits++;
    }
    ck_assert_msg(digits % 2 == 0, "odd number of hex digits: %s", hex);
    return (leat_span){out, digits / 2};
}

const char *test_to_hex(const void *bytes, size_t length) {
    static char slots[SLOTS][2 * SLOT_BYTES + 1];
    static unsigned turn;
    char *out = slots[turn++ % SLOTS];
    const uint8_t *in = bytes;
    ck_assert_uint_le(length, SLOT_BYTES);
    for (size_t i = 0; i < length; i++) {
        out[2 * i] = "0123456789abcdef"[in[i] >> 4];
        out[2 * i + 1] = "0123456789abcdef"[in[i] & 15];
    }
    out[2 * length] = '\0';
    return out;
}

uint8_t *test_read_file(const char *path_below_tests, size_t *length) {
    const char *root = getenv("LEAT_TESTS");
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", root != NULL ? root : LEAT_TESTS_DIR, path_below_tests);
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "cannot open %s", path);
    size_t size = 0, capacity = 65536;
    uint8_t *data = malloc(capacity);
    for (size_t got; (got = fread(data + size, 1, capacity - size - 1, file)) > 0;) {
        size += got;
        if (size + 1 == capacity) {
            capacity *= 2;
            data = realloc(data, capacity);
        }
    }
    fclose(file);
    data[size] = '\0';
    if (length != NULL) {
        *length = size;
    }
    return data;
}

typedef struct vector_line {
    char *section, *name;
    uint8_t *bytes;
    size_t length;
    uint64_t number;
} vector_line;

struct test_vectors {
    vector_line *lines;
    char **sections;
    size_t count, section_count;
};

static char *copy_text(const char *from, size_t length) {
    char *copy = malloc(length + 1);
    memcpy(copy, from, length);
    copy[length] = '\0';
    return copy;
}

static void parse_value(vector_line *line, const char *value) {
    size_t length = strlen(value);
    line->bytes = malloc(length + 1);
    if (strncmp(value, "0x", 2) == 0) {
        for (size_t i = 2; i + 1 < length; i += 2) {
            line->bytes[line->length++] = (uint8_t)(digit(value[i]) << 4 | digit(value[i + 1]));
        }
    } else if (value[0] == '"') {
        for (size_t i = 1; i + 1 < length; i++) {
            i += value[i] == '\\' ? 1 : 0;
            line->bytes[line->length++] = (uint8_t)value[i];
        }
    } else {
        line->number = strtoull(value, NULL, 10);
    }
    line->bytes[line->length] = '\0';
}

test_vectors *test_vectors_load(const char *path_below_tests) {
    char *text = (char *)test_read_file(path_below_tests, NULL);
    test_vectors *vectors = calloc(1, sizeof *vectors);
    const char *section = "";
    for (char *at = text, *next; at != NULL && *at != '\0'; at = next) {
        next = strchr(at, '\n');
        if (next != NULL) {
            *next++ = '\0';
        }
        char *equals = strstr(at, " = ");
        if (at[0] == '[') {
            vectors->sections =
                realloc(vectors->sections, (vectors->section_count + 1) * sizeof(char *));
            section = vectors->sections[vectors->section_count++] =
                copy_text(at + 1, strcspn(at + 1, "]"));
        } else if (at[0] != '#' && equals != NULL) {
            vectors->lines = realloc(vectors->lines, (vectors->count + 1) * sizeof(vector_line));
            vector_line *line = &vectors->lines[vectors->count++];
            *line = (vector_line){.section = copy_text(section, strlen(section)),
                .name = copy_text(at, (size_t)(equals - at))};
            parse_value(line, equals + 3);
        }
    }
    free(text);
    return vectors;
}

void test_vectors_free(test_vectors *vectors) {
    for (size_t i = 0; i < vectors->count; i++) {
        free(vectors->lines[i].section);
        free(vectors->lines[i].name);
        free(vectors->lines[i].bytes);
    }
    for (size_t i = 0; i < vectors->section_count; i++) {
        free(vectors->sections[i]);
    }
    free(vectors->sections);
    free(vectors->lines);
    free(vectors);
}

static const vector_line *find_line(
    const test_vectors *vectors, const char *section, const char *name) {
    for (size_t i = 0; i < vectors->count; i++) {
        if (strcmp(vectors->lines[i].section, section) == 0 &&
            strcmp(vectors->lines[i].name, name) == 0) {
            return &vectors->lines[i];
        }
    }
    return NULL;
}

static const vector_line *need_line(
    const test_vectors *vectors, const char *section, const char *name) {
    const vector_line *line = find_line(vectors, section, name);
    ck_assert_msg(line != NULL, "no vector [%s] %s", section, name);
    return line;
}

leat_span test_vector_bytes(const test_vectors *vectors, const char *section, const char *name) {
    const vector_line *line = need_line(vectors, section, name);
    return (leat_span){line->bytes, line->length};
}

uint64_t test_vector_number(const test_vectors *vectors, const char *section, const char *name) {
    return need_line(vectors, section, name)->number;
}

const char *test_vector_text(const test_vectors *vectors, const char *section, const char *name) {
    return (const char *)need_line(vectors, section, name)->bytes;
}

bool test_vector_has(const test_vectors *vectors, const char *section, const char *name) {
    return find_line(vectors, section, name) != NULL;
}

const char *test_vector_section(const test_vectors *vectors, size_t index) {
    return index < vectors->section_count ? vectors->sections[index] : NULL;
}

bool test_random(void *state, uint8_t *bytes, size_t length) {
    uint64_t *seed = state;
    for (size_t i = 0; i < length; i++) {
        /* The splitmix64 step: public domain arithmetic, good enough for tests. */
        uint64_t z = (*seed += UINT64_C(0x9e3779b97f4a7c15));
        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        bytes[i] = (uint8_t)((z ^ (z >> 31)) >> 24);
    }
    return true;
}

static bool must_fail(test_memory *memory) {
    return ++memory->allocations == memory->fail_at;
}

static void *memory_alloc(void *user, size_t size) {
    test_memory *memory = user;
    if (must_fail(memory)) {
        return NULL;
    }
    size_t *block = malloc(size + 16);
    *block = size;
    memory->live++;
    memory->bytes_live += size;
    return (char *)block + 16;
}

static void memory_free(void *user, void *pointer) {
    test_memory *memory = user;
    if (pointer == NULL) {
        return;
    }
    size_t *block = (size_t *)(void *)((char *)pointer - 16);
    memory->live--;
    memory->bytes_live -= *block;
    free(block);
}

static void *memory_realloc(void *user, void *pointer, size_t size) {
    if (pointer == NULL) {
        return memory_alloc(user, size);
    }
    size_t old = *(size_t *)(void *)((char *)pointer - 16);
    void *moved = memory_alloc(user, size);
    if (moved != NULL) {
        memcpy(moved, pointer, old < size ? old : size);
        memory_free(user, pointer);
    }
    return moved;
}

void test_memory_init(test_memory *memory) {
    *memory = (test_memory){.allocator = {memory_alloc, memory_realloc, memory_free, memory}};
}

int test_run(const char *name, const TTest *const *tests, size_t count) {
    Suite *suite = suite_create(name);
    const char *only = getenv("LEAT_TEST_ONLY");
    for (size_t i = 0; i < count; i++) {
        if (only != NULL && strstr(tests[i]->name, only) == NULL) {
            continue;
        }
        TCase *tcase = tcase_create(tests[i]->name);
        tcase_set_timeout(tcase, 120);
        tcase_add_test(tcase, tests[i]);
        suite_add_tcase(suite, tcase);
    }
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
