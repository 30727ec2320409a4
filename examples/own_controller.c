/*
 * A congestion controller of one's own in one file: it grows its window while the round trip is not
 * much longer than the shortest one seen, and shrinks it when a queue builds up. It carries half a
 * megabyte over a link in memory (500 kB/s, 40 ms there and back, a queue of 100 ms) and prints its
 * window every 100 ms: what to put in place of the first part is up to you.
 */
#include <leat/quic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- the controller ---- */

#define QUEUE_WANTED (10 * LEAT_MILLISECOND)

typedef struct gentle {
    uint64_t window, minimum, datagram;
    leat_time last_decrease;
} gentle;

static void gentle_init(void *state, size_t max_datagram_size) {
    gentle *g = state;
    g->window = leat_initial_window(max_datagram_size);
    g->minimum = leat_minimum_window(max_datagram_size);
    g->datagram = max_datagram_size;
}

static void gentle_shrink(gentle *g, leat_time sent, leat_time now, unsigned percent) {
    if (sent > g->last_decrease) { /* once per round trip */
        g->last_decrease = now;
        g->window = g->window * percent / 100 > g->minimum ? g->window * percent / 100 : g->minimum;
    }
}

static void gentle_on_acked(void *state, const leat_congestion_ack *ack) {
    gentle *g = state;
    if (ack->latest_rtt > ack->min_rtt + QUEUE_WANTED) {
        gentle_shrink(g, ack->packet->time_sent, ack->now, 90);
    } else if (!ack->is_app_limited) {
        g->window += 2 * g->datagram * ack->packet->bytes / g->window; /* two datagrams a round */
    }
}

static void gentle_on_congestion_event(void *state, const leat_congestion_event *event) {
    gentle_shrink(state, event->time_sent, event->now, 50);
}

static void gentle_on_persistent_congestion(void *state) {
    gentle *g = state;
    g->window = g->minimum;
}

static void gentle_on_datagram_size(void *state, size_t max_datagram_size) {
    gentle *g = state;
    g->datagram = max_datagram_size;
    g->minimum = leat_minimum_window(max_datagram_size);
}

static uint64_t gentle_window(const void *state) {
    const gentle *g = state;
    return g->window;
}

static const leat_congestion_ops gentle_ops = {
    .size = sizeof(leat_congestion_ops),
    .name = "gentle",
    .state_size = sizeof(gentle),
    .init = gentle_init,
    .on_acked = gentle_on_acked,
    .on_congestion_event = gentle_on_congestion_event,
    .on_persistent_congestion = gentle_on_persistent_congestion,
    .on_datagram_size = gentle_on_datagram_size,
    .window = gentle_window,
};

/* ---- a link in memory ---- */

#define RATE 500000 /* bytes per second */
#define DELAY (20 * LEAT_MILLISECOND)
#define QUEUE (100 * LEAT_MILLISECOND)
#define FLYING_MAX 256

typedef struct flight {
    leat_time due;
    size_t length;
    leat_path path; /* as the receiver sees it */
    uint8_t bytes[1500];
} flight;

typedef struct direction {
    flight flying[FLYING_MAX];
    size_t first, count, dropped;
    leat_time busy_until;
} direction;

static void put_on_link(direction *d, const uint8_t *bytes, size_t length, leat_path path,
    leat_time now) {
    leat_time start = d->busy_until > now ? d->busy_until : now;
    if (start - now > QUEUE || d->count == FLYING_MAX || length > sizeof d->flying[0].bytes) {
        d->dropped++;
        return;
    }
    d->busy_until = start + length * LEAT_SECOND / RATE;
    flight *f = &d->flying[(d->first + d->count++) % FLYING_MAX];
    *f = (flight){d->busy_until + DELAY, length, {path.remote, path.local}, {0}};
    memcpy(f->bytes, bytes, length);
}

static void send_all(leat_conn *conn, direction *d, leat_time now) {
    uint8_t buffer[65536];
    leat_transmit transmit;
    size_t length;
    while (
        (length = leat_conn_datagrams_to_send(conn, buffer, sizeof buffer, &transmit, now)) > 0) {
        for (size_t at = 0; at < length; at += transmit.segment_size) {
            size_t left = length - at;
            put_on_link(d, buffer + at, left < transmit.segment_size ? left : transmit.segment_size,
                transmit.path, now);
        }
    }
}

static flight *next_flight(direction *d) {
    return d->count > 0 ? &d->flying[d->first] : NULL;
}

static leat_time next_arrival(direction *d) {
    return d->count > 0 ? next_flight(d)->due : LEAT_TIME_NEVER;
}

static void take_off_link(direction *d) {
    d->first = (d->first + 1) % FLYING_MAX;
    d->count--;
}

/* ---- the program ---- */

#define TRANSFER 500000

typedef struct program {
    leat_config client_config, server_config;
    leat_conn *client, *server;
    direction there, back;
    leat_time now;
    uint64_t stream_id;
    size_t sent, received;
    bool is_open;
} program;

static void handle_client(program *p) {
    static const uint8_t bytes[4096];
    leat_event event;
    while (leat_conn_next_event(p->client, &event)) {
        if (event.type == LEAT_EVENT_HANDSHAKE_COMPLETED) {
            p->is_open = leat_conn_open_stream(p->client, true, &p->stream_id) == 0;
        }
    }
    while (p->is_open && p->sent < TRANSFER) {
        size_t length = TRANSFER - p->sent < sizeof bytes ? TRANSFER - p->sent : sizeof bytes;
        int64_t taken = leat_conn_send_stream_data(
            p->client, p->stream_id, bytes, length, p->sent + length == TRANSFER);
        if (taken <= 0) {
            break; /* StreamWritable says when there is room again; here we ask in any case */
        }
        p->sent += (size_t)taken;
    }
}

static void handle_server(program *p) {
    leat_event event;
    while (p->server != NULL && leat_conn_next_event(p->server, &event)) {
        if (event.type == LEAT_EVENT_STREAM_DATA_RECEIVED) {
            p->received += event.stream_data_received.data.length;
        }
    }
}

static void arrive_at_server(program *p) {
    flight *f = next_flight(&p->there);
    if (p->server == NULL) {
        int error;
        p->server = leat_conn_new_server(
            &p->server_config, (leat_span){f->bytes, f->length}, &f->path, p->now, &error);
    }
    if (p->server != NULL) {
        leat_conn_receive_datagram(
            p->server, f->bytes, f->length, f->length, &f->path, LEAT_ECN_NOT_ECT, p->now);
    }
    take_off_link(&p->there);
}

static void arrive_at_client(program *p) {
    flight *f = next_flight(&p->back);
    leat_conn_receive_datagram(
        p->client, f->bytes, f->length, f->length, &f->path, LEAT_ECN_NOT_ECT, p->now);
    take_off_link(&p->back);
}

static leat_time earlier(leat_time a, leat_time b) {
    return a < b ? a : b;
}

/* Time jumps to whatever comes next. False: nothing does. */
static bool step(program *p) {
    handle_client(p);
    handle_server(p);
    send_all(p->client, &p->there, p->now);
    leat_time server_timer = LEAT_TIME_NEVER;
    if (p->server != NULL) {
        send_all(p->server, &p->back, p->now);
        server_timer = leat_conn_get_timer(p->server);
    }
    leat_time arrival = earlier(next_arrival(&p->there), next_arrival(&p->back));
    leat_time timer = earlier(leat_conn_get_timer(p->client), server_timer);
    leat_time next = earlier(arrival, timer);
    if (next == LEAT_TIME_NEVER) {
        return false;
    }
    p->now = next > p->now ? next : p->now;
    if (next_arrival(&p->there) <= p->now) {
        arrive_at_server(p);
    } else if (next_arrival(&p->back) <= p->now) {
        arrive_at_client(p);
    }
    leat_conn_handle_timer(p->client, p->now);
    if (p->server != NULL) {
        leat_conn_handle_timer(p->server, p->now);
    }
    return true;
}

static void print_window(const program *p) {
    leat_stats stats = {.size = sizeof stats};
    leat_conn_get_stats(p->client, &stats);
    printf("%5llu ms  window %6llu bytes  rtt %3llu ms  received %6zu  dropped %zu\n",
        (unsigned long long)((p->now - LEAT_SECOND) / LEAT_MILLISECOND),
        (unsigned long long)stats.congestion_window,
        (unsigned long long)(stats.smoothed_rtt / LEAT_MILLISECOND), p->received, p->there.dropped);
}

static void run(program *p) {
    leat_time next_print = p->now;
    while (p->received < TRANSFER && p->now < 60 * LEAT_SECOND && step(p)) {
        if (p->now >= next_print) {
            print_window(p);
            next_print = p->now + 100 * LEAT_MILLISECOND;
        }
    }
    print_window(p);
}

int main(void) {
    static const char *const alpn[] = {"bulk"};
    static const char *const host[] = {"localhost"};
    char message[LEAT_MESSAGE_MAX] = "";
    int error = 0;
    int64_t start = (int64_t)time(NULL) - 60;
    leat_identity *identity = leat_identity_self_signed(host, 1, start, start + 3600, message);
    program *p = calloc(1, sizeof *p);
    if (identity == NULL || p == NULL) {
        fprintf(stderr, "%s\n", message);
        return 1;
    }
    uint8_t hash[32];
    leat_identity_hash(identity, hash);
    leat_trust *trust = leat_trust_from_hashes(hash, 1);
    leat_config_init(&p->client_config, true);
    leat_config_init(&p->server_config, false);
    p->client_config.alpn = p->server_config.alpn = alpn;
    p->client_config.alpn_count = p->server_config.alpn_count = 1;
    p->client_config.server_name = "localhost";
    p->client_config.trust = trust;
    p->client_config.congestion_controller = &gentle_ops; /* all it takes */
    p->server_config.identities = &identity;
    p->server_config.identity_count = 1;

    leat_path path = {
        {LEAT_ADDRESS_IPV4, 1, {10, 0, 0, 1}, 0}, {LEAT_ADDRESS_IPV4, 2, {10, 0, 0, 2}, 0}};
    p->now = LEAT_SECOND;
    p->client = leat_conn_new(&p->client_config, &error);
    if (p->client == NULL || leat_conn_connect(p->client, &path, p->now) != 0) {
        fprintf(stderr, "no client: %s\n", leat_err_string(error));
        return 1;
    }
    run(p);
    bool is_complete = p->received == TRANSFER;
    leat_conn_free(p->client);
    leat_conn_free(p->server);
    leat_trust_free(trust);
    leat_identity_free(identity);
    free(p);
    return is_complete ? 0 : 1;
}
