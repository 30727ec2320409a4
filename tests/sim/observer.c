/* Headers are read from datagrams, frames from the traces of those who send them. */
#include "observer.h"

#include <string.h>

#include "quic/packet/header.h"

#define FRAME_ACK_ECN 0x03
#define FRAME_CRYPTO 0x06
#define FRAME_PATH_CHALLENGE 0x1a
#define FRAME_PATH_RESPONSE 0x1b

/* ---- datagrams ------------------------------------------------------------------------------- */

static void add_id(observer_ids *list, leat_span id) {
    for (size_t i = 0; i < list->count; i++) {
        if (list->ids[i].length == id.length &&
            memcmp(list->ids[i].bytes, id.data, id.length) == 0) {
            return;
        }
    }
    if (list->count < OBSERVER_IDS_MAX && id.length <= LEAT_CID_MAX) {
        leat_cid *cid = &list->ids[list->count++];
        cid->length = (uint8_t)id.length;
        memcpy(cid->bytes, id.data, id.length);
    }
}

/* The runner opens the first path, too; a challenge is due only on those after it. */
static void see_path(observer *o, const leat_address *client) {
    bool is_new_host = true;
    for (size_t i = 0; i < o->path_count; i++) {
        if (leat_address_equal(&o->paths[i], client)) {
            return;
        }
        is_new_host = is_new_host && memcmp(o->paths[i].ip, client->ip, sizeof client->ip) != 0;
    }
    if (o->path_count < OBSERVER_IDS_MAX) {
        o->unchallenged_paths += o->path_count > 0 && !o->has_challenge;
        o->hosts += is_new_host;
        o->paths[o->path_count++] = *client;
    }
}

/* A client begins with version 1, and may go on with it as long as it does not know better. */
static bool is_expected_version(const observer *o, sim_side from,
                                const leat_packet_header *header) {
    bool is_begun = from == SIM_CLIENT && header->type == LEAT_PACKET_INITIAL;
    uint32_t expected = o->expects_version_2 ? LEAT_QUIC_VERSION_2 : LEAT_QUIC_VERSION_1;
    return header->version == expected || (is_begun && header->version == LEAT_QUIC_VERSION_1);
}

static void see_long_header(observer *o, sim_side from, leat_span datagram) {
    leat_packet_header header;
    bool is_read = leat_packet_header_parse(&header, datagram, 0) == LEAT_DROP_NONE;
    if (!is_read || header.type == LEAT_PACKET_VERSION_NEGOTIATION) {
        return; /* Version Negotiation: the answer to a version that a fault made up */
    }
    o->wrong_versions += !is_expected_version(o, from, &header);
    o->retries += from == SIM_SERVER && header.type == LEAT_PACKET_RETRY;
    if (header.type == LEAT_PACKET_INITIAL && from == SIM_SERVER) {
        add_id(&o->server_ids, header.scid);
    } else if (header.type == LEAT_PACKET_INITIAL) {
        o->initials_with_token += header.token.length > 0;
    }
}

static void on_datagram(void *user, sim_side from, const uint8_t *bytes, size_t length,
                        const leat_path *path, leat_time now) {
    observer *o = user;
    (void)now;
    if ((bytes[0] & 0x80) != 0) {
        see_long_header(o, from, (leat_span){bytes, length});
    }
    if (from == SIM_SERVER) {
        see_path(o, &path->remote);
        o->has_challenge = false;
    }
}

/* ---- traces ---------------------------------------------------------------------------------- */

static uint64_t integer_of(const leat_trace_record *record, const char *name) {
    for (size_t i = 0; i < record->field_count; i++) {
        if (strcmp(record->fields[i].name, name) == 0) {
            return record->fields[i].integer;
        }
    }
    return UINT64_MAX;
}

static bool has_text(const leat_trace_record *record, const char *name, const char *text) {
    for (size_t i = 0; i < record->field_count; i++) {
        const leat_trace_field *field = &record->fields[i];
        if (strcmp(field->name, name) == 0 && field->bytes.length == strlen(text) &&
            memcmp(field->bytes.data, text, field->bytes.length) == 0) {
            return true;
        }
    }
    return false;
}

static void on_frame(observer *o, sim_side side, const leat_trace_record *record) {
    uint64_t type = integer_of(record, "frame_type_bytes");
    if (type == FRAME_CRYPTO) {
        uint64_t offset = integer_of(record, "offset");
        o->has_hello = o->has_hello || offset == 0;
        o->crypto_end = offset + integer_of(record, "length");
    }
    o->acks_with_ecn[side] += type == FRAME_ACK_ECN;
    o->has_challenge = o->has_challenge || (type == FRAME_PATH_CHALLENGE && side == SIM_SERVER);
    o->challenges += type == FRAME_PATH_CHALLENGE && side == SIM_SERVER;
    o->responses += type == FRAME_PATH_RESPONSE && side == SIM_CLIENT;
}

static void on_client_initial(observer *o, uint64_t number) {
    o->initial_number_reset = o->initial_number_reset || number < o->last_initial_number;
    o->last_initial_number = number;
    o->client_hellos += o->has_hello;
}

static void on_packet(observer *o, sim_side side, const leat_trace_record *record) {
    if (has_text(record, "packet_type", "initial") && side == SIM_CLIENT) {
        on_client_initial(o, integer_of(record, "packet_number"));
    }
    if (has_text(record, "packet_type", "handshake") && side == SIM_SERVER &&
        o->crypto_end > o->server_crypto) {
        o->server_crypto = o->crypto_end;
    }
    o->has_hello = false;
    o->crypto_end = 0;
}

static void on_record(observer *o, sim_side side, const leat_trace_record *record) {
    if (strcmp(record->name, "frame_created") == 0) {
        on_frame(o, side, record);
    } else if (strcmp(record->name, "packet_sent") == 0) {
        on_packet(o, side, record);
    } else if (strcmp(record->name, "key_updated") == 0) {
        o->key_updates[side] += has_text(record, "trigger", "local_update") ||
                                has_text(record, "trigger", "remote_update");
    }
}

static void on_client_record(void *user, const leat_trace_record *record) {
    on_record(user, SIM_CLIENT, record);
}

static void on_server_record(void *user, const leat_trace_record *record) {
    on_record(user, SIM_SERVER, record);
}

void observer_attach(observer *o, sim_config *config) {
    static leat_trace_sink sinks[SIM_SIDES];
    *o = (observer){0};
    sinks[SIM_CLIENT] = (leat_trace_sink){on_client_record, o};
    sinks[SIM_SERVER] = (leat_trace_sink){on_server_record, o};
    config->trace[SIM_CLIENT] = &sinks[SIM_CLIENT];
    config->trace[SIM_SERVER] = &sinks[SIM_SERVER];
    config->on_datagram = on_datagram;
    config->on_datagram_user = o;
}
