/* Counted blocks carry a head that says where they are booked. */
#include "counting.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void *__real_malloc(size_t size);
void *__real_realloc(void *pointer, size_t size);
void __real_free(void *pointer);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *pointer, size_t size);
void __wrap_free(void *pointer);

typedef struct block_head {
    _Alignas(max_align_t) size_t size;
    bench_account *account;
} block_head;

static bench_account accounts[BENCH_SIDE_COUNT][BENCH_OWNER_COUNT];
static bench_side current;
static leat_time entered;

static void book(block_head *head, size_t size, bench_account *account) {
    *head = (block_head){.size = size, .account = account};
    account->allocations++;
    account->blocks++;
    account->bytes += size;
}

static void unbook(const block_head *head) {
    head->account->blocks--;
    head->account->bytes -= head->size;
}

static void *resize(void *pointer, size_t size, bench_owner owner) {
    block_head *head = pointer == NULL ? NULL : (block_head *)pointer - 1;
    if (size > SIZE_MAX - sizeof *head) {
        return NULL;
    }
    block_head old = {0};
    if (head != NULL) {
        old = *head;
    }
    head = __real_realloc(head, sizeof *head + size);
    if (head == NULL) {
        return NULL;
    }
    if (pointer != NULL) {
        unbook(&old);
    }
    book(head, size, &accounts[current][owner]);
    return head + 1;
}

static void release(void *pointer) {
    if (pointer != NULL) {
        block_head *head = (block_head *)pointer - 1;
        unbook(head);
        __real_free(head);
    }
}

void *__wrap_malloc(size_t size) {
    return resize(NULL, size, BENCH_LEAT);
}
void *__wrap_realloc(void *pointer, size_t size) {
    return resize(pointer, size, BENCH_LEAT);
}
void __wrap_free(void *pointer) {
    release(pointer);
}

void *__wrap_calloc(size_t count, size_t size) {
    void *pointer =
        size != 0 && count > SIZE_MAX / size ? NULL : resize(NULL, count * size, BENCH_LEAT);
    return pointer == NULL ? NULL : memset(pointer, 0, count * size);
}

static void *crypto_malloc(size_t size, const char *file, int line) {
    (void)file, (void)line;
    return resize(NULL, size, BENCH_LIBCRYPTO);
}

static void crypto_free(void *pointer, const char *file, int line) {
    (void)file, (void)line;
    release(pointer);
}

static void *crypto_realloc(void *pointer, size_t size, const char *file, int line) {
    (void)file, (void)line;
    if (size == 0) {
        release(pointer);
        return NULL;
    }
    return resize(pointer, size, BENCH_LIBCRYPTO);
}

leat_time bench_clock(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (leat_time)now.tv_sec * LEAT_SECOND + (leat_time)now.tv_nsec;
}

void bench_counting_init(void) {
    entered = bench_clock();
    if (CRYPTO_set_mem_functions(crypto_malloc, crypto_realloc, crypto_free) != 1) {
        abort();
    }
}

void bench_enter(bench_side side) {
    leat_time now = bench_clock();
    accounts[current][BENCH_LEAT].busy += now - entered;
    entered = now;
    current = side;
}

bench_account bench_account_of(bench_side side, bench_owner owner) {
    bench_enter(current);
    return accounts[side][owner];
}
