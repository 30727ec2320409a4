# Sourced by tools/start and tools/test: installs Debian packages that are missing, and only those.
# need PACKAGE... ; want PACKAGE... (the same, but a package that cannot be had is only reported)

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    else
        sudo -n "$@"
    fi
}

missing_packages() {
    for package in "$@"; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || printf '%s ' "$package"
    done
}

need() {
    command -v dpkg-query >/dev/null 2>&1 || return 0
    local missing
    missing=$(missing_packages "$@")
    [ -z "$missing" ] && return 0
    if [ "$(id -u)" != 0 ] && ! sudo -n true 2>/dev/null; then
        echo "These packages are missing and cannot be installed from here. As root, run:" >&2
        echo "    apt-get install -y $missing" >&2
        exit 1
    fi
    echo "installing $missing" >&2
    # An old package list may name versions that are gone: refresh it and try again.
    # shellcheck disable=SC2086
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null 2>&1 ||
        { as_root apt-get update -qq >/dev/null 2>&1 &&
          as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null; } ||
        { echo "apt-get could not install: $missing" >&2; return 1; }
}

want() {
    ( need "$@" ) || echo "going on without: $*" >&2
}

build_packages="gcc libc6-dev meson ninja-build pkg-config libssl-dev python3"
tool_packages="libjson-c-dev libmicrohttpd-dev libpcap-dev libsqlite3-dev"
