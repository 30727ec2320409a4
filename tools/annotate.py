#!/usr/bin/env python3
"""docs/handshake.md: a small connection in the simulator, every field of it explained.

annotate.py LEAT > docs/handshake.md. LEAT is the built command: it makes the run and decodes it.
What is said about a packet, frame, message or extension stands in NOTES; something new without a
note is an error, so that the text stays complete.
"""
import json
import os
import re
import subprocess
import sys
import tempfile

RUN = ["sim", "--seed", "1", "--bytes", "300B", "--rtt", "50ms"]

INTRODUCTION = """# A handshake, every byte

A client connects over a link with a round trip of 50 ms, asks with 40 bytes on stream 0 and gets 300 back. This page is
made by `tools/annotate.py build/tools/leat` from a run of the simulator: `leat sim {run} --pcap run.pcap --keylog run.keys`, and
`leat decode --keylog run.keys run.pcap` shows the same fields. The values are those of one run; keys and signatures differ in the next.
[life-of-a-packet.md](life-of-a-packet.md) follows one of these packets through the code.
"""

NOTES = {
    # packets
    "initial": "Initial packets carry the first handshake messages. Their keys come from the client's first Destination "
               "Connection ID, which everybody can read: they keep out accidents, not observers.",
    "handshake": "Handshake packets are protected with keys from the key exchange. Whoever can answer one has seen our "
                 "Initial packets, so a server that gets one knows that the client's address is real.",
    "1RTT": "1-RTT packets carry everything else, under the keys of the finished key exchange. The short header names no "
            "version and no length: it is always the last packet of its datagram.",
    "0RTT": "0-RTT packets carry data before the server has answered, under keys of an earlier connection.",
    "retry": "A Retry asks the client to show that it receives what is sent to its address.",
    "version_negotiation": "The server speaks none of the client's versions and names its own.",
    # frames
    "padding": "Nothing. Datagrams with Initial packets are filled up to 1200 bytes, to prove that the path carries them and "
               "to let the server answer with more.",
    "ping": "Asks for an acknowledgment and says nothing else.",
    "ack": "Which packet numbers of this space have arrived, newest first.",
    "crypto": "A piece of the TLS handshake. Each encryption level has its own stream of such bytes.",
    "new_token": "For a later connection: who shows it has been at this address before and needs no Retry.",
    "stream": "Bytes of the application on one of many streams. The low bits of the type say which fields are there and "
              "whether the stream ends.",
    "new_connection_id": "Spare names for this connection. A client that moves to another network takes a fresh one, so that "
                         "nobody can follow it. The token authenticates a stateless reset.",
    "retire_connection_id": "A name of the connection that is no longer used.",
    "handshake_done": "The server has everything: the client may drop its Handshake keys. The handshake is confirmed.",
    "connection_close": "The end of the connection, with a code and a reason. Type 0x1d is the application's.",
    "ack_frequency": "How often the sender wants to be acknowledged from now on.",
    "immediate_ack": "Asks for an acknowledgment without delay.",
    "path_challenge": "Eight random bytes that must come back from the address they were sent to.",
    "path_response": "The eight bytes of a PATH_CHALLENGE.",
    "datagram": "A message that is not sent again when it is lost.",
    "max_data": "More credit for the connection.",
    "max_stream_data": "More credit for one stream.",
    "max_streams": "More streams may be opened.",
    # messages of TLS
    "client_hello": "The client's offers: suites, groups with the first key shares, the application protocol, and its "
                    "transport parameters.",
    "server_hello": "The server's choices, and its key share: from here on both have a shared secret.",
    "encrypted_extensions": "The answers that need not be readable on the way.",
    "certificate": "Who the server is.",
    "compressed_certificate": "Who the sender is, in fewer bytes.",
    "certificate_verify": "A signature over everything said so far: the certificate's key is here now.",
    "finished": "A MAC over everything said so far: nobody has changed a byte.",
    "new_session_ticket": "For a later connection: a shared secret in place of a certificate.",
    # extensions
    "supported_versions": "TLS 1.3 only.",
    "server_name": "The name that the client wants to talk to; the answer is empty.",
    "supported_groups": "Groups for the key exchange, the preferred one first.",
    "key_share": "A public key for each group that the sender bets on.",
    "signature_algorithms": "Signatures that the client can check in CertificateVerify.",
    "signature_algorithms_cert": "The same for the certificates, where older ones live on.",
    "application_layer_protocol_negotiation": "What is spoken above QUIC.",
    "quic_transport_parameters": "Limits and abilities of the sender. The connection IDs in it are authenticated this way.",
    "psk_key_exchange_modes": "Resumption, if any, with a new key exchange.",
    "pre_shared_key": "Tickets of earlier connections.",
    "early_data": "0-RTT data follows, or was accepted.",
    "compress_certificate": "Ways in which the certificates may be compressed.",
}
CONTAINERS = {"packet", "frame", "message", "extension"}


def run(leat, *arguments):
    done = subprocess.run([leat, *arguments], capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != 0:
        sys.exit(f"{leat} {' '.join(arguments)}: {done.stderr}")
    return done.stdout


def decode(leat):
    with tempfile.TemporaryDirectory() as folder:
        pcap, keys = os.path.join(folder, "run.pcap"), os.path.join(folder, "run.keys")
        run(leat, *RUN, "--pcap", pcap, "--keylog", keys)
        return [json.loads(line) for line in run(leat, "decode", "--json", "--keylog", keys, pcap).splitlines()]


def kind_of(record):
    return re.match(r"[\w-]+", record["value"]).group()


def note_of(record, seen):
    kind = kind_of(record)
    if kind not in NOTES:
        sys.exit(f"annotate.py: nothing is said about the {record['name']} '{kind}'")
    is_first = kind not in seen
    seen.add(kind)
    return NOTES[kind] if is_first else None


def fold(fields):
    """Fields of the same name in a row become one line."""
    folded = []
    for record in fields:
        if folded and folded[-1][:2] == [record["depth"], record["name"]]:
            folded[-1][2].append(record["value"])
        else:
            folded.append([record["depth"], record["name"], [record["value"]], record.get("section")])
    return folded


def print_fields(fields):
    if not fields:
        return
    least = min(record["depth"] for record in fields)
    print("\n```")
    for depth, name, values, section in fold(fields):
        indent = "  " * (depth - least)
        head = f"{indent}{name}: "
        lines = [head + values[0]] + [" " * len(head) + value for value in values[1:]]
        lines[0] += f"  [{section}]" if section else ""
        print("\n".join(lines))
    print("```")


def print_head(record, seen):
    name, value, section = record["name"], record["value"], record.get("section")
    section = f" [{section}]" if section else ""
    if name == "packet":
        print(f"\n### {value}{section}")
    else:
        print(f"\n**{name} {value}**{section}")
    note = note_of(record, seen)
    if note:
        print(f"\n{note}")


def print_page(records):
    print(INTRODUCTION.format(run=" ".join(RUN[1:])))
    client, seen, fields = None, set(), []
    for record in records:
        if record["name"] != "datagram" and record["name"] not in CONTAINERS:
            fields.append(record)
            continue
        print_fields(fields)
        fields = []
        if record["name"] in CONTAINERS:
            print_head(record, seen)
            continue
        number, addresses, size = record["value"].split(", ")
        client = client or addresses.split(" > ")[0]
        way = "client to server" if addresses.startswith(client) else "server to client"
        print(f"\n## Datagram {number}: {way}, {size}")
    print_fields(fields)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    print_page(decode(sys.argv[1]))
