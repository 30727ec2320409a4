#!/usr/bin/env bash
# The interop runner's cases over loopback, leat with itself, aioquic and quic-go:
# matrix.sh BUILD PYTHON_ENVIRONMENT GO_FOLDER [OPTION]... Prints TAP. A peer that cannot be had is left out.
set -eu
cd "$(dirname "$0")/../.."
build=$(realpath "$1") environment=$2 go_folder=$3
shift 3
peers=()
if ! "$environment/bin/python" -c 'import aioquic' 2>/dev/null; then
    python3 -m venv "$environment" >&2
    "$environment/bin/pip" install --quiet --disable-pip-version-check 'aioquic>=1.2' >&2
fi
peers+=("aioquic=$environment/bin/python tests/interop/aioquic_hq.py")
mkdir -p "$go_folder"
cp tests/interop/quic_go/* "$go_folder/"
if (cd "$go_folder" && timeout 240 go build -p 2 -o quic_go .) >&2; then
    peers+=("quic-go=$(realpath "$go_folder")/quic_go")
else
    echo "ok - the cases with quic-go # SKIP quic-go could not be built"
fi
exec "$environment/bin/python" tests/interop/matrix.py "$@" tests/browser/authority.sh "leat=$build/tools/leat interop" "${peers[@]}"
