"""docs/life-of-a-packet.md follows calls that exist: test_life.py. Prints TAP.

A box of calls has one function a line, `name file`, indented below its caller; `= name file table file-of-the-table` is
a call through a table. Each must be defined in its file, and called there by the line above it or named by the table.
"""
import os
import re
import sys

root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
LINE = re.compile(r"^(\s*)(= )?(\w+)\s+(\S+)(?:\s+(\w+)\s+(\S+))?$")


def read(path):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        return file.read()


def body_of(name, path):
    """The function's text, or None. In a header it may be inline."""
    found = re.search(rf"^[a-z][^;{{}}#]*?\b{name}\([^;{{}}]*\)\s*\{{", read(path), re.MULTILINE)
    if not found:
        return None
    text, depth, at = read(path), 1, found.end()
    while depth > 0:
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        at += 1
    return text[found.end():at]


def judge(line, callers):
    indent, through_table, name, path, table, table_path = LINE.match(line).groups()
    depth = len(indent)
    while callers and callers[-1][0] >= depth:
        callers.pop()
    body = body_of(name, path) if os.path.exists(os.path.join(root, path)) else None
    wrong = None
    if body is None:
        wrong = f"{name} is not defined in {path}"
    elif through_table:
        rows = re.search(rf"\b{table}\[\w*\] = \{{.*?\n\}};", read(table_path), re.DOTALL)
        if not rows or not re.search(rf"\b{name}\b", rows.group()):
            wrong = f"{name} is not in the table {table} of {table_path}"
    elif callers and not re.search(rf"\b{name}\(", callers[-1][2]):
        wrong = f"{callers[-1][1]} does not call {name}"
    callers.append((depth, name, body or ""))
    return wrong


boxes = re.findall(r"^```calls\n(.*?)^```", read("docs/life-of-a-packet.md"), re.DOTALL | re.MULTILINE)
faults, count = [], 0
for box in boxes:
    callers = []
    for line in box.splitlines():
        count += 1
        fault = judge(line, callers)
        faults += [fault] if fault else []
is_well = len(boxes) >= 8 and count >= 40 and not faults
print("1..1")
print(("ok" if is_well else "not ok") + " 1 - docs/life-of-a-packet.md follows calls that exist")
for fault in faults:
    print("# " + fault)
sys.exit(0 if is_well else 1)
