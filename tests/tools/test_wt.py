"""`leat wt` against the three WebTransport paths of `leat serve`, to the byte, and every ending on both sides."""
import json
import os
import signal
import time

from harness import Server, expect, expect_equal, expect_one_line, main, path, run, test

server = Server("--max-sessions", "50")
BAD = b'{"status":400}'


def click(user):
    return json.dumps({"type": "increment", "username": user}).encode()


def score(number):
    return b'{"status":200,"score":%d}' % number


def bidi(target, data, *arguments):
    """What comes back on a bidirectional stream for these bytes."""
    path("sent", data)
    result = server.wt(target, "--bidi", path("sent"), *arguments)
    expect_equal(result.status, 0, result)
    return result.stream(4)


def uni(target, data):
    """What comes back on the server's unidirectional stream."""
    path("sent", data)
    result = server.wt(target, "--uni", path("sent"))
    expect_equal(result.status, 0, result)
    return uni_answer(result)


def uni_answer(result):
    opened = [int(event["stream_id"]) for event in result.events("StreamOpened")]
    expect_equal(len(opened), 1, result)
    expect_equal(opened[0] % 4, 3, "the answer is a unidirectional stream of the server")
    expect(any(e["end_stream"] in ("1", "yes", "true") for e in result.events("StreamDataReceived")), result)
    return result.stream(opened[0])


def pieces(target, parts, kind="--bidi"):
    """The answer to bytes that are written in parts, each in packets of its own."""
    command = server.start_wt(target, kind, "-")
    command.wait_for("^SessionReady")
    for part in parts:
        command.write(part)
        time.sleep(0.03)
    command.end_input()
    result = command.result()
    command.kill()
    expect_equal(result.status, 0, result)
    return result.stream(4) if kind == "--bidi" else uni_answer(result)


# ---- options

@test
def every_wrong_option_is_one_line_and_status_two():
    for arguments in (["--nonsense"], [], ["http://a/"], ["https://a/", "https://b/"], ["https://a/", "--close", "x"],
                      ["https://a/", "--close", "4294967296:x"], ["https://a/", "--close", "1;x"],
                      ["https://a/", "--close", "1:" + "x" * 1025], ["https://a/", "--protocol", "\u00e4"],
                      ["https://a/", "--wait", "soon"], ["https://a/", "--cert-hash", "x"],
                      ["https://a/", "--datagram"]):
        expect_one_line(run("wt", *arguments), 2)


@test
def every_option_of_the_contract_is_in_the_help():
    text = run("wt", "--help").out.decode()
    for option in "--cert-hash --insecure --datagram --uni --bidi --protocol --close --wait".split():
        expect(f"  {option} " in text, option)


@test
def a_missing_file_is_one_line_and_status_one():
    expect_one_line(server.wt("/echo", "--bidi", path("nothing here")), 1)


# ---- /counter

@test
def counter_answers_a_datagram_with_its_length():
    result = server.wt("/counter", "--datagram", "hello", "--datagram", "", "--datagram", "\u00e4")
    expect_equal((result.status, sorted(result.datagrams())), (0, [b"0", b"2", b"5"]), result)


@test
def counter_answers_a_bidirectional_stream_with_its_length():
    expect_equal(bidi("/counter", b"x" * 12345), b"12345")
    expect_equal(bidi("/counter", b""), b"0")


@test
def counter_answers_a_unidirectional_stream_on_a_new_one():
    expect_equal(uni("/counter", b"x" * 70001), b"70001")
    expect_equal(uni("/counter", b""), b"0")


@test
def counter_counts_megabytes_with_bounded_memory():
    expect_equal(bidi("/counter", bytes(20000000)), b"20000000")


# ---- /echo

@test
def echo_gives_back_what_it_gets():
    data = os.urandom(600000)
    expect(bidi("/echo", data) == data, "bidirectional")
    expect(uni("/echo", data) == data, "unidirectional")
    result = server.wt("/echo", "--datagram", "\"\\ \u00fc")
    expect_equal(result.datagrams(), ["\"\\ \u00fc".encode()], result)


@test
def echo_keeps_many_streams_apart():
    names = []
    for i in range(30):
        names += ["--bidi", path(f"many{i}", b"%d" % i * 1000)]
    result = server.wt("/echo", *names)
    expect_equal(result.status, 0, result.err)
    for i in range(30):
        expect_equal(result.stream(4 + 4 * i), b"%d" % i * 1000)


@test
def echo_answers_more_streams_than_are_allowed_at_once():
    names = []
    for i in range(150):
        names += ["--uni", path("small", b"small")]
    result = server.wt("/echo", *names)
    expect_equal(result.status, 0, result.err)
    expect_equal(len(result.events("StreamOpened")), 150)


# ---- /clicker

@test
def a_click_is_counted_per_user_on_every_channel():
    result = server.wt("/clicker", "--datagram", click("ada").decode())
    expect_equal(result.datagrams(), [score(1)], result)
    expect_equal(bidi("/clicker", click("ada")), score(2))
    expect_equal(uni("/clicker", click("ada")), score(3))
    expect_equal(bidi("/clicker", click("bob")), score(1))


@test
def several_messages_in_one_write_are_answered_in_order():
    expect_equal(bidi("/clicker", click("cy") * 2 + b" \r\n\t" + click("cy")), score(1) + score(2) + score(3))


@test
def a_message_may_be_cut_anywhere():
    message = click("dot")
    expect_equal(pieces("/clicker", [message[i:i + 1] for i in range(len(message))]), score(1))
    expect_equal(pieces("/clicker", [message[:7], message[7:] + message[:30], message[30:]], "--uni"), score(2) + score(3))


@test
def an_answer_comes_before_the_stream_ends():
    command = server.start_wt("/clicker", "--bidi", "-")
    command.wait_for("^SessionReady")
    command.write(click("eve"))
    command.wait_for(r'^StreamDataReceived .*score\\":1')
    command.write(click("eve"))
    command.wait_for(r'^StreamDataReceived .*score\\":2')
    command.end_input()
    expect_equal(command.result().status, 0)
    command.kill()


@test
def what_is_no_click_is_answered_with_400():
    cases = [b'{"type":"decrement","username":"x"}', b'{"type":"increment"}', b'{"username":"x"}', b'{}',
             b'{"type":"increment","username":7}', b'{"type":"increment","username":""}', b'{"type":7,"username":"x"}',
             click("u" * 65), b'{"type":"increment","username":"\\u00e4%s"}' % (b"u" * 63)]
    for case in cases:
        expect_equal(bidi("/clicker", case), BAD, case)
        expect_equal(server.wt("/clicker", "--datagram", case.decode()).datagrams(), [BAD], case)


@test
def the_longest_user_name_has_64_bytes():
    expect_equal(bidi("/clicker", click("u" * 64)), score(1))
    expect_equal(bidi("/clicker", '{"type":"increment","username":"%s"}'.encode() % ("\u00e4" * 32).encode()), score(1))


@test
def bytes_that_are_no_json_object_are_answered_with_400_once():
    for case in (b"hello", b"[1]", b"7", b'"x"', b"null", b"{]", b'{"a" 1}', b'{"type":"increment","username":"\xff"}'):
        expect_equal(bidi("/clicker", case), BAD, case)


@test
def the_stream_stays_open_after_a_400():
    expect_equal(pieces("/clicker", [b"nonsense", click("fay")]), BAD + score(1))
    expect_equal(pieces("/clicker", [b'{"type":x', click("fay")]), BAD + score(2))


@test
def a_message_of_4096_bytes_is_the_longest():
    def of(length):
        return click("gus")[:-1] + b" " * (length - len(click("gus"))) + b"}"
    expect_equal(bidi("/clicker", of(4096)), score(1))
    expect_equal(bidi("/clicker", of(4097)), BAD)
    expect_equal(bidi("/clicker", of(100000)), BAD)


@test
def a_click_after_a_message_that_was_too_long_counts():
    expect_equal(pieces("/clicker", [b'{"type":"' + b"x" * 5000, b"x" * 5000, click("hal")]), BAD + score(1))


@test
def an_unfinished_message_at_the_end_is_answered_and_ended():
    expect_equal(bidi("/clicker", click("ian")[:-1]), BAD)
    expect_equal(bidi("/clicker", b""), b"")
    expect_equal(bidi("/clicker", b"  \n"), b"")


@test
def an_empty_datagram_is_400():
    expect_equal(server.wt("/clicker", "--datagram", "").datagrams(), [BAD])


@test
def two_messages_in_one_datagram_are_400():
    expect_equal(server.wt("/clicker", "--datagram", (click("kim") * 2).decode()).datagrams(), [BAD])


# ---- who is let in

def refused(result, status):
    expect_equal(result.status, 1, result)
    expect_equal([event["status"] for event in result.events("SessionRefused")], [str(status)], result)
    closed = result.events("SessionClosed")
    expect_equal([event["cause"] for event in closed], ["connect_failed"], result)
    expect(str(status) in result.err and result.err.count("\n") == 1, result)


@test
def an_unknown_path_is_refused_with_404_and_a_reason():
    result = server.wt("/nothing")
    refused(result, 404)
    expect("/counter" in result.err, "the details field is told")


@test
def a_query_does_not_change_the_path():
    expect_equal(server.wt("/counter?user=ada%20l", "--datagram", "x").datagrams(), [b"1"])
    server.wait_for(r'^session-closed .* path=/counter user="ada l" ')


@test
def another_origin_is_refused_with_403():
    with Server("--origin", "https://good.example") as own:
        refused(own.wt("/counter", "--origin", "https://bad.example"), 403)
        refused(own.wt("/counter"), 403)
        expect_equal(own.wt("/counter", "--origin", "https://good.example", "--datagram", "x").status, 0)


@test
def one_session_too_many_is_refused_with_429():
    with Server("--max-sessions", "1") as own:
        first = own.start_wt("/counter")
        first.wait_for("^SessionReady")
        refused(own.wt("/counter", "--datagram", "x"), 429)
        first.end_input()
        expect_equal(first.result().status, 0)
        own.wait_for("^session-closed .*cause=capsule")
        expect_equal(own.wt("/counter", "--datagram", "x").status, 0)
        first.kill()


# ---- endings

@test
def a_close_reaches_the_server_with_code_and_reason():
    with Server() as own:
        result = own.wt("/counter", "--datagram", "x", "--close", "7:bye")
        expect_equal(result.status, 0, result)
        line = own.wait_for("^session-closed .*$").group(0)
        expect_equal(line, 'session-closed id=1 path=/counter user="" origin=- cause=capsule code=7 reason="bye" clean=yes')
        line = own.wait_for("^connection-closed .*$").group(0)
        expect_equal(line, 'connection-closed source=peer_application code=256 reason=""')
        closed = result.events("SessionClosed")
        expect_equal([(e["cause"], e["code"], e["reason"]) for e in closed], [("local", "7", '"bye"')], result)


@test
def the_last_two_lines_are_the_end_of_session_and_connection():
    result = server.wt("/counter", "--datagram", "x")
    expect_equal([line.split()[0] for line in result.lines],
                 ["SessionReady", "DatagramReceived", "SessionClosed", "ConnectionTerminated"], result)


@test
def reasons_are_escaped_and_codes_go_up_to_the_largest():
    with Server() as own:
        own.wt("/counter", "--datagram", "x", "--close", '4294967295:say "\u00e4"\n')
        own.wait_for(r'^session-closed .*code=4294967295 reason="say \\"\u00e4\\"\\n" clean=yes$')


@test
def the_server_is_told_when_its_client_is_killed():
    with Server("--liveness", "1") as own:
        command = own.start_wt("/counter")
        command.wait_for("^SessionReady")
        started = time.monotonic()
        command.signal(signal.SIGKILL)
        own.wait_for("^session-closed .*cause=timeout .*clean=no$")
        own.wait_for("^connection-closed source=liveness_timeout")
        expect(time.monotonic() - started < 4, "in time")
        command.kill()


@test
def an_interrupted_client_closes_in_order():
    for number in (signal.SIGINT, signal.SIGTERM):
        with Server() as own:
            command = own.start_wt("/counter")
            command.wait_for("^SessionReady")
            command.signal(number)
            expect_equal(command.result().status, 0)
            own.wait_for("^session-closed .*cause=capsule code=0")
            command.kill()


@test
def a_server_that_stops_drains_and_closes_its_sessions():
    with Server("--drain", "0.3") as own:
        command = own.start_wt("/counter")
        command.wait_for("^SessionReady")
        stopped = own.stop()
        expect_equal(stopped.status, 0, stopped)
        result = command.result()
        command.kill()
        expect_equal(result.status, 0, result)
        expect_equal(len(result.events("SessionDraining")) >= 1, True, result)
        closed = result.events("SessionClosed")
        expect_equal([(e["cause"], e["code"], e["reason"], e["clean"]) for e in closed],
                     [("capsule", "0", '"server shutdown"', "yes")], result)
        expect("cause=local" in stopped.out.decode() and "clean=yes" in stopped.out.decode(), stopped)


@test
def a_second_signal_ends_the_server_at_once():
    with Server("--drain", "30") as own:
        command = own.start_wt("/counter")
        command.wait_for("^SessionReady")
        own.signal(signal.SIGTERM)
        command.wait_for("^SessionDraining")
        started = time.monotonic()
        own.signal(signal.SIGTERM)
        own.result()
        expect(time.monotonic() - started < 3, "at once")
        command.kill()


@test
def a_server_that_is_not_there_is_told_with_status_one():
    result = run("wt", "https://127.0.0.1:1/counter", "--connect-timeout", "0.5")
    expect_equal(result.status, 1, result)
    expect("cannot connect" in result.err, result)


@test
def an_unknown_certificate_is_refused():
    result = run("wt", server.url + "/counter", "--datagram", "x")
    expect_equal(result.status, 1, result)
    expect("certificate" in result.err, result)


@test
def a_datagram_without_answer_is_waited_for_as_long_as_asked():
    started = time.monotonic()
    result = server.wt("/echo", "--datagram", "x" * 3000, "--wait", "0.2")
    expect_equal(result.status, 1, result)
    expect("fit" in result.err and time.monotonic() - started < 5, result)


# ---- typing

@test
def typed_lines_are_sent_and_control_d_ends():
    result = server.wt("/counter", input=b"datagram hello\nbidi abc\nuni abcdef\nnonsense\n")
    expect_equal(result.status, 0, result)
    expect_equal(result.datagrams(), [b"5"], result)
    expect_equal(result.stream(4), b"3", result)
    expect_equal(uni_answer(result), b"6")
    expect("Ctrl-D" in result.err, "other lines print help")


@test
def a_typed_close_ends_with_its_code():
    with Server() as own:
        command = own.start_wt("/counter")
        command.wait_for("^SessionReady")
        command.write(b"close 9 so long\n")
        expect_equal(command.result().status, 0)
        own.wait_for('^session-closed .*code=9 reason="so long" clean=yes$')
        command.kill()


@test
def offered_protocols_do_no_harm():
    expect_equal(server.wt("/counter", "--datagram", "x", "--protocol", 'a"b', "--protocol", "c").status, 0)


if __name__ == "__main__":
    main(server)
