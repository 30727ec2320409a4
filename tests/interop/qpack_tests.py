"""What our QPACK encoder writes, read by ls-qpack: qpack_tests.py RATIO_TEST VECTORS. Prints TAP.

RATIO_TEST is the program that encodes every header list under every setting; pylsqpack comes with aioquic.
"""
import gzip
import os
import subprocess
import sys
import tempfile

import pylsqpack

ratio_test, vectors = sys.argv[1:3]


def header_lists(name):
    with gzip.open(os.path.join(vectors, "qpack", "qifs", "qifs", name + ".qif.gz"), "rt", encoding="latin-1", newline="\n") as file:
        lists = file.read().strip("\n").split("\n\n")
    return [[tuple(part.encode("latin-1") for part in line.split("\t", 1)) for line in one.split("\n") if not line.startswith("#")]
            for one in lists]


def blocks(path):
    with open(path, "rb") as file:
        while head := file.read(12):
            yield int.from_bytes(head[:8], "big"), file.read(int.from_bytes(head[8:], "big"))


def decode(path, table, blocked):
    decoder, lists = pylsqpack.Decoder(table, blocked), []
    for stream_id, content in blocks(path):
        if stream_id == 0:
            decoder.feed_encoder(content)
        else:
            lists.append(decoder.feed_header(stream_id, content)[1])
    return lists


def check(path):
    name, settings = os.path.basename(path).split(".out.")
    table, blocked, _ = map(int, settings.split("."))
    return decode(path, table, blocked) == header_lists(name)


with tempfile.TemporaryDirectory() as folder:
    subprocess.run([ratio_test], env=dict(os.environ, LEAT_QIFS_OUT=folder), stdout=subprocess.DEVNULL, timeout=300, check=True)
    paths = sorted(os.path.join(folder, name) for name in os.listdir(folder))
    failed = [path for path in paths if not check(path)]
    is_well = len(paths) >= 48 and not failed
    print(("ok" if is_well else "not ok") + " - ls-qpack decodes what our encoder writes under every setting")
    print(f"# {len(paths)} files, {len(failed)} wrong {failed[:5]}")
sys.exit(0 if is_well else 1)
