"""aioquic against `leat serve`, and `leat get` and `leat wt` against aioquic: aioquic_tests.py LEAT AUTHORITY. Prints TAP."""
import asyncio
import os
import subprocess
import sys
import tempfile
import traceback

from aioquic.asyncio import connect, serve

from aioquic_peer import Client, Server, configuration

leat, authority = sys.argv[1:3]
work = tempfile.mkdtemp(prefix="leat-interop-")
environment = {**os.environ, "XDG_STATE_HOME": work}
big = os.urandom(10_000_000)
results = []


async def run_leat(*arguments, stdin=None):
    process = await asyncio.create_subprocess_exec(leat, *arguments, stdin=asyncio.subprocess.PIPE if stdin is not None else asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=environment)
    try:
        out, err = await asyncio.wait_for(process.communicate(stdin), 60)
    except asyncio.TimeoutError:
        process.kill()
        raise
    return process.returncode, out, err


class Serve:
    """A `leat serve` of ours, from start to SIGTERM."""

    def __init__(self, *arguments):
        self.arguments = arguments

    async def __aenter__(self):
        self.process = await asyncio.create_subprocess_exec(leat, "serve", "--listen", "127.0.0.1:0", *self.arguments,
            stdout=asyncio.subprocess.PIPE, env=environment)
        while True:
            line = (await asyncio.wait_for(self.process.stdout.readline(), 10)).decode()
            if line.startswith("listening: "):
                self.port = int(line.rsplit(":", 1)[1])
                return self

    async def line(self, start, limit=5):
        while True:
            line = (await asyncio.wait_for(self.process.stdout.readline(), limit)).decode()
            if line.startswith(start) or not line:
                return line.strip()

    async def __aexit__(self, *_):
        if self.process.returncode is None:
            self.process.terminate()
        await asyncio.wait_for(self.process.wait(), 15)


def certificates():
    subprocess.run([os.path.abspath(authority), work], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return os.path.join(work, "server.pem"), os.path.join(work, "server.key"), os.path.join(work, "authority.pem")


chain, key, ca = certificates()


def client(port):
    options = configuration(True, cafile=ca)
    return connect("127.0.0.1", port, configuration=options, create_protocol=Client)


def serve_with_files():
    root = os.path.join(work, "root")
    os.makedirs(root, exist_ok=True)
    with open(os.path.join(root, "big"), "wb") as file:
        file.write(big)
    return Serve("--root", root, "--cert", chain, "--key", key)


async def client_gets_a_file():
    """aioquic's client verifies the chain and gets 10 MB byte for byte"""
    async with serve_with_files() as server, client(server.port) as peer:
        _, headers, body = await peer.request("GET", f"127.0.0.1:{server.port}", "/big")
        assert headers[b":status"] == b"200" and headers[b"content-length"] == b"10000000", headers
        assert body == big


async def client_posts():
    """aioquic's client gets its POST back"""
    async with serve_with_files() as server, client(server.port) as peer:
        _, headers, body = await peer.request("POST", f"127.0.0.1:{server.port}", "/echo", body=big[:300_000])
        assert headers[b":status"] == b"200" and body == big[:300_000], (headers, len(body))


async def client_sends_datagrams():
    """aioquic's client has its datagrams counted"""
    async with serve_with_files() as server, client(server.port) as peer:
        session, headers = await peer.session(f"127.0.0.1:{server.port}", "/counter")
        assert headers[b":status"] == b"200", headers
        for length in (1, 100, 1000):
            peer.send_datagram(session, b"x" * length)
            assert await asyncio.wait_for(peer.datagrams.get(), 5) == str(length).encode()


async def client_counts_unidirectional():
    """aioquic's client has a unidirectional stream counted, with its public API"""
    async with serve_with_files() as server, client(server.port) as peer:
        session, _ = await peer.session(f"127.0.0.1:{server.port}", "/counter")
        peer.send_stream(session, b"y" * 70_000, is_unidirectional=True)
        stream, answer = await asyncio.wait_for(peer.ended.get(), 10)
        assert stream & 3 == 3 and answer == b"70000", (stream, answer)


async def client_counts_bidirectional():
    """aioquic's QUIC client has a bidirectional stream counted, past its HTTP/3 parser"""
    async with serve_with_files() as server, client(server.port) as peer:
        session, _ = await peer.session(f"127.0.0.1:{server.port}", "/counter")
        opened = peer.send_stream(session, b"z" * 12_345, is_unidirectional=False)
        assert await asyncio.wait_for(peer.ended.get(), 10) == (opened, b"12345")


async def client_leaves():
    """aioquic's close is printed as the end of session and connection"""
    async with serve_with_files() as server:
        async with client(server.port) as peer:
            await peer.session(f"127.0.0.1:{server.port}", "/counter")
            peer._quic.close(error_code=0x100, reason_phrase="enough")
            peer.transmit()
            line = await server.line("session-closed")
            assert line.endswith('cause=connection_close code=0 reason="" clean=no'), line
            line = await server.line("connection-closed")
            assert line == 'connection-closed source=peer_application code=256 reason="enough"', line


class AioquicServer:
    async def __aenter__(self):
        options = configuration(False)
        options.load_cert_chain(chain, key)
        Server.files = {"/big": big}
        self.server = await serve("127.0.0.1", 0, configuration=options, create_protocol=Server)
        self.port = self.server._transport.get_extra_info("sockname")[1]
        return self

    async def __aexit__(self, *_):
        self.server.close()


async def get_from_server():
    """leat get verifies aioquic's chain and gets 10 MB byte for byte"""
    async with AioquicServer() as server:
        target = os.path.join(work, "got")
        status, _, err = await run_leat("get", f"https://127.0.0.1:{server.port}/big", "-o", target, "--cacert", ca)
        assert status == 0, err
        with open(target, "rb") as file:
            assert file.read() == big


async def get_refuses_unknown_authority():
    """leat get refuses aioquic's certificate without the authority, in words"""
    async with AioquicServer() as server:
        status, out, err = await run_leat("get", f"https://127.0.0.1:{server.port}/big")
        assert status == 1 and out == b"" and b"certificate" in err, (status, err)


async def post_to_server():
    """leat get -d has its POST given back by aioquic"""
    source = os.path.join(work, "body")
    with open(source, "wb") as file:
        file.write(big[:200_000])
    async with AioquicServer() as server:
        status, out, err = await run_leat("get", f"https://127.0.0.1:{server.port}/echo", "-d", f"@{source}", "--cacert", ca)
        assert status == 0 and out == big[:200_000], (status, len(out), err)


async def missing_file():
    """leat get --fail tells aioquic's 404 by its exit status"""
    async with AioquicServer() as server:
        status, _, _ = await run_leat("get", f"https://127.0.0.1:{server.port}/nothing", "--fail", "--cacert", ca)
        assert status == 1, status


async def wt_against_server():
    """leat wt verifies aioquic's chain and has a datagram and both kinds of stream counted"""
    source = os.path.join(work, "body")
    with open(source, "wb") as file:
        file.write(b"q" * 4321)
    async with AioquicServer() as server:
        status, out, err = await run_leat("wt", f"https://127.0.0.1:{server.port}/counter", "--cacert", ca, "--datagram", "four",
            "--uni", source, "--bidi", source)
        text = out.decode()
        assert 'DatagramReceived' in text and 'data="4"' in text, (text, err)
        assert text.count('data="4321"') == 2, (text, err)


async def main():
    tests = [client_gets_a_file, client_posts, client_sends_datagrams, client_counts_unidirectional, client_counts_bidirectional,
             client_leaves, get_from_server, get_refuses_unknown_authority, post_to_server, missing_file, wt_against_server]
    failed = 0
    print(f"1..{len(tests)}")
    for number, test in enumerate(tests, 1):
        try:
            await asyncio.wait_for(test(), 90)
            print(f"ok {number} - {test.__doc__}", flush=True)
        except Exception:
            failed += 1
            print(f"not ok {number} - {test.__doc__}", flush=True)
            traceback.print_exc()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    sys.exit(asyncio.run(main()))
