#!/usr/bin/env bash
# Proves that the README's two commands work on fresh Debian systems: fresh.sh [--work DIR] [bookworm|trixie]... (default: both)
#
# Each system is a minimal root made by debootstrap, from the host's own package sources; a clone of HEAD goes in, and
# tools/start and tools/test run there. Needs root, git and debootstrap, and the ports 4433 and 8080. Prints TAP; what
# the commands said is on stderr when something failed. By hand: it takes minutes and installs hundreds of packages.
set -u
cd "$(dirname "$0")/.."
source=$PWD
work=
suites=()
while [ $# -gt 0 ]; do
    case $1 in
        --work) work=${2:?--work needs a folder}; shift ;;
        bookworm | trixie) suites+=("$1") ;;
        *) sed -n '2s/^# //p' "$0" >&2; exit 2 ;;
    esac
    shift
done
[ ${#suites[@]} -gt 0 ] || suites=(bookworm trixie)
for program in debootstrap git unshare chroot apt-config; do
    command -v "$program" >/dev/null || { echo "Bail out! $program is missing"; exit 1; }
done
[ "$(id -u)" = 0 ] || { echo "Bail out! only root can make a root"; exit 1; }
if [ -n "$work" ]; then mkdir -p "$work"; fi
work=$(mktemp -d "${work:-${TMPDIR:-/tmp}}/leat-fresh.XXXXXX")
number=0 failures=0 server=

# Mounts exist only in the namespaces of the commands (in_root), so there is never one below what is removed here.
clean_up() {
    if [ -n "$server" ]; then kill -KILL "$server" 2>/dev/null; fi
    rm -rf --one-file-system "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# check NAME COMMAND... : one TAP line; what the command says is shown when it fails.
check() {
    local name="$suite: $1" started=$SECONDS
    shift
    number=$((number + 1))
    if "$@" >"$work/step.log" 2>&1; then
        echo "ok $number - $name ($((SECONDS - started)) s)"
        return 0
    fi
    failures=$((failures + 1))
    tail -n 60 "$work/step.log" >&2
    echo "not ok $number - $name"
    return 1
}

# ---- the root ----

# The host's sources of Debian with another suite, and how it reaches them; nothing else of its configuration.
copy_apt_settings() {
    local host_suite file
    host_suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
    rm -f "$root/etc/apt/sources.list"
    for file in $(grep -lsE "^[^#]*[ /]$host_suite( |$)" /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources); do
        sed -E "s/([ ])$host_suite(-[a-z]+)?( |\$)/\1$suite\2\3/g; s/([ ])$host_suite(-[a-z]+)?( |\$)/\1$suite\2\3/g" \
            "$file" >"$root${file}" || return 1
    done
    apt-config dump | grep '^Acquire::' | grep -v IndexTargets >"$root/etc/apt/apt.conf.d/90host"
    cp -L /etc/resolv.conf "$root/etc/resolv.conf"
    [ -s "$root/etc/hosts" ] || printf '127.0.0.1 localhost\n::1 localhost\n' >"$root/etc/hosts"
}

mirror() {
    sed -n 's/^URIs: *\([^ ]*\).*/\1/p; s/^deb \(\[.*\] \)\{0,1\}\([^ ]*\) .*/\2/p' \
        /etc/apt/sources.list.d/*.sources /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null | head -n 1
}

make_root() {
    local proxy
    proxy=$(apt-config shell proxy Acquire::http::Proxy)
    eval "$proxy"
    http_proxy=${proxy:-${http_proxy:-}} unshare --mount debootstrap --variant=minbase "$suite" "$root" "$(mirror)" &&
        copy_apt_settings && git clone -q --no-hardlinks "$source" "$root/leat"
}

# in_root COMMAND... : in namespaces of its own, so that mounts and left processes end with it. Its process is the only
# child of the one started here.
in_root() {
    exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb \
        ${http_proxy:+"http_proxy=$http_proxy"} ${https_proxy:+"https_proxy=$https_proxy"} \
        unshare --mount --pid --kill-child sh -c '
            root=$1 && shift &&
            mount --rbind /dev "$root/dev" && mount -t proc proc "$root/proc" && mount -t tmpfs tmpfs "$root/tmp" &&
            exec chroot "$root" sh -c "cd /leat && exec \"\$@\"" sh "$@"' sh "$root" "$@"
}

# ---- the commands ----

start_names_packages() {
    local status
    (in_root setpriv --reuid=65534 --regid=65534 --clear-groups tools/start) >"$work/unprivileged.log" 2>&1
    status=$?
    cat "$work/unprivileged.log"
    [ $status = 1 ] && packages=$(sed -n 's/^    apt-get install -y //p' "$work/unprivileged.log") && [ -n "$packages" ]
}

start_announces() {
    local waited=0 line
    in_root tools/start >"$work/start.out" 2>"$work/start.err" &
    server=$!
    until grep -q '^listening: ' "$work/start.out"; do
        sleep 1
        waited=$((waited + 1))
        if [ $waited -gt 600 ] || ! kill -0 "$server" 2>/dev/null; then cat "$work/start.out" "$work/start.err"; return 1; fi
    done
    sleep 1
    cat "$work/start.err" "$work/start.out"
    for line in certificate-hash page listening; do
        grep -q "^$line: ." "$work/start.out" || return 1
    done
}

named_packages_are_installed() {
    # shellcheck disable=SC2086
    (in_root dpkg-query -W $packages)
}

page_answers() {
    (in_root python3 -c 'import urllib.request as r; print(r.urlopen("http://localhost:8080/", timeout=10).read().decode())') \
        >"$work/page.html" && cat "$work/page.html" && grep -qi '<!doctype html' "$work/page.html" && grep -q WebTransport "$work/page.html"
}

leat_gets() {
    (in_root timeout 20 build/tools/leat get https://localhost:4433/bytes/1000 --insecure -o /leat/build/bytes) &&
        [ "$(stat -c %s "$root/leat/build/bytes")" = 1000 ]
}

start_ends() {
    local status
    kill -TERM "$(pgrep -P "$server")" && wait "$server"
    status=$?
    server=
    cat "$work/start.err"
    echo "exit status $status"
    [ $status = 0 ]
}

# Without the root's powers nothing may be different: the second run is an ordinary user's.
test_passes() {
    (in_root "$@" tools/test) >"$work/test.log" 2>&1
    local status=$?
    cat "$work/test.log"
    [ $status = 0 ] && tail -n 1 "$work/test.log" | grep -qE '^[0-9]+ passed, 0 failed, [0-9]+ skipped$'
}

for suite in "${suites[@]}"; do
    root=$work/$suite packages=
    check "a minimal root and a clone of HEAD" make_root || continue
    check "without root and sudo, tools/start names the packages and exits 1" start_names_packages
    if check "tools/start installs, builds and announces itself" start_announces; then
        check "the packages named before are installed" named_packages_are_installed
        check "http://localhost:8080/ is the page" page_answers
        check "leat get gets from it" leat_gets
        check "SIGTERM ends it with status 0" start_ends
    fi
    check "tools/test passes" test_passes && echo "# $(tail -n 1 "$work/test.log")"
    chown -R 65534:65534 "$root/leat"
    check "tools/test passes without root" test_passes setpriv --reuid=65534 --regid=65534 --clear-groups
    rm -rf --one-file-system "$root"
done
echo "1..$number"
[ $failures = 0 ]
