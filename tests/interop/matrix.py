"""The cases of the QUIC interop runner between leat and others, in both roles. Prints TAP, then the matrix.

matrix.py [OPTION]... NAME=COMMAND...    the first one is leat; commands take the options of `leat interop`
"""
import argparse
import collections
import concurrent.futures
import os
import re
import subprocess
import sys
import tempfile

import certificates
import namespaces
import protocols
import report
from cases import CASES
from cell import UNSUPPORTED, Result, play_cell


def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("peers", nargs="+")
    parser.add_argument("--only", action="append", help="a case; may be repeated")
    parser.add_argument("--client", help="only with this client")
    parser.add_argument("--server", help="only with this server")
    # Most of the time they wait for the network.
    parser.add_argument("--jobs", type=int, default=8)
    parser.add_argument("--handshakes", type=int, default=50, help="of handshakeloss and handshakecorruption; 50 as the runner")
    parser.add_argument("--keep", help="a folder for captures, key logs and what the programs say")
    parser.add_argument("--markdown", help="a file for the matrix and the versions")
    return parser.parse_args()


def make_certificates(folder):
    """One folder for each length of chain."""
    made = {}
    for count in {case.chain for case in CASES}:
        made[count] = os.path.join(folder, str(count))
        os.mkdir(made[count])
        certificates.make(made[count], count, [namespaces.SERVER, namespaces.SERVER6])
    return made


class Tap:
    def __init__(self):
        self.number = self.failed = 0

    def point(self, is_good, text):
        self.number, self.failed = self.number + 1, self.failed + (not is_good)
        print(f"{'ok' if is_good else 'not ok'} {self.number} - {text}", flush=True)


def refuses_unknown_case(command, role):
    environment = {**os.environ, "TESTCASE": "qwertz", "REQUESTS": "https://127.0.0.1:1/x", "ROLE": role}
    return subprocess.run([*command.split(), role], env=environment, timeout=10, check=False, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL).returncode == UNSUPPORTED


# What fails because of a peer: (client, server), cases, what the failure says, why. quiche 0.30 was seen to answer each ACK after a
# rebinding with DATA_BLOCKED at a limit 750 kB above the last byte it had sent, and never to repeat the bytes lost meanwhile.
KNOWN = [
    ("leat", "quinn", ("connectionmigration",), "no PATH_CHALLENGE", "quinn's first packet on the new path answers a probe only"),
    ("leat", "aioquic", ("rebind-port", "rebind-addr"), "no PATH_CHALLENGE", "aioquic may acknowledge on a new path before it challenges"),
    ("leat", "quiche", ("rebind-port", "rebind-addr"), "not done|timed out", "quiche says DATA_BLOCKED with MAX_DATA unused, and repeats nothing"),
]


def known_reason(case, client, server, why):
    found = [row[4] for row in KNOWN if row[:2] == (client, server) and case in row[2] and re.search(row[3], why)]
    return found[0] if found else None


def print_cell(tap, case, client, server, result):
    text = f"{case}: client {client}, server {server}"
    if result.word == "unsupported":
        text += f" # SKIP unsupported by {result.who}: {' '.join(result.why.split())[:200]}"
    elif result.word == "failed" and (reason := known_reason(case, client, server, result.why)):
        print(f"ok - {text} # SKIP known failure: {reason}", flush=True)
        return
    elif result.word == "failed":
        print(f"{case}: client {client}, server {server}: {result.why}", file=sys.stderr, flush=True)
    tap.point(result.word != "failed", text)


def main():
    arguments = options()
    commands = dict(peer.split("=", 1) for peer in arguments.peers)
    leat = next(iter(commands))
    obstacle = namespaces.is_possible()
    if obstacle:
        print(f"# no network namespaces ({obstacle}): over loopback", flush=True)
        os.environ["LEAT_INTEROP_LOOPBACK"] = "1"
    pairs = [(leat, leat)] + [pair for name in list(commands)[1:] for pair in ((leat, name), (name, leat))]
    if arguments.client and arguments.server:
        pairs = [(arguments.client, arguments.server)]
    pairs = [(client, server) for client, server in pairs
             if arguments.client in (None, client) and arguments.server in (None, server)]
    chosen = [case for case in CASES if not arguments.only or case.name in arguments.only]
    tap, results = Tap(), collections.defaultdict(dict)
    for name, command in commands.items():
        for role in ("client", "server"):
            tap.point(refuses_unknown_case(command, role), f"an unknown test case ends {name} as {role} with {UNSUPPORTED}")
    with tempfile.TemporaryDirectory(prefix="leat-interop-certs-") as folder, \
            concurrent.futures.ProcessPoolExecutor(arguments.jobs) as pool:
        certs, waiting = make_certificates(folder), {}
        for is_good, text in protocols.points(commands[leat], certs[1]):
            tap.point(is_good, text)
        # The longest first: they decide when all are done.
        for case in sorted(chosen, key=lambda case: (-case.limit, -sum(case.sizes))):
            for client, server in pairs:
                if case.is_leats and client != leat:
                    continue
                if obstacle and case.needs_namespaces:
                    tap.point(True, f"{case.name}: client {client}, server {server} # SKIP needs network namespaces")
                    continue
                future = pool.submit(play_cell, case.name, arguments.handshakes, commands, client, server, certs[case.chain], arguments.keep)
                waiting[future] = (case.name, client, server)
        for future in concurrent.futures.as_completed(waiting):
            case, client, server = waiting[future]
            try:
                result = future.result()
            except Exception as error:
                result = Result("failed", why=repr(error))
            results[client, server][case] = result
            print_cell(tap, case, client, server, result)
    print(f"1..{tap.number}")
    print(report.as_text(pairs, chosen, results))
    if arguments.markdown:
        with open(arguments.markdown, "w", encoding="utf-8") as file:
            file.write(report.as_markdown(list(commands), chosen, results, known_reason))
    return 1 if tap.failed else 0


if __name__ == "__main__":
    sys.exit(main())
