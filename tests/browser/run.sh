#!/usr/bin/env bash
# Headless Chromium and Firefox against leat: run.sh BUILD WORK. Prints TAP.
set -eu
cd "$(dirname "$0")/../.."
build=$(realpath "$1") work=$2
mkdir -p "$work"
work=$(realpath "$work")
cp tests/browser/package.json "$work/"
if [ ! -d "$work/node_modules/puppeteer-core" ]; then
    (cd "$work" && PUPPETEER_SKIP_DOWNLOAD=1 npm install --no-audit --no-fund --no-package-lock --loglevel=error >&2)
fi
# The modules are looked up beside the program that imports them.
rm -rf "$work/browser" && cp -r tests/browser "$work/browser"
exec node "$work/browser/main.mjs" "$build" "$PWD"
