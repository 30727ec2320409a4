"""One cell of the matrix: a case between one client and one server, over a simulated network."""
import asyncio
import os
import random
import shlex
import string
import sys
import tempfile
from dataclasses import dataclass, replace

from cases import CASES, Failure, Seen, expect
from link import Link
from namespaces import SERVER6_OTHER, SERVER_OTHER, Namespaces, Rebinding
from relay import Loopback
from trace import INITIAL, ONE_RTT, VERSION_1, Trace

UNSUPPORTED = 127
BY_NAME = {case.name: case for case in CASES}


@dataclass
class Result:
    """What became of a cell. word: passed, failed, unsupported; who: whose fault or lack of support it is, if known."""
    word: str
    seconds: float = 0.0
    who: str = ""
    why: str = ""
    kbps: int = 0


class Unsupported(Exception):
    pass


def make_files(folder, case):
    for number, size in enumerate(case.sizes):
        stem = f"file{number:04}"
        name = stem + "".join(random.choices(string.ascii_lowercase, k=case.name_length - len(stem)))
        with open(os.path.join(folder, name), "wb") as file:
            file.write(os.urandom(size))
    return sorted(os.listdir(folder))


def compare(www, downloads):
    wanted, got = sorted(os.listdir(www)), sorted(os.listdir(downloads))
    expect(wanted == got, f"{len(got)} files came instead of {len(wanted)}")
    for name in wanted:
        with open(os.path.join(www, name), "rb") as one, open(os.path.join(downloads, name), "rb") as other:
            expect(one.read() == other.read(), f"{name} differs")


def open_network(case, name, work):
    up = Link(**case.up, seed=1)
    down = Link(**(case.up if case.down is None else case.down), seed=2)
    rebinding = Rebinding(**case.rebinding) if case.rebinding else None
    kind = Loopback if os.environ.get("LEAT_INTEROP_LOOPBACK") else Namespaces
    return kind(name, up, down, work, rebinding, case.is_v6)


# ---- processes

async def start(network, command, role, case, work, certs, requests=""):
    testcase = case.client if role == "client" else case.server
    # CASE is read by the programs in this folder, where a library cannot do what the runner starts as another case.
    environment = {**os.environ, "ROLE": role, "TESTCASE": testcase, "CASE": case.name, "REQUESTS": requests, "QLOGDIR": "",
                   "PROTOCOLS": "", "PREFERRED_V4": SERVER_OTHER + ":443", "PREFERRED_V6": f"[{SERVER6_OTHER}]:443",
                   "SSLKEYLOGFILE": os.path.join(work, role + ".keys")}
    options = ["--www", os.path.join(work, "www"), "--downloads", os.path.join(work, "downloads"), "--certs", certs]
    with open(os.path.join(work, role + ".log"), "wb") as log:
        return await asyncio.create_subprocess_exec(
            *network.inside(role), *shlex.split(command), role, *options, *(network.listen if role == "server" else ()),
            env=environment, stdout=asyncio.subprocess.PIPE if role == "server" else log, stderr=log)


def log_of(work, role):
    with open(os.path.join(work, role + ".log"), encoding="utf-8", errors="replace") as log:
        return log.read().strip()


async def stop(process, seconds=15):
    """False: it had to be killed."""
    if process is None or process.returncode is not None:
        return True
    process.terminate()
    try:
        await asyncio.wait_for(process.communicate(), seconds)
        return True
    except asyncio.TimeoutError:
        process.kill()
        await process.wait()
        return False


async def find_port(server, work):
    while line := (await asyncio.wait_for(server.stdout.readline(), 20)).decode():
        if line.startswith("listening: "):
            return int(line.rsplit(":", 1)[1])
    status = await server.wait()
    if status == UNSUPPORTED:
        raise Unsupported("server", log_of(work, "server"))
    raise Failure(f"the server ended with {status}: {log_of(work, 'server')[-1500:]}")


async def start_rival(network):
    rival = [sys.executable, os.path.join(os.path.dirname(os.path.abspath(__file__)), "rival.py")]
    serving = await asyncio.create_subprocess_exec(*network.inside("server"), *rival, "serve", network.address, "5001",
                                                   stdout=asyncio.subprocess.PIPE)
    await asyncio.wait_for(serving.stdout.readline(), 10)
    fetching = await asyncio.create_subprocess_exec(*network.inside("client"), *rival, "fetch", network.address, "5001",
                                                    stderr=asyncio.subprocess.DEVNULL)
    return [serving, fetching]


# ---- judgement

def goodput(trace, size):
    times = [one.when for one in trace.of_kind("server", ONE_RTT)]
    return int(size * 8 / 1000 / max(times[-1] - times[0], 1e-3)) if times else 0


def judge(case, work, ports):
    keys = os.path.join(work, "both.keys")
    with open(keys, "wb") as both:
        for role in ("client", "server"):
            path = os.path.join(work, role + ".keys")
            if os.path.exists(path):
                with open(path, "rb") as file:
                    both.write(file.read() + b"\n")
    seen = Seen(*(Trace(os.path.join(work, side + ".pcap"), keys, ports) for side in ("client", "server")))
    initials = seen.server.of_kind("server", INITIAL)
    count = len({one.source_id for one in initials})
    expect(count == case.handshakes, f"{count} handshakes instead of {case.handshakes}")
    if case.is_version_1:
        versions = {one.version for one in initials}
        expect(versions == {VERSION_1}, f"the server's Initials have the versions {versions}")
    for check in case.checks:
        check(seen)
    return goodput(seen.server, sum(case.sizes)) if case.is_measured else 0


async def run(case, client, server, certs, work, name):
    """Gives kilobits per second where they are measured; raises Unsupported or Failure."""
    for folder in ("www", "downloads"):
        os.mkdir(os.path.join(work, folder))
    names = make_files(os.path.join(work, "www"), case)
    processes = []
    async with open_network(case, name, work) as network:
        try:
            listening = await start(network, server, "server", case, work, certs)
            processes.append(listening)
            port = await find_port(listening, work)
            if case.has_rival:
                processes += await start_rival(network)
            place = network.place(port)
            requests = " ".join(f"https://{place}/{one}" for one in names)
            fetching = await start(network, client, "client", case, work, certs, requests)
            processes.append(fetching)
            try:
                status = await asyncio.wait_for(fetching.wait(), case.limit)
            except asyncio.TimeoutError:
                raise Failure(f"not done in {case.limit} s: {log_of(work, 'client')[-1500:]}") from None
            if status == UNSUPPORTED:
                raise Unsupported("client", log_of(work, "client"))
            expect(status == 0, f"the client ended with {status}: {log_of(work, 'client')[-1500:]}")
            expect(await stop(listening), "the server does not stop")
        finally:
            for process in processes:
                await stop(process, 2)
    compare(os.path.join(work, "www"), os.path.join(work, "downloads"))
    return await asyncio.get_running_loop().run_in_executor(None, judge, case, work, network.server_ports(port))


async def play(case, commands, client, server, certs, keep):
    loop = asyncio.get_running_loop()
    started = loop.time()
    folder = tempfile.TemporaryDirectory(prefix="leat-interop-")
    work = folder.name
    if keep:
        work = os.path.join(keep, f"{case.name}-{client}-{server}")
        os.makedirs(work)
    try:
        kbps = await run(case, commands[client], commands[server], certs, work, f"leat-{os.getpid()}")
        return Result("passed", loop.time() - started, kbps=kbps)
    except Unsupported as refusal:
        role, why = refusal.args
        return Result("unsupported", loop.time() - started, client if role == "client" else server, why)
    except Failure as failure:
        return Result("failed", loop.time() - started, why=str(failure))
    finally:
        folder.cleanup()


def play_cell(name, handshakes, commands, client, server, certs, keep):
    """For a process of its own."""
    case = BY_NAME[name]
    if case.client == "multiconnect":
        case = replace(case, sizes=case.sizes[:handshakes], handshakes=handshakes)
    return asyncio.run(play(case, commands, client, server, certs, keep))
