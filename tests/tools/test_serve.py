"""`leat serve`: start, certificates, the store, files, the page, and what is kept between runs."""
import base64
import hashlib
import os
import re
import signal
import socket
import ssl
import time
import urllib.error
import urllib.request

from harness import (Command, Server, content, environment, expect, expect_equal, expect_one_line, fixtures, main, path,
                     run, test)

state = os.path.join(environment["XDG_STATE_HOME"], "leat")
CLICK = '{"type":"increment","username":"ada"}'


# ---- options and start

@test
def every_wrong_option_is_one_line_and_status_two():
    for arguments in (["--nonsense"], ["surplus"], ["--listen"], ["--listen", "nonsense"], ["--max-sessions", "x"],
                      ["--idle-timeout", "-1"], ["--key", "x"], ["--workers", "0"], ["--workers", "65"], ["--retry=1"]):
        expect_one_line(run("serve", *arguments), 2)


@test
def every_option_of_the_contract_is_in_the_help():
    text = run("serve", "--help").out.decode()
    for option in "--listen --root --cert --key --key-password-file --page --store --origin --max-sessions --retry " \
                  "--reset-key --workers --idle-timeout --request-timeout --liveness --drain --keylog --qlog -v".split():
        expect(f"  {option} " in text, option)


@test
def a_port_in_use_is_told_and_named():
    with Server() as own:
        result = run("serve", "--listen", own.address)
        expect_one_line(result, 1)
        expect(own.address in result.err, result)


@test
def missing_files_are_told():
    for arguments in (["--cert", path("none.pem")], ["--root", path("none")],
                      ["--cert", os.path.join(fixtures, "server.pem"), "--key", path("none.key")],
                      ["--store", path("none/store.db")], ["--reset-key", path("none/reset")], ["--keylog", path("none/keys")]):
        expect_one_line(run("serve", "--listen", "127.0.0.1:0", *arguments), 1)


@test
def a_certificate_without_key_is_told():
    result = run("serve", "--listen", "127.0.0.1:0", "--cert", os.path.join(fixtures, "server.pem"))
    expect_one_line(result, 1)
    expect("key" in result.err, result)


@test
def every_socket_is_announced():
    with Server("--listen", "[::1]:0") as own:
        own.wait_for(r"^listening: \[::1\]:[1-9]\d*$")
        port = own.wait_for(r"^listening: \[::1\]:(\d+)$").group(1)
        expect_equal(run("get", "--insecure", f"https://[::1]:{port}/bytes/3").out, bytes(3))


@test
def any_origin_is_one_warning_line():
    with Server() as own:
        err = own.stop().err
        expect("--origin" in err and err.count("\n") == 1, err)
    with Server("--origin", "https://a") as own:
        expect_equal(own.stop().err, "")


@test
def verbose_names_suite_and_group_of_every_handshake():
    with Server("-v") as own:
        expect_equal(own.get("/bytes/1").status, 0)
        group = "X25519MLKEM768" if ssl.OPENSSL_VERSION_INFO >= (3, 5) else "X25519"
        err = own.stop().err
        expect(f"\nhandshake: cipher=TLS_AES_128_GCM_SHA256 group={group} retried=no\n" in err, err)


# ---- certificates

@test
def the_hash_line_is_the_base64_of_the_sha256_of_the_der():
    pem = os.path.join(fixtures, "server.pem")
    with open(pem, encoding="ascii") as file:
        der = base64.b64decode("".join(file.read().split("-----BEGIN CERTIFICATE-----")[1].split("-----END")[0].split()))
    with Server("--cert", pem, "--key", os.path.join(fixtures, "server.key")) as own:
        expect_equal(own.hash, base64.b64encode(hashlib.sha256(der).digest()).decode())


@test
def the_key_may_stand_in_the_certificates_file():
    both = b"".join(open(os.path.join(fixtures, name), "rb").read() for name in ("server.pem", "server.key"))
    with Server("--cert", path("both.pem", both)) as own:
        expect_equal(own.get("/bytes/1", "--insecure").status, 1, "pinned: valid for too long")
        expect_equal(run("get", "--insecure", own.url + "/bytes/1").status, 0)


@test
def an_encrypted_key_needs_its_password():
    arguments = ["--cert", os.path.join(fixtures, "server.pem"), "--key", os.path.join(fixtures, "server-encrypted.key")]
    with Server(*arguments, "--key-password-file", path("password", b"secret\n")) as own:
        expect_equal(run("get", "--insecure", own.url + "/bytes/1").status, 0)
    expect_one_line(run("serve", "--listen", "127.0.0.1:0", *arguments, "--key-password-file", path("wrong", b"no\n")), 1)


@test
def the_own_certificate_is_kept_between_runs_and_private():
    with Server() as own:
        first = own.hash
    with Server() as own:
        expect_equal(own.hash, first)
    for name in os.listdir(state):
        expect_equal(os.stat(os.path.join(state, name)).st_mode & 0o777, 0o600, name)
    expect(len(os.listdir(state)) >= 2, "certificate and reset key")


@test
def a_damaged_own_certificate_is_replaced():
    for name in os.listdir(state):
        if name.endswith(".pem"):
            with open(os.path.join(state, name), "wb") as file:
                file.write(b"damaged")
    with Server() as own:
        expect_equal(own.get("/bytes/1").status, 0)


@test
def sighup_loads_the_certificate_again():
    both = [b"".join(open(os.path.join(fixtures, name + end), "rb").read() for end in (".pem", ".key")) for name in ("server", "p384")]
    with Server("--cert", path("changing.pem", both[0])) as own:
        path("changing.pem", both[1])
        own.signal(signal.SIGHUP)
        own.wait_for("^certificate-hash: ", count=2)
        hashes = re.findall(r"^certificate-hash: (\S+)$", own.out.decode(), re.MULTILINE)
        expect(hashes[0] != hashes[1], hashes)
        expect_equal(run("get", "--insecure", own.url + "/bytes/1").status, 0)
        path("changing.pem", b"damaged")
        own.signal(signal.SIGHUP)
        time.sleep(0.2)
        expect_equal(run("get", "--insecure", own.url + "/bytes/1").status, 0, "the old one stays")


# ---- what is kept

@test
def clicks_survive_a_restart_with_a_store():
    for expected in (1, 2):
        with Server("--store", path("clicks.db")) as own:
            result = own.wt("/clicker", "--datagram", CLICK)
            expect_equal(result.datagrams(), [b'{"status":200,"score":%d}' % expected], result)
            expect_equal(own.stop().status, 0)


@test
def clicks_are_forgotten_without_a_store():
    for _ in range(2):
        with Server() as own:
            expect_equal(own.wt("/clicker", "--datagram", CLICK).datagrams(), [b'{"status":200,"score":1}'])


@test
def a_reset_key_file_is_made_once_and_private():
    with Server("--reset-key", path("reset")):
        first = content("reset")
        expect_equal((len(first), os.stat(path("reset")).st_mode & 0o777), (32, 0o600))
    with Server("--reset-key", path("reset")):
        expect_equal(content("reset"), first)
    path("reset", b"short")
    expect_one_line(run("serve", "--listen", "127.0.0.1:0", "--reset-key", path("reset")), 1)


@test
def a_restarted_server_resets_the_connections_it_forgot():
    with Server() as own:
        command = own.start_wt("/counter")
        command.wait_for("^SessionReady")
        port = own.port
        own.signal(signal.SIGKILL)
        own.result()
        again = Command("serve", "--listen", f"127.0.0.1:{port}")
        again.wait_for("^listening: ")
        command.write(b"datagram x\n")
        result = command.result()
        again.kill()
        command.kill()
        expect_equal(result.status, 1, result)
        expect_equal([event["cause"] for event in result.events("SessionClosed")], ["stateless_reset"], result)


# ---- files

@test
def files_below_the_root_have_types_and_index_pages():
    os.makedirs(path("site/below"), exist_ok=True)
    path("site/index.html", b"<p>index")
    path("site/below/index.html", b"<p>below")
    path("site/style.css", b"p{}")
    with Server("--root", path("site")) as own:
        result = own.get("/", "/below/", "/style.css", "-w", " %{content_type}\\n")
        expect_equal(result.lines, ["<p>index text/html; charset=utf-8", "<p>below text/html; charset=utf-8", "p{} text/css; charset=utf-8"])


@test
def nothing_above_the_root_is_served():
    path("secret", b"secret")
    os.makedirs(path("site"), exist_ok=True)
    if not os.path.lexists(path("site/link")):
        os.symlink(path("secret"), path("site/link"))
    with Server("--root", path("site")) as own:
        for target in ("/../secret", "/%2e%2e/secret", "/..%2fsecret", "/link", "//" + path("secret"), "/%00", "/index.html%00x"):
            expect_equal(own.get(target, "-o", path("got"), "-w", "%{http_code}").out, b"404", target)


@test
def ranges_are_served():
    os.makedirs(path("site"), exist_ok=True)
    path("site/ten", b"0123456789")
    with Server("--root", path("site")) as own:
        for wanted, answer in (("0-0", b"0 206"), ("5-", b"56789 206"), ("-3", b"789 206"), ("2-100", b"23456789 206"),
                               ("10-", b" 416"), ("5-2", b"0123456789 200"), ("x", b"0123456789 200"), ("0-1,3-4", b"0123456789 200")):
            expect_equal(own.get("/ten", "-H", f"range: bytes={wanted}", "-w", " %{http_code}").out, answer, wanted)


@test
def without_a_root_everything_is_404_with_details():
    with Server() as own:
        result = own.get("/x", "-i")
        expect_equal(result.lines[0], "HTTP/3 404 ")
        expect(any(line.startswith("details: ") for line in result.lines), result)


# ---- transport options

@test
def retry_validates_and_goes_on():
    with Server("--retry") as own:
        expect_equal(own.get("/bytes/100000").out, bytes(100000))


@test
def an_idle_connection_ends_with_its_reason():
    with Server("--idle-timeout", "1", "--liveness", "0") as own:
        command = own.start_wt("/counter")
        command.wait_for("^SessionReady")
        result = command.result()
        command.kill()
        expect_equal(result.status, 1, result)
        expect_equal([event["cause"] for event in result.events("SessionClosed")], ["timeout"], result)


@test
def the_key_log_is_written():
    with Server("--keylog", path("server-keys")) as own:
        expect_equal(own.get("/bytes/1").status, 0)
        expect(b"SERVER_TRAFFIC_SECRET_0" in content("server-keys"), "label")


@test
def requests_finish_while_the_server_drains():
    with Server("--drain", "10") as own:
        command = Command("get", "--cert-hash", own.hash, own.url + "/bytes/30000000", "-o", path("drained"))
        while not (os.path.exists(path("drained")) and os.path.getsize(path("drained")) > 0):
            expect(command.process.poll() is None, "still running")
        expect_equal(own.stop().status, 0)
        expect_equal((command.result().status, os.path.getsize(path("drained"))), (0, 30000000))
        command.kill()


# ---- workers

@test
def four_workers_serve_a_crowd_and_count_together():
    with Server("--workers", "4", "--qlog", path("crowd-log"), "--keylog", path("crowd-keys")) as own:
        crowd = [own.start_wt("/clicker", "--datagram", CLICK) for _ in range(12)]
        scores = sorted(int(re.search(rb'"score\D*(\d+)', command.result().out).group(1)) for command in crowd)
        expect_equal(scores, list(range(1, 13)))
        for command in crowd:
            command.kill()
        expect_equal(own.stop().status, 0)
        expect_equal(own.out.decode().count("session-closed "), 12)
        numbers = {int(n) for n in re.findall(r"session-closed id=(\d+)", own.out.decode())}
        expect_equal(numbers, set(range(1, 13)))
    expect_equal(len(os.listdir(path("crowd-log"))), 12)


def fresh_certificate():
    """One that clients accept by its hash, with its key."""
    kept = os.path.join(state, "certificate.pem")
    if os.path.exists(kept):
        os.remove(kept)
    with Server():
        with open(kept, "rb") as file:
            return file.read()


@test
def sighup_reaches_every_worker():
    both = [fresh_certificate(), fresh_certificate()]
    with Server("--workers", "4", "--cert", path("shared.pem", both[0])) as own:
        path("shared.pem", both[1])
        own.signal(signal.SIGHUP)
        own.wait_for("^certificate-hash: ", count=2)
        own.hash = re.findall(r"^certificate-hash: (\S+)$", own.out.decode(), re.MULTILINE)[1]
        time.sleep(0.2)  # the others take it over a moment later
        for _ in range(8):
            expect_equal(own.get("/bytes/1").status, 0)


# ---- the page

def fetch(url):
    with urllib.request.urlopen(url, timeout=5) as response:
        return response.read(), response.headers


@test
def the_page_and_the_current_hash_are_served():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with Server("--page", f"127.0.0.1:{port}") as own:
        url = own.wait_for(r"^page: (\S+)$").group(1)
        body, headers = fetch(url + "/")
        expect(b"<html" in body and headers["content-type"].startswith("text/html"), body[:200])
        expect_equal(fetch(url + "/certificate-hash")[0].decode().strip(), own.hash)
        expect(str(own.port) in fetch(url + "/server-url")[0].decode(), "server-url")
        try:
            fetch(url + "/nothing")
            raise AssertionError("no 404")
        except urllib.error.HTTPError as error:
            expect_equal(error.code, 404)
        result = run("serve", "--listen", "127.0.0.1:0", "--page", f"127.0.0.1:{port}")
        expect_one_line(result, 1)
        expect("--page" in result.err or str(port) in result.err, result)


if __name__ == "__main__":
    main()
