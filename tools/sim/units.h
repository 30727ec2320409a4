/* Quantities with units, as links are described: "50ms", "20Mbps", "1%", "3MB". */
#ifndef LEAT_TOOLS_SIM_UNITS_H
#define LEAT_TOOLS_SIM_UNITS_H

#include <leat/base.h>

typedef enum unit_kind {
    UNIT_TIME,     /* ns us ms s; into nanoseconds; without a unit: milliseconds */
    UNIT_RATE,     /* bps kbps Mbps Gbps; into bits per second */
    UNIT_FRACTION, /* %, or from 0 to 1; into parts per million */
    UNIT_BYTES,    /* B kB MB GB KiB MiB GiB */
} unit_kind;

/* False: not a number, an unknown unit, negative, or out of range. */
bool units_parse(unit_kind kind, const char *text, uint64_t *value);

#endif
