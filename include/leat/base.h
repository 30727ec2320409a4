/*
 * leat/base.h: what every layer shares: visibility, time, memory, errors, addresses.
 *
 * Conventions of all leat headers:
 *  - Time is leat_time: nanoseconds of the caller's monotonic clock. The library never reads a clock.
 *  - A pointer parameter is borrowed for the call unless its comment says "takes" or "gives".
 *  - int results: 0 or a count on success, a negative leat_err on misuse or lack of resources.
 *    A fault of the peer is never a return value: it is recorded once as the close reason of the connection.
 *  - Config structs begin with `size_t size`, set by their init function, so that they can grow.
 */
#ifndef LEAT_BASE_H
#define LEAT_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define LEAT_API __attribute__((visibility("default")))
#else
#define LEAT_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define LEAT_VERSION_STRING "0.1.0"

/* The version of the library that is linked, as "major.minor.patch". */
LEAT_API const char *leat_version(void);

/* Nanoseconds of the caller's monotonic clock. LEAT_TIME_NEVER: a timer that is not set. */
typedef uint64_t leat_time;
#define LEAT_TIME_NEVER UINT64_MAX
#define LEAT_MICROSECOND ((leat_time)1000)
#define LEAT_MILLISECOND ((leat_time)1000000)
#define LEAT_SECOND ((leat_time)1000000000)

/* Misuse or lack of resources, told to the caller. Always negative. */
typedef enum leat_err {
    LEAT_OK = 0,
    LEAT_ERR_NOMEM = -1,       /* the allocator hook returned NULL */
    LEAT_ERR_RANDOM = -2,      /* the random source failed; nothing was sent with weak bytes */
    LEAT_ERR_INVALID = -3,     /* an argument is out of range or the combination makes no sense */
    LEAT_ERR_STATE = -4,       /* not possible in this state (closed, not connected yet, wrong role) */
    LEAT_ERR_NO_STREAM = -5,   /* no such stream, or it is finished */
    LEAT_ERR_DIRECTION = -6,   /* sending on a receive-only stream or the other way round */
    LEAT_ERR_STREAM_LIMIT = -7, /* the peer's stream limit is reached; StreamsAvailable follows */
    LEAT_ERR_FULL = -8,        /* a bounded queue or buffer is full; try again after the named event */
    LEAT_ERR_TOO_LARGE = -9,   /* longer than the peer or the path accepts */
    LEAT_ERR_NOT_SUPPORTED = -10, /* the peer did not offer this extension */
    LEAT_ERR_CRYPTO = -11,     /* a primitive failed or an AEAD limit is reached */
    LEAT_ERR_CERTIFICATE = -12, /* a certificate, key or chain cannot be used; the message says why */
    LEAT_ERR_IO = -13,         /* a system call failed; errno is kept */
    LEAT_ERR_TIMEOUT = -14,    /* a deadline passed */
    LEAT_ERR_REFUSED = -15,    /* the peer or the configuration refuses this */
} leat_err;

/* A short English sentence for any leat_err, static storage. */
LEAT_API const char *leat_err_string(int err);

/*
 * The allocator hook. realloc follows C's rules. A NULL allocator anywhere means malloc, realloc and free.
 * Every allocation of the library goes through it except those inside libcrypto.
 */
typedef struct leat_allocator {
    void *(*alloc)(void *user, size_t size);
    void *(*realloc)(void *user, void *pointer, size_t size);
    void (*free)(void *user, void *pointer);
    void *user;
} leat_allocator;

/* Fills bytes[length]; returns false on failure, and then the caller of the library sees LEAT_ERR_RANDOM. */
typedef bool (*leat_random_fn)(void *user, uint8_t *bytes, size_t length);

/* Seconds since 1970-01-01 UTC: for certificates, tickets and tokens only. */
typedef int64_t (*leat_wall_clock_fn)(void *user);

/* A borrowed run of bytes. */
typedef struct leat_span {
    const uint8_t *data;
    size_t length;
} leat_span;

/* A connection ID. RFC 9000 §17.2: at most 20 bytes in version 1. */
#define LEAT_CID_MAX 20
typedef struct leat_cid {
    uint8_t length;
    uint8_t bytes[LEAT_CID_MAX];
} leat_cid;

/* An address as the transport sees it: opaque bytes that are compared and handed back, plus what
 * RFC 9000 §9.4 needs. */
typedef enum leat_address_family { LEAT_ADDRESS_NONE, LEAT_ADDRESS_IPV4, LEAT_ADDRESS_IPV6 } leat_address_family;
typedef struct leat_address {
    uint8_t family;    /* leat_address_family */
    uint16_t port;     /* host order */
    uint8_t ip[16];    /* network order; the first 4 bytes for IPv4, the rest zero */
    uint32_t scope_id; /* IPv6 zone, else 0 */
} leat_address;

/* A path is a pair of addresses. */
typedef struct leat_path {
    leat_address local;
    leat_address remote;
} leat_path;

LEAT_API bool leat_address_equal(const leat_address *a, const leat_address *b);
LEAT_API bool leat_path_equal(const leat_path *a, const leat_path *b);
/* Writes "127.0.0.1:4433" or "[::1]:4433" and a NUL; text must hold LEAT_ADDRESS_TEXT_MAX bytes. Returns text. */
#define LEAT_ADDRESS_TEXT_MAX 64
LEAT_API char *leat_address_format(const leat_address *address, char text[LEAT_ADDRESS_TEXT_MAX]);

#ifdef __cplusplus
}
#endif
#endif
