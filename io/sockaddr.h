/* leat_address beside the system's sockaddr. Inside of io/. */
#ifndef LEAT_IO_SOCKADDR_H
#define LEAT_IO_SOCKADDR_H

#include <leat/base.h>

#include <sys/socket.h>

/* False: of a family that is neither IPv4 nor IPv6. */
bool leat_sockaddr_parse(const struct sockaddr_storage *from, leat_address *address);
/* Returns the length for bind and sendmsg, 0 for an address without family. */
socklen_t leat_sockaddr_write(const leat_address *address, struct sockaddr_storage *to);
/* "0.0.0.0" or "::", whatever the port. */
bool leat_address_is_any(const leat_address *address);
/* As leat_address_resolve, with host and port apart. */
int leat_address_lookup(const char *host, uint16_t port, leat_address *addresses, size_t capacity,
                        char *message);

#endif
