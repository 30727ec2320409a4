"""A small HTTP/3 and WebTransport client and server on aioquic's public API, for tests against leat."""
import asyncio
from collections import defaultdict

from aioquic.asyncio import QuicConnectionProtocol
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import (DataReceived, DatagramReceived, HeadersReceived,
                               WebTransportStreamDataReceived)
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import stream_is_unidirectional
from aioquic.quic.events import ProtocolNegotiated, StreamDataReceived


def configuration(is_client, **options):
    return QuicConfiguration(is_client=is_client, alpn_protocols=H3_ALPN, max_datagram_frame_size=65536, **options)


class Client(QuicConnectionProtocol):
    """Requests are awaited; WebTransport answers arrive in queues."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.http = H3Connection(self._quic, enable_webtransport=True)
        self.responses = {}                     # stream id -> (headers, body, future)
        self.datagrams = asyncio.Queue()
        self.streams = defaultdict(bytearray)   # WebTransport streams of the peer
        self.ended = asyncio.Queue()            # (stream id, bytes)
        self.raw = {}                           # bidirectional streams of ours: aioquic's parser cannot read their answers

    def quic_event_received(self, event):
        if isinstance(event, StreamDataReceived) and event.stream_id in self.raw:
            self.raw[event.stream_id] += event.data
            if event.end_stream:
                self.ended.put_nowait((event.stream_id, bytes(self.raw[event.stream_id])))
            return
        for http_event in self.http.handle_event(event):
            self.http_event_received(http_event)

    def http_event_received(self, event):
        if isinstance(event, HeadersReceived) and event.stream_id in self.responses:
            self.responses[event.stream_id][0].extend(event.headers)
            self.finish(event)
        elif isinstance(event, DataReceived) and event.stream_id in self.responses:
            self.responses[event.stream_id][1].extend(event.data)
            self.finish(event)
        elif isinstance(event, DatagramReceived):
            self.datagrams.put_nowait(event.data)
        elif isinstance(event, WebTransportStreamDataReceived):
            self.streams[event.stream_id] += event.data
            if event.stream_ended:
                self.ended.put_nowait((event.stream_id, bytes(self.streams.pop(event.stream_id))))

    def finish(self, event):
        headers, body, future = self.responses[event.stream_id]
        is_session = self.session_headers_only.get(event.stream_id, False)
        if (event.stream_ended or is_session) and not future.done():
            future.set_result((dict(headers), bytes(body)))

    session_headers_only = {}

    async def request(self, method, authority, path, body=None, extra=(), is_session=False):
        stream_id = self._quic.get_next_available_stream_id()
        future = self._loop.create_future()
        self.responses[stream_id] = ([], bytearray(), future)
        if is_session:
            self.session_headers_only = {**self.session_headers_only, stream_id: True}
        headers = [(b":method", method.encode()), (b":scheme", b"https"), (b":authority", authority.encode()),
                   (b":path", path.encode()), *extra]
        self.http.send_headers(stream_id, headers, end_stream=body is None and not is_session)
        if body is not None:
            self.http.send_data(stream_id, body, end_stream=True)
        self.transmit()
        answer_headers, answer = await asyncio.wait_for(future, 60)
        return stream_id, answer_headers, answer

    async def session(self, authority, path):
        extra = [(b":protocol", b"webtransport"), (b"sec-webtransport-http3-draft02", b"1"), (b"origin", b"https://test")]
        stream_id, headers, _ = await self.request("CONNECT", authority, path, extra=extra, is_session=True)
        return stream_id, headers

    def send_datagram(self, session_id, data):
        self.http.send_datagram(session_id, data)
        self.transmit()

    def send_stream(self, session_id, data, is_unidirectional):
        stream_id = self.http.create_webtransport_stream(session_id, is_unidirectional=is_unidirectional)
        if not is_unidirectional:
            self.raw[stream_id] = bytearray()
        self._quic.send_stream_data(stream_id, data, end_stream=True)
        self.transmit()
        return stream_id


class Server(QuicConnectionProtocol):
    """GET gives the files of `files`, POST gives the body back, CONNECT opens the counter."""
    files = {}

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.http = None
        self.bodies = {}
        self.session_id = None
        self.counts = defaultdict(int)

    def quic_event_received(self, event):
        if isinstance(event, ProtocolNegotiated):
            self.http = H3Connection(self._quic, enable_webtransport=True)
        if self.http is not None:
            for http_event in self.http.handle_event(event):
                self.http_event_received(http_event)
            self.transmit()

    def respond(self, stream_id, status, body=b"", end=True):
        headers = [(b":status", str(status).encode())]
        if end:
            headers.append((b"content-length", str(len(body)).encode()))
        elif status == 200:
            headers.append((b"sec-webtransport-http3-draft", b"draft02"))
        self.http.send_headers(stream_id, headers, end_stream=end and not body)
        if body:
            self.http.send_data(stream_id, body, end_stream=True)

    def http_event_received(self, event):
        if isinstance(event, HeadersReceived):
            headers = dict(event.headers)
            method, path = headers[b":method"], headers[b":path"].decode()
            if method == b"GET":
                body = self.files.get(path)
                self.respond(event.stream_id, 404 if body is None else 200, body or b"")
            elif method == b"POST":
                self.bodies[event.stream_id] = bytearray()
            elif method == b"CONNECT" and path == "/counter":
                self.session_id = event.stream_id
                self.respond(event.stream_id, 200, end=False)
            else:
                self.respond(event.stream_id, 404)
        elif isinstance(event, DataReceived) and event.stream_id in self.bodies:
            self.bodies[event.stream_id] += event.data
            if event.stream_ended:
                self.respond(event.stream_id, 200, bytes(self.bodies.pop(event.stream_id)))
        elif isinstance(event, DatagramReceived):
            self.http.send_datagram(self.session_id, str(len(event.data)).encode())
        elif isinstance(event, WebTransportStreamDataReceived):
            self.counts[event.stream_id] += len(event.data)
            if event.stream_ended:
                answer = event.stream_id
                if stream_is_unidirectional(answer):
                    answer = self.http.create_webtransport_stream(self.session_id, is_unidirectional=True)
                self._quic.send_stream_data(answer, str(self.counts.pop(event.stream_id)).encode(), end_stream=True)
