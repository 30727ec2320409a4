/* What the example servers share: a fresh certificate, a server on one address, its two lines, and Ctrl-C. */
#ifndef EXAMPLE_SERVER_H
#define EXAMPLE_SERVER_H

#include <leat/leat.h>

/*
 * Runs until SIGINT or SIGTERM. arguments: [HOST:PORT], default 127.0.0.1:4433. Prints "certificate-hash: <base64>" and
 * "listening: HOST:PORT". Returns the exit status.
 */
int example_server_run(int count, char **arguments, leat_io_layers layers, const leat_io_handler *handler, void *user);

#endif
