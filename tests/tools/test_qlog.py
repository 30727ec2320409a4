"""--qlog of all three commands: a file per connection, of the drafts' schema, and never at the connection's cost."""
import os
import resource
import socket
import subprocess
import sys

from harness import Server, environment, expect, expect_equal, expect_one_line, leat, main, path, run, test

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "qlog"))
import schema  # noqa: E402


def logs(folder):
    """Name without suffix: events. Every record is checked."""
    found = {}
    for name in os.listdir(folder):
        expect(name.endswith(".sqlog"), name)
        with open(os.path.join(folder, name), "rb") as file:
            found[name[:-6]], faults = schema.check(file.read())
        expect(not faults, faults[:5])
    return found


@test
def both_sides_write_the_same_connection():
    ours, theirs = path("client-logs"), path("server-logs")
    with Server("--qlog", theirs) as server:
        expect_equal(server.get("/bytes/20000", "--qlog", ours).status, 0)
        expect_equal(server.wt("/echo", "--qlog", ours, "--wait", "0").status, 0)
        server.stop()
    clients, servers = logs(ours), logs(theirs)
    expect_equal(len(clients), 2)
    expect_equal({name.replace("_client", "_server") for name in clients}, set(servers))
    for events in list(clients.values()) + list(servers.values()):
        names = [event["name"] for event in events]
        expect_equal((names[0], names.count("quic:connection_closed")), ("quic:connection_started", 1))
        expect("http3:frame_created" in names and "quic:packet_received" in names, names)


@test
def datagrams_without_a_connection_make_no_file():
    theirs = path("junk-logs")
    with Server("--qlog", theirs) as server:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for first in (0x40, 0xe0):
                sender.sendto(bytes([first, 0, 0, 0, 1, 8] + [7] * 1194), ("127.0.0.1", server.port))
        expect_equal(server.get("/bytes/1").status, 0)
        server.stop()
    expect_equal(len(logs(theirs)), 1)


@test
def a_folder_that_cannot_be_written_is_one_line():
    with Server() as server:
        expect_one_line(server.get("/bytes/1", "--qlog", "/dev/null/x"), 1)
    expect_one_line(run("serve", "--qlog", "/dev/null/x"), 1)


@test
def a_full_disk_costs_records_and_nothing_else():
    ours = path("full-logs")
    with Server() as server:
        # The limit stands for the disk: writes beyond it fail, the signal is ignored as Python does.
        done = subprocess.run(
            [leat, "get", "--cert-hash", server.hash, server.url + "/bytes/500000", "--qlog", ours], env=environment,
            capture_output=True, timeout=60, check=False, restore_signals=False,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)))
    expect_equal((done.returncode, done.stdout), (0, bytes(500000)))
    expect(b"records are missing" in done.stderr, done.stderr)


main()
