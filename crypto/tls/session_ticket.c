/*
 * RFC 8446 §4.6.1: NewSessionTicket: read, write, what a server puts into it and what a client
 * keeps of it. Tickets are stateless: ticket_keys.c seals them.
 */
#include "crypto/tls/handshake.h"

/* Lives as long as a ticket may: a day, see LEAT_TICKET_LIFETIME_MAX. */
#define OUR_LIFETIME LEAT_TICKET_LIFETIME_MAX

int leat_new_session_ticket_parse(leat_span body, leat_new_session_ticket *ticket,
                                  const char **why) {
    leat_reader reader = leat_reader_of(body);
    *ticket = (leat_new_session_ticket){0};
    ticket->lifetime = leat_read_u32(&reader);
    ticket->age_add = leat_read_u32(&reader);
    ticket->nonce = leat_read_vector8(&reader);
    ticket->ticket = leat_read_vector16(&reader);
    leat_span list = leat_read_vector16(&reader);
    if (!leat_reader_at_end(&reader) || ticket->ticket.length == 0) {
        return leat_fault_decode(why, "NewSessionTicket is malformed");
    }
    int alert =
        leat_extensions_parse(LEAT_IN_NEW_SESSION_TICKET, list, 0, &ticket->extensions, why);
    /* RFC 9001 §4.6.1: the only size that QUIC knows. */
    if (alert == LEAT_ALERT_NONE && (ticket->extensions.present & LEAT_HAS_EARLY_DATA) != 0 &&
        ticket->extensions.max_early_data_size != UINT32_MAX) {
        return leat_fault(why, LEAT_ALERT_ILLEGAL_PARAMETER,
                          "max_early_data_size is not 0xffffffff");
    }
    return alert;
}

void leat_new_session_ticket_write(const leat_new_session_ticket *ticket, leat_writer *writer) {
    leat_write_u32(writer, ticket->lifetime);
    leat_write_u32(writer, ticket->age_add);
    leat_tls_write_vector(writer, 1, ticket->nonce);
    leat_tls_write_vector(writer, 2, ticket->ticket);
    leat_extensions_write(LEAT_IN_NEW_SESSION_TICKET, &ticket->extensions, writer);
}

static leat_span name_span(const leat_tls *tls) {
    return (leat_span){(const uint8_t *)tls->server_name,
                       tls->server_name == NULL ? 0 : strlen(tls->server_name)};
}

/* What the layers above want to remember with the session. */
static leat_span application_bytes(leat_tls *tls, uint8_t out[LEAT_SESSION_APPLICATION_MAX]) {
    size_t length = tls->hooks.write_session_application == NULL
                        ? 0
                        : tls->hooks.write_session_application(tls->hooks.user, out,
                                                               LEAT_SESSION_APPLICATION_MAX);
    return (leat_span){out, length};
}

static int give_session(leat_tls *tls, const leat_session *session) {
    leat_buffer bytes;
    leat_buffer_init(&bytes, tls->allocator, LEAT_SESSION_MAX);
    if (leat_buffer_reserve(&bytes, LEAT_SESSION_MAX) != LEAT_OK) {
        return leat_fault_memory(&tls->error);
    }
    leat_writer writer = leat_writer_make(bytes.data, bytes.capacity);
    leat_session_write(session, &writer);
    if (!writer.failed) {
        tls->hooks.on_session_ticket(tls->hooks.user,
                                     (leat_span){bytes.data, leat_writer_length(&writer)});
    }
    leat_wipe(bytes.data, bytes.capacity);
    leat_buffer_clear(&bytes);
    return LEAT_ALERT_NONE;
}

int leat_tls_on_new_session_ticket(leat_tls *tls, leat_span message) {
    leat_new_session_ticket ticket;
    int alert = leat_new_session_ticket_parse(leat_tls_body(message), &ticket, &tls->error);
    if (alert != LEAT_ALERT_NONE) {
        tls->violates_quic =
            alert == LEAT_ALERT_ILLEGAL_PARAMETER &&
            (ticket.extensions.present & LEAT_HAS_EARLY_DATA) != 0; /* RFC 9001 §4.6.1-2 */
        return alert;
    }
    if (tls->ticket_count == LEAT_TLS_TICKETS_MAX) {
        return leat_fault(&tls->error, LEAT_ALERT_UNEXPECTED_MESSAGE,
                          "too many NewSessionTicket messages");
    }
    tls->ticket_count++;
    /* RFC 8446 §4.6.1: a lifetime of zero means: do not keep it. */
    if (tls->hooks.on_session_ticket == NULL || ticket.lifetime == 0 ||
        ticket.ticket.length > LEAT_TICKET_MAX || tls->ticket_count > LEAT_TLS_TICKETS_KEPT_MAX) {
        return LEAT_ALERT_NONE;
    }
    uint8_t application[LEAT_SESSION_APPLICATION_MAX];
    leat_session session = {
        .suite = tls->suite,
        .created = tls->now,
        .lifetime = ticket.lifetime,
        .age_add = ticket.age_add,
        .early_data = (ticket.extensions.present & LEAT_HAS_EARLY_DATA) != 0,
        .context = leat_tls_session_context(tls, true),
        .client = tls->client,
        .server_name = name_span(tls),
        .alpn = leat_tls_alpn(tls),
        .ticket = ticket.ticket,
        .application = application_bytes(tls, application),
    };
    alert = leat_resumption_psk(tls->suite->hash, tls->resumption_secret, ticket.nonce, session.psk)
                ? give_session(tls, &session)
                : leat_fault_memory(&tls->error);
    leat_wipe(&session, sizeof session);
    return alert;
}

/* The PSK of this nonce, sealed with everything that must be equal when it comes back (RFC 8446
 * §4.6.1). */
static size_t seal(leat_tls *tls, leat_new_session_ticket *ticket, uint8_t *out, size_t room) {
    leat_tls_handshake *handshake = tls->handshake;
    uint8_t application[LEAT_SESSION_APPLICATION_MAX];
    leat_session session = {
        .suite = tls->suite,
        .created = tls->now,
        .lifetime = ticket->lifetime,
        .age_add = ticket->age_add,
        .early_data = handshake->early_data,
        .context = leat_tls_session_context(tls, true),
        .client = tls->client,
        .server_name = name_span(tls),
        .alpn = leat_tls_alpn(tls),
        .application = application_bytes(tls, application),
    };
    size_t length = 0;
    if (leat_resumption_psk(tls->suite->hash, tls->resumption_secret, ticket->nonce, session.psk)) {
        length = leat_ticket_seal(handshake->ticket_keys, &handshake->random, &session, out, room);
    }
    leat_wipe(&session, sizeof session);
    ticket->ticket = (leat_span){out, length};
    return length;
}

/* A session does not outlive the certificate that its client showed. */
static uint32_t lifetime(const leat_tls *tls) {
    const leat_session_client *client = &tls->client;
    int64_t left = client->is_known ? client->expires - tls->now : OUR_LIFETIME;
    return left <= 0 ? 0 : left < OUR_LIFETIME ? (uint32_t)left : OUR_LIFETIME;
}

static int send_ticket(leat_tls *tls, uint8_t nonce) {
    uint8_t sealed[LEAT_TLS_OUR_TICKET_MAX], age_add[4];
    leat_new_session_ticket ticket = {.lifetime = lifetime(tls), .nonce = {&nonce, 1}};
    leat_tls_message message;
    if (!leat_random_bytes(&tls->handshake->random, age_add, sizeof age_add)) {
        return leat_fault(&tls->error, LEAT_ALERT_INTERNAL_ERROR, "the random source failed");
    }
    leat_reader reader = leat_reader_make(age_add, sizeof age_add);
    ticket.age_add = leat_read_u32(&reader);
    if (tls->handshake->early_data) {
        /* RFC 9001 §4.6.1-1: how much there may be is for QUIC's limits to say. */
        ticket.extensions = (leat_extensions){.present = LEAT_HAS_EARLY_DATA,
                                              .max_early_data_size = UINT32_MAX};
    }
    if (seal(tls, &ticket, sealed, sizeof sealed) == 0 ||
        !leat_tls_message_begin(tls, &message, LEAT_LEVEL_APPLICATION, LEAT_NEW_SESSION_TICKET,
                                32 + ticket.ticket.length)) {
        return leat_fault_memory(&tls->error);
    }
    leat_new_session_ticket_write(&ticket, &message.writer);
    leat_span bytes;
    return leat_tls_message_close(tls, &message, &bytes); /* not part of any transcript */
}

int leat_tls_send_new_session_tickets(leat_tls *tls) {
    leat_tls_handshake *handshake = tls->handshake;
    int alert = LEAT_ALERT_NONE;
    for (unsigned i = 0; i < handshake->tickets_to_send && alert == LEAT_ALERT_NONE; i++) {
        alert = send_ticket(tls, (uint8_t)i);
    }
    leat_wipe(tls->resumption_secret, sizeof tls->resumption_secret);
    return alert;
}
