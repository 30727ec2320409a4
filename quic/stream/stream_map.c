/*
 * Streams by ID and their limits: see stream_map.h. An ordinal is the ID without its two type bits.
 */
#include "quic/stream/stream_map.h"

static leat_stream_direction direction_of(uint64_t id) {
    return leat_stream_is_unidirectional(id) ? LEAT_UNI : LEAT_BIDI;
}

static uint64_t make_id(uint64_t ordinal, leat_stream_direction direction, bool by_client) {
    return ordinal << 2 | (direction == LEAT_UNI ? LEAT_STREAM_UNI_BIT : 0) |
           (by_client ? 0 : LEAT_STREAM_SERVER_BIT);
}

void leat_stream_map_init(leat_stream_map *map, const leat_allocator *allocator,
    const uint8_t hash_key[16], bool is_client, const leat_stream_params *ours,
    size_t send_buffer_limit) {
    *map = (leat_stream_map){.allocator = allocator,
        .is_client = is_client,
        .ours = *ours,
        .send_buffer_limit = send_buffer_limit};
    leat_map_init(&map->streams, allocator, hash_key);
    leat_slab_init(&map->slab, allocator, sizeof(leat_stream), LEAT_STREAMS_KEPT);
    leat_flow_init(
        &map->counts[LEAT_BIDI], 0, ours->initial_max_streams_bidi, LEAT_STREAM_COUNT_MAX);
    leat_flow_init(&map->counts[LEAT_UNI], 0, ours->initial_max_streams_uni, LEAT_STREAM_COUNT_MAX);
    for (size_t i = 0; i < LEAT_DIRECTION_COUNT; i++) {
        /*
         * Two ranges of unused ordinals have a used one between them, and its stream still counts
         * against our limit.
         */
        leat_range_set_init(&map->implicit[i], allocator, LEAT_IMPLICIT_RANGES_MAX);
    }
}

static void free_streams(leat_stream_map *map) {
    size_t cursor = 0;
    for (leat_stream *stream; (stream = leat_stream_map_next(map, &cursor)) != NULL;) {
        leat_stream_clear(stream);
        leat_slab_give(&map->slab, stream);
    }
    leat_map_clear(&map->streams);
}

void leat_stream_map_restart(leat_stream_map *map) {
    free_streams(map);
    map->peers = (leat_stream_params){0};
    for (size_t i = 0; i < LEAT_DIRECTION_COUNT; i++) {
        leat_flow_restart(&map->counts[i]);
    }
}

void leat_stream_map_clear(leat_stream_map *map) {
    free_streams(map);
    leat_slab_clear(&map->slab);
    for (size_t i = 0; i < LEAT_DIRECTION_COUNT; i++) {
        leat_range_set_clear(&map->implicit[i]);
    }
}

void leat_stream_map_trim(leat_stream_map *map) {
    size_t cursor = 0;
    for (leat_stream *stream; (stream = leat_stream_map_next(map, &cursor)) != NULL;) {
        leat_send_buffer_trim(&stream->send);
        leat_recv_buffer_trim(&stream->recv);
    }
    leat_slab_clear(&map->slab);
}

/*
 * RFC 9000 §18.2: "local" and "remote" in a parameter's name are seen from the endpoint that sent
 * it.
 */
static uint64_t initial_data_limit(
    const leat_stream_params *params, uint64_t id, bool opened_by_its_sender) {
    if (leat_stream_is_unidirectional(id)) {
        return params->initial_max_stream_data_uni;
    }
    return opened_by_its_sender ? params->initial_max_stream_data_bidi_local
                                : params->initial_max_stream_data_bidi_remote;
}

void leat_stream_map_set_peer_params(leat_stream_map *map, const leat_stream_params *peers) {
    map->peers = *peers;
    leat_flow_on_limit(&map->counts[LEAT_BIDI], peers->initial_max_streams_bidi);
    leat_flow_on_limit(&map->counts[LEAT_UNI], peers->initial_max_streams_uni);
    size_t cursor = 0;
    for (leat_stream *stream; (stream = leat_stream_map_next(map, &cursor)) != NULL;) {
        leat_flow_on_limit(&stream->flow, initial_data_limit(peers, stream->id, !stream->is_local));
    }
}

static leat_stream *make_stream(leat_stream_map *map, uint64_t id) {
    leat_stream *stream = leat_slab_take(&map->slab);
    if (stream == NULL) {
        return NULL;
    }
    bool is_local = leat_stream_map_is_local(map, id);
    leat_stream_setup setup = {
        .allocator = map->allocator,
        .id = id,
        .is_local = is_local,
        .send_max = initial_data_limit(&map->peers, id, !is_local),
        .receive_window = initial_data_limit(&map->ours, id, is_local),
        .send_buffer_limit = map->send_buffer_limit,
        .ring_budget = &map->ring_budget,
    };
    leat_stream_init(stream, &setup);
    if (leat_map_set_u64(&map->streams, id, stream) != LEAT_OK) {
        leat_stream_clear(stream);
        leat_slab_give(&map->slab, stream);
        return NULL;
    }
    return stream;
}

int leat_stream_map_open(
    leat_stream_map *map, leat_stream_direction direction, leat_stream **stream) {
    leat_flow *count = &map->counts[direction];
    if (leat_flow_send_credit(count) == 0) {
        return LEAT_ERR_STREAM_LIMIT; /* RFC 9000 §4.6-2 */
    }
    leat_stream *made = make_stream(map, make_id(count->sent, direction, map->is_client));
    if (made == NULL) {
        return LEAT_ERR_NOMEM;
    }
    leat_flow_on_sent(count, 1);
    *stream = made;
    return LEAT_OK;
}

/*
 * A stream that the peer opens with this frame; the ordinals that it skipped are open from now on
 * as well (§3.2-1).
 */
static leat_stream *open_from_peer(leat_stream_map *map, uint64_t id) {
    leat_flow *count = &map->counts[direction_of(id)];
    leat_range_set *implicit = &map->implicit[direction_of(id)];
    uint64_t opened = count->received, ordinal = id >> 2;
    if (leat_range_set_add(implicit, opened, ordinal) != LEAT_OK) {
        return NULL;
    }
    leat_stream *stream = make_stream(map, id);
    if (stream == NULL) {
        (void)leat_range_set_remove(
            implicit, opened, ordinal); /* the tail of the set: never splits */
        return NULL;
    }
    leat_flow_on_received(count, ordinal + 1 - opened);
    return stream;
}

/* The first frame of a stream that a higher ID had opened. */
static leat_stream *open_implicit(leat_stream_map *map, uint64_t id) {
    leat_range_set *implicit = &map->implicit[direction_of(id)];
    leat_stream *stream = make_stream(map, id);
    if (stream != NULL && leat_range_set_remove(implicit, id >> 2, (id >> 2) + 1) != LEAT_OK) {
        leat_map_remove_u64(&map->streams, id);
        leat_stream_clear(stream);
        leat_slab_give(&map->slab, stream);
        return NULL;
    }
    return stream;
}

leat_stream_lookup leat_stream_map_accept(leat_stream_map *map, uint64_t id, leat_stream **stream) {
    leat_flow *count = &map->counts[direction_of(id)];
    uint64_t ordinal = id >> 2;
    *stream = leat_stream_map_find(map, id);
    if (*stream != NULL) {
        return LEAT_STREAM_FOUND;
    }
    if (leat_stream_map_is_local(map, id)) {
        return ordinal < count->sent ? LEAT_STREAM_FINISHED : LEAT_STREAM_UNOPENED;
    }
    if (ordinal >= count->receive_max) {
        return LEAT_STREAM_OVER_LIMIT; /* RFC 9000 §4.6-3 */
    }
    if (ordinal >= count->received) {
        *stream = open_from_peer(map, id);
    } else if (leat_range_set_contains(&map->implicit[direction_of(id)], ordinal)) {
        *stream = open_implicit(map, id);
    } else {
        return LEAT_STREAM_FINISHED; /* RFC 9000 §2.1-1: an ID is used once */
    }
    return *stream != NULL ? LEAT_STREAM_OPENED : LEAT_STREAM_NOMEM;
}

leat_stream *leat_stream_map_find(const leat_stream_map *map, uint64_t id) {
    return leat_map_get_u64(&map->streams, id);
}

void leat_stream_map_close(leat_stream_map *map, leat_stream *stream) {
    leat_map_remove_u64(&map->streams, stream->id);
    if (!stream->is_local) {
        /* RFC 9000 §4.6-6: credit comes back when the memory does, without being asked. */
        leat_flow_on_consumed(&map->counts[direction_of(stream->id)], 1);
    }
    leat_stream_clear(stream);
    leat_slab_give(&map->slab, stream);
}

leat_stream *leat_stream_map_next(const leat_stream_map *map, size_t *cursor) {
    return leat_map_next(&map->streams, cursor);
}
