/*
 * The files of the QPACK offline interop format: header lists (NAME.qif) and encoded streams
 * (NAME.out.TABLE.BLOCKED.ACK): blocks of 8 bytes stream ID, 4 bytes length, then that many bytes.
 * Files may be gzipped. A tree is a folder with qifs/, encoded/ENCODER/ and errors/.
 */
#ifndef LEAT_TESTS_QIF_H
#define LEAT_TESTS_QIF_H

#include "h3/qpack.h"

typedef struct qif_list {
    size_t first, count; /* of qif.headers */
} qif_list;

typedef struct qif_set {
    char *text;
    leat_h3_header *headers;
    qif_list *lists;
    size_t header_count, list_count;
} qif_set;

qif_set *qif_load(const char *tree, const char *name);
void qif_free(qif_set *qif);

typedef struct qif_block {
    uint64_t stream_id; /* 0: the encoder stream */
    leat_span bytes;
    size_t list; /* which list of the qif it should decode to */
} qif_block;

typedef struct qif_encoded {
    char name[64]; /* of the qif */
    char path[1024];
    uint64_t table, blocked;
    bool is_acknowledged;
    uint8_t *bytes;
    size_t length;
    qif_block *blocks;
    size_t block_count, section_count;
} qif_encoded;

/* Blocks of bytes that are kept by the caller; false when they are cut short. */
bool qif_split(leat_span bytes, qif_encoded *encoded);
/* Calls `visit` for every encoded file of the tree; returns how many there were. */
size_t qif_each_encoded(const char *tree, void (*visit)(const char *tree, const qif_encoded *file));
/* The same for a plain folder of files: errors. */
uint8_t *qif_read_file(const char *path, size_t *length);

/* tests/vectors/qpack/qifs. */
const char *qif_own_tree(void);

#endif
