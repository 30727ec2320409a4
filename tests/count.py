"""Counts TAP.

count.py --meson testlog.json        prints the TAP inside meson's log, each line prefixed by its program
count.py --brief NAME FILE SECONDS   one line about a finished suite, and its failures
count.py --total EXPECTATIONS [--all] FILE...   checks skips and floors; the last line is "N passed, N failed, N skipped"
"""
import json
import os
import re
import sys

LINE = re.compile(r"^\s*(not ok|ok)\b\s*(\d+)?\s*(?:- )?(.*)$")


def points(lines):
    """(status, description) of every test line; status is passed, failed or skipped.

    check cannot skip: its tests print a line "# SKIP why" before they pass.
    """
    reason = ""
    for line in lines:
        match = LINE.match(line)
        if not match:
            reason = " " + line.strip() if line.startswith("# SKIP ") else reason
            continue
        verdict, _, text = match.groups()
        text, reason = text + (reason if verdict == "ok" else ""), ""
        if re.search(r"#\s*skip", text, re.IGNORECASE):
            yield "skipped", text
        else:
            yield ("passed" if verdict == "ok" else "failed"), text


def print_meson(path):
    with open(path, encoding="utf-8") as log:
        for record in map(json.loads, log):
            output = record.get("stdout", "") or ""
            found = list(points(output.splitlines()))
            for status, text in found:
                print(f"{'not ok' if status == 'failed' else 'ok'} - {record['name']}: {text}")
            died = record["result"] not in ("OK", "SKIP", "EXPECTEDFAIL") and not any(s == "failed" for s, _ in found)
            if died or (not found and record["result"] != "SKIP"):
                print(f"not ok - {record['name']}: {record['result']}")
                sys.stderr.write(output[-4000:] + (record.get("stderr", "") or "")[-8000:])
            elif any(s == "failed" for s, _ in found):
                sys.stderr.write((record.get("stderr", "") or "")[-8000:])
            if not found and record["result"] == "SKIP":
                print(f"ok - {record['name']} # SKIP {output.strip()[-200:]}")


def read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return list(points(file))


def brief(name, path, seconds):
    found = read(path)
    count = lambda status: sum(1 for s, _ in found if s == status)
    print(f"{name}: {count('passed')} passed, {count('failed')} failed, {count('skipped')} skipped in {seconds} s")
    for status, text in found:
        if status == "failed":
            print(f"  FAILED {text}")
    sys.stdout.flush()


def expectations(path):
    """floors: suite -> least number of passed tests; skips: patterns of allowed skips."""
    floors, skips = {}, []
    with open(path, encoding="utf-8") as file:
        for line in file:
            words = line.split("#", 1)[0].split(None, 2)
            if words and words[0] == "floor":
                floors[words[1]] = int(words[2])
            elif words and words[0] == "skip":
                skips.append(re.compile(words[1]))
    return floors, skips


def total(path, is_all, files):
    floors, skips = expectations(path)
    passed = failed = skipped = 0
    names = {os.path.splitext(os.path.basename(file))[0]: read(file) for file in files}
    for name, found in names.items():
        here = sum(1 for s, _ in found if s == "passed")
        passed += here
        failed += sum(1 for s, _ in found if s == "failed")
        for text in [t for s, t in found if s == "skipped"]:
            if any(skip.search(text) for skip in skips):
                skipped += 1
            else:
                failed += 1
                print(f"a skip that tests/expectations.txt does not allow: {text}")
        if here < floors.get(name, 0):
            failed += 1
            print(f"{name}: {here} passed, but at least {floors[name]} must")
    if is_all:
        for name in floors:
            if name not in names:
                failed += 1
                print(f"{name}: did not run")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


def main(arguments):
    if arguments[0] == "--meson":
        print_meson(arguments[1])
    elif arguments[0] == "--brief":
        brief(*arguments[1:4])
    elif arguments[0] == "--total":
        rest = [a for a in arguments[2:] if a != "--all"]
        return total(arguments[1], "--all" in arguments, rest)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
