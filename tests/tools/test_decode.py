"""leat decode: the packets of RFC 9001 appendix A, and captures of whole connections with their key log.

The captures are written by a relay between client and server, so that nothing but Python is needed and every
datagram is seen by itself.
"""
import json
import os
import re
import select
import socket
import struct
import threading

from harness import Server, content, expect, expect_equal, expect_one_line, main, path, run, test

VECTORS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "vectors", "quic")


def vector(section, name, rfc=9001):
    """As hex, without 0x."""
    with open(os.path.join(VECTORS, f"rfc{rfc}-appendix-a.vec"), encoding="utf-8") as file:
        sections = dict(part.split("]\n", 1) for part in file.read().split("\n[")[1:])
    return re.search(rf"^{name} = 0x(\w*)$", sections[section], re.MULTILINE).group(1)


class Line:
    def __init__(self, text):
        self.depth = (len(text) - len(text.lstrip())) // 2
        self.name, self.value, self.section = re.fullmatch(
            r" *([^:\[]+?)(?:: (.*?))?(?:  \[([^\]]*)\])?", text).groups()

    def __repr__(self):
        return f"{'  ' * self.depth}{self.name}: {self.value} [{self.section}]"


def decode(*arguments, **options):
    result = run("decode", *arguments, **options)
    expect_equal(result.status, 0, result)
    return [Line(text) for text in result.lines]


def values(lines, name):
    return [line.value for line in lines if line.name == name]


def pairs(lines):
    return [(line.name, line.value) for line in lines]


def no_faults(lines):
    wrong = [line for line in lines if line.name in ("fault", "protected", "not_followed", "not_quic")]
    expect(not wrong, wrong[:5])


class Recorder:
    """Relays UDP between clients and a server, and writes what passes as a pcap file of raw IPv4."""

    def __init__(self, server, name):
        self.server, self.path = ("127.0.0.1", server.port), path(name)
        self.front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.front.bind(("127.0.0.1", 0))
        self.port = self.front.getsockname()[1]
        self.backs, self.count, self.over = {}, 0, False

    def __enter__(self):
        self.file = open(self.path, "wb")
        self.file.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 262144, 101))
        self.thread = threading.Thread(target=self._relay)
        self.thread.start()
        return self

    def __exit__(self, *ignored):
        self.over = True
        self.thread.join()
        for sock in [self.front, *self.backs.values()]:
            sock.close()
        self.file.close()

    def _write(self, source, target, data):
        udp = struct.pack(">HHHH", source, target, 8 + len(data), 0) + data
        address = socket.inet_aton("127.0.0.1")
        ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0) + address + address
        self.count += 1
        self.file.write(struct.pack("<IIII", self.count, 0, len(ip + udp), len(ip + udp)) + ip + udp)

    def _relay(self):
        clients = {}
        while True:
            ready = select.select([self.front, *self.backs.values()], [], [], 0.05)[0]
            if not ready and self.over:
                return  # what a process sent before it ended was there already
            for sock in ready:
                try:
                    data, sender = sock.recvfrom(65536)
                except OSError:
                    continue
                if sock is self.front:
                    if sender not in self.backs:
                        self.backs[sender] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                        clients[self.backs[sender]] = sender
                    self._write(sender[1], self.server[1], data)
                    self.backs[sender].sendto(data, self.server)
                else:
                    self._write(self.server[1], clients[sock][1], data)
                    self.front.sendto(data, clients[sock])


def record(name, command, target, *arguments, **options):
    """A capture of one client command and its key log; the command's result."""
    with Server() as server, Recorder(server, name + ".pcap") as recorder:
        result = run(command, f"https://127.0.0.1:{recorder.port}{target}", "--cert-hash", server.hash,
                     "--keylog", path(name + ".keys"), *arguments, **options)
    expect_equal(result.status, 0, result)
    return result


recorded = []


def capture():
    """Of one request for 30000 bytes: made once."""
    if not recorded:
        recorded.append(record("get", "get", "/bytes/30000", "-o", "out", "-H", "x-name: a value"))
    return path("get.pcap"), path("get.keys")


@test
def the_client_initial_of_rfc_9001_a2():
    lines = decode(vector("client_initial", "packet"))
    no_faults(lines)
    expect_equal([(line.name, line.value, line.section) for line in lines if line.depth == 2], [
        ("connection", "1, from the client", None),
        ("header_form", "1 (long)", "RFC 9000 §17.2"),
        ("fixed_bit", "1", "RFC 9000 §17.2"),
        ("long_packet_type", "0", "RFC 9000 §17.2.2"),
        ("reserved_bits", "0", "RFC 9000 §17.2"),
        ("packet_number_length", "4 bytes", "RFC 9000 §17.2"),
        ("version", "0x00000001", "RFC 9000 §17.2"),
        ("destination_connection_id", "0x8394c8f03e515708", "RFC 9000 §17.2"),
        ("source_connection_id", "(empty)", "RFC 9000 §17.2"),
        ("token_length", "0", "RFC 9000 §17.2.2"),
        ("token", "(empty)", "RFC 9000 §17.2.2"),
        ("length", "1182", "RFC 9000 §17.2"),
        ("packet_number", "2", "RFC 9000 §17.1"),
        ("frame", "crypto at byte 0 of the payload", "RFC 9000 §19.6"),
        ("frame", "padding at byte 245 of the payload", "RFC 9000 §19.1"),
    ])
    expect_equal(values(lines, "message"), ["client_hello"])
    expect_equal(values(lines, "host_name"), ['"example.com"'])
    expect_equal(values(lines, "cipher_suite"), ["0x1301 (TLS_AES_128_GCM_SHA256)", "0x1302 (TLS_AES_256_GCM_SHA384)"])
    expect_equal(values(lines, "max_idle_timeout"), ["30000"])
    expect_equal(values(lines, "count"), ["917 frames of one byte"])


@test
def the_server_initial_of_rfc_9001_a3():
    answer = vector("server_initial", "packet")
    for lines in (decode(vector("client_initial", "packet"), answer), decode("--dcid", "8394c8f03e515708", answer)):
        no_faults(lines)
        start = [i for i, line in enumerate(lines) if line.name == "packet"][-1]
        expect_equal([line.value for line in lines[start:] if line.depth == 2], [
            "1, from the server", "1 (long)", "1", "0", "0", "2 bytes", "0x00000001", "(empty)", "0xf067a5502a4262b5",
            "0", "(empty)", "117", "1", "ack at byte 0 of the payload", "crypto at byte 5 of the payload"])
        expect_equal(values(lines, "message")[-1], "server_hello")
        expect_equal(values(lines, "acknowledged"), ["0 to 0"])


@test
def the_retry_of_rfc_9001_a4():
    packet = vector("retry", "packet")
    lines = decode("--dcid", vector("retry", "original_dcid"), packet)
    expect_equal(pairs(lines)[-4:], [
        ("source_connection_id", "0xf067a5502a4262b5"), ("retry_token", "0x746f6b656e"),
        ("retry_integrity_tag", "0x" + packet[-32:]), ("retry_integrity", "valid")])
    expect_equal(pairs(decode("--dcid", "8394c8f03e515709", packet))[-1], ("retry_integrity", "not valid"))


@test
def the_packets_of_version_2_of_rfc_9369():
    client, server = (vector(f"{side}_initial", "packet", 9369) for side in ("client", "server"))
    lines = decode(client, server)
    no_faults(lines)
    expect_equal([line.value for line in lines if line.name == "version" and line.depth == 2], ["0x6b3343cf"] * 2)
    expect_equal(values(lines, "long_packet_type"), ["1", "1"])
    expect_equal(values(lines, "message"), ["client_hello", "server_hello"])
    lines = decode("--dcid", vector("retry", "original_dcid", 9369), vector("retry", "packet", 9369))
    expect_equal(pairs(lines)[-1], ("retry_integrity", "valid"))


@test
def a_connection_that_changes_its_version_is_followed():
    """The client's Initial of version 1 in one datagram, and one of version 2 behind it."""
    lines = decode(vector("client_initial", "packet"), vector("server_initial", "packet", 9369))
    no_faults(lines)
    expect_equal([line.value for line in lines if line.name == "version" and line.depth == 2], ["0x00000001", "0x6b3343cf"])
    expect_equal(values(lines, "message"), ["client_hello", "server_hello"])


@test
def the_chacha20_packet_of_rfc_9001_a5():
    lines = decode("--secret", vector("chacha20_short_header", "secret"), "--cipher-suite", "chacha20",
                   "--largest", "654360563", vector("chacha20_short_header", "packet"))
    expect_equal(pairs(lines)[2:], [
        ("connection", "1, from the client"), ("header_form", "0 (short)"), ("fixed_bit", "1"), ("spin_bit", "0"),
        ("reserved_bits", "0"), ("key_phase", "0"), ("packet_number_length", "3 bytes"),
        ("destination_connection_id", "(empty)"), ("packet_number", "654360564"),
        ("frame", "ping at byte 0 of the payload"), ("type", "0x01")])


@test
def hex_files_hold_datagrams_between_empty_lines():
    first, second = vector("client_initial", "packet"), vector("server_initial", "packet")
    spaced = "\n".join(" ".join(re.findall("..", first[i:i + 64])) for i in range(0, len(first), 64))
    text = (spaced + "\n\n" + second + "\n").encode()
    expected = pairs(decode(first, second))
    expect_equal(pairs(decode(path("packets.hex", text))), expected)
    expect_equal(pairs(decode("-", input=text)), expected)


@test
def json_holds_the_same():
    packet = vector("client_initial", "packet")
    objects = [json.loads(text) for text in run("decode", "--json", packet).lines]
    lines = decode(packet)
    expect_equal([(o["depth"], o["name"], o["value"], o.get("section")) for o in objects],
                 [(line.depth, line.name, line.value, line.section) for line in lines])


@test
def every_frame_of_a_captured_connection_is_shown():
    file, keys = capture()
    lines = decode("--keylog", keys, file)
    no_faults(lines)
    expect_equal(set(values(lines, "connection")), {"1, from the client", "1, from the server"})
    expect_equal({value.split()[0] for value in values(lines, "packet")}, {"initial", "handshake", "1RTT"})
    frames = {value.split()[0] for value in values(lines, "frame")}
    expect(frames >= {"crypto", "ack", "stream", "handshake_done", "new_connection_id", "connection_close"}, frames)
    # RFC 8879: compressed where leat was built with zlib, and shown like a plain one.
    messages = [v.replace("compressed_", "") for v in values(lines, "message") if v != "new_session_ticket"]
    expect_equal(len(values(lines, "cert_data")), 1)
    expect_equal(messages, [
        "client_hello", "server_hello", "encrypted_extensions", "certificate", "certificate_verify",
        "finished", "finished"])
    expect_equal(sorted(v for v in values(lines, "stream_type")), sorted(2 * [
        "0x00 (control)", "0x02 (QPACK encoder)", "0x03 (QPACK decoder)"]))
    fields = values(lines, "field")
    for field in ('":method" = "GET"', '":path" = "/bytes/30000"', '":status" = "200"', '"x-name" = "a value"'):
        expect(field in fields, (field, fields))
    data = [int(re.match(r"(\d+) bytes", line.value).group(1)) for line in lines if line.name == "data"]
    expect_equal(sum(data), 30000)
    expect("0xc671706a" not in values(lines, "MAX_FIELD_SECTION_SIZE"), "a setting by its name")
    expect_equal(len(values(lines, "QPACK_MAX_TABLE_CAPACITY")), 2)


@test
def all_lines_of_the_protocols_have_a_section():
    file, keys = capture()
    without = {line.name for line in decode("--keylog", keys, file) if line.section is None}
    expect_equal(without, {"datagram", "connection", "sha256"})


@test
def webtransport_is_taken_apart():
    record("wt", "wt", "/echo", "--datagram", "abc", "--uni", path("up", b"upwards"), "--bidi", path("two", b"both ways"),
           "--close", "7:bye")
    lines = decode("--keylog", path("wt.keys"), path("wt.pcap"))
    no_faults(lines)
    expect('":protocol" = "webtransport"' in values(lines, "field"), values(lines, "field"))
    expect_equal(values(lines, "http_datagram_payload"), 2 * ['3 bytes "abc"'])
    expect_equal(values(lines, "quarter_stream_id"), 2 * ["0 (stream 0)"])
    # A bidirectional stream names its session in one direction only, unidirectional ones in theirs.
    expect_equal(values(lines, "session_id"), 3 * ["0"])
    sent = values(lines, "application_data")
    expect_equal((sent.count('7 bytes "upwards"'), sent.count('9 bytes "both ways"')), (2, 2), sent)
    expect("CLOSE_WEBTRANSPORT_SESSION (0x2843), length 7" in values(lines, "capsule"), values(lines, "capsule"))
    expect_equal(values(lines, "application_error_message")[0], '"bye"')


@test
def a_retry_changes_the_initial_keys():
    with Server("--retry") as server, Recorder(server, "retry.pcap") as recorder:
        result = run("get", f"https://127.0.0.1:{recorder.port}/bytes/10", "--cert-hash", server.hash,
                     "--keylog", path("retry.keys"))
    expect_equal(result.status, 0, result)
    lines = decode("--keylog", path("retry.keys"), path("retry.pcap"))
    no_faults(lines)
    # A ClientHello of two datagrams is answered by a Retry for each.
    expect_equal(set(values(lines, "retry_integrity")), {"valid"})
    expect_equal(set(values(lines, "connection")), {"1, from the client", "1, from the server"})


@test
def a_second_connection_resumes_the_first():
    options = ["--keylog", path("resumed.keys"), "--session", path("session")]
    with Server() as server, Recorder(server, "resumed.pcap") as recorder:
        for _ in range(2):
            result = run("get", f"https://127.0.0.1:{recorder.port}/bytes/10", "--cert-hash", server.hash, *options)
            expect_equal(result.status, 0, result)
    lines = decode("--keylog", path("resumed.keys"), path("resumed.pcap"))
    no_faults(lines)
    expect_equal(len(values(lines, "certificate_request_context")), 1)
    expect_equal(values(lines, "selected_identity"), ["0"])
    expect_equal(values(lines, "field").count('":path" = "/bytes/10"'), 2)
    expect_equal(set(values(lines, "connection")),
                 {f"{number}, from the {side}" for number in (1, 2) for side in ("client", "server")})


@test
def without_a_key_log_it_says_what_is_missing():
    file, _ = capture()
    lines = decode(file)
    expect({"client_hello", "server_hello"} == set(values(lines, "message")), values(lines, "message"))
    reasons = {value.split(": ", 1)[1] for value in values(lines, "protected")}
    expect_equal(reasons, {"no key log was given"})


@test
def a_key_log_of_another_connection_opens_nothing():
    file, keys = capture()
    with open(keys, encoding="ascii") as log:
        text = log.read()
    random = text.split()[1]
    other = path("other.keys", text.replace(random, "ab" * 32).encode())
    reasons = {value.split(": ", 1)[1] for value in values(decode("--keylog", other, file), "protected")}
    expect_equal(reasons, {"the key log has no line for this connection and encryption level"})
    swapped = re.sub(r"(\S+) (\S+) (\S+)", lambda m: f"{m[1]} {m[2]} {m[3][::-1]}", text)
    lines = decode("--keylog", path("swapped.keys", swapped.encode()), file)
    expect_equal({value.split(": ", 1)[1].split(":")[0] for value in values(lines, "protected")},
                 {"it does not authenticate"})


@test
def a_capture_that_is_cut_shows_what_there_is():
    file, keys = capture()
    whole = content("get.pcap")
    for length in (25, 40, 60, 100, 1300, len(whole) // 2, len(whole) - 3):
        result = run("decode", "--keylog", keys, path("cut.pcap", whole[:length]))
        expect(result.status in (0, 1) and result.err.count("\n") == result.status, result)
    expect_one_line(run("decode", path("short.pcap", whole[:10])), 1)


@test
def a_capture_without_its_beginning_is_not_decrypted():
    file, keys = capture()
    whole = content("get.pcap")
    position = 24
    for _ in range(8):
        position += 16 + struct.unpack_from("<I", whole, position + 8)[0]
    lines = decode("--keylog", keys, path("late.pcap", whole[:24] + whole[position:]))
    reasons = {value.split(": ", 1)[1] for value in values(lines, "protected")}
    expect("it belongs to no connection whose beginning was seen" in reasons, reasons)


@test
def damaged_packets_are_told_apart():
    packet = vector("client_initial", "packet")
    lines = decode(packet[:-2] + "00")
    expect("does not authenticate" in values(lines, "protected")[0], lines)
    expect_equal(values(decode(packet[:200]), "not_quic"), ["at byte 0: length"])
    expect_equal(values(decode("40"), "packet"), ["1RTT at byte 0, 1 bytes"])
    lines = decode("80 00000000 00 02 abcd 00000001 6b3343cf")
    expect_equal(values(lines, "supported_version"), ["0x00000001", "0x6b3343cf"])


@test
def wrong_arguments_are_one_line():
    for arguments in ([], ["zz"], ["abc"], ["--secret", "ab", "40"], ["--cid-length", "21", "40"],
                      ["--dcid", "xx", "40"], ["--secret", "ab" * 32, "--cipher-suite", "des", "40"]):
        expect_one_line(run("decode", *arguments), 2)
    expect_one_line(run("decode", path("empty", b"")), 1)
    expect_one_line(run("decode", path("text", b"hello")), 1)
    expect_one_line(run("decode", "--keylog", path("none"), "40"), 1)


main()
