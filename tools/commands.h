/* The subcommands of `leat`. arguments are those after the name; the result is the exit status. */
#ifndef LEAT_TOOLS_COMMANDS_H
#define LEAT_TOOLS_COMMANDS_H

int command_sim(int count, char **arguments);
int command_serve(int count, char **arguments);
int command_get(int count, char **arguments);
int command_decode(int count, char **arguments);
int command_interop(int count, char **arguments);
int command_wt(int count, char **arguments);

#endif
