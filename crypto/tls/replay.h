/*
 * RFC 8446 §8.2: which ClientHellos with early data were seen already: a register shared by all
 * connections of a process that open each other's tickets. It is exact within the time during which
 * a ClientHello counts as fresh, bounded, and says no where it does not know.
 *
 * It cannot know what another process with the same ticket keys saw: several of them behind one
 * name would each accept a copy. They need keys of their own, or early data off.
 */
#ifndef LEAT_CRYPTO_TLS_REPLAY_H
#define LEAT_CRYPTO_TLS_REPLAY_H

#include "crypto/tls/tls.h"

/* RFC 8446 §8.3: seconds by which a ClientHello may come earlier or later than its ticket's age
 * says. */
#define LEAT_REPLAY_WINDOW 10
/* So long a ClientHello that was accepted stays fresh at most, with the second that clocks hide. */
#define LEAT_REPLAY_PERIOD (2 * LEAT_REPLAY_WINDOW + 1)
/*
 * ClientHellos noted per period; more are refused early data, so that a flood of them costs this
 * much memory and never an acceptance that would be forgotten (attack: fill the register, then
 * replay).
 */
#define LEAT_REPLAY_SLOTS 65536
#define LEAT_REPLAY_NOTED_MAX (LEAT_REPLAY_SLOTS / 4 * 3)
/* Slots looked at for one value: who grinds for values that collide finds no place sooner. */
#define LEAT_REPLAY_PROBES_MAX 64

/* Time begins for the register: with keys that are older than the process nothing is accepted for
 * one period, as what came before the restart is not known. */
void leat_replay_register_start(leat_replay_register *seen, int64_t now);
/* True: never seen, and noted from now on. `value`: what no two honest ClientHellos share. */
bool leat_replay_register_take(leat_replay_register *seen, uint64_t value, int64_t now);

#endif
