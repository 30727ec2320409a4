"""Runs the leat command for tests: servers on ephemeral loopback ports, clients with bounded time, TAP on stdout."""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback

TIME_MAX = 30  # seconds that any one command may take, sanitizers included

leat, odd_server = map(os.path.abspath, sys.argv[1:3])
fixtures = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "vectors", "x509")
folder = tempfile.mkdtemp(prefix="leat-cli-")
environment = dict(os.environ, XDG_STATE_HOME=os.path.join(folder, "state"))


def path(name, data=None):
    """A file of the test's folder; written when data is given."""
    full = os.path.join(folder, name)
    if data is not None:
        with open(full, "wb") as file:
            file.write(data)
    return full


def content(name):
    with open(path(name), "rb") as file:
        return file.read()


class Result:
    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err.decode(errors="replace")
        self.lines = out.decode(errors="replace").splitlines()

    def __repr__(self):
        return f"status {self.status}\nstdout {self.out[:2000]!r}\nstderr {self.err[:2000]}"

    def events(self, name):
        """The fields of every event line with this name, in order."""
        return [fields(line) for line in self.lines if line.split(" ", 1)[0] == name]

    def stream(self, stream_id):
        """All bytes received on a stream."""
        return b"".join(bytes_of(event["data"]) for event in self.events("StreamDataReceived")
                        if int(event["stream_id"]) == stream_id)

    def datagrams(self):
        return [bytes_of(event["data"]) for event in self.events("DatagramReceived")]


def fields(line):
    return dict(re.findall(r'(\w+)=("(?:[^"\\]|\\.)*"|\S*)', line))


def bytes_of(text):
    return json.loads(text).encode() if text.startswith('"') else bytes.fromhex(text[2:])


def run(*arguments, input=None, timeout=TIME_MAX, cwd=None):
    done = subprocess.run([leat, *arguments], input=input if input is not None else b"", stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=timeout, env=environment, cwd=cwd or folder, check=False)
    return check(Result(done.returncode, done.stdout, done.stderr))


def check(result):
    """A report of a sanitizer is a failure, whatever else the test looks at."""
    if "Sanitizer" in result.err or "runtime error:" in result.err:
        raise AssertionError(result.err)
    return result


class Command:
    """A command that goes on while the test does something else."""

    program = [leat]

    def __init__(self, *arguments):
        self.process = subprocess.Popen([*self.program, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, env=environment, cwd=folder)
        self.out, self.err = b"", b""
        self.changed = threading.Condition()
        self.readers = [threading.Thread(target=self._read, args=pair, daemon=True)
                        for pair in (("out", self.process.stdout), ("err", self.process.stderr))]
        for reader in self.readers:
            reader.start()

    def _read(self, name, pipe):
        while data := os.read(pipe.fileno(), 65536):
            with self.changed:
                setattr(self, name, getattr(self, name) + data)
                self.changed.notify_all()
        with self.changed:
            self.changed.notify_all()

    def wait_for(self, pattern, timeout=TIME_MAX, count=1):
        """The match number `count` of a pattern on a line of stdout."""
        deadline = time.monotonic() + timeout
        with self.changed:
            while True:
                found = list(re.finditer(pattern, self.out.decode(errors="replace"), re.MULTILINE))
                if len(found) >= count:
                    return found[count - 1]
                left = deadline - time.monotonic()
                over = self.process.poll() is not None and not any(reader.is_alive() for reader in self.readers)
                if left <= 0 or over:
                    raise AssertionError(f"no '{pattern}' in {self.out!r}; stderr {self.err!r}")
                self.changed.wait(min(left, 0.2))

    def write(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def end_input(self):
        self.process.stdin.close()

    def signal(self, number):
        self.process.send_signal(number)

    def result(self, timeout=TIME_MAX):
        self.process.wait(timeout)
        for reader in self.readers:
            reader.join(5)
        return check(Result(self.process.returncode, self.out, self.err))

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            pipe.close()


class Server(Command):
    """`leat serve` on a port of its own."""

    program = [leat, "serve", "--listen", "127.0.0.1:0"]

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.address = self.wait_for(r"^listening: (\S+)$").group(1)
        self.port = int(self.address.rsplit(":", 1)[1])
        self.hash = re.search(r"^certificate-hash: (\S+)$", self.out.decode(), re.MULTILINE).group(1)
        self.url = f"https://{self.address}"

    def __enter__(self):
        return self

    def __exit__(self, kind, *ignored):
        """Stopped, not killed: what leaks is seen then."""
        try:
            if self.process.poll() is None and kind is None:
                self.signal(signal.SIGTERM)
                self.result()
        finally:
            self.kill()

    def get(self, *arguments, **options):
        """Targets first, then options."""
        count = next((i for i, a in enumerate(arguments) if a.startswith("-")), len(arguments))
        urls = [self.url + target for target in arguments[:count]]
        return run("get", "--cert-hash", self.hash, *urls, *arguments[count:], **options)

    def wt(self, target, *arguments, **options):
        return run("wt", self.url + target, "--cert-hash", self.hash, *arguments, **options)

    def start_wt(self, target, *arguments):
        return Command("wt", self.url + target, "--cert-hash", self.hash, *arguments)

    def stop(self):
        self.signal(signal.SIGTERM)
        return self.result()


class OddServer(Server):
    """The server of odd_server.c, which has no --listen."""

    program = [odd_server, "127.0.0.1:0"]


def expect(condition, what):
    if not condition:
        raise AssertionError(str(what))


def expect_equal(actual, expected, what=""):
    if actual != expected:
        raise AssertionError(f"{what}\n  expected {expected!r}\n  actual   {actual!r}"[:4000])


def expect_one_line(result, status):
    expect_equal(result.status, status, result)
    expect_equal(result.err.count("\n"), 1, f"one line on stderr: {result}")


tests = []


def test(function):
    """Its name is the sentence that TAP prints."""
    tests.append(function)
    return function


def main(*servers):
    """Runs the tests; the servers are stopped afterwards, which is a test as well."""

    def the_server_of_all_tests_stops_without_complaints():
        for server in servers:
            expect_equal(server.stop().status, 0)
            server.kill()

    wanted = sys.argv[3:]
    chosen = [t for t in tests if not wanted or any(word in t.__name__ for word in wanted)]
    chosen += [the_server_of_all_tests_stops_without_complaints] if servers else []
    failed = 0
    print(f"1..{len(chosen)}")
    try:
        for index, function in enumerate(chosen, 1):
            try:
                function()
                print(f"ok {index} - {function.__name__}", flush=True)
            except Exception:
                failed += 1
                print(f"not ok {index} - {function.__name__}", flush=True)
                traceback.print_exc()
    finally:
        for server in servers:
            server.kill()
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(1 if failed else 0)
