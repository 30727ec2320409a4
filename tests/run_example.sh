#!/bin/sh
# An example must end well and say something: run_example.sh PROGRAM. Prints TAP.
name=$(basename "$1")
echo 1..1
output=$(timeout 20 "$@" 2>&1) && [ -n "$output" ] && echo "ok 1 - the example $name runs to its end" && exit 0
printf '%s\n' "$output" >&2
echo "not ok 1 - the example $name runs to its end"
exit 1
