"""An interop endpoint on aioquic's public API, with the options and the environment of `leat interop`:

aioquic_hq.py client|server [--www D] [--downloads D] [--certs D] [--listen HOST:PORT]
"""
import argparse
import asyncio
import os
import sys
from urllib.parse import urlsplit

from aioquic.asyncio import QuicConnectionProtocol, connect, serve
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.packet import QuicProtocolVersion
from aioquic.quic.events import HandshakeCompleted, ProtocolNegotiated, StreamDataReceived
from aioquic.tls import CipherSuite

CASES = {"handshake", "transfer", "multiconnect", "chacha20", "retry", "resumption", "zerortt", "http3", "keyupdate", "v2",
         "ecn", "connectionmigration"}
# What the library cannot do by its API: case and roles.
REFUSALS = {
    "ecn": (("client", "server"), "aioquic, QuicConnection.datagrams_to_send: pairs of bytes and address, nothing to mark them with"),
    "connectionmigration": (("server",), "aioquic, QuicConfiguration: no preferred address to set"),
}
testcase = os.environ.get("TESTCASE", "")
is_http3 = testcase == "http3"


def say(event, connection):
    if isinstance(event, HandshakeCompleted):
        print(f"handshake cipher={connection.tls.key_schedule.cipher_suite.name} "
              f"resumed={'yes' if event.session_resumed else 'no'}", flush=True)


class Client(QuicConnectionProtocol):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.http = H3Connection(self._quic) if is_http3 else None
        self.answers = {}

    def quic_event_received(self, event):
        say(event, self._quic)
        if self.http is not None:
            for part in self.http.handle_event(event):
                if isinstance(part, (HeadersReceived, DataReceived)):
                    self.take(part.stream_id, getattr(part, "data", b""), part.stream_ended)
        elif isinstance(event, StreamDataReceived):
            self.take(event.stream_id, event.data, event.end_stream)

    def take(self, stream_id, data, has_ended):
        body, future = self.answers[stream_id]
        body += data
        if has_ended:
            future.set_result(bytes(body))

    async def get(self, url):
        parts, stream_id = urlsplit(url), self._quic.get_next_available_stream_id()
        self.answers[stream_id] = (bytearray(), self._loop.create_future())
        if self.http is not None:
            self.http.send_headers(stream_id, [(b":method", b"GET"), (b":scheme", b"https"), (b":authority", parts.netloc.encode()),
                                               (b":path", parts.path.encode())], end_stream=True)
        else:
            self._quic.send_stream_data(stream_id, f"GET {parts.path}\r\n".encode(), end_stream=True)
        # When all requests of this turn are there: they share datagrams.
        self._loop.call_soon(self.transmit)
        body = await self.answers[stream_id][1]
        with open(os.path.join(options.downloads, os.path.basename(parts.path)), "wb") as file:
            file.write(body)


async def download(configuration, urls):
    """All of them on one connection; gives a session ticket when one came."""
    parts, tickets = urlsplit(urls[0]), []
    async with connect(parts.hostname, parts.port, configuration=configuration, create_protocol=Client,
                       session_ticket_handler=tickets.append,
                       wait_connected=testcase != "zerortt" or configuration.session_ticket is None) as client:
        if testcase == "keyupdate":
            await client.ping()
            client.request_key_update()
        for start in range(0, len(urls), 100):
            await asyncio.gather(*(client.get(url) for url in urls[start:start + 100]))
    return tickets[0] if tickets else None


async def run_client(urls):
    configuration = QuicConfiguration(alpn_protocols=H3_ALPN if is_http3 else ["hq-interop"], idle_timeout=60, secrets_log_file=key_log,
                                      cafile=os.path.join(options.certs, "ca.pem"))
    if testcase == "chacha20":
        configuration.cipher_suites = [CipherSuite.CHACHA20_POLY1305_SHA256]
    if testcase == "v2":
        configuration.original_version = QuicProtocolVersion.VERSION_1
        configuration.supported_versions = [QuicProtocolVersion.VERSION_2, QuicProtocolVersion.VERSION_1]
    if testcase == "multiconnect":
        for url in urls:
            await download(configuration, [url])
    elif testcase in ("resumption", "zerortt"):
        configuration.session_ticket = await download(configuration, urls[:1])
        await download(configuration, urls[1:])
    else:
        await download(configuration, urls)


class Server(QuicConnectionProtocol):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.http, self.lines = None, {}

    def quic_event_received(self, event):
        say(event, self._quic)
        if isinstance(event, ProtocolNegotiated) and is_http3:
            self.http = H3Connection(self._quic)
        if self.http is not None:
            for part in self.http.handle_event(event):
                if isinstance(part, HeadersReceived):
                    self.answer_http(part.stream_id, dict(part.headers)[b":path"].decode())
        elif isinstance(event, StreamDataReceived):
            line = self.lines.setdefault(event.stream_id, bytearray())
            line += event.data
            if event.end_stream:
                self._quic.send_stream_data(event.stream_id, content(self.lines.pop(event.stream_id)[4:].strip().decode()),
                                            end_stream=True)
        self.transmit()

    def answer_http(self, stream_id, path):
        self.http.send_headers(stream_id, [(b":status", b"200")])
        self.http.send_data(stream_id, content(path), end_stream=True)


def content(path):
    with open(os.path.join(options.www, os.path.basename(path)), "rb") as file:
        return file.read()


async def run_server():
    host, port = options.listen.rsplit(":", 1)
    configuration = QuicConfiguration(is_client=False, alpn_protocols=H3_ALPN if is_http3 else ["hq-interop"], idle_timeout=60,
                                      secrets_log_file=key_log)
    configuration.load_cert_chain(os.path.join(options.certs, "cert.pem"), os.path.join(options.certs, "priv.key"))
    if testcase == "v2":
        configuration.supported_versions = [QuicProtocolVersion.VERSION_2, QuicProtocolVersion.VERSION_1]
    tickets = {}
    server = await serve(host.strip("[]"), int(port), configuration=configuration, create_protocol=Server, retry=testcase == "retry",
                         session_ticket_fetcher=tickets.get,
                         session_ticket_handler=lambda ticket: tickets.__setitem__(ticket.ticket, ticket))
    print("listening: %s:%d" % server._transport.get_extra_info("sockname")[:2], flush=True)
    await asyncio.Future()


parser = argparse.ArgumentParser()
parser.add_argument("role", choices=("client", "server"))
for name in ("www", "downloads", "certs"):
    parser.add_argument("--" + name, default="/" + name)
parser.add_argument("--listen", default="[::]:443")
options = parser.parse_args()
# The runner starts clients of some cases as "transfer": CASE, of our own matrix, has the case's name.
roles, reason = REFUSALS.get(testcase) or REFUSALS.get(os.environ.get("CASE")) or ((), f"no test case {testcase!r} here")
if options.role in roles or testcase not in CASES:
    print(reason, file=sys.stderr)
    sys.exit(127)
with open(os.environ.get("SSLKEYLOGFILE") or os.devnull, "a", encoding="ascii") as key_log:
    asyncio.run(run_server() if options.role == "server" else run_client(os.environ["REQUESTS"].split()))
