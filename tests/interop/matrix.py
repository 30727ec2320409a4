"""The cases of the QUIC interop runner over loopback, between leat and others, in both roles. Prints TAP and a matrix.

matrix.py [--only CASE]... [--jobs N] AUTHORITY NAME=COMMAND...    the first one is leat; commands take the options of `leat interop`
"""
import argparse
import asyncio
import os
import re
import shlex
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field

from relay import Link, Relay

KB, MB = 1024, 1024 * 1024
UNSUPPORTED = 127
LINK = {"delay": 0.015}
LOSSY = {"up": {**LINK, "loss": 30}, "down": {**LINK, "loss": 30}}


@dataclass
class Case:
    name: str
    sizes: list
    client: str = "transfer"      # TESTCASE of the client
    server: str = "transfer"
    handshakes: int = 1
    limit: int = 60
    link: dict = field(default_factory=dict)  # of Relay; up and down of Link
    says: tuple = ()              # patterns in what leat prints
    says_both: tuple = ()         # the same, when both sides are leat
    has_retry: bool = False
    least_paths: int = 0


# As the runner has them; files of 50 handshakes, and of what takes long, are fewer or smaller.
CASES = [
    Case("handshake", [KB], "handshake", "handshake"),
    Case("transfer", [2 * MB, 3 * MB, 5 * MB]),
    Case("longrtt", [KB], "handshake", "handshake", link={"up": {"delay": 0.75}, "down": {"delay": 0.75}}),
    Case("chacha20", [3 * MB], "chacha20", "chacha20", says=(r"^handshake cipher=\w*CHACHA20",)),
    Case("multiplexing", [32] * 1999),
    Case("retry", [10 * KB], "retry", "retry", has_retry=True),
    Case("resumption", [5 * KB, 10 * KB], "resumption", "resumption", handshakes=2, says=(r"^handshake .*resumed=yes",)),
    Case("zerortt", [32] * 40, "zerortt", "zerortt", handshakes=2, says=(r"^handshake .*early=yes",)),
    Case("http3", [5 * KB, 10 * KB, 500 * KB], "http3", "http3"),
    Case("keyupdate", [3 * MB], "keyupdate", "transfer", says=(r"^key-updated",)),
    Case("blackhole", [10 * MB], link={"silence": (0.3, 2)}),
    Case("handshakeloss", [KB] * 10, "multiconnect", "multiconnect", handshakes=10, limit=120, link=LOSSY),
    Case("transferloss", [2 * MB], link={"up": {**LINK, "loss": 2}, "down": {**LINK, "loss": 2}}),
    Case("handshakecorruption", [KB] * 10, "multiconnect", "multiconnect", handshakes=10, limit=120,
         link={"up": {**LINK, "corruption": 30}, "down": {**LINK, "corruption": 30}}),
    Case("transfercorruption", [2 * MB], link={"up": {**LINK, "corruption": 2}, "down": {**LINK, "corruption": 2}}),
    Case("amplificationlimit", [5 * KB], link={"up": {**LINK, "drops": range(2, 8)}, "down": LINK}),
    # The address that the server prefers is not behind the relay.
    Case("connectionmigration", [2 * MB], "transfer", "connectionmigration", says_both=(r"^path-changed",)),
    # The client moves to another socket of its own: not a case of the runner.
    Case("clientmigration", [5 * MB], "clientmigration", "transfer", says=(r"^path-changed",)),
    Case("rebind-port", [10 * MB], link={"rebind": (0.3, 1)}, least_paths=1),
]


class Failure(Exception):
    pass


async def start(command, role, testcase, folders, requests=""):
    environment = {**os.environ, "ROLE": role, "TESTCASE": testcase, "REQUESTS": requests, "SSLKEYLOGFILE": "", "QLOGDIR": ""}
    options = [word for name, folder in folders.items() for word in ("--" + name, folder)]
    listen = ["--listen", "127.0.0.1:0"] if role == "server" else []
    return await asyncio.create_subprocess_exec(*shlex.split(command), role, *options, *listen, env=environment,
                                                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)


async def stop(process):
    if process.returncode is None:
        process.terminate()
    try:
        out, err = await asyncio.wait_for(process.communicate(), 15)
    except asyncio.TimeoutError:
        process.kill()
        raise Failure("the server does not stop") from None
    return (out + err).decode(errors="replace")


async def find_port(server):
    """None: the server does not know the case."""
    while line := (await asyncio.wait_for(server.stdout.readline(), 20)).decode():
        if line.startswith("listening: "):
            return int(line.rsplit(":", 1)[1])
    status = await server.wait()
    if status == UNSUPPORTED:
        return None
    raise Failure(f"the server ended with {status}: {(await server.stderr.read()).decode()}")


def compare(www, downloads):
    wanted, got = sorted(os.listdir(www)), sorted(os.listdir(downloads))
    if wanted != got:
        raise Failure(f"{len(got)} files came instead of {len(wanted)}")
    for name in wanted:
        with open(os.path.join(www, name), "rb") as one, open(os.path.join(downloads, name), "rb") as other:
            if one.read() != other.read():
                raise Failure(f"{name} differs")


def judge(case, relay, text, are_both_leat):
    if len(relay.server_sources) != case.handshakes and "corruption" not in case.name:
        raise Failure(f"{len(relay.server_sources)} handshakes instead of {case.handshakes}")
    if (relay.retries > 0) != case.has_retry:
        raise Failure(f"{relay.retries} Retry packets")
    if relay.answered_paths < case.least_paths:
        raise Failure(f"{relay.answered_paths} of {relay.rebinds} new ports were answered")
    for pattern in case.says + (case.says_both if are_both_leat else ()):
        if not re.search(pattern, text, re.MULTILINE):
            raise Failure(f"leat did not print {pattern}")


async def run(case, client, server, certs):
    """True: passed; False: unsupported; raises Failure."""
    with tempfile.TemporaryDirectory(prefix="leat-interop-") as work:
        folders = {"www": os.path.join(work, "www"), "downloads": os.path.join(work, "downloads"), "certs": certs}
        os.mkdir(folders["www"]), os.mkdir(folders["downloads"])
        for number, size in enumerate(case.sizes):
            with open(os.path.join(folders["www"], f"file{number:04}"), "wb") as file:
                file.write(os.urandom(size))
        listening = await start(server, "server", case.server, folders)
        ended = None
        try:
            port = await find_port(listening)
            if port is None:
                return False
            link = {"up": LINK, "down": LINK, **case.link}
            async with Relay(("127.0.0.1", port), **{**link, "up": Link(**link["up"]), "down": Link(**link["down"])}) as relay:
                requests = " ".join(f"https://127.0.0.1:{relay.port}/{name}" for name in sorted(os.listdir(folders["www"])))
                ended = await start(client, "client", case.client, folders, requests)
                out, err = await asyncio.wait_for(ended.communicate(), case.limit)
            text = (out + err).decode(errors="replace")
            if ended.returncode == UNSUPPORTED:
                return False
            if ended.returncode != 0:
                raise Failure(f"the client ended with {ended.returncode}: {text[-1500:]}")
            compare(folders["www"], folders["downloads"])
            judge(case, relay, text + await stop(listening), client == server)
            return True
        except asyncio.TimeoutError:
            raise Failure(f"not done in {case.limit} s") from None
        finally:
            for process in (ended, listening):
                if process is not None and process.returncode is None:
                    process.kill()
                    await process.wait()


async def refuses_unknown_case(command, role, certs):
    folders = {"certs": certs, "www": certs, "downloads": certs}
    process = await start(command, role, "qwertz", folders, "https://127.0.0.1:1/x")
    return await asyncio.wait_for(process.wait(), 10) == UNSUPPORTED


def print_matrix(pairs, results):
    width = max(len(name) for name in results) + 2
    heads = [f"{client}>{server}" for client, server in pairs]
    print("# " + " " * width + "".join(f"{head:>18}" for head in heads))
    for name, row in results.items():
        print(f"# {name:{width}}" + "".join(f"{word:>18}" for word in row))


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("authority")
    parser.add_argument("peers", nargs="+")
    parser.add_argument("--only", action="append")
    # Most of the time they wait for the network.
    parser.add_argument("--jobs", type=int, default=3)
    arguments = parser.parse_args()
    commands = dict(peer.split("=", 1) for peer in arguments.peers)
    leat = next(iter(commands))
    pairs = [(leat, leat)] + [pair for name in list(commands)[1:] for pair in ((leat, name), (name, leat))]
    certs, number, failed = tempfile.mkdtemp(prefix="leat-interop-certs-"), 0, 0
    subprocess.run([os.path.abspath(arguments.authority), certs], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for old, new in (("server.pem", "cert.pem"), ("server.key", "priv.key"), ("authority.pem", "ca.pem")):
        os.rename(os.path.join(certs, old), os.path.join(certs, new))
    for role in ("client", "server"):
        number += 1
        is_good = await refuses_unknown_case(commands[leat], role, certs)
        failed += not is_good
        print(f"{'ok' if is_good else 'not ok'} {number} - an unknown test case ends the {role} with {UNSUPPORTED}", flush=True)
    chosen = [case for case in CASES if not arguments.only or case.name in arguments.only]
    results = {case.name: [""] * len(pairs) for case in chosen}
    slots = asyncio.Semaphore(arguments.jobs)

    async def play(case, column):
        nonlocal number, failed
        client, server = pairs[column]
        async with slots:
            started = asyncio.get_running_loop().time()
            try:
                word = "passed" if await run(case, commands[client], commands[server], certs) else "unsupported"
            except Failure as failure:
                word = "FAILED"
                print(f"{case.name}: client {client}, server {server}: {failure}", file=sys.stderr, flush=True)
        number, failed = number + 1, failed + (word == "FAILED")
        results[case.name][column] = f"{word} {asyncio.get_running_loop().time() - started:.1f}"
        print(f"{'not ok' if word == 'FAILED' else 'ok'} {number} - {case.name}: client {client}, server {server}"
              + (" # SKIP unsupported by the peer" if word == "unsupported" else ""), flush=True)

    await asyncio.gather(*(play(case, column) for case in chosen for column in range(len(pairs))))
    print(f"1..{number}")
    print_matrix(pairs, results)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
