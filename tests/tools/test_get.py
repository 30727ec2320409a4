"""`leat get` against `leat serve`: what comes, where it goes, and how failures are told."""
import os
import socket
import subprocess
import time

from harness import (Command, Server, content, expect, expect_equal, expect_one_line, fixtures, folder, leat, main, path,
                     run, test)

server = Server("--root", folder)


# ---- options

@test
def every_wrong_option_is_one_line_and_status_two():
    for arguments in (["--nonsense"], ["-o"], [], ["http://localhost/"], ["localhost"], ["https://"], ["https://a:0/"],
                      ["https://a:65536/"], ["https://[::1/"], ["https://u@a/"], ["https://a/", "-H", "no colon"],
                      ["https://a/", "-w", "%{nonsense}"], ["https://a/", "--max-time", "soon"],
                      ["https://a/", "--cert-hash", "short"],
                      ["https://a/", "-o", "1", "-o", "2"], ["https://a/", "-O"], ["https://a/", "-I", "-d", "x"],
                      ["https://a/", "--fail=1"]):
        expect_one_line(run("get", *arguments), 2)


@test
def a_wrong_command_is_one_line_and_status_two():
    expect_one_line(run("fetch"), 2)


@test
def help_goes_to_stdout_with_status_zero():
    for command in ("get", "wt", "serve"):
        result = run(command, "--help")
        expect_equal((result.status, result.err), (0, ""))
        expect(result.out.startswith(f"usage: leat {command}".encode()), result)


@test
def every_option_of_the_contract_is_in_the_help():
    text = run("get", "--help").out.decode()
    for option in "-o -O -L -H -X -d -i -I -w --fail --cacert --insecure --cert-hash --early-data --session --max-time " \
                  "--keylog --qlog -v --progress".split():
        expect(f"  {option} " in text, option)


# ---- bodies

@test
def bytes_arrive_exactly_on_stdout():
    for count in (0, 1, 1000, 70000, 3000001):
        result = server.get(f"/bytes/{count}")
        expect_equal((result.status, result.err), (0, ""))
        expect_equal(result.out, bytes(count), f"/bytes/{count}")


@test
def a_file_arrives_exactly():
    data = os.urandom(2500000)
    path("random.bin", data)
    result = server.get("/random.bin", "-o", path("copy.bin"))
    expect_equal((result.status, result.out), (0, b""), result)
    expect(content("copy.bin") == data, "the copy differs")


@test
def an_empty_body_makes_an_empty_file():
    expect_equal(server.get("/bytes/0", "-o", path("empty")).status, 0)
    expect_equal(content("empty"), b"")


@test
def many_urls_go_to_stdout_whole_and_in_order():
    for name, size in (("a", 3000000), ("b", 10), ("c", 2000000)):
        path(name, name.encode() * size)
    result = server.get("/a", "/b", "/c", "/bytes/5")
    expect_equal(result.status, 0, result.err)
    expect(result.out == b"a" * 3000000 + b"b" * 10 + b"c" * 2000000 + bytes(5), "order or bytes differ")


@test
def many_urls_share_one_connection():
    with Server() as own:
        result = own.get(*[f"/bytes/{i}" for i in range(150)], "-w", "\\n%{size_download}")
        expect_equal(result.status, 0, result)
        sizes = [int(line.strip(b"\0")) for line in result.out.split(b"\n")[1:]]
        expect_equal(sizes, list(range(150)))
        expect_equal(own.stop().out.count(b"connection-closed"), 1)


@test
def output_files_pair_with_urls_in_order():
    result = server.get("/bytes/1", "/bytes/2", "/bytes/3", "-o", path("one"), "-o", path("two"))
    expect_equal((result.status, result.out), (0, bytes(3)), result)
    expect_equal((len(content("one")), len(content("two"))), (1, 2))


@test
def remote_names_are_taken_from_the_urls():
    os.makedirs(path("names"), exist_ok=True)
    path("named.txt", b"named")
    expect_equal(server.get("/named.txt?x=/y", "-O", cwd=path("names")).status, 0)
    expect_equal(content("names/named.txt"), b"named")


@test
def a_file_that_cannot_be_written_is_a_failure():
    result = server.get("/bytes/10", "-o", path("no/such/folder"))
    expect_one_line(result, 1)
    expect("cannot write" in result.err, result)


# ---- requests

@test
def a_posted_megabyte_comes_back_from_echo():
    data = os.urandom(1 << 20)
    path("posted", data)
    result = server.get("/echo", "-d", "@" + path("posted"))
    expect_equal(result.status, 0, result.err)
    expect(result.out == data, "the echo differs")


@test
def posted_text_and_stdin_come_back_from_echo():
    expect_equal(server.get("/echo", "-d", "a=b&c").out, b"a=b&c")
    expect_equal(server.get("/echo", "-d", "").out, b"")
    expect_equal(server.get("/echo", "-d", "@-", input=b"x" * 100000).out, b"x" * 100000)


@test
def a_missing_post_file_is_one_line_and_status_one():
    expect_one_line(server.get("/echo", "-d", "@" + path("nothing here")), 1)


@test
def head_prints_status_and_fields_only():
    result = server.get("/bytes/1234", "-I")
    expect_equal(result.status, 0, result)
    expect_equal(result.lines[0], "HTTP/3 200 ")
    expect("content-length: 1234" in result.lines, result)
    expect(result.out.endswith(b"\r\n\r\n"), result)


@test
def include_prints_the_fields_before_the_body():
    result = server.get("/bytes/3", "-i")
    head, body = result.out.split(b"\r\n\r\n")
    expect_equal(body, bytes(3))
    expect(head.startswith(b"HTTP/3 200 \r\n"), result)


@test
def another_method_is_sent_as_given():
    result = server.get("/echo", "-X", "DELETE", "-w", "%{http_code} %{method}")
    expect_equal(result.out, b"405 DELETE")


@test
def fields_of_ours_are_sent():
    path("ranged", b"0123456789")
    result = server.get("/ranged", "-H", "Range: bytes=2-4", "-w", " %{http_code}")
    expect_equal(result.out, b"234 206")


@test
def a_field_that_http3_forbids_is_refused_here():
    result = server.get("/bytes/1", "-H", "Connection: close")
    expect_one_line(result, 1)
    expect("HTTP/3" in result.err, result)


# ---- what is said afterwards

@test
def write_out_knows_curls_names():
    result = server.get("/bytes/1000", "-o", path("ignored"), "-w", "%{http_code}|%{size_download}|%{http_version}|%{url}|%{content_type}|%{num_redirects}|"
                        "%{exitcode}|%{scheme}|%%|\\t|\\n")
    expect_equal(result.out.decode(), f"200|1000|3|{server.url}/bytes/1000|application/octet-stream|0|0|https|%|\t|\n")


@test
def write_out_times_are_in_order():
    result = server.get("/bytes/100000", "-o", path("ignored"),
                        "-w", "%{time_connect} %{time_appconnect} %{time_starttransfer} %{time_total} %{speed_download}")
    connect, app, first, total, speed = map(float, result.out.split())
    expect(0 < connect <= app <= first <= total < 20 and speed > 0, result)


@test
def a_missing_file_is_no_failure_without_fail():
    result = server.get("/nothing", "-w", "%{http_code}")
    expect_equal((result.status, result.out, result.err), (0, b"404", ""))


@test
def fail_makes_an_error_status_a_failure_without_body():
    result = server.get("/nothing", "--fail", "-o", path("not-made"), "-w", "%{http_code}")
    expect_equal((result.status, result.out), (1, b"404"), result)
    expect("404" in result.err and not os.path.exists(path("not-made")), result)


@test
def one_failure_of_many_is_told_and_the_rest_comes():
    result = server.get("/bytes/2", "/nothing", "/bytes/3", "--fail")
    expect_one_line(result, 1)
    expect_equal(result.out, bytes(5))


@test
def verbose_shows_both_heads_and_no_ticket():
    result = server.get("/bytes/1", "-v")
    for part in ("> :method: GET", "< :status: 200", "* HandshakeCompleted"):
        expect(part in result.err, part)
    expect("SessionTicket data" not in result.err, "a ticket is a secret")


@test
def progress_is_silent_without_a_terminal():
    expect_equal(server.get("/bytes/100000", "-o", path("ignored"), "--progress").err, "")


@test
def progress_is_a_bar_on_a_terminal():
    master, slave = os.openpty()
    with subprocess.Popen([leat, "get", "--cert-hash", server.hash, server.url + "/bytes/100000", "-o", path("ignored"), "--progress"],
                          stderr=slave) as process:
        expect_equal(process.wait(30), 0)
    expect(b"] 100%" in os.read(master, 10000), "the full bar")
    os.close(master)
    os.close(slave)


@test
def the_key_log_has_the_secrets_of_the_connection():
    expect_equal(server.get("/bytes/1", "--keylog", path("keys")).status, 0)
    labels = {line.split()[0] for line in content("keys").splitlines()}
    expect({b"CLIENT_HANDSHAKE_TRAFFIC_SECRET", b"SERVER_HANDSHAKE_TRAFFIC_SECRET", b"CLIENT_TRAFFIC_SECRET_0",
            b"SERVER_TRAFFIC_SECRET_0"} <= labels, labels)


# ---- sessions

@test
def a_session_file_resumes_and_is_private():
    if os.path.exists(path("session")):
        os.remove(path("session"))
    first = server.get("/bytes/1", "-v", "--session", path("session"))
    expect("session_resumed=no" in first.err, first)
    expect_equal(os.stat(path("session")).st_mode & 0o777, 0o600)
    second = server.get("/bytes/1", "-v", "--session", path("session"))
    expect_equal((second.status, second.out), (0, bytes(1)), second)
    expect("session_resumed=yes" in second.err, second)


def was_retried(log):
    """Whether the client's qlog in this folder has seen a Retry: one for each datagram of its ClientHello."""
    return any(b'"packet_type":"retry"' in content(os.path.join(log, name)) for name in os.listdir(path(log)))


@test
def a_token_in_the_session_file_spares_one_retry():
    with Server("--root", folder, "--retry") as strict:
        retried, tokens = [], []
        for log in ("retry_1", "retry_2", "retry_3"):
            os.makedirs(path(log), exist_ok=True)
            result = strict.get("/bytes/1", "--session", path("tokens"), "--qlog", path(log))
            expect_equal(result.status, 0, result)
            retried.append(was_retried(log))
            tokens.append(content("tokens").split()[2])
            if log == "retry_2":  # what was spent is shown once more
                path("tokens", content("tokens").replace(tokens[1], tokens[0]))
        expect_equal(retried, [True, False, True])
        expect_equal(len(set(tokens)), 3, tokens)


@test
def a_session_file_of_nonsense_is_a_full_handshake():
    path("nonsense", b"what\n\0\xff 12\n" + server.address.encode() + b" 00ff\n")
    result = server.get("/bytes/1", "-v", "--session", path("nonsense"))
    expect_equal(result.status, 0, result)
    expect("session_resumed=no" in result.err, result)


@test
def early_data_goes_with_a_session():
    with Server("--root", folder, "--early-data") as early:
        for accepted in ("no", "yes", "yes"):
            result = early.get("/bytes/7", "-v", "--early-data", "--session", path("early"))
            expect_equal((result.status, result.out), (0, bytes(7)), result)
            expect("early_data_accepted=" + accepted in result.err, result.err)


@test
def a_request_with_a_body_waits_for_the_handshake():
    with Server("--root", folder, "--early-data") as early:
        early.get("/bytes/1", "--session", path("early_post"))
        result = early.get("/echo", "-v", "-d", "body", "--early-data", "--session", path("early_post"))
        expect_equal((result.status, result.out), (0, b"body"), result)
        expect(result.err.index("HandshakeCompleted") < result.err.index("> :method"), result.err)


@test
def rejected_early_data_is_sent_again():
    with Server("--root", folder, "--early-data") as early:
        early.get("/bytes/1", "--session", path("rejected"))
    kept = content("rejected").split(b" ", 1)[1]
    path("rejected", server.address.encode() + b" " + kept)
    result = server.get("/bytes/7", "/bytes/9", "-v", "--early-data", "--session", path("rejected"))
    expect_equal((result.status, result.out), (0, bytes(16)), result)
    expect("* EarlyDataRejected" in result.err, result.err)


@test
def an_unknown_certificate_is_refused_with_advice():
    result = run("get", server.url + "/bytes/1")
    expect_one_line(result, 1)
    expect("handshake" in result.err and "certificate" in result.err and "--cacert" in result.err, result)


@test
def insecure_accepts_it():
    expect_equal(run("get", "--insecure", server.url + "/bytes/1").out, bytes(1))


@test
def a_wrong_hash_is_refused():
    result = run("get", "--cert-hash", "A" * 43 + "=", server.url + "/bytes/1")
    expect_one_line(result, 1)
    expect("hash" in result.err, result)


def chain_server():
    with open(os.path.join(fixtures, "server.pem"), "rb") as leaf, open(os.path.join(fixtures, "intermediate.pem"), "rb") as issuer:
        path("chain.pem", leaf.read() + issuer.read())
    return Server("--cert", path("chain.pem"), "--key", os.path.join(fixtures, "server.key"))


@test
def a_chain_is_verified_up_to_the_given_root():
    with chain_server() as own:
        result = run("get", f"https://example.com:{own.port}/bytes/7", "--resolve", f"example.com:{own.port}:127.0.0.1",
                     "--cacert", os.path.join(fixtures, "root.pem"))
        expect_equal((result.status, result.out), (0, bytes(7)), result)


@test
def a_chain_to_another_root_is_refused():
    with chain_server() as own:
        result = run("get", f"https://example.com:{own.port}/bytes/7", "--resolve", f"example.com:{own.port}:127.0.0.1",
                     "--cacert", os.path.join(fixtures, "other-root.pem"))
        expect_one_line(result, 1)
        expect("certificate" in result.err, result)


@test
def a_certificate_for_another_name_is_refused():
    with chain_server() as own:
        result = run("get", f"https://wrong.example:{own.port}/bytes/7", "--resolve", f"wrong.example:{own.port}:127.0.0.1",
                     "--cacert", os.path.join(fixtures, "root.pem"))
        expect_one_line(result, 1)
        expect("wrong.example" in result.err, result)


@test
def a_missing_root_file_is_one_line_and_status_one():
    expect_one_line(run("get", "--cacert", path("nothing here"), server.url + "/"), 1)


# ---- what goes wrong on the way

@test
def a_port_without_server_is_told_in_time():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind(("127.0.0.1", 0))
        started = time.monotonic()
        result = run("get", f"https://127.0.0.1:{bound.getsockname()[1]}/", "--connect-timeout", "1")
        expect_one_line(result, 1)
        expect("cannot connect" in result.err and time.monotonic() - started < 5, result)


@test
def an_unknown_name_is_told():
    result = run("get", "https://no-such-name.invalid/")
    expect_one_line(result, 1)
    expect("no-such-name.invalid" in result.err, result)


@test
def max_time_ends_a_transfer_that_does_not():
    started = time.monotonic()
    result = server.get("/bytes/1000000000000", "-o", "/dev/null", "--max-time", "0.7")
    expect_one_line(result, 1)
    expect("--max-time" in result.err and time.monotonic() - started < 5, result)


@test
def an_incomplete_body_is_a_failure():
    with Server("--drain", "0.2") as own:
        command = Command("get", "--cert-hash", own.hash, own.url + "/bytes/1000000000000", "-o", path("part"))
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and not (os.path.exists(path("part")) and os.path.getsize(path("part")) > 100000):
            time.sleep(0.02)
        expect_equal(own.stop().status, 0)
        result = command.result()
        command.kill()
        expect_one_line(result, 1)
        expect("incomplete" in result.err, result)


@test
def two_servers_are_fetched_from_in_one_go():
    with Server() as other:
        result = run("get", "--insecure", server.url + "/bytes/100000", other.url + "/bytes/200000", server.url + "/bytes/1")
        expect_equal((result.status, result.out), (0, bytes(300001)), result.err)


if __name__ == "__main__":
    main(server)
