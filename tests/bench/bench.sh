#!/usr/bin/env bash
# All figures: bench.sh BUILD PYTHON_ENVIRONMENT. The tables of the programs here, and bulk
# transfers over loopback sockets between leat and aioquic in all four combinations, interleaved,
# medians. BUILD should have -Dbuildtype=release.
set -eu
cd "$(dirname "$0")/../.."
build=$(realpath "$1") environment=$2 rounds=${ROUNDS:-5}
if ! "$environment/bin/python" -c 'import aioquic' 2>/dev/null; then
    python3 -m venv "$environment" >&2
    "$environment/bin/pip" install --quiet --disable-pip-version-check 'aioquic>=1.2' >&2
fi
for name in memory allocations handshakes bulk; do
    "$build/tests/bench/bench_$name"
    echo
done
exec "$environment/bin/python" tests/bench/loopback.py "$build/tools/leat" "$rounds"
