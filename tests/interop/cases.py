"""The cases of the QUIC interop runner: files, link, and what has to be seen in the captures for a case to have passed."""
from dataclasses import dataclass, field

from link import Outage
from trace import HANDSHAKE, INITIAL, NEGOTIATION, ONE_RTT, RETRY, VERSION_1, VERSION_2, ZERO_RTT

KB, MB = 1024, 1024 * 1024


class Failure(Exception):
    pass


def expect(condition, text):
    if not condition:
        raise Failure(text)


@dataclass
class Seen:
    """What a run left: captures at both ends (Trace), and how fast it was."""
    client: object
    server: object


# ---- what must have been seen; each one is given Seen

def no_retry(seen):
    expect(not seen.server.of_kind("server", RETRY), "a Retry was sent")


def two_client_hellos(seen):
    offsets = seen.client.field("client", "quic.crypto.offset", "quic.long.packet_type == 0")
    expect(offsets.count("0") >= 2, f"{offsets.count('0')} ClientHello instead of at least 2")


def only_chacha20(seen):
    suites = set(seen.client.field("client", "tls.handshake.ciphersuite"))
    expect(suites and all(int(suite, 0) == 0x1303 for suite in suites), f"the client offered {sorted(suites)}")


def stream_limit(seen):
    limits = seen.client.field("server", "tls.quic.parameter.initial_max_streams_bidi")
    expect(limits, "no limit on streams was seen")
    expect(all(int(limit) <= 1000 for limit in limits), f"the server lets {limits} streams be opened at once")


def retry_is_answered(seen):
    tokens = set(seen.client.field("server", "quic.retry_token"))
    expect(tokens, "no Retry was seen")
    highest = -1
    for numbers, found in seen.client.fields("client", ["quic.packet_number", "quic.token"], "quic.long.packet_type == 0"):
        if not found:
            highest = max(highest, *map(int, numbers))
        else:
            expect(int(numbers[0]) > highest, f"packet number {numbers[0]} came again after the Retry")
            if tokens & set(found):
                return
    raise Failure("no Initial carries a Retry's token")


def no_second_certificate(seen):
    handshakes = []
    for ids, certificates in seen.client.fields("server", ["quic.scid", "tls.handshake.certificates_length"], "quic.scid"):
        if ids[0] not in [one for one, _ in handshakes]:
            handshakes.append((ids[0], []))
        dict(handshakes)[ids[0]].extend(certificates)
    expect(len(handshakes) == 2, f"{len(handshakes)} handshakes were decrypted")
    expect(handshakes[0][1], "no Certificate in the first handshake")
    expect(not handshakes[1][1], "a Certificate in the second handshake")


def early_data(seen):
    early = sum(len(one.packet.payload) for one in seen.client.of_kind("client", ZERO_RTT))
    late = {one.datagram: len(one.packet.payload) for one in seen.client.of_kind("client", ONE_RTT)}
    expect(early > 0, "no 0-RTT packet")
    lengths = seen.client.field("client", "quic.protected_payload", "quic.header_form == 0")
    late = sum(len(payload.replace(":", "")) // 2 for payload in lengths) if lengths else sum(late.values())
    expect(late <= 5000, f"{late} bytes in 1-RTT packets of the client")


def both_phases(seen):
    for role, trace in (("client", seen.client), ("server", seen.server)):
        phases = trace.field(role, "quic.key_phase")
        expect("1" in phases or "True" in phases, f"the {role} sent no packet of key phase 1")


def ecn_marks(trace, role):
    marks = set()
    for one in trace.packets(role):
        data = one.packet.data
        marks.add((data[1] >> 4 if one.packet.is_v6 else data[1]) & 3)
    return marks


def ecn_is_used(seen):
    for role, trace in (("client", seen.client), ("server", seen.server)):
        marks = ecn_marks(trace, role)
        expect(marks & {1, 2}, f"the {role} marked no packet")
        expect(3 not in marks, f"the {role} sent CE")
        expect(trace.field(role, "quic.ack.ect0_count"), f"the {role} sent no ACK with ECN counts")


def amplification_is_limited(seen):
    ends = [int(offset) + int(length)
            for offsets, lengths in seen.server.fields("server", ["quic.crypto.offset", "quic.crypto.length"], "quic.crypto.offset")
            for offset, length in zip(offsets, lengths)]
    expect(ends and max(ends) >= 7500, f"the server's chain has only {max(ends, default=0)} bytes")
    # The runner lets up to four times pass.
    allowed, last = 0, -1
    steps = sorted((one for role in ("client", "server") for one in seen.server.packets(role)), key=lambda one: one.datagram)
    for one in steps:
        expect(one.kind != NEGOTIATION, "a Version Negotiation packet")
        is_client = one.packet.destination[1] in seen.server.ports
        if is_client and one.kind == HANDSHAKE:
            return
        if one.datagram == last:
            continue
        last = one.datagram
        allowed += 4 * len(one.packet.payload) if is_client else -len(one.packet.payload)
        expect(allowed > 0, f"the server sent {-allowed} bytes too many to an unvalidated address")
    raise Failure("the client sent no Handshake packet")


def paths_are_validated(seen):
    """The runner wants the first PATH_CHALLENGE of each path to be answered; here one that the queue dropped may be repeated."""
    first, challenges = None, {}
    names = ["ip.dst", "ipv6.dst", "udp.srcport", "udp.dstport", "quic.path_challenge.data"]
    for *ends, data in seen.server.fields("server", names):
        path = tuple(sum(ends, []))
        first = path if first is None else first
        if path != first and path not in challenges:
            expect(data, f"the server's first packet to {path} has no PATH_CHALLENGE")
        challenges.setdefault(path, set()).update(data)
    expect(len(challenges) > 1, "the server saw one path only")
    answers = set(seen.client.field("client", "quic.path_response.data"))
    missing = [path for path, sent in challenges.items() if path != first and not sent & answers]
    expect(not missing, f"no PATH_CHALLENGE was answered on {missing}")


def two_addresses(seen):
    addresses = {one.packet.destination[0] for one in seen.server.packets("server")}
    expect(len(addresses) > 1, "the server saw one address of the client only")


def new_ids_on_new_paths(seen):
    current, known, used = None, set(), None
    for *ends, ids in seen.client.fields("client", ["ip.dst", "ipv6.dst", "udp.srcport", "udp.dstport", "quic.dcid"]):
        path = tuple(sum(ends, []))
        if current is not None and path != current and path not in known:
            expect(ids != used, f"the client's first packet on {path} has the old connection ID")
        known.add(path)
        current, used = path, ids
    expect(len(known) > 1, "the client used one path only")


def only_ipv6(seen):
    expect(all(one.packet.is_v6 for one in seen.server.packets("server")), "the server sent IPv4 packets")


def versions(trace, role, kind):
    return {one.version for one in trace.of_kind(role, kind)}


def version_2(seen):
    expect(VERSION_1 in versions(seen.client, "client", INITIAL), "the client's Initial is not of version 1")
    expect(VERSION_2 in versions(seen.server, "server", INITIAL), "the server sent no Initial of version 2")
    for role, trace in (("client", seen.client), ("server", seen.server)):
        found = versions(trace, role, HANDSHAKE)
        expect(found == {VERSION_2}, f"Handshake packets of the {role} have the versions {sorted(found)}")


# ---- the table

@dataclass
class Case:
    name: str
    letter: str
    sizes: list
    client: str = "transfer"      # TESTCASE of the client
    server: str = "transfer"
    handshakes: int = 1
    limit: int = 60
    checks: tuple = ()            # functions above
    up: dict = field(default_factory=dict)    # of Link, for both directions unless down is given
    down: dict = None
    rebinding: dict = None        # of Rebinding
    chain: int = 1                # certificates of the server below the authority
    name_length: int = 10
    is_version_1: bool = True     # every Initial of the server
    is_v6: bool = False
    has_rival: bool = False       # a TCP connection over the same link
    is_measured: bool = False
    needs_namespaces: bool = False
    is_leats: bool = False        # the runner has no such case: only leat's client knows it


REBINDING = {"first": 1, "period": 5}

CASES = [
    Case("handshake", "H", [KB], "handshake", "handshake", checks=(no_retry,)),
    Case("transfer", "DC", [2 * MB, 3 * MB, 5 * MB]),
    Case("longrtt", "LR", [KB], "handshake", "handshake", up={"delay": 0.75}, checks=(no_retry, two_client_hellos)),
    Case("chacha20", "C20", [3 * MB], "chacha20", "chacha20", checks=(only_chacha20,)),
    Case("multiplexing", "M", [32] * 1999, checks=(stream_limit,)),
    Case("retry", "S", [10 * KB], "retry", "retry", checks=(retry_is_answered,)),
    Case("resumption", "R", [5 * KB, 10 * KB], "resumption", "resumption", handshakes=2, checks=(no_second_certificate,)),
    Case("zerortt", "Z", [32] * 40, "zerortt", "zerortt", handshakes=2, name_length=250, checks=(early_data,)),
    Case("http3", "3", [5 * KB, 10 * KB, 500 * KB], "http3", "http3"),
    Case("blackhole", "B", [10 * MB], up={"outage": Outage(5, 2)}),
    Case("keyupdate", "U", [3 * MB], "keyupdate", checks=(both_phases,)),
    Case("ecn", "E", [100 * KB], "ecn", "ecn", checks=(no_retry, ecn_is_used)),
    Case("amplificationlimit", "A", [5 * KB], chain=9, up={"drops": range(2, 8)}, down={}, checks=(amplification_is_limited,)),
    Case("handshakeloss", "L1", [KB] * 50, "multiconnect", "multiconnect", handshakes=50, limit=300, up={"loss": 30}),
    Case("transferloss", "L2", [2 * MB], up={"loss": 2}),
    Case("handshakecorruption", "C1", [KB] * 50, "multiconnect", "multiconnect", handshakes=50, limit=300,
         up={"corruption": 30}),
    Case("transfercorruption", "C2", [2 * MB], up={"corruption": 2}),
    Case("ipv6", "6", [5 * KB, 10 * KB], is_v6=True, checks=(only_ipv6,)),
    Case("v2", "V2", [KB], "v2", "v2", is_version_1=False, checks=(version_2,)),
    Case("rebind-port", "BP", [10 * MB], rebinding=REBINDING, checks=(paths_are_validated,)),
    Case("rebind-addr", "BA", [10 * MB], rebinding={**REBINDING, "addresses": True}, checks=(paths_are_validated, two_addresses)),
    Case("connectionmigration", "CM", [2 * MB], server="connectionmigration", needs_namespaces=True,
         checks=(paths_are_validated, new_ids_on_new_paths)),
    # Not one of the runner's: the client moves by choice.
    Case("clientmigration", "MI", [5 * MB], "clientmigration", checks=(new_ids_on_new_paths,), is_leats=True),
    Case("goodput", "G", [10 * MB], is_measured=True),
    Case("crosstraffic", "C", [25 * MB], limit=180, has_rival=True, is_measured=True, needs_namespaces=True),
]
