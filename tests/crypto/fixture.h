/* The certificates of tests/vectors/x509 as PEM and as DER. */
#ifndef LEAT_TESTS_FIXTURE_H
#define LEAT_TESTS_FIXTURE_H
#include "leat_test.h"

#include <leat/tls.h>

/* A moment in 2033: all fixtures are valid then. */
#define FIXTURE_NOW INT64_C(2000000000)
#define FIXTURE_BEFORE INT64_C(1000000000) /* 2001 */
#define FIXTURE_AFTER INT64_C(6000000000)  /* 2160 */

/* The text of vectors/x509/NAME, in one of a few rotating static buffers. */
leat_span fixture_pem(const char *name);
/* The DER of its first block, in the same way. */
leat_span fixture_der(const char *name);
/* NAME.pem with NAME.key. */
leat_identity *fixture_identity(const char *name);
/* A trust in NAME.pem. */
leat_trust *fixture_trust(const char *name);

#endif
