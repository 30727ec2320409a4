/* Parsing of command lines by table: see options.h. */
#include "options.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int command_length(const option_table *table) {
    const char *end = strstr(table->usage, " [");
    return (int)(end == NULL ? strcspn(table->usage, "\n") : (size_t)(end - table->usage));
}

int options_complain(const option_table *table, const char *format, ...) {
    va_list arguments;
    fprintf(stderr, "%.*s: ", command_length(table), table->usage);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    return OPTION_ERROR;
}

static void print_help(const option_table *table) {
    printf("usage: %s\n\n%s\n\n", table->usage, table->summary);
    for (size_t i = 0; i < table->count; i++) {
        char left[64];
        const option_row *row = &table->rows[i];
        snprintf(left, sizeof left, "%s%s%s", row->name, row->argument == NULL ? "" : " ",
            row->argument == NULL ? "" : row->argument);
        printf("  %-28s %s\n", left, row->help);
    }
}

static int set_seconds(
    const option_table *table, const option_row *row, const char *value, leat_time *time) {
    char *end;
    double seconds = strtod(value, &end);
    if (*value == '\0' || *end != '\0' || !(seconds >= 0) || seconds > 1e9) {
        return options_complain(table, "%s wants a number of seconds, not '%s'", row->name, value);
    }
    *time = (leat_time)(seconds * (double)LEAT_SECOND);
    return 0;
}

static int set_number(
    const option_table *table, const option_row *row, const char *value, uint64_t *number) {
    char *end;
    errno = 0;
    unsigned long long parsed = strtoull(value, &end, 10);
    if (*value < '0' || *value > '9' || *end != '\0' || errno != 0) {
        return options_complain(table, "%s wants a number, not '%s'", row->name, value);
    }
    *number = parsed;
    return 0;
}

static int push_value(
    const option_table *table, const char *name, option_list *list, const char *value) {
    if (list->count == OPTION_LIST_MAX) {
        return options_complain(table, "more than %d times %s", OPTION_LIST_MAX, name);
    }
    list->values[list->count++] = value;
    return 0;
}

static int apply(
    const option_table *table, const option_row *row, const char *value, void *settings) {
    void *place = (char *)settings + row->offset;
    switch (row->kind) {
    case OPTION_FLAG: *(bool *)place = true; return 0;
    case OPTION_TEXT: *(const char **)place = value; return 0;
    case OPTION_LIST: return push_value(table, row->name, place, value);
    case OPTION_SECONDS: return set_seconds(table, row, value, place);
    case OPTION_NUMBER: return set_number(table, row, value, place);
    }
    return 0;
}

static const option_row *find_row(const option_table *table, const char *argument, size_t length) {
    for (size_t i = 0; i < table->count; i++) {
        if (strlen(table->rows[i].name) == length &&
            strncmp(table->rows[i].name, argument, length) == 0) {
            return &table->rows[i];
        }
    }
    return NULL;
}

/* One option at arguments[*index]; moves *index over its value. */
static int parse_option(
    const option_table *table, int count, char **arguments, int *index, void *settings) {
    const char *argument = arguments[*index];
    const char *equals = argument[1] == '-' ? strchr(argument, '=') : NULL;
    size_t length = equals == NULL ? strlen(argument) : (size_t)(equals - argument);
    const option_row *row = find_row(table, argument, length);
    if (row == NULL) {
        return options_complain(table, "unknown option '%.*s'; see %.*s --help", (int)length,
            argument, command_length(table), table->usage);
    }
    if (row->kind == OPTION_FLAG) {
        return equals == NULL ? apply(table, row, NULL, settings)
                              : options_complain(table, "%s takes no value", row->name);
    }
    if (equals != NULL) {
        return apply(table, row, equals + 1, settings);
    }
    if (*index + 1 >= count) {
        return options_complain(table, "%s needs a value: %s", row->name, row->argument);
    }
    return apply(table, row, arguments[++*index], settings);
}

int options_parse(const option_table *table, int count, char **arguments, void *settings) {
    bool options_ended = false;
    for (int i = 0; i < count; i++) {
        int result = 0;
        if (!options_ended && strcmp(arguments[i], "--help") == 0) {
            print_help(table);
            return -1;
        } else if (!options_ended && strcmp(arguments[i], "--") == 0) {
            options_ended = true;
        } else if (!options_ended && arguments[i][0] == '-' && arguments[i][1] != '\0') {
            result = parse_option(table, count, arguments, &i, settings);
        } else if (table->takes_positional) {
            result = push_value(table, "arguments",
                (option_list *)(void *)((char *)settings + table->positional), arguments[i]);
        } else {
            result = options_complain(table, "unexpected argument '%s'", arguments[i]);
        }
        if (result != 0) {
            return result;
        }
    }
    return 0;
}
