/*
 * RFC 8446 §2.3, §4.2.10, §8: 0-RTT: when a client offers it, when a server accepts it, and the
 * secret of it. Early data may be a replay; the server's conditions here keep that to what RFC 8446
 * §8.2 and §8.3 leave open. QUIC has no EndOfEarlyData (RFC 9001 §8.3), so nothing follows.
 */
#include "crypto/tls/handshake.h"

/* ---- client ---------------------------------------------------------------------------------- */

bool leat_early_data_can_offer(leat_tls *tls) {
    const leat_tls_handshake *handshake = tls->handshake;
    const leat_session *session = &handshake->session;
    /* RFC 8446 §4.1.2: not in the second ClientHello. */
    return handshake->early_data && handshake->offers_psk && !tls->retried && session->early_data &&
           /* RFC 8446 §4.2.10: early data is encrypted with the suite of the ticket. */
           leat_tls_offers_suite(handshake, session->suite->id) &&
           tls->hooks.can_use_early_data != NULL &&
           tls->hooks.can_use_early_data(tls->hooks.user, session->alpn, session->application);
}

int leat_early_data_start(leat_tls *tls) {
    leat_tls_handshake *handshake = tls->handshake;
    const leat_cipher_suite *suite = handshake->session.suite;
    const leat_buffer *hello = &handshake->transcript.kept;
    uint8_t digest[LEAT_HASH_MAX];
    leat_key_schedule schedule;
    int alert = leat_hash_once(suite->hash, hello->data, hello->length, digest) &&
                        leat_key_schedule_early(&schedule, suite->hash, handshake->session.psk)
                    ? leat_tls_give_early_secret(tls, suite, &schedule, digest)
                    : leat_fault_memory(&tls->error);
    leat_wipe(&schedule, sizeof schedule);
    return alert;
}

int leat_early_data_on_answer(leat_tls *tls, const leat_extensions *extensions, leat_span alpn) {
    const leat_tls_handshake *handshake = tls->handshake;
    if ((extensions->present & LEAT_HAS_EARLY_DATA) == 0) {
        if (tls->early_data == LEAT_EARLY_DATA_OFFERED) {
            tls->early_data = LEAT_EARLY_DATA_REJECTED;
        }
        return LEAT_ALERT_NONE;
    }
    /* RFC 8446 §4.2.10: only with the PSK, the suite and the protocol that it was sent with. */
    if (!handshake->with_psk || handshake->session.suite != tls->suite ||
        !leat_span_equal(handshake->session.alpn, alpn)) {
        return leat_fault(&tls->error, LEAT_ALERT_ILLEGAL_PARAMETER,
                          "early data was accepted under other conditions than it was sent");
    }
    tls->early_data = LEAT_EARLY_DATA_ACCEPTED;
    return LEAT_ALERT_NONE;
}

/* ---- server ---------------------------------------------------------------------------------- */

/* RFC 8446 §8.3: the ClientHello was made about now, by what its first identity says of its age. */
static bool is_fresh(const leat_client_hello *hello, const leat_session *session, int64_t now) {
    leat_reader identities = leat_reader_of(hello->extensions.psk_identities);
    leat_read_vector16(&identities);
    uint32_t age = leat_read_u32(&identities) - session->age_add; /* milliseconds, modulo 2^32 */
    int64_t expected = session->created + (int64_t)(age / 1000);
    return now - expected <= LEAT_REPLAY_WINDOW && expected - now <= LEAT_REPLAY_WINDOW;
}

/* RFC 8446 §8.2: the first bytes of a binder that was verified: nobody else could have made it, and
 * a copy has the same. */
static uint64_t mark_of(const leat_client_hello *hello) {
    leat_reader binders = leat_reader_of(hello->extensions.psk_binders);
    leat_reader binder = leat_reader_of(leat_read_vector8(&binders));
    return leat_read_u64(&binder);
}

static bool can_accept(leat_tls *tls, const leat_client_hello *hello, int psk,
                       const leat_session *session) {
    const leat_tls_handshake *handshake = tls->handshake;
    bool is_possible = handshake->early_data && handshake->replays != NULL &&
                       tls->hooks.can_use_early_data != NULL && !tls->retried;
    /* RFC 8446 §4.2.10: the first PSK and its suite. Name and protocol were compared before it was
     * chosen. The register comes last: what is refused for another reason takes no place there. */
    return is_possible && psk == 0 && session->early_data && session->suite == tls->suite &&
           is_fresh(hello, session, tls->now) &&
           tls->hooks.can_use_early_data(tls->hooks.user, session->alpn, session->application) &&
           leat_replay_register_take(handshake->replays, mark_of(hello), tls->now);
}

int leat_early_data_decide(leat_tls *tls, const leat_client_hello *hello, int psk,
                           const leat_session *session) {
    leat_tls_handshake *handshake = tls->handshake;
    uint8_t digest[LEAT_HASH_MAX];
    if ((hello->extensions.present & LEAT_HAS_EARLY_DATA) == 0) {
        return LEAT_ALERT_NONE;
    }
    tls->early_data = LEAT_EARLY_DATA_REJECTED;
    if (!can_accept(tls, hello, psk, session)) {
        return LEAT_ALERT_NONE;
    }
    tls->early_data = LEAT_EARLY_DATA_ACCEPTED;
    return leat_transcript_hash(&handshake->transcript, digest)
               ? leat_tls_give_early_secret(tls, tls->suite, &handshake->schedule, digest)
               : leat_fault_memory(&tls->error);
}
