/* The codec of leat_session: the bytes behind on_session_ticket and inside the server's tickets. */
#include "crypto/tls/session.h"
#include "crypto/tls/extensions.h"

#define SESSION_VERSION 3
#define FLAG_EARLY_DATA 1

static void write_client(const leat_session_client *client, leat_writer *writer) {
    size_t mark = leat_write_vector_begin(writer, 1);
    if (client->is_known) {
        leat_write_bytes(writer, client->leaf, sizeof client->leaf);
        leat_write_u64(writer, (uint64_t)client->expires);
    }
    leat_write_vector_end(writer, mark, 1);
}

static bool read_client(leat_reader *reader, leat_session_client *client) {
    leat_reader bytes = leat_reader_of(leat_read_vector8(reader));
    if (leat_reader_left(&bytes) == 0) {
        return true;
    }
    client->is_known = true;
    leat_read_copy(&bytes, client->leaf, sizeof client->leaf);
    client->expires = (int64_t)leat_read_u64(&bytes);
    return leat_reader_at_end(&bytes);
}

void leat_session_write(const leat_session *session, leat_writer *writer) {
    leat_write_u8(writer, SESSION_VERSION);
    leat_write_u8(writer, session->early_data ? FLAG_EARLY_DATA : 0);
    leat_write_u32(writer, session->context);
    leat_write_u16(writer, session->suite->id);
    leat_write_u64(writer, (uint64_t)session->created);
    leat_write_u32(writer, session->lifetime);
    leat_write_u32(writer, session->age_add);
    leat_write_bytes(writer, session->psk, leat_hash_size(session->suite->hash));
    leat_tls_write_vector(writer, 2, session->server_name);
    leat_tls_write_vector(writer, 2, session->alpn);
    leat_tls_write_vector(writer, 2, session->ticket);
    leat_tls_write_vector(writer, 2, session->application);
    write_client(&session->client, writer);
}

bool leat_session_parse(leat_span bytes, leat_session *session) {
    leat_reader reader = leat_reader_of(bytes);
    *session = (leat_session){0};
    if (leat_read_u8(&reader) != SESSION_VERSION) {
        return false;
    }
    session->early_data = (leat_read_u8(&reader) & FLAG_EARLY_DATA) != 0;
    session->context = leat_read_u32(&reader);
    session->suite = leat_cipher_suite_find(leat_read_u16(&reader));
    if (session->suite == NULL) {
        return false;
    }
    session->created = (int64_t)leat_read_u64(&reader);
    session->lifetime = leat_read_u32(&reader);
    session->age_add = leat_read_u32(&reader);
    leat_read_copy(&reader, session->psk, leat_hash_size(session->suite->hash));
    session->server_name = leat_read_vector16(&reader);
    session->alpn = leat_read_vector16(&reader);
    session->ticket = leat_read_vector16(&reader);
    session->application = leat_read_vector16(&reader);
    return read_client(&reader, &session->client) && leat_reader_at_end(&reader);
}

bool leat_session_is_fresh(const leat_session *session, int64_t now) {
    uint32_t lifetime =
        session->lifetime < LEAT_TICKET_LIFETIME_MAX ? session->lifetime : LEAT_TICKET_LIFETIME_MAX;
    return session->created >= 0 && now >= session->created && now - session->created < lifetime;
}
