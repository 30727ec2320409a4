#!/usr/bin/env bash
# Runs every fuzz target of a build for a while over a copy of its corpus: fuzz.sh BUILD WORK [SECONDS]. Prints TAP.
set -u
cd "$(dirname "$0")/.."
build=$1 work=$2 seconds=${3:-30}
mkdir -p "$work"
export ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1

fuzz_one() {
    local program=$1 name
    name=$(basename "$program")
    mkdir -p "$work/$name"
    if timeout $((seconds + 60)) "$program" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -artifact_prefix="$work/$name-" \
        "$work/$name" "fuzz/corpus/${name#fuzz_}" >"$work/$name.log" 2>&1; then
        echo "ok - $name: $(grep -c . <(ls "$work/$name")) new inputs, $(sed -n 's/^Done \([0-9]*\) runs.*/\1/p' "$work/$name.log") runs"
    else
        echo "not ok - $name: $(grep -m 1 -E 'ERROR|SUMMARY|ALARM|runtime error' "$work/$name.log")"
        tail -n 40 "$work/$name.log" >&2
    fi
}
export -f fuzz_one
export work seconds

find "$build/fuzz" -maxdepth 1 -type f -name 'fuzz_*' -perm -u+x -print0 | sort -z | xargs -0 -P 2 -I {} bash -c 'fuzz_one {}'
