/* The `leat` command: a table of its subcommands. */
#include "commands.h"

#include <leat/base.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    int (*run)(int count, char **arguments);
    const char *help;
} commands[] = {
    {"serve", command_serve, "an HTTP/3 and WebTransport server with the counter, the clicker and an echo"},
    {"get", command_get, "fetches URLs over HTTP/3"},
    {"interop", command_interop, "an endpoint for the QUIC interop runner"},
    {"sim", command_sim, "a download over a simulated link in virtual time"},
    {"wt", command_wt, "a WebTransport client for the command line"},
    {"decode", command_decode, "shows every field of packets given as a pcap file or hex"},
};
#define COMMANDS (sizeof commands / sizeof commands[0])

static void print_help(FILE *out) {
    fprintf(out, "usage: leat COMMAND [OPTION]...\n\n");
    for (size_t i = 0; i < COMMANDS; i++) {
        fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].help);
    }
    fprintf(out, "\nleat COMMAND --help explains the options. leat --version prints %s.\n",
        leat_version());
}

int main(int count, char **arguments) {
    if (count < 2) {
        print_help(stderr);
        return 2;
    }
    if (strcmp(arguments[1], "--help") == 0) {
        print_help(stdout);
        return 0;
    }
    if (strcmp(arguments[1], "--version") == 0) {
        printf("leat %s\n", leat_version());
        return 0;
    }
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(arguments[1], commands[i].name) == 0) {
            return commands[i].run(count - 2, arguments + 2);
        }
    }
    fprintf(stderr, "leat: no command '%s'; see leat --help\n", arguments[1]);
    return 2;
}
