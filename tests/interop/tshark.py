"""What Wireshark thinks of leat's own connections: tshark.py LEAT. Prints TAP.

Each connection is captured and read by tshark and by `leat decode`, both with the key log. No packet may be malformed or
have an expert note of severity error, all must be decrypted, and both must count the same frames.
"""
import asyncio
import collections
import json
import os
import re
import subprocess
import sys
import tempfile

import certificates
import namespaces
from cell import BY_NAME, open_network, play, stop
from trace import Trace

LEAT = os.path.abspath(sys.argv[1])
MESSAGES = ["--datagram", "one", "--datagram", "two"]


def run(*words):
    return subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True).stdout.decode()


def frames_of_tshark(trace):
    found = collections.Counter()
    for role in ("client", "server"):
        found.update(int(kind) for kind in trace.field(role, "quic.frame_type"))
    return found


def frames_of_leat(path, keys):
    found, depth = collections.Counter(), None
    for line in run(LEAT, "decode", path, "--keylog", keys, "--json", "--data", "0").splitlines():
        field = json.loads(line)
        if field["name"] == "frame" and field["depth"] == 2:
            depth = field["depth"] + 1
        elif field["name"] == "type" and field["depth"] == depth:
            found[int(field["value"].split()[0], 0)] += 1
            depth = None
    return found


def notes_of_tshark(trace):
    """Expert notes of severity error, and packets without keys."""
    bad = "(_ws.expert.severity == error || _ws.malformed || quic.decryption_failed) && !icmp && !icmpv6"
    return [line for line in run("tshark", "-n", "-r", trace.path, *trace.options(), "-Y", bad, "-T", "fields", "-e", "frame.number",
                                 "-e", "_ws.expert.message").splitlines() if line]


# ---- connections

def keys_in(work):
    path = os.path.join(work, "keys")
    with open(path, "wb") as keys:
        for name in ("client.keys", "server.keys"):
            if os.path.exists(os.path.join(work, name)):
                with open(os.path.join(work, name), "rb") as file:
                    keys.write(file.read())
    return path


async def interop(name, certs, work):
    """A case of the matrix; its folder. None: leat does not have it."""
    result = await play(BY_NAME[name], {"leat": LEAT + " interop"}, "leat", "leat", certs, work)
    if result.word == "unsupported":
        return None
    assert result.word == "passed", result.why
    return os.path.join(work, f"{name}-leat-leat")


async def serve_and(words, certs, work):
    """`leat serve`, and another command whose words have URL where the server's goes."""
    async with open_network(BY_NAME["handshake"], f"leat-{os.getpid()}", work) as network:
        listen = f"{namespaces.SERVER}:443" if not network.listen else network.listen[1]
        server = await asyncio.create_subprocess_exec(
            *network.inside("server"), LEAT, "serve", "--listen", listen, "--cert", os.path.join(certs, "cert.pem"), "--key",
            os.path.join(certs, "priv.key"), "--keylog", os.path.join(work, "server.keys"), "--drain", "0",
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL, env={**os.environ, "XDG_STATE_HOME": work})
        try:
            while not (line := (await asyncio.wait_for(server.stdout.readline(), 20)).decode()).startswith("listening: "):
                assert line, "leat serve ended"
            port = int(line.rsplit(":", 1)[1])
            place = network.place(port)
            client = await asyncio.create_subprocess_exec(
                *network.inside("client"), LEAT, *(word.replace("URL", "https://" + place) for word in words),
                stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE)
            _, text = await asyncio.wait_for(client.communicate(), 30)
            assert client.returncode == 0, text.decode()
        finally:
            await stop(server)
    return port


SERVED = {
    "HTTP/3 of leat serve": ["get", "--insecure", *(f"URL/bytes/{1000 + number}" for number in range(12))],
    "WebTransport": ["wt", "URL/echo", "--insecure", "--wait", "1", *MESSAGES, "--bidi", __file__, "--uni", __file__],
}
# What must be seen in a case, or it has not tested what it is for.
WANTED = {"http3": r"required_insert_count: [1-9]"}


# ---- points

class Points:
    def __init__(self):
        self.count = self.failed = 0

    def check(self, name, problem):
        self.count, self.failed = self.count + 1, self.failed + bool(problem)
        print(f"{'not ok' if problem else 'ok'} {self.count} - {name}", flush=True)
        for line in problem or ():
            print(f"#   {line}", flush=True)


def judge(points, name, folder, port):
    keys = keys_in(folder)
    for side in ("client", "server"):
        path = os.path.join(folder, side + ".pcap")
        trace = Trace(path, keys, [port])
        points.check(f"{name}: tshark finds nothing wrong at the {side}", notes_of_tshark(trace))
        theirs, ours = frames_of_tshark(trace), frames_of_leat(path, keys)
        problem = [f"frame type {kind:#x}: tshark {theirs[kind]}, leat {ours[kind]}"
                   for kind in sorted(set(theirs) | set(ours)) if theirs[kind] != ours[kind]]
        points.check(f"{name}: tshark and leat decode count the same frames at the {side}",
                     problem or ([] if ours else ["there are no frames"]))


def look_for(points, name, folder):
    if name in WANTED:
        text = run(LEAT, "decode", os.path.join(folder, "server.pcap"), "--keylog", keys_in(folder))
        problem = [] if re.search(WANTED[name], text) else ["leat decode shows none"]
        points.check(f"{name}: there is {WANTED[name]}", problem)


async def main():
    points = Points()
    obstacle = namespaces.is_possible()
    if obstacle:
        print(f"# no network namespaces ({obstacle}): over loopback")
        os.environ["LEAT_INTEROP_LOOPBACK"] = "1"
    with tempfile.TemporaryDirectory(prefix="leat-tshark-") as work:
        certs = os.path.join(work, "certs")
        os.mkdir(certs)
        certificates.make(certs, 1, [namespaces.SERVER, namespaces.SERVER6])
        for name in ("handshake", "retry", "keyupdate", "resumption", "chacha20", "zerortt", "http3", "v2"):
            folder = await interop(name, certs, work)
            if folder is None:
                points.check(f"{name} # SKIP {name}: unsupported by leat: not there yet", None)
            else:
                judge(points, name, folder, namespaces.PORT if not obstacle else port_of(folder))
                look_for(points, name, folder)
        for name, words in SERVED.items():
            folder = os.path.join(work, name.split()[0].replace("/", ""))
            os.mkdir(folder)
            port = await serve_and([*words, "--keylog", os.path.join(folder, "client.keys")] if words[0] == "get" else words,
                                   certs, folder)
            judge(points, name, folder, port)
    print(f"1..{points.count}")
    return 1 if points.failed else 0


def port_of(folder):
    """Where the server listened, from its own packets."""
    from packets import read_capture
    _, first = next(iter(read_capture(os.path.join(folder, "server.pcap"))))
    return first.destination[1]


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
