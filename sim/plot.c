/*
 * Four panels below each other, each a table row: which value, its unit, its colour. Scales are
 * round numbers above the largest value. Nothing but polylines and text, so any viewer will do.
 */
#include "sim/plot.h"

#include <stdlib.h>

#define WIDTH 960
#define LEFT 80
#define RIGHT 20
#define TOP 50
#define PANEL 150
#define GAP 40
#define TICKS 4
#define FLOWS 4 /* drawn at most; more would hide each other */

struct sim_plot {
    sim_side side;
    sim_sample *samples;
    size_t count, room;
};

sim_plot *sim_plot_new(sim_side side) {
    sim_plot *plot = calloc(1, sizeof *plot);
    if (plot != NULL) {
        plot->side = side;
    }
    return plot;
}

void sim_plot_free(sim_plot *plot) {
    if (plot != NULL) {
        free(plot->samples);
        free(plot);
    }
}

void sim_plot_add(void *user, const sim_sample *sample) {
    sim_plot *plot = user;
    if (sample->side != plot->side || sample->flow >= FLOWS) {
        return;
    }
    if (plot->count == plot->room) {
        size_t room = plot->room * 2 + 256;
        sim_sample *more = realloc(plot->samples, room * sizeof *more);
        if (more == NULL) {
            return; /* the picture ends here */
        }
        plot->samples = more;
        plot->room = room;
    }
    plot->samples[plot->count++] = *sample;
}

/* ---- what is drawn --------------------------------------------------------------------------- */

static double window_of(const sim_sample *s, const sim_sample *before) {
    (void)before;
    return (double)s->congestion_window / 1000;
}
static double flight_of(const sim_sample *s, const sim_sample *before) {
    (void)before;
    return (double)s->bytes_in_flight / 1000;
}
static double smoothed_of(const sim_sample *s, const sim_sample *before) {
    (void)before;
    return (double)s->smoothed_rtt / 1e6;
}
static double latest_of(const sim_sample *s, const sim_sample *before) {
    (void)before;
    return (double)s->latest_rtt / 1e6;
}
static double losses_of(const sim_sample *s, const sim_sample *before) {
    return before == NULL ? 0 : (double)(s->packets_lost - before->packets_lost);
}
static double rate_of(const sim_sample *s, const sim_sample *before) {
    if (before == NULL || s->time == before->time) {
        return 0;
    }
    return (double)(s->delivered - before->delivered) * 8e3 / (double)(s->time - before->time);
}

typedef double value_fn(const sim_sample *sample, const sim_sample *before);

static const struct {
    const char *title;
    value_fn *value, *second; /* second: a thin line behind, or NULL */
    unsigned span;            /* samples back to the one that is compared with */
    bool is_bars;
} panels[] = {
    {"congestion window (line) and bytes in flight (thin), kB", window_of, flight_of, 1, false},
    {"smoothed RTT (line) and latest RTT (thin), ms", smoothed_of, latest_of, 1, false},
    {"packets declared lost, in each sample", losses_of, NULL, 1, true},
    {"goodput of the last twentieth, Mbps", rate_of, NULL, 50, false},
};
#define PANELS (sizeof panels / sizeof panels[0])

static const char *const colours[FLOWS] = {"#1f5fa8", "#c23b22", "#2e8b57", "#8a5fb5"};

/* ---- scales ---------------------------------------------------------------------------------- */

typedef struct scale {
    double seconds, top; /* at the right edge, at the upper edge */
    int y;               /* of the upper edge */
} scale;

/* A power of ten times a number that four parts divide well; at least `value`. */
static double round_up(double value) {
    static const double steps[] = {1, 1.2, 1.6, 2, 2.4, 3.2, 4, 5, 6, 8, 10};
    double power = 1e-3;
    while (power * 10 < value) {
        power *= 10;
    }
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        if (power * steps[i] >= value) {
            return power * steps[i];
        }
    }
    return value;
}

/* The value of a sample, seen from the one `span` before it on the same connection. */
static double value_at(const sim_plot *plot, size_t index, value_fn *value, unsigned span) {
    const sim_sample *before = NULL;
    for (size_t i = index; i > 0 && span > 0; i--) {
        if (plot->samples[i - 1].flow == plot->samples[index].flow) {
            before = &plot->samples[i - 1];
            span--;
        }
    }
    return value(&plot->samples[index], before);
}

static double largest(const sim_plot *plot, value_fn *value, unsigned span) {
    double top = 0;
    for (size_t i = 0; value != NULL && i < plot->count; i++) {
        double v = value_at(plot, i, value, span);
        top = v > top ? v : top;
    }
    return top;
}

static scale scale_of(const sim_plot *plot, size_t panel) {
    double first = largest(plot, panels[panel].value, panels[panel].span);
    double second = largest(plot, panels[panel].second, panels[panel].span);
    leat_time end = plot->count > 0 ? plot->samples[plot->count - 1].time : LEAT_SECOND;
    return (scale){.seconds = round_up((double)end / 1e9),
                   .top = round_up(first > second ? first : second),
                   .y = TOP + (int)panel * (PANEL + GAP)};
}

static double x_at(const scale *s, leat_time time) {
    return LEFT + (WIDTH - LEFT - RIGHT) * ((double)time / 1e9) / s->seconds;
}
static double y_at(const scale *s, double value) {
    return s->y + PANEL * (1 - value / s->top);
}

/* ---- drawing --------------------------------------------------------------------------------- */

static void draw_frame(const scale *s, const char *title, FILE *out) {
    fprintf(out, "<text x='%d' y='%d' class='title'>%s</text>\n", LEFT, s->y - 8, title);
    for (int i = 0; i <= TICKS; i++) {
        double value = s->top * i / TICKS, y = y_at(s, value);
        double seconds = s->seconds * i / TICKS;
        double x = x_at(s, (leat_time)(seconds * 1e9));
        fprintf(out, "<line x1='%d' x2='%d' y1='%.1f' y2='%.1f' class='grid'/>", LEFT,
                WIDTH - RIGHT, y, y);
        fprintf(out, "<text x='%d' y='%.1f' class='left'>%g</text>", LEFT - 6, y + 4, value);
        fprintf(out, "<text x='%.1f' y='%d' class='below'>%g s</text>\n", x, s->y + PANEL + 16,
                seconds);
    }
}

static void draw_line(const sim_plot *plot, const scale *s, value_fn *value, unsigned span,
                      size_t flow, double width, FILE *out) {
    fprintf(out, "<polyline fill='none' stroke='%s' stroke-width='%g' points='", colours[flow],
            width);
    for (size_t i = 0; i < plot->count; i++) {
        const sim_sample *sample = &plot->samples[i];
        if (sample->flow == flow) {
            fprintf(out, "%.1f,%.1f ", x_at(s, sample->time),
                    y_at(s, value_at(plot, i, value, span)));
        }
    }
    fprintf(out, "'/>\n");
}

static void draw_bars(const sim_plot *plot, const scale *s, value_fn *value, FILE *out) {
    for (size_t i = 0; i < plot->count; i++) {
        const sim_sample *sample = &plot->samples[i];
        double v = value_at(plot, i, value, 1);
        if (v > 0) {
            fprintf(out, "<line x1='%.1f' x2='%.1f' y1='%.1f' y2='%d' stroke='%s'/>\n",
                    x_at(s, sample->time), x_at(s, sample->time), y_at(s, v), s->y + PANEL,
                    colours[sample->flow]);
        }
    }
}

static void draw_panel(const sim_plot *plot, size_t panel, FILE *out) {
    scale s = scale_of(plot, panel);
    draw_frame(&s, panels[panel].title, out);
    if (panels[panel].is_bars) {
        draw_bars(plot, &s, panels[panel].value, out);
        return;
    }
    for (size_t flow = 0; flow < FLOWS; flow++) {
        if (panels[panel].second != NULL) {
            draw_line(plot, &s, panels[panel].second, panels[panel].span, flow, 0.6, out);
        }
        draw_line(plot, &s, panels[panel].value, panels[panel].span, flow, 1.6, out);
    }
}

void sim_plot_write(const sim_plot *plot, const char *title, FILE *out) {
    int height = TOP + (int)PANELS * (PANEL + GAP);
    fprintf(out,
            "<svg xmlns='http://www.w3.org/2000/svg' width='%d' height='%d' "
            "viewBox='0 0 %d %d'>\n"
            "<style>text{font:12px sans-serif;fill:#333}.title{font-weight:bold}"
            ".left{text-anchor:end}.below{text-anchor:middle}.grid{stroke:#ddd}</style>\n"
            "<rect width='100%%' height='100%%' fill='#fff'/>\n"
            "<text x='%d' y='20' class='title'>%s</text>\n",
            WIDTH, height, WIDTH, height, LEFT, title);
    for (size_t panel = 0; panel < PANELS; panel++) {
        draw_panel(plot, panel, out);
    }
    fprintf(out, "</svg>\n");
}
