"""The simulated network without root: a UDP relay on loopback between client and server. It has what Namespaces has, but for
TCP and for a second address of the server; ECN is read from each datagram and set again.
"""
import asyncio
import os
import socket
import struct
import time

from packets import Capture, make_udp

ANCILLARY = {socket.AF_INET: (socket.IPPROTO_IP, socket.IP_RECVTOS, socket.IP_TOS),
             socket.AF_INET6: (socket.IPPROTO_IPV6, socket.IPV6_RECVTCLASS, socket.IPV6_TCLASS)}


def packed(name):
    """An address of a socket as packets.py has it."""
    return socket.inet_pton(socket.AF_INET6 if ":" in name[0] else socket.AF_INET, name[0]), name[1]


class Port:
    """A bound socket that gives and takes datagrams with their traffic class."""

    def __init__(self, loop, host, on_datagram):
        self.family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.level, self.option, self.kind = ANCILLARY[self.family]
        self.socket = socket.socket(self.family, socket.SOCK_DGRAM)
        self.socket.setsockopt(self.level, self.option, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 21)
        self.socket.setblocking(False)
        self.socket.bind((host, 0))
        self.name = self.socket.getsockname()[:2]
        self.loop, self.on_datagram = loop, on_datagram
        loop.add_reader(self.socket, self.on_readable)

    def on_readable(self):
        while True:
            try:
                data, ancillary, _, address = self.socket.recvmsg(65536, 64)
            except (BlockingIOError, ConnectionRefusedError):
                return
            marks = [value[0] for level, kind, value in ancillary if (level, kind) == (self.level, self.kind)]
            self.on_datagram(data, address[:2], marks[0] if marks else 0)

    def send(self, data, address, mark):
        try:
            self.socket.sendmsg([data], [(self.level, self.kind, struct.pack("i", mark))], 0, address)
        except OSError:
            pass  # closed, full, or nobody listens: it is lost

    def close(self):
        self.loop.remove_reader(self.socket)
        self.socket.close()


class Loopback:
    def __init__(self, name, up, down, folder, rebinding=None, is_v6=False):
        self.up, self.down, self.rebinding = up, down, rebinding
        self.host = "::1" if is_v6 else "127.0.0.1"
        self.listen = ["--listen", f"[{self.host}]:0" if is_v6 else f"{self.host}:0"]
        self.captures = [Capture(os.path.join(folder, side + ".pcap")) for side in ("client", "server")]
        self.started = self.server = self.client_end = None
        self.outside = {}  # client address -> Port towards the server
        self.count, self.is_over = 0, False

    async def __aenter__(self):
        self.loop = asyncio.get_running_loop()
        self.inner = Port(self.loop, self.host, self.on_client)
        return self

    async def __aexit__(self, *_):
        self.is_over = True
        for port in (self.inner, *self.outside.values()):
            port.close()
        for capture in self.captures:
            capture.close()

    def inside(self, _):
        return []

    def place(self, port):
        """What clients connect to for a server at `port`."""
        self.server = (self.host, port)
        return f"[{self.host}]:{self.inner.name[1]}" if ":" in self.host else f"{self.host}:{self.inner.name[1]}"

    def server_ports(self, port):
        return [port]

    def note(self, side, source, destination, data, mark):
        self.captures[side].add(make_udp(packed(source), packed(destination), data, mark), time.time())

    def carry(self, link, data, deliver):
        now = self.loop.time()
        if self.started is None:
            self.started = self.up.started = self.down.started = now
        if link.is_dropped(now):
            return
        when = link.arrival(len(data) + 28, now)
        if when is not None:
            self.loop.call_at(when, deliver, link.corrupt(data) if link.wants_corruption() else data)

    def on_client(self, data, client, mark):
        self.note(0, client, self.server, data, mark)

        def deliver(data):
            if self.is_over:
                return
            if self.rebinding:
                self.rebinding.watch(data, self.loop.time())
            port = self.port_of(client)
            self.note(1, port.name, self.server, data, mark)
            port.send(data, self.server, mark)
        self.carry(self.up, data, deliver)

    def port_of(self, client):
        """The port towards the server, a new one where the NAT has forgotten; an old one hears no more."""
        wanted = self.rebinding.wanted(self.loop.time()) if self.rebinding else 0
        if client in self.outside and wanted > self.count:
            self.outside.pop(client).close()
            self.count = wanted
        if client not in self.outside:
            host = f"127.0.0.{2 + self.count}" if self.rebinding and self.rebinding.addresses else self.host
            self.outside[client] = Port(self.loop, host, lambda data, _, mark: self.on_server(data, client, mark))
        return self.outside[client]

    def on_server(self, data, client, mark):
        self.note(1, self.server, self.outside[client].name, data, mark)

        def deliver(data):
            if self.is_over:
                return
            self.note(0, self.server, client, data, mark)
            self.inner.send(data, client, mark)
        self.carry(self.down, data, deliver)
