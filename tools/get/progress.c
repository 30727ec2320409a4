/* --progress: one line on a terminal, for all transfers together. */
#include "get.h"

#include <unistd.h>

#define INTERVAL (100 * LEAT_MILLISECOND)
#define BAR_WIDTH 40
#define MIB (1024.0 * 1024.0)

/* Whether every length is known. */
static bool sum_up(const get_app *app, uint64_t *received, uint64_t *expected) {
    bool is_known = true;
    *received = *expected = 0;
    for (size_t i = 0; i < app->count; i++) {
        const get_transfer *transfer = &app->transfers[i];
        bool has_length = transfer->has_length || transfer_has_ended(transfer);
        *received += transfer->received;
        *expected += transfer->has_length && transfer->state != GET_FAILED ? transfer->length
                                                                           : transfer->received;
        is_known = is_known && has_length;
    }
    return is_known && *expected > 0;
}

void progress_show(const get_app *app, leat_time now) {
    uint64_t received, expected;
    bool is_known = sum_up(app, &received, &expected);
    leat_time elapsed = now - app->transfers[0].started;
    double rate =
        elapsed > 0 ? (double)received / MIB / ((double)elapsed / (double)LEAT_SECOND) : 0;
    char bar[BAR_WIDTH + 1];
    if (!is_known) {
        fprintf(stderr, "\r%10.1f MiB  %8.1f MiB/s", (double)received / MIB, rate);
        return;
    }
    size_t filled = (size_t)((double)received / (double)expected * BAR_WIDTH);
    for (size_t i = 0; i < BAR_WIDTH; i++) {
        bar[i] = i < filled ? '#' : ' ';
    }
    bar[BAR_WIDTH] = '\0';
    fprintf(stderr, "\r[%s] %3.0f%%  %.1f MiB  %.1f MiB/s ", bar,
        100.0 * (double)received / (double)expected, (double)received / MIB, rate);
}

void progress_end(const get_app *app) {
    progress_show(app, leat_clock_now());
    fputc('\n', stderr);
}
