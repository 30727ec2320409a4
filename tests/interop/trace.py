"""What a capture says: long headers by itself, everything else through tshark and the endpoints' key logs."""
import subprocess
from dataclasses import dataclass

from packets import read_capture

INITIAL, ZERO_RTT, HANDSHAKE, RETRY, ONE_RTT, NEGOTIATION = "initial", "0-rtt", "handshake", "retry", "1-rtt", "negotiation"
VERSION_1, VERSION_2 = 1, 0x6b3343cf
KINDS = {VERSION_1: (INITIAL, ZERO_RTT, HANDSHAKE, RETRY),  # RFC 9000 §17.2
         VERSION_2: (RETRY, INITIAL, ZERO_RTT, HANDSHAKE)}  # RFC 9369 §3.2


@dataclass
class Header:
    when: float
    kind: str
    version: int
    source_id: bytes
    packet: object  # of packets.Packet
    datagram: int   # which one of the capture


def varint(data, place):
    length = 1 << (data[place] >> 6)
    return int.from_bytes(data[place:place + length], "big") & (1 << (8 * length - 2)) - 1, place + length


def walk(data):
    """Kind, version and source connection ID of each packet of a datagram, as far as it can be read."""
    while len(data) > 6 and data[0] & 0x80:
        version = int.from_bytes(data[1:5], "big")
        place = 6 + data[5]
        source_id = bytes(data[place + 1:place + 1 + data[place]])
        place += 1 + data[place]
        kind = KINDS[version][data[0] >> 4 & 3] if version in KINDS else NEGOTIATION if version == 0 else None
        yield kind, version, source_id
        if kind not in (INITIAL, ZERO_RTT, HANDSHAKE):
            return
        if kind == INITIAL:
            length, place = varint(data, place)
            place += length
        length, place = varint(data, place)
        data = data[place + length:]
    if data and data[0] & 0x40:
        yield ONE_RTT, None, None


class Trace:
    """A capture at one of the endpoints; `ports` are the server's: it may prefer another one than the first."""

    def __init__(self, path, key_log, ports):
        self.path, self.key_log, self.ports = path, key_log, ports

    def packets(self, role):
        """QUIC packets that `role` sent, or that came from it."""
        for number, (when, packet) in enumerate(read_capture(self.path)):
            if not packet.is_udp or (packet.source[1] in self.ports) != (role == "server"):
                continue
            try:
                for kind, version, source_id in walk(packet.payload):
                    yield Header(when, kind, version, source_id, packet, number)
            except IndexError:
                continue  # corrupted on its way

    def of_kind(self, role, kind):
        return [one for one in self.packets(role) if one.kind == kind]

    def options(self):
        """tshark's: what is QUIC, and where the keys are."""
        return [word for port in self.ports for word in ("-d", f"udp.port=={port},quic")] + ["-o", f"tls.keylog_file:{self.key_log}"]

    def fields(self, role, names, condition=""):
        """A list of values for each field of each datagram that tshark shows, with the keys known."""
        end = "srcport" if role == "server" else "dstport"
        direction = "(" + " || ".join(f"udp.{end} == {port}" for port in self.ports) + ")"
        command = ["tshark", "-n", "-r", self.path, *self.options(), "-Y",
                   " && ".join(["quic", "!icmp", "!icmpv6", direction] + [condition] * bool(condition)), "-T", "fields", "-E", "separator=|"]
        command += [word for name in names for word in ("-e", name)]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True)
        for line in done.stdout.decode().splitlines():
            yield [column.split(",") if column else [] for column in line.split("|")]

    def field(self, role, name, condition=""):
        """Every value of one field."""
        return [value for row in self.fields(role, [name], condition or name) for value in row[0]]
