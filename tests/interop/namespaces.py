"""The runner's network without its containers: a network namespace for the client, one for the server, and a TUN device
in each whose packets this process carries over two simulated links. Needs root. IPv4, IPv6, TCP and ECN pass as they are.
"""
import asyncio
import fcntl
import os
import shutil
import socket
import struct
import subprocess
import time

from packets import Capture, Packet

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454ca, 1, 0x1000
MTU = 1500
# The runner's.
CLIENT, CLIENT6 = "193.167.0.100", "fd00:cafe:cafe::100"
SERVER, SERVER6 = "193.167.100.100", "fd00:cafe:cafe:100::100"
PORT = 443
# A second pair of the server's, which it may prefer.
SERVER_OTHER, SERVER6_OTHER = "193.167.100.101", "fd00:cafe:cafe:100::101"


def ip(*words):
    subprocess.run(["ip", *words], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def is_possible():
    """None, or why there are no namespaces here."""
    if os.geteuid() != 0:
        return "no root"
    name = f"leat-{os.getpid()}-probe"
    try:
        Side(name, "192.0.2.1", "2001:db8::1").close()
    except (OSError, subprocess.CalledProcessError) as error:
        return getattr(error, "stderr", b"").decode().strip() or str(error)
    return None


class Side:
    """A namespace with its end of the link."""

    def __init__(self, name, address, address6):
        self.name = name
        ip("netns", "add", name)
        try:
            self.name_host(address, address6)
            self.device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
            # The kernel fills in a free number.
            device = fcntl.ioctl(self.device, TUNSETIFF, struct.pack("16sH22x", b"leat%d", IFF_TUN | IFF_NO_PI))
            device = device[:16].rstrip(b"\0").decode()
            ip("link", "set", device, "netns", name)
            for words in (["link", "set", device, "name", "eth0"], ["addr", "add", f"{address}/24", "dev", "eth0"],
                          ["addr", "add", f"{address6}/64", "dev", "eth0", "nodad"], ["link", "set", "lo", "up"],
                          ["link", "set", "eth0", "mtu", str(MTU), "txqueuelen", "1000", "up"],
                          ["route", "add", "default", "dev", "eth0"], ["-6", "route", "add", "default", "dev", "eth0"]):
                ip("-n", name, *words)
        except BaseException:
            self.close()
            raise

    def name_host(self, address, address6):
        """The host's name leads to its addresses, as in the runner's containers: ip-netns(8) puts this file over /etc/hosts."""
        self.folder = os.path.join("/etc/netns", self.name)
        os.makedirs(self.folder)
        names = f"localhost\n::1 localhost\n{address} {socket.gethostname()}\n{address6} {socket.gethostname()}\n"
        with open(os.path.join(self.folder, "hosts"), "w", encoding="ascii") as hosts:
            hosts.write("127.0.0.1 " + names)

    def close(self):
        if hasattr(self, "device"):
            os.close(self.device)
        subprocess.run(["ip", "netns", "del", self.name], check=False, stderr=subprocess.DEVNULL)
        shutil.rmtree(self.folder, ignore_errors=True)


class Rebinding:
    """A NAT in front of the client that forgets: from `first` seconds on, every `period`, it takes a new port, and with
    `addresses` a new address too. What comes to an old one is lost. The time runs from the client's first 1-RTT packet: a
    server need not follow before, and on a busy machine a handshake takes its time. No more than `most` times: that is what
    the runner's ten seconds have, and some servers have room for five paths in all."""

    def __init__(self, first, period, addresses=False, most=2):
        self.first, self.period, self.addresses, self.most = first, period, addresses, most
        self.inside = self.outside = self.since = None
        self.count = 0

    def watch(self, payload, now):
        """A datagram of the client."""
        if self.since is None and not payload[0] & 0x80:
            self.since = now

    def wanted(self, now):
        """How often it has forgotten by then."""
        elapsed = 0 if self.since is None else now - self.since
        return 0 if elapsed < self.first else min(self.most, 1 + int((elapsed - self.first) / self.period))

    def renew(self, now):
        while self.count < self.wanted(now):
            self.count += 1
            address, port = self.outside
            if self.addresses:
                address = address[:-1] + bytes([self.count + 1])
            self.outside = (address, (port - 1024 + 7919) % 64512 + 1024)

    def towards_server(self, packet, now):
        self.watch(packet.payload, now)
        if self.inside is None:
            self.inside = self.outside = packet.source
        self.renew(now)
        if packet.source == self.inside:
            packet.set_end(True, self.outside)

    def is_for_client(self, packet, now):
        self.renew(now)
        if packet.destination != self.outside:
            return False
        packet.set_end(False, self.inside)
        return True


class Namespaces:
    """One simulated network. `client` and `server` are prefixes of commands; the captures show what each of them sees."""

    listen = []  # the endpoints' own default
    address = SERVER

    def __init__(self, name, up, down, folder, rebinding=None, is_v6=False):
        self.name, self.up, self.down, self.rebinding, self.is_v6 = name, up, down, rebinding, is_v6
        self.client_capture = Capture(os.path.join(folder, "client.pcap"))
        self.server_capture = Capture(os.path.join(folder, "server.pcap"))
        self.started, self.is_over = None, False

    async def __aenter__(self):
        self.loop = asyncio.get_running_loop()
        # Times of captures, from the clock of the loop.
        self.epoch = time.time() - self.loop.time()
        self.client_side = Side(self.name + "-c", CLIENT, CLIENT6)
        self.server_side = Side(self.name + "-s", SERVER, SERVER6)
        # Deprecated: the kernel never chooses it by itself.
        for words in ([SERVER_OTHER + "/24"], [SERVER6_OTHER + "/64", "nodad", "preferred_lft", "0"]):
            ip("-n", self.server_side.name, "addr", "add", words[0], "dev", "eth0", *words[1:])
        self.loop.add_reader(self.client_side.device, self.on_client)
        self.loop.add_reader(self.server_side.device, self.on_server)
        return self

    async def __aexit__(self, *_):
        self.is_over = True
        for side in (self.client_side, self.server_side):
            self.loop.remove_reader(side.device)
            side.close()
        self.client_capture.close()
        self.server_capture.close()

    def inside(self, role):
        side = self.client_side if role == "client" else self.server_side
        return ["ip", "netns", "exec", side.name]

    def place(self, port):
        """What clients connect to for a server at `port`."""
        return f"[{SERVER6}]:{port}" if self.is_v6 else f"{SERVER}:{port}"

    def server_ports(self, port):
        """Also the next one, which a server may prefer."""
        return [port, port + 1]

    # ---- packets

    def read(self, device):
        while True:
            try:
                data = os.read(device, 65536)
            except BlockingIOError:
                return
            # Router solicitations and the like: nobody is there to answer.
            if data[0] >> 4 == 6 and data[6] == 58:
                continue
            yield data

    def write(self, side, capture, data):
        if self.is_over:
            return  # still under way when the network went
        capture.add(data, self.loop.time() + self.epoch)
        try:
            os.write(side.device, data)
        except OSError:
            pass  # its namespace is going

    def carry(self, link, data, arrive):
        now = self.loop.time()
        if self.started is None:
            self.started = self.up.started = self.down.started = now
        if link.is_dropped(now):
            return
        when = link.arrival(len(data), now)
        if when is None:
            return
        packet = Packet(data)
        if packet.is_udp and link.wants_corruption():
            packet.set_payload(link.corrupt(packet.payload))
            data = bytes(packet.data)
        self.loop.call_at(when, arrive, data)

    def on_client(self):
        for data in self.read(self.client_side.device):
            self.client_capture.add(data, self.loop.time() + self.epoch)
            self.carry(self.up, data, self.at_server)

    def on_server(self):
        for data in self.read(self.server_side.device):
            self.server_capture.add(data, self.loop.time() + self.epoch)
            self.carry(self.down, data, self.at_client)

    def at_server(self, data):
        if self.rebinding:
            packet = Packet(data)
            if packet.is_udp:
                self.rebinding.towards_server(packet, self.loop.time())
                data = bytes(packet.data)
        self.write(self.server_side, self.server_capture, data)

    def at_client(self, data):
        if self.rebinding:
            packet = Packet(data)
            if packet.is_udp:
                if not self.rebinding.is_for_client(packet, self.loop.time()):
                    return
                data = bytes(packet.data)
        self.write(self.client_side, self.client_capture, data)
