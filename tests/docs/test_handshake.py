"""docs/handshake.md says what a handshake is now: test_handshake.py LEAT. Prints TAP.

Keys and signatures are new in each run: long hex strings are not compared, everything else is.
"""
import difflib
import os
import re
import subprocess
import sys

root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
HEX = re.compile(r"0x[0-9a-f]{17,}")


def comparable(text):
    return HEX.sub("0x...", text).splitlines()


made = subprocess.run([sys.executable, os.path.join(root, "tools", "annotate.py"), sys.argv[1]],
                      capture_output=True, text=True, timeout=120, check=False)
with open(os.path.join(root, "docs", "handshake.md"), encoding="utf-8") as file:
    kept = file.read()
difference = list(difflib.unified_diff(comparable(kept), comparable(made.stdout), "docs/handshake.md", "now", lineterm=""))
is_same = made.returncode == 0 and not difference
print("1..1")
print(("ok" if is_same else "not ok") + " 1 - docs/handshake.md is what tools/annotate.py writes now")
for line in made.stderr.splitlines() + difference[:60]:
    print("# " + line)
sys.exit(0 if is_same else 1)
