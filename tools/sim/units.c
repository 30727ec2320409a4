/* One row for each unit. */
#include "units.h"

#include <stdlib.h>
#include <string.h>

#define VALUE_MAX 1e18

static const struct {
    unit_kind kind;
    const char *name;
    double factor;
} units[] = {
    {UNIT_TIME, "ns", 1},           {UNIT_TIME, "us", 1e3},
    {UNIT_TIME, "ms", 1e6},         {UNIT_TIME, "s", 1e9},
    {UNIT_TIME, "", 1e6},           {UNIT_RATE, "bps", 1},
    {UNIT_RATE, "kbps", 1e3},       {UNIT_RATE, "Mbps", 1e6},
    {UNIT_RATE, "Gbps", 1e9},       {UNIT_RATE, "", 1},
    {UNIT_FRACTION, "%", 1e4},      {UNIT_FRACTION, "", 1e6},
    {UNIT_BYTES, "B", 1},           {UNIT_BYTES, "kB", 1e3},
    {UNIT_BYTES, "MB", 1e6},        {UNIT_BYTES, "GB", 1e9},
    {UNIT_BYTES, "KiB", 1024},      {UNIT_BYTES, "MiB", 1048576},
    {UNIT_BYTES, "GiB", 1073741824}, {UNIT_BYTES, "", 1},
};

bool units_parse(unit_kind kind, const char *text, uint64_t *value) {
    char *end;
    double number = strtod(text, &end);
    if (end == text || *text == ' ' || !(number >= 0)) {
        return false;
    }
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (units[i].kind == kind && strcmp(units[i].name, end) == 0) {
            number *= units[i].factor;
            *value = (uint64_t)(number + 0.5);
            return number <= (kind == UNIT_FRACTION ? 1e6 : VALUE_MAX);
        }
    }
    return false;
}
