/* Built instead of `leat serve` where json-c or SQLite is missing: says how to get it. */
#include "../commands.h"

#include <stdio.h>

int command_serve(int count, char **arguments) {
    (void)count, (void)arguments;
    fprintf(stderr, "leat serve: this leat was built without json-c or SQLite; install "
                    "libjson-c-dev and libsqlite3-dev and build it again\n");
    return 1;
}
