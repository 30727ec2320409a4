"""Client certificates from the command line: `leat serve --client-ca` against `leat get` and `leat wt`."""
import os
import signal
import time

from harness import Server, expect, expect_equal, expect_one_line, fixtures, folder, main, run, test


def fixture(name):
    return os.path.join(fixtures, name)


CA = fixture("intermediate.pem")
GOOD = ["--client-cert", fixture("client.pem"), "--client-key", fixture("client.key")]
FOR_SERVERS = ["--client-cert", fixture("server.pem"), "--client-key", fixture("server.key")]

server = Server("--client-ca", CA)


@test
def a_client_with_a_good_certificate_is_let_in():
    result = server.get("/bytes/1000", *GOOD)
    expect_equal((result.status, result.out), (0, bytes(1000)), result.err)


@test
def a_webtransport_session_opens_with_a_certificate():
    result = run("wt", "--cert-hash", server.hash, *GOOD, server.url + "/counter", "--datagram", "four")
    expect_equal((result.status, result.datagrams()), (0, [b"4"]), result)


@test
def without_a_certificate_the_reason_is_certificate_required():
    result = server.get("/bytes/1000")
    expect_one_line(result, 1)
    expect("certificate_required" in result.err and result.out == b"", result)


@test
def a_certificate_for_another_purpose_is_unsupported_certificate():
    result = server.get("/bytes/1000", *FOR_SERVERS)
    expect_one_line(result, 1)
    expect("unsupported_certificate" in result.err, result)


@test
def a_certificate_of_another_ca_is_unknown_ca():
    with Server("--client-ca", fixture("other-root.pem")) as other:
        result = other.get("/bytes/1000", *GOOD)
        expect_one_line(result, 1)
        expect("unknown_ca" in result.err, result)


@test
def a_server_that_only_requests_serves_everybody_but_bad_ones():
    with Server("--client-ca", CA, "--client-auth", "request") as other:
        expect_equal(other.get("/bytes/10").out, bytes(10))
        expect_equal(other.get("/bytes/10", *GOOD).out, bytes(10))
        result = other.get("/bytes/10", *FOR_SERVERS)
        expect("unsupported_certificate" in result.err, result)


@test
def a_client_with_a_certificate_is_welcome_where_nobody_asks():
    with Server() as other:
        expect_equal(other.get("/bytes/10", *GOOD).out, bytes(10))


@test
def a_session_is_resumed_by_the_same_client_only():
    first = server.get("/bytes/10", "--session", "mtls.session", *GOOD)
    expect_equal(first.out, bytes(10), first.err)
    again = server.get("/bytes/10", "--session", "mtls.session", "-v", *GOOD)
    expect("session_resumed=yes" in again.err and again.out == bytes(10), again)
    nobody = server.get("/bytes/10", "--session", "mtls.session")
    expect("certificate_required" in nobody.err, nobody)


def answers_within(seconds, own, wanted):
    """Whether a client with a good certificate gets this status before the time is over."""
    end = time.monotonic() + seconds
    while own.get("/bytes/10", *GOOD).status != wanted:
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


@test
def sighup_loads_the_client_ca_again():
    def write(name):
        with open(name, "rb") as source, open(os.path.join(folder, "changing-ca.pem"), "wb") as file:
            file.write(source.read())
    write(fixture("other-root.pem"))
    with Server("--client-ca", "changing-ca.pem", "--workers", "2") as own:
        expect("unknown_ca" in own.get("/bytes/10", *GOOD).err, "another CA at first")
        write(CA)
        own.signal(signal.SIGHUP)
        expect(answers_within(5, own, 0), "the new CA is not known after 5 s")
        write(__file__)
        own.signal(signal.SIGHUP)
        time.sleep(0.3)
        expect_equal(own.get("/bytes/10", *GOOD).status, 0, "the old one stays")


@test
def wrong_options_are_one_line():
    url = server.url + "/bytes/1"
    expect_one_line(run("get", "--client-key", "x", url), 2)
    expect_one_line(run("wt", "--client-key", "x", url), 2)
    expect_one_line(run("get", "--client-cert", "missing.pem", url), 1)
    expect_one_line(run("get", "--client-cert", fixture("client.pem"), url), 1)
    expect_one_line(run("serve", "--client-auth", "require"), 2)
    expect_one_line(run("serve", "--client-ca", CA, "--client-auth", "perhaps"), 2)
    expect_one_line(run("serve", "--client-ca", "missing.pem"), 1)


if __name__ == "__main__":
    main(server)
