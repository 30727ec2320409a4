/*
 * Random scenarios: random_scenarios [COUNT [FIRST-SEED]]. Every run must keep what it promises,
 * and now and then one is run again and must be the same. Prints TAP: a line for every hundred
 * seeds, one for each kind of fault or feature that never occurred, and the table of what did. A
 * soak is a large COUNT.
 */
#include <stdlib.h>

#include "sim/scenario.h"

#define DEFAULT_COUNT 500
#define SEEDS_IN_LINE 100
#define AGAIN_EVERY 25
/* With fewer runs than this, what is rare need not have occurred. */
#define COUNT_FOR_EVERYTHING 5000

typedef struct tally {
    unsigned lines;
    uint64_t failures;
    sim_occurrences sum;
} tally;

static void print_line(tally *t, bool ok, const char *text) {
    printf("%s %u - %s\n", ok ? "ok" : "not ok", ++t->lines, text);
    fflush(stdout);
}

static void fail(tally *t, const char *text) {
    t->failures++;
    printf("# %s\n", text);
}

static void run_seed(tally *t, uint64_t seed) {
    static sim_scenario scenario;
    static sim_result result, again;
    sim_scenario_random(&scenario, seed);
    if (!sim_run(&scenario.config, &result)) {
        fail(t, result.failure);
    }
    sim_occurrences_add(&t->sum, &result.occurrences);
    if (seed % AGAIN_EVERY == 0) {
        sim_run(&scenario.config, &again);
        if (again.digest != result.digest) {
            char text[64];
            snprintf(text, sizeof text, "seed %llu: not the same run again",
                     (unsigned long long)seed);
            fail(t, text);
        }
    }
}

/* Seeds that found what others had not: a dead path that kept its connection ID; a clock that was
 * set while a client came back from Retry. */
static void run_lessons(tally *t) {
    static const uint64_t seeds[] = {221319, 1712};
    for (size_t i = 0; i < sizeof seeds / sizeof seeds[0]; i++) {
        run_seed(t, seeds[i]);
    }
    print_line(t, t->failures == 0, "random scenarios that were a lesson");
}

static void report_missing(tally *t, uint64_t count) {
    size_t cursor = 0;
    const char *name;
    bool matters = count >= COUNT_FOR_EVERYTHING;
    while ((name = sim_occurrences_missing(&t->sum, &cursor)) != NULL) {
        char text[96];
        snprintf(text, sizeof text, "%s never occurred", name);
        if (matters) {
            print_line(t, false, text);
        } else {
            printf("# %s\n", text);
        }
    }
}

int main(int argument_count, char **arguments) {
    static tally t;
    uint64_t count = argument_count > 1 ? strtoull(arguments[1], NULL, 10) : DEFAULT_COUNT;
    uint64_t first = argument_count > 2 ? strtoull(arguments[2], NULL, 10) : 1;
    run_lessons(&t);
    uint64_t all_failures = t.failures;
    for (uint64_t done = 0; done < count; done += SEEDS_IN_LINE) {
        char text[96];
        uint64_t some = count - done < SEEDS_IN_LINE ? count - done : SEEDS_IN_LINE;
        t.failures = 0;
        for (uint64_t seed = first + done; seed < first + done + some; seed++) {
            run_seed(&t, seed);
        }
        snprintf(text, sizeof text, "random scenarios %llu to %llu",
                 (unsigned long long)(first + done), (unsigned long long)(first + done + some - 1));
        print_line(&t, t.failures == 0, text);
        all_failures += t.failures;
    }
    unsigned lines_of_runs = t.lines;
    report_missing(&t, count);
    sim_occurrences_print(&t.sum, "# ", stdout);
    printf("1..%u\n", t.lines);
    return all_failures != 0 || t.lines != lines_of_runs;
}
