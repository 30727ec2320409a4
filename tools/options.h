/*
 * Command lines as tables: one row per option, which serves parsing and --help alike. Long options take their value as
 * "--name value" or "--name=value"; "--" ends them.
 */
#ifndef LEAT_TOOLS_OPTIONS_H
#define LEAT_TOOLS_OPTIONS_H

#include <leat/base.h>

/* A list of values of one option, in the order given. At most OPTION_LIST_MAX: more is an error. */
#define OPTION_LIST_MAX 256
typedef struct option_list {
    const char *values[OPTION_LIST_MAX];
    size_t count;
} option_list;

typedef enum option_kind {
    OPTION_FLAG,    /* bool */
    OPTION_TEXT,    /* const char * */
    OPTION_LIST,    /* option_list */
    OPTION_SECONDS, /* leat_time; decimals allowed */
    OPTION_NUMBER,  /* uint64_t */
} option_kind;

typedef struct option_row {
    const char *name;     /* "--listen" or "-v" */
    option_kind kind;
    size_t offset;        /* in the settings struct */
    const char *argument; /* for --help: "HOST:PORT"; NULL for flags */
    const char *help;
} option_row;

typedef struct option_table {
    const char *usage;       /* "leat serve [OPTION]..." */
    const char *summary;     /* one line */
    const option_row *rows;
    size_t count;
    size_t positional;       /* offset of an option_list for the other arguments */
    bool takes_positional;
} option_table;

#define OPTION_ERROR 2
/*
 * Fills settings. 0: go on; -1: --help was printed, exit 0; OPTION_ERROR: one clear line is on stderr, exit with it.
 * The last of a repeated single option wins.
 */
int options_parse(const option_table *table, int count, char **arguments, void *settings);
/* "leat serve: message" on stderr, and OPTION_ERROR. */
int options_complain(const option_table *table, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 2, 3)))
#endif
    ;

#endif
