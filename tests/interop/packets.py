"""IP and UDP as far as the simulated network needs them: addresses, rewriting them, pcap files."""
import ipaddress
import struct

UDP, TCP = 17, 6
RAW_IP = 101  # the link type of pcap files whose packets begin with the IP header


def checksum(data):
    """RFC 1071."""
    data = data + b"\0" if len(data) % 2 else data
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


class Packet:
    """A view of an IPv4 packet without fragments, or an IPv6 packet without extension headers."""

    def __init__(self, data):
        self.data = bytearray(data)
        self.is_v6 = data[0] >> 4 == 6
        self.header = 40 if self.is_v6 else (data[0] & 15) * 4
        self.protocol = data[6 if self.is_v6 else 9]

    @property
    def is_udp(self):
        return self.protocol == UDP

    @property
    def payload(self):
        return bytes(self.data[self.header + 8:])

    def address(self, is_source):
        length = 16 if self.is_v6 else 4
        start = (8 if self.is_v6 else 12) + (0 if is_source else length)
        return bytes(self.data[start:start + length])

    def port(self, is_source):
        return struct.unpack_from("!H", self.data, self.header + (0 if is_source else 2))[0]

    def end(self, is_source):
        return self.address(is_source), self.port(is_source)

    @property
    def source(self):
        return self.end(True)

    @property
    def destination(self):
        return self.end(False)

    def set_end(self, is_source, end):
        address, port = end
        start = (8 if self.is_v6 else 12) + (0 if is_source else len(address))
        self.data[start:start + len(address)] = address
        struct.pack_into("!H", self.data, self.header + (0 if is_source else 2), port)
        self.fix()

    def set_payload(self, payload):
        self.data[self.header + 8:] = payload
        self.fix()

    def fix(self):
        """The checksums of the IPv4 header and of UDP."""
        if not self.is_v6:
            struct.pack_into("!H", self.data, 10, 0)
            struct.pack_into("!H", self.data, 10, checksum(bytes(self.data[:self.header])))
        start, length = self.header, len(self.data) - self.header
        struct.pack_into("!H", self.data, start + 6, 0)
        pseudo = self.address(True) + self.address(False) + struct.pack("!II", length, UDP)
        struct.pack_into("!H", self.data, start + 6, checksum(pseudo + bytes(self.data[start:])) or 0xffff)


def make_udp(source, destination, payload, traffic_class=0):
    """An IP packet around a datagram. source, destination: (packed address, port)."""
    udp = struct.pack("!HHHH", source[1], destination[1], 8 + len(payload), 0) + payload
    if len(source[0]) == 16:
        head = struct.pack("!IHBB", 6 << 28 | traffic_class << 20, len(udp), UDP, 64)
    else:
        head = struct.pack("!BBHHHBBH", 0x45, traffic_class, 20 + len(udp), 0, 0x4000, 64, UDP, 0)
    packet = Packet(head + source[0] + destination[0] + udp)
    packet.fix()
    return bytes(packet.data)


def text(end):
    return f"{ipaddress.ip_address(end[0])}:{end[1]}"


class Capture:
    """A pcap file that is being written."""

    def __init__(self, path):
        self.file = open(path, "wb")
        self.file.write(struct.pack("=IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, RAW_IP))

    def add(self, data, when):
        self.file.write(struct.pack("=IIII", int(when), int(when % 1 * 1e6), len(data), len(data)) + data)

    def close(self):
        self.file.close()


def read_capture(path):
    """Pairs of seconds and Packet."""
    with open(path, "rb") as file:
        content = file.read()
    place = 24
    while place + 16 <= len(content):
        seconds, micros, length, _ = struct.unpack_from("=IIII", content, place)
        place += 16
        yield seconds + micros / 1e6, Packet(content[place:place + length])
        place += length
