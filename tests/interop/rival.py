"""A TCP connection that takes what it can of a link: rival.py serve|fetch ADDRESS PORT"""
import socket
import sys

role, address, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
if role == "serve":
    listener = socket.create_server((address, port))
    # What the runner's iperf uses; elsewhere the system's own.
    try:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"cubic")
    except OSError:
        pass
    print("ready", flush=True)
    stream, _ = listener.accept()
    while True:
        stream.sendall(bytes(65536))
else:
    with socket.create_connection((address, port)) as stream:
        while stream.recv(65536):
            pass
