/* In the place of compression_zlib.c where leat is built without zlib: known, never offered. */
#include "crypto/tls/compression.h"

const leat_compression leat_compression_zlib = {.id = 1, .name = "zlib"};
