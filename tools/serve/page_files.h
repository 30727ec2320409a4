/* The files of tools/page, embedded at build time by tools/page/embed.py. */
#ifndef LEAT_TOOLS_SERVE_PAGE_FILES_H
#define LEAT_TOOLS_SERVE_PAGE_FILES_H

#include <stddef.h>

typedef struct page_file {
    const char *name, *type;
    const unsigned char *data;
    size_t length;
} page_file;

extern const page_file page_files[];
extern const size_t page_file_count;

#endif
