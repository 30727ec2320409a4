#!/usr/bin/env bash
# aioquic and leat against each other, both ways, and its QPACK decoder against our encoder: aioquic.sh BUILD PYTHON_ENVIRONMENT. Prints TAP.
set -eu
cd "$(dirname "$0")/../.."
build=$(realpath "$1") environment=$2
if ! "$environment/bin/python" -c 'import aioquic' 2>/dev/null; then
    python3 -m venv "$environment" >&2
    "$environment/bin/pip" install --quiet --disable-pip-version-check 'aioquic>=1.2' >&2
fi
status=0
"$environment/bin/python" tests/interop/qpack_tests.py "$build/tests/h3/h3_test_qpack_ratio" tests/vectors || status=1
"$environment/bin/python" tests/interop/aioquic_tests.py "$build/tools/leat" tests/browser/authority.sh || status=1
exit $status
