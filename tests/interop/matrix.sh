#!/usr/bin/env bash
# The interop runner's cases, leat with itself and with other implementations:
# matrix.sh BUILD PYTHON_ENVIRONMENT GO_FOLDER RUST_FOLDER [OPTION of matrix.py]... Prints TAP. A peer that cannot be had is
# left out, with the reason. The folders keep what was downloaded and compiled.
set -eu
cd "$(dirname "$0")/../.."
build=$(realpath "$1") environment=$2 go_folder=$3
mkdir -p "$3" "$4"
rust_folder=$(realpath "$4")
shift 4
peers=()

if ! "$environment/bin/python" -c 'import aioquic' 2>/dev/null; then
    python3 -m venv "$environment" >&2
    "$environment/bin/pip" install --quiet --disable-pip-version-check 'aioquic>=1.2' >&2
fi
peers+=("aioquic=$(realpath -s "$environment")/bin/python $PWD/tests/interop/aioquic_hq.py")

cp tests/interop/quic_go/* "$go_folder/"
if (cd "$go_folder" && timeout 240 nice go build -p 2 -o quic_go .) >&2; then
    peers+=("quic-go=$(realpath "$go_folder")/quic_go")
else
    echo "ok - the cases with quic-go # SKIP quic-go could not be built"
fi

# s2n-quic asks for Rust 1.95, quiche's BoringSSL for cmake and a C++ compiler. All at once, so that what they share is compiled
# once; each that can be built is there in the end.
rust_needed=1.95
rust_found=$(rustc --version 2>/dev/null | cut -d ' ' -f 2) || true
rust_skip="Rust is ${rust_found:-not there}, not $rust_needed"
rm -f "$rust_folder"/release/interop_*
if [ "$(printf '%s\n' "$rust_needed" "${rust_found:-0}" | sort -V | head -n 1)" = "$rust_needed" ]; then
    rust_skip=
    CARGO_TARGET_DIR=$rust_folder timeout 1500 nice cargo build --quiet --release --locked --keep-going \
        --manifest-path tests/interop/Cargo.toml >&2 || true
fi
for peer in quinn quiche s2n-quic; do
    program=$rust_folder/release/interop_${peer//-/_}
    if [ -x "$program" ]; then
        peers+=("$peer=$program")
    else
        echo "ok - the cases with $peer # SKIP ${rust_skip:-$peer could not be built}"
    fi
done
echo "# everything is built after $SECONDS s"
exec "$environment/bin/python" tests/interop/matrix.py "$@" "leat=$build/tools/leat interop" "${peers[@]}"
