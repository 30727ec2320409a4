"""The runner's WebTransport handshake over loopback, leat with itself: which protocol of PROTOCOLS both write down."""
import os
import shlex
import subprocess
import tempfile

CLIENT = ["client-a", "shared-a", "client-b", "shared-b", 'odd"\\name']
SERVER = ["server-a", "shared-b", "server-b", "shared-a"]


def start(command, role, folder, certs, protocols, requests="", testcase="handshake"):
    environment = {**os.environ, "ROLE": role, "TESTCASE": testcase, "PROTOCOLS": " ".join(protocols), "REQUESTS": requests,
                   "SSLKEYLOGFILE": "", "QLOGDIR": ""}
    options = ["--downloads", folder, "--www", folder, "--certs", certs]
    listen = ["--listen", "127.0.0.1:0"] if role == "server" else []
    return subprocess.Popen([*shlex.split(command), role, *options, *listen], env=environment, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def negotiate(command, certs, client_protocols, server_protocols):
    """The client's exit status, and what each side wrote."""
    with tempfile.TemporaryDirectory() as ours, tempfile.TemporaryDirectory() as theirs:
        server = start(command, "server", theirs, certs, server_protocols)
        try:
            port = next(line for line in server.stdout if line.startswith("listening: ")).rsplit(":", 1)[1].strip()
            client = start(command, "client", ours, certs, client_protocols, f"https://127.0.0.1:{port}/endpoint")
            client.communicate(timeout=20)
        finally:
            server.terminate()
            server.communicate(timeout=20)
        return client.returncode, [read(folder) for folder in (ours, theirs)]


def read(folder):
    path = os.path.join(folder, "negotiated_protocol.txt")
    if not os.path.exists(path):
        return None
    with open(path, encoding="ascii") as file:
        return file.read()


def points(command, certs):
    """Pairs of a verdict and what was tested."""
    yield negotiate(command, certs, CLIENT, SERVER) == (0, ["shared-a"] * 2), "the client's order of PROTOCOLS decides"
    yield negotiate(command, certs, CLIENT, CLIENT[-1:]) == (0, CLIENT[-1:] * 2), "PROTOCOLS may have quotes in them"
    yield negotiate(command, certs, CLIENT, ["server-a"]) == (1, [None] * 2), "no session without a protocol in common"
    transfer = start(command, "client", certs, certs, CLIENT, "https://127.0.0.1:1/endpoint", "transfer")
    transfer.communicate(timeout=20)
    yield transfer.returncode == 127, "transfers over WebTransport are not supported"
