#!/usr/bin/env python3
"""Lines per file and per function: sizes.py [FOLDER ...] (the library and the tools). Prints a table.

A function is what stands from a line that begins with its name and arguments to the brace in the first column; that is
how every function here is laid out, so no parser is needed.
"""
import pathlib
import re
import statistics
import sys

FOLDERS = ["base", "crypto", "quic", "qlog", "h3", "webtransport", "io", "tools", "examples"]
FILE_MAX, FUNCTION_MAX, LONGEST = 400, 60, 20
FUNCTION = re.compile(r"^(?!typedef|struct|enum|union|extern|#|\s|\}|/|\*)[\w *]*?(\w+)\(")


def functions(lines):
    """(name, first line, number of lines) of each function of a file."""
    start, name, has_body = None, None, False
    for number, line in enumerate(lines, 1):
        if found := FUNCTION.match(line):
            start, name, has_body = number, found.group(1), False
        has_body = has_body or line.endswith(("{", "}"))
        if start is not None and (line == "}" or (number == start and has_body and line.endswith("}"))):
            yield name, start, number - start + 1
            start = None
        elif not has_body and line.endswith(";"):
            start = None  # a declaration


def main():
    root = pathlib.Path(__file__).resolve().parents[2]
    folders = [root / name for name in (sys.argv[1:] or FOLDERS)]
    files = sorted(path for folder in folders for path in folder.rglob("*.[ch]"))
    sizes, found = {}, []
    for path in files:
        lines = path.read_text(encoding="utf-8").splitlines()
        name = str(path.relative_to(root))
        sizes[name] = len(lines)
        found += [(count, f"{function} ({name}:{line})") for function, line, count in functions(lines)]
    found.sort(reverse=True)
    lengths = [count for count, _ in found]
    print(f"files      {len(sizes):6}  lines {sum(sizes.values())}, median {statistics.median(sizes.values()):g}, "
          f"longest {max(sizes.values())}")
    print(f"functions  {len(found):6}  median {statistics.median(lengths):g} lines, "
          f"over {FUNCTION_MAX}: {sum(count > FUNCTION_MAX for count in lengths)}")
    print(f"\nfiles over {FILE_MAX} lines")
    for name, count in sorted(sizes.items(), key=lambda item: -item[1]):
        if count > FILE_MAX:
            print(f"{count:6}  {name}")
    print(f"\nthe {LONGEST} longest functions")
    for count, name in found[:LONGEST]:
        print(f"{count:6}  {name}")


main()
