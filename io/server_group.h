/*
 * Inside of a group of servers: who is which worker, and the mailboxes between their threads.
 */
#ifndef LEAT_IO_SERVER_GROUP_H
#define LEAT_IO_SERVER_GROUP_H

#include "io/server.h"

/* Servers of one group: as many workers as an endpoint's connection IDs can name. */
#define LEAT_SERVER_GROUP_MAX 64

/*
 * Bytes of datagrams on their way to one worker: a flood of them at the wrong worker, or a worker
 * that does not come round, costs this and no more; what does not fit is lost (attack A33).
 */
#define LEAT_MAILBOX_MAX (1024 * 1024)

/*
 * Makes server the next worker: its number, the group's key, and how to reach the others. False: the
 * group has all its servers already.
 */
bool leat_server_group_join(leat_server_group *group, leat_server *server,
                            leat_endpoint_config *endpoint);
/* Where the first server listens; *count is 0 before there is one. */
const leat_address *leat_server_group_addresses(const leat_server_group *group, size_t *count);
/* The sockets of server are bound: those who come after it listen there as well. */
void leat_server_group_share(leat_server_group *group, const leat_server *server);
/* Nothing more is brought to it. */
void leat_server_group_leave(leat_server_group *group, leat_server *server);
/* Gives the endpoint of server what other workers received for it. */
void leat_server_group_deliver(leat_server_group *group, leat_server *server);

#endif
