"""One end of a bulk transfer on aioquic: `serve PORT CERTIFICATE KEY`, or `get PORT BYTES`.

The latter prints bytes per second."""
import asyncio
import ssl
import sys
import time

from aioquic.asyncio import QuicConnectionProtocol, connect, serve
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ProtocolNegotiated

WINDOW = 8 * 1024 * 1024


def configuration(is_client):
    return QuicConfiguration(is_client=is_client, alpn_protocols=H3_ALPN, max_data=2 * WINDOW,
                             max_stream_data=WINDOW, max_datagram_size=1252,
                             verify_mode=ssl.CERT_NONE if is_client else None)


class Server(QuicConnectionProtocol):
    """GET /bytes/N gives N bytes."""
    http = None

    def quic_event_received(self, event):
        if isinstance(event, ProtocolNegotiated):
            self.http = H3Connection(self._quic)
        for http_event in self.http.handle_event(event) if self.http else ():
            if isinstance(http_event, HeadersReceived):
                self.answer(http_event.stream_id, dict(http_event.headers)[b":path"])

    def answer(self, stream_id, path):
        size = int(path.rsplit(b"/", 1)[1])
        headers = [(b":status", b"200"), (b"content-length", b"%d" % size)]
        self.http.send_headers(stream_id, headers)
        self.http.send_data(stream_id, bytes(size), end_stream=True)
        self.transmit()


class Client(QuicConnectionProtocol):
    """One request; `done` when its body has come."""
    received = 0

    def get(self, path):
        self.http = H3Connection(self._quic)
        self.done = self._loop.create_future()
        stream_id = self._quic.get_next_available_stream_id()
        headers = [(b":method", b"GET"), (b":scheme", b"https"), (b":authority", b"localhost"),
                   (b":path", path)]
        self.http.send_headers(stream_id, headers, end_stream=True)
        self.transmit()
        return self.done

    def quic_event_received(self, event):
        for http_event in self.http.handle_event(event) if hasattr(self, "http") else ():
            if isinstance(http_event, DataReceived):
                self.received += len(http_event.data)
            if getattr(http_event, "stream_ended", False) and not self.done.done():
                self.done.set_result(None)


async def run_server(port, certificate, key):
    config = configuration(False)
    config.load_cert_chain(certificate, key)
    await serve("127.0.0.1", port, configuration=config, create_protocol=Server)
    print("ready", flush=True)
    await asyncio.Future()


async def run_client(port, size):
    async with connect("127.0.0.1", port, configuration=configuration(True),
                       create_protocol=Client) as client:
        start = time.monotonic()
        await client.get(b"/bytes/%d" % size)
        if client.received != size:
            sys.exit(f"{client.received} bytes came instead of {size}")
        print(f"{size / (time.monotonic() - start):.0f}")


if sys.argv[1] == "serve":
    asyncio.run(run_server(int(sys.argv[2]), sys.argv[3], sys.argv[4]))
else:
    asyncio.run(run_client(int(sys.argv[2]), int(sys.argv[3])))
