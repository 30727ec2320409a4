"""One direction of a simulated link: rate, queue, delay, loss, corruption, outages. Knows datagrams only as bytes."""
from collections import deque
from dataclasses import dataclass
import random


@dataclass
class Outage:
    """Periods of `on` seconds that carry, then `off` seconds that do not, counted from the first datagram."""
    on: float
    off: float

    def is_off(self, elapsed):
        return elapsed % (self.on + self.off) >= self.on


class Link:
    """Gives each datagram the time at which it arrives, or nothing.

    loss and corruption: chances in percent, never more than `burst` in a row, as the runner's simulator has it.
    drops: numbers of datagrams that are dropped, counted from 1.
    """

    def __init__(self, rate=10e6, queue=25, delay=0.015, loss=0, corruption=0, burst=3, drops=(), outage=None, seed=1):
        self.rate, self.queue, self.delay = rate, queue, delay
        self.loss, self.corruption, self.burst, self.drops = loss, corruption, burst, set(drops)
        self.outage = outage
        self.dice = random.Random(seed)
        self.count = self.row = 0
        self.started = None
        self.leaving = deque()  # when each datagram of the queue has left it

    def is_hit(self, chance):
        self.row = self.row + 1 if chance and self.row < self.burst and self.dice.random() * 100 < chance else 0
        return self.row > 0

    def is_dropped(self, now):
        self.count += 1
        return (self.count in self.drops or (self.outage and self.outage.is_off(now - self.started))
                or (self.loss and self.is_hit(self.loss)))

    def corrupt(self, payload):
        """One byte of the payload becomes another."""
        place = self.dice.randrange(len(payload))
        return payload[:place] + bytes([payload[place] ^ self.dice.randrange(1, 256)]) + payload[place + 1:]

    def wants_corruption(self):
        return self.corruption and self.is_hit(self.corruption)

    def arrival(self, size, now):
        """When a datagram of `size` bytes given to the link now comes out of it; None: the queue is full."""
        self.started = now if self.started is None else self.started
        while self.leaving and self.leaving[0] <= now:
            self.leaving.popleft()
        if len(self.leaving) > self.queue:
            return None
        left = max(now, self.leaving[-1] if self.leaving else now) + size * 8 / self.rate
        self.leaving.append(left)
        return left + self.delay
