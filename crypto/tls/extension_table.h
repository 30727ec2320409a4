/*
 * A row of the extension table, between its codecs (extensions.c) and its walker
 * (extension_walker.c). Nobody else needs it.
 */
#ifndef LEAT_CRYPTO_TLS_EXTENSION_TABLE_H
#define LEAT_CRYPTO_TLS_EXTENSION_TABLE_H

#include "crypto/tls/extensions.h"

/* Reads the body into the fields of leat_extensions: an alert. Bytes left over are the walker's. */
typedef int leat_extension_read(unsigned message, leat_reader *body, leat_extensions *extensions,
                                const char **why);
typedef void leat_extension_write(unsigned message, const leat_extensions *extensions,
                                  leat_writer *writer);

typedef struct leat_extension_row {
    uint16_t id;
    uint32_t bit; /* LEAT_HAS_*; 0: recognised only to be refused where it does not belong */
    const char *name;
    unsigned allowed, required; /* LEAT_IN_* */
    int if_missing;             /* the alert where it is required */
    leat_extension_read *read;
    leat_extension_write *write;
} leat_extension_row;

#define LEAT_EXTENSION_ROW_COUNT 20
extern const leat_extension_row leat_extension_rows[LEAT_EXTENSION_ROW_COUNT];

#endif
