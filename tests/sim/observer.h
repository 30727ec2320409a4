/*
 * What the interop runner reads off the wire, read off a run: packets of the handshake, addresses,
 * keys, frames.
 */
#ifndef LEAT_TESTS_SIM_OBSERVER_H
#define LEAT_TESTS_SIM_OBSERVER_H

#include "sim/run.h"

#define OBSERVER_IDS_MAX 128

typedef struct observer_ids {
    leat_cid ids[OBSERVER_IDS_MAX];
    size_t count;
} observer_ids;

typedef struct observer {
    observer_ids server_ids; /* source IDs of the server's Initials: one for each handshake */
    unsigned retries, initials_with_token, wrong_versions;
    bool expects_version_2;  /* of all but the client's first flight */
    unsigned client_hellos;  /* Initials of the client that carry its beginning */
    uint64_t last_initial_number;
    bool initial_number_reset;
    uint64_t server_crypto;  /* the end of the server's CRYPTO data in Handshake packets */
    unsigned key_updates[SIM_SIDES];
    leat_address paths[OBSERVER_IDS_MAX];
    size_t path_count, unchallenged_paths, hosts;
    unsigned challenges, responses;
    unsigned acks_with_ecn[SIM_SIDES]; /* by who sends them */
    /* Frames of the packet that is being made. */
    bool has_challenge, has_hello;
    uint64_t crypto_end;
} observer;

/* Makes the configuration tell the observer, which must live as long as the run. */
void observer_attach(observer *o, sim_config *config);

#endif
