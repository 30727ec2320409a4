#!/usr/bin/env bash
# The library as others get it: installed, found by pkg-config, used from C and C++, and as a meson subproject: install.sh WORK. Prints TAP.
set -u
cd "$(dirname "$0")/.."
source=$PWD work=$1
rm -rf "$work" && mkdir -p "$work"
work=$(realpath "$work")
number=0

check() {
    local name=$1
    shift
    number=$((number + 1))
    if "$@" >"$work/step.log" 2>&1; then
        echo "ok $number - $name"
    else
        cat "$work/step.log" >&2
        echo "not ok $number - $name"
    fi
}

install_library() {
    meson setup "$work/build" "$source" --prefix="$work/prefix" --libdir=lib -Dtests=false -Dtools=false -Dexamples=false &&
        ninja -C "$work/build" install
}

flags() {
    PKG_CONFIG_PATH=$work/prefix/lib/pkgconfig pkg-config "$@" leat
}

compile_and_run() {
    gcc -std=c11 -Wall -Wextra -Werror "$source/examples/$1.c" -o "$work/$1" $(flags --cflags --libs) "-Wl,-rpath,$work/prefix/lib" &&
        timeout 20 "$work/$1" >"$work/$1.txt" && [ -s "$work/$1.txt" ] && cat "$work/$1.txt"
}

headers_alone() {
    local header
    for header in "$work"/prefix/include/leat/*.h; do
        echo "#include <leat/$(basename "$header")>" >"$work/alone.c"
        cp "$work/alone.c" "$work/alone.cc"
        gcc -std=c11 -Wall -Wextra -Wpedantic -Werror -fsyntax-only "$work/alone.c" $(flags --cflags) || return 1
        g++ -std=c++17 -Wall -Wextra -Wpedantic -Werror -fsyntax-only "$work/alone.cc" $(flags --cflags) || return 1
    done
}

only_our_symbols() {
    ! nm -D --defined-only "$work"/prefix/lib/libleat.so | awk '{print $3}' | grep -v '^leat_'
}

subproject() {
    mkdir -p "$work/outer/subprojects" && ln -sfn "$source" "$work/outer/subprojects/leat" &&
        cp "$source/examples/in_memory.c" "$work/outer/" &&
        cat >"$work/outer/meson.build" <<'MESON' &&
project('outer', 'c')
leat = subproject('leat', default_options: ['tests=false', 'tools=false', 'examples=false']).get_variable('leat')
executable('in_memory', 'in_memory.c', dependencies: leat)
MESON
        meson setup "$work/outer/build" "$work/outer" && ninja -C "$work/outer/build" in_memory && timeout 20 "$work/outer/build/in_memory"
}

check "the library installs" install_library
check "pkg-config knows it" flags --modversion
check "each public header compiles alone, as C and as C++" headers_alone
check "the library exports only names that begin with leat_" only_our_symbols
check "an example compiles against the installed copy and runs" compile_and_run in_memory
check "the events of both sides are printed" grep -q "^server: StreamDataReceived" "$work/in_memory.txt"
check "the trace logger compiles against the installed copy and runs" compile_and_run trace_logger
check "leat works as a meson subproject" subproject
