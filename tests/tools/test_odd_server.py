"""The clients against a server that redirects, rejects, breaks off and ends sessions itself."""
import os
import time

from harness import OddServer, expect, expect_equal, expect_one_line, main, path, run, test

server = OddServer()


# ---- redirects

@test
def a_redirect_is_only_followed_when_asked():
    expect_equal(server.get("/a/relative", "-w", " %{http_code} %{redirect_url}").out, b"not to be seen 302 ../plain")
    result = server.get("/a/relative", "-L", "-w", " %{http_code} %{num_redirects} %{url_effective}")
    expect_equal(result.out.decode(), f"plain 200 1 {server.url}/plain")


@test
def see_other_and_moved_turn_a_post_into_a_get():
    expect_equal(server.get("/see-other", "/moved", "/keep", "-L", "-d", "x").out, b"GETGETPOST")


@test
def a_circle_of_redirects_ends_after_ten():
    result = server.get("/loop", "-L")
    expect_one_line(result, 1)
    expect("10 redirects" in result.err, result)


@test
def a_redirect_away_from_https_is_refused_with_the_place():
    result = server.get("/http", "-L")
    expect_one_line(result, 1)
    expect("http://localhost/" in result.err, result)


@test
def secrets_are_not_told_to_another_host():
    def fetch(other):
        return run("get", "--insecure", f"https://a.test:{server.port}/away", "-L", "-H", "Authorization: secret",
                   "-H", f"User-Agent: {other}:{server.port}", "--resolve", f"a.test:{server.port}:127.0.0.1",
                   "--resolve", f"b.test:{server.port}:127.0.0.1")
    expect_equal(fetch("a.test").out, b"secret")
    expect_equal(fetch("b.test").out, b"none")


# ---- answers

@test
def informational_answers_are_skipped():
    result = server.get("/informational", "-i")
    expect_equal((result.status, result.lines[0], result.lines[-1]), (0, "HTTP/3 200 ", "after"), result)


@test
def a_short_body_is_incomplete():
    result = server.get("/short")
    expect_one_line(result, 1)
    expect("incomplete" in result.err, result)


@test
def an_answer_that_breaks_off_is_told_with_its_code():
    result = server.get("/broken")
    expect_one_line(result, 1)
    expect("H3_INTERNAL_ERROR" in result.err, result)


@test
def a_closed_connection_is_told_with_code_and_reason():
    result = server.get("/close")
    expect_one_line(result, 1)
    expect("H3_EXCESSIVE_LOAD" in result.err and "too much for me" in result.err, result)


@test
def an_early_answer_counts_although_the_body_was_refused():
    path("large", os.urandom(20000000))
    result = server.get("/early", "-d", "@" + path("large"))
    expect_equal((result.status, result.out), (0, b"early"), result)


@test
def silence_ends_with_max_time():
    started = time.monotonic()
    result = server.get("/silent", "/plain", "--max-time", "0.5")
    expect_one_line(result, 1)
    expect_equal(result.out, b"plain")
    expect("0 bytes" in result.err and time.monotonic() - started < 5, result)


# ---- second tries

@test
def a_rejected_request_is_sent_once_more_on_a_new_connection():
    result = server.get("/reject-once", "-v")
    expect_equal((result.status, result.out), (0, b"once"), result)
    expect_equal(result.err.count("HandshakeCompleted"), 2)


@test
def a_request_that_is_always_rejected_fails_after_two():
    result = server.get("/reject", "-v")
    expect_equal(result.status, 1, result)
    expect_equal(result.err.count("> :method: GET"), 2)


@test
def requests_that_a_goaway_leaves_out_are_sent_on_a_new_connection():
    result = server.get("/goaway", "/plain", "/plain", "-v")
    expect_equal((result.status, result.out), (0, b"goawayplainplain"), result)
    expect_equal(result.err.count("HandshakeCompleted"), 2, result)


# ---- sessions

def closed(result):
    return [(event["cause"], event["clean"]) for event in result.events("SessionClosed")]


@test
def a_session_that_the_server_closes_is_clean():
    result = server.wt("/", "--datagram", "close", "--wait", "5")
    expect_equal((result.status, closed(result)), (0, [("capsule", "yes")]), result)
    expect_equal((result.events("SessionClosed")[0]["code"], result.events("SessionClosed")[0]["reason"]), ("7", '"bye"'))


@test
def a_session_that_the_server_resets_is_not():
    result = server.wt("/", "--datagram", "reset", "--wait", "5")
    expect_equal((result.status, closed(result)), (1, [("reset", "no")]), result)


@test
def a_session_that_goes_with_its_connection_is_not_clean():
    result = server.wt("/", "--datagram", "end", "--wait", "5")
    expect_equal((result.status, closed(result)), (1, [("connection_close", "no")]), result)
    expect("gone" in result.err, result)


@test
def a_stream_that_the_server_stops_ends():
    path("large", os.urandom(5000000))
    result = server.wt("/", "--uni", path("large"), "--wait", "0.3")
    expect_equal(result.status, 0, result)
    expect_equal([event["code"] for event in result.events("StopSendingReceived")], ["5"], result)


@test
def streams_that_the_server_opens_are_printed():
    result = server.wt("/", "--datagram", "hello", "--wait", "0.5")
    expect_equal((result.status, result.stream(1)), (0, b"hello"), result)
    expect_equal([event["code"] for event in result.events("StreamReset")], ["6"], result)


@test
def protocols_are_offered_as_a_list_of_strings():
    server.wt("/", "--datagram", "close", "--protocol", 'a"b\\', "--protocol", "chat")
    server.wait_for(r'^protocols: "a\\"b\\\\", "chat"$')


if __name__ == "__main__":
    main(server)
