#!/usr/bin/env bash
# aioquic and leat against each other, both ways: aioquic.sh BUILD PYTHON_ENVIRONMENT. Prints TAP.
set -eu
cd "$(dirname "$0")/../.."
build=$(realpath "$1") environment=$2
if ! "$environment/bin/python" -c 'import aioquic' 2>/dev/null; then
    python3 -m venv "$environment" >&2
    "$environment/bin/pip" install --quiet --disable-pip-version-check 'aioquic>=1.2' >&2
fi
exec "$environment/bin/python" tests/interop/aioquic_tests.py "$build/tools/leat" tests/browser/authority.sh
