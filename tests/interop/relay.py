"""A UDP relay between a client and a server on loopback: delay, loss, corruption, silence, new ports. Sees what needs no keys."""
import asyncio
import random


class Link:
    """What one direction does to datagrams: chances in percent, bursts of at most `burst`, indices that are dropped."""

    def __init__(self, delay=0.0, loss=0, corruption=0, burst=3, drops=()):
        self.delay, self.loss, self.corruption, self.burst, self.drops = delay, loss, corruption, burst, set(drops)
        self.count = self.row = 0

    def hits(self, chance, dice):
        """As the runner's simulator: never more than `burst` datagrams in a row."""
        self.row = self.row + 1 if chance and self.row < self.burst and dice.random() * 100 < chance else 0
        return self.row > 0

    def pass_on(self, data, dice):
        """The datagram as it arrives, or None."""
        self.count += 1
        if self.count in self.drops or (self.loss and self.hits(self.loss, dice)):
            return None
        if self.corruption and self.hits(self.corruption, dice):
            place = dice.randrange(len(data))
            return data[:place] + bytes([data[place] ^ dice.randrange(1, 256)]) + data[place + 1:]
        return data


class Relay(asyncio.DatagramProtocol):
    """Listens for the client; has one socket of its own towards the server for each port of the client."""

    def __init__(self, server, up, down, seed=1, silence=None, rebind=None):
        self.server, self.up, self.down, self.dice = server, up, down, random.Random(seed)
        # Seconds: counted from the first datagram: (start, length); (first, period)
        self.silence, self.rebind = silence, rebind
        self.towards = {}            # client address -> transport
        self.server_sources = set()  # source connection IDs of the server's Initials
        self.retries = self.rebinds = self.answered_paths = 0
        self.is_answered = True

    async def __aenter__(self):
        self.loop = asyncio.get_running_loop()
        self.started = None
        self.transport, _ = await self.loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        self.port = self.transport.get_extra_info("sockname")[1]
        self.task = None
        return self

    async def __aexit__(self, *_):
        if self.task is not None:
            self.task.cancel()
        for transport in (self.transport, *self.towards.values()):
            transport.close()

    async def rebind_for_ever(self):
        wait, period = self.rebind
        while True:
            await asyncio.sleep(wait)
            wait = period
            for client in list(self.towards):
                # The old port hears no more, as behind a NAT.
                self.towards[client].close()
                self.towards[client] = await self.open(client)
                self.rebinds += 1
                self.is_answered = False

    async def open(self, client):
        relay = self

        class Answers(asyncio.DatagramProtocol):
            def datagram_received(self, data, _):
                relay.on_answer(data, client)

        transport, _ = await self.loop.create_datagram_endpoint(Answers, local_addr=("127.0.0.1", 0))
        return transport

    def is_silent(self):
        if self.silence is None or self.started is None:
            return False
        start, length = self.silence
        return start <= self.loop.time() - self.started < start + length

    def send(self, link, data, transport, address):
        data = None if self.is_silent() else link.pass_on(data, self.dice)
        if data is not None:
            self.loop.call_later(link.delay, lambda: transport().is_closing() or transport().sendto(data, address))

    def datagram_received(self, data, client):
        if self.started is None:
            self.started = self.loop.time()
            self.task = self.loop.create_task(self.rebind_for_ever()) if self.rebind else None
        if client not in self.towards:
            self.towards[client] = None
            self.loop.create_task(self.first(data, client))
        elif self.towards[client] is not None:
            self.send(self.up, data, lambda: self.towards[client], self.server)

    async def first(self, data, client):
        self.towards[client] = await self.open(client)
        self.datagram_received(data, client)

    def on_answer(self, data, client):
        self.look_at(data)
        if not self.is_answered:
            self.is_answered = True
            self.answered_paths += 1
        self.send(self.down, data, lambda: self.transport, client)

    def look_at(self, data):
        """Long headers of version 1 (RFC 9000 §17.2): Initial and Retry."""
        if len(data) > 20 and data[0] & 0x80 and data[1:5] == b"\0\0\0\1":
            kind = data[0] >> 4 & 3
            destination = data[5]
            source = data[6 + destination]
            if kind == 0:
                self.server_sources.add(data[7 + destination:7 + destination + source])
            elif kind == 3:
                self.retries += 1
