/*
 * The one clock of all loops: monotonic, in nanoseconds. Loops read it once per batch of packets.
 */
#include <leat/io.h>

#include <time.h>

leat_time leat_clock_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (leat_time)now.tv_sec * LEAT_SECOND + (leat_time)now.tv_nsec;
}
