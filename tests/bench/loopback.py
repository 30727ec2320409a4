"""Bulk transfers over loopback, leat and aioquic in both roles: loopback.py LEAT ROUNDS.

Run it with aioquic's Python. Interleaved rounds, so that a slow minute of the machine meets all
rows; medians. CPU is what the processes used.
"""
import os
import pathlib
import re
import resource
import statistics
import subprocess
import sys
import tempfile

LEAT, ROUNDS = sys.argv[1], int(sys.argv[2])
BULK = str(pathlib.Path(__file__).with_name("aioquic_bulk.py"))
MB = 1000 * 1000
PORT = 25431
# server, client, bytes: the slow ones carry less.
ROWS = [("leat", "leat", 512 * MB), ("leat", "aioquic", 32 * MB), ("aioquic", "leat", 32 * MB),
        ("aioquic", "aioquic", 16 * MB)]


class Server:
    def __init__(self, name, port, folder):
        self.port = port
        if name == "leat":
            command = [LEAT, "serve", "--listen", f"127.0.0.1:{port}",
                       "--cert", f"{folder}/pem", "--key", f"{folder}/pem"]
        else:
            pem = f"{folder}/pem"
            command = [sys.executable, BULK, "serve", str(port), pem, pem]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True)
        for line in self.process.stdout:
            if re.match("listening|ready", line):
                break

    def cpu(self):
        stat = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text()
        fields = stat.rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def transfer(client, port, size):
    """Bytes per second, as the client saw it, and its CPU seconds."""
    if client == "leat":
        command = [LEAT, "get", "--insecure", "-o", "/dev/null", "-w", "%{speed_download}\n",
                   "--resolve", f"localhost:{port}:127.0.0.1", f"https://localhost:{port}/bytes/{size}"]
    else:
        command = [sys.executable, BULK, "get", str(port), str(size)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    output = subprocess.run(command, check=True, capture_output=True, text=True, timeout=300).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return float(output), after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def make_certificate(folder):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{folder}/key", "-out",
                    f"{folder}/cert", "-days", "7", "-subj", "/CN=localhost", "-addext",
                    "subjectAltName=DNS:localhost"], check=True, capture_output=True)
    parts = [pathlib.Path(f"{folder}/{name}").read_text() for name in ("cert", "key")]
    pathlib.Path(f"{folder}/pem").write_text("".join(parts))


def run_round(servers, results):
    for row in ROWS:
        server, client, size = row
        before = servers[server].cpu()
        rate, client_cpu = transfer(client, servers[server].port, size)
        server_cpu = servers[server].cpu() - before
        results[row].append((rate / MB, server_cpu / size * 1e9, client_cpu / size * 1e9))


def print_table(results):
    slowest = statistics.median(value[0] for value in results[ROWS[-1]])
    print(f"{'loopback, server <- client':28}{'MB/s':>7}{'min':>7}{'max':>7}{'ratio':>8}"
          f"{'server s/GB':>13}{'client s/GB':>13}")
    for row, values in results.items():
        rates, server, client = zip(*values)
        rate = statistics.median(rates)
        print(f"{row[0] + ' <- ' + row[1]:28}{rate:7.0f}{min(rates):7.0f}{max(rates):7.0f}"
              f"{rate / slowest:8.1f}{statistics.median(server):13.2f}"
              f"{statistics.median(client):13.2f}")


def main():
    results = {row: [] for row in ROWS}
    with tempfile.TemporaryDirectory() as folder:
        make_certificate(folder)
        servers = {name: Server(name, PORT + i, folder)
                   for i, name in enumerate(["leat", "aioquic"])}
        try:
            for _ in range(ROUNDS):
                run_round(servers, results)
        finally:
            for server in servers.values():
                server.process.kill()
                server.process.wait()
    print_table(results)


main()
