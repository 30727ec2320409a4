"""The matrix as text and as Markdown, as the runner prints it: rows are clients, columns are servers, cells are letters."""
import importlib.metadata
import os
import re

HERE = os.path.dirname(os.path.abspath(__file__))


def letters(case, result):
    """(passed, failed, unsupported) for one result."""
    return [case.letter if result and result.word == word else None for word in ("passed", "failed", "unsupported")]


def summary(cases, results):
    columns = zip(*(letters(case, results.get(case.name)) for case in cases))
    return [" ".join(letter for letter in column if letter) for column in columns]


def as_text(pairs, cases, results):
    lines = ["#", "# case                " + "".join(f"{client + '>' + server:>20}" for client, server in pairs)]
    for case in cases:
        row = ""
        for pair in pairs:
            result = results[pair].get(case.name)
            word = "" if result is None else result.word if result.word != "unsupported" else "not " + result.who
            word += f" {result.kbps} kbps" if result and result.kbps else ""
            row += f"{word} {result.seconds:.1f}".rjust(20) if result else " " * 20
        lines.append(f"# {case.name:20}" + row)
    for client, server in pairs:
        passed, failed, unsupported = summary(cases, results[client, server])
        lines.append(f"# {client} > {server}: passed {passed or '-'}; failed {failed or '-'}; unsupported {unsupported or '-'}")
    return "\n".join(lines)


def version(name):
    """Of the library behind a peer, from the file that pins it."""
    def first(file, pattern):
        with open(os.path.join(HERE, file), encoding="utf-8") as text:
            found = re.search(pattern, text.read(), re.MULTILINE)
        return found.group(1) if found else ""
    if name == "aioquic":
        return importlib.metadata.version("aioquic")
    if name == "quic-go":
        return first("quic_go/go.mod", r"quic-go/quic-go v(\S+)")
    if name in ("quinn", "quiche", "s2n-quic"):
        return first("Cargo.lock", rf'name = "{name}"\nversion = "([^"]+)"')
    return first("../../meson.build", r"version: '([^']+)'")


HEAD = """# Interoperability

leat and {count} other implementations with the cases of the QUIC interop runner, each in both roles: files, links, and what has to
be seen in the captures are the runner's; the network is two namespaces and a simulated link (tests/interop). This file is
written by

    tests/interop/matrix.sh BUILD PYTHON_ENVIRONMENT GO_FOLDER RUST_FOLDER --markdown docs/interop.md

| implementation | version |
| --- | --- |
"""


def as_markdown(names, cases, results, explain):
    leat, others = names[0], names[1:]
    out = HEAD.format(count=len(others)) + "".join(f"| {name} | {version(name)} |\n" for name in names)
    out += "\nIn a cell: the cases that passed; then what failed, in bold; then what one side does not have.\n"
    for title, pairs in ((f"{leat} as client", [(leat, name) for name in names]),
                         (f"{leat} as server", [(name, leat) for name in names])):
        out += f"\n## {title}\n\n| client | server | passed | failed | unsupported |\n| --- | --- | --- | --- | --- |\n"
        for pair in pairs:
            passed, failed, unsupported = summary(cases, results.get(pair, {}))
            out += f"| {pair[0]} | {pair[1]} | {passed} | {'**' + failed + '**' if failed else ''} | {unsupported} |\n"
    out += "\n## Cases\n\n| | case |\n| --- | --- |\n" + "".join(f"| {case.letter} | {case.name} |\n" for case in cases)
    measured = [case for case in cases if case.is_measured]
    out += "\n## Kilobits per second\n\nThe link has 10,000; crosstraffic shares it with a TCP connection.\n\n"
    out += "| client | server | " + " | ".join(case.name for case in measured) + " |\n| --- | --- |" + " --- |" * len(measured) + "\n"
    for (client, server), cells in results.items():
        figures = [str(cells[case.name].kbps or "") if case.name in cells else "" for case in measured]
        out += f"| {client} | {server} | " + " | ".join(figures) + " |\n"
    reasons = {(result.who, role, case, " ".join(result.why.split()))
               for (client, server), cells in results.items() for case, result in cells.items()
               if result.word == "unsupported" for role in ("client", "server")
               if result.who == (client if role == "client" else server) and (client, server) != (leat, leat) or result.who == leat}
    failures = [(client, server, case, explain(case, client, server, result.why) or " ".join(result.why.split()))
                for (client, server), cells in results.items() for case, result in cells.items() if result.word == "failed"]
    if failures:
        out += "\n## What failed\n\n| client | server | case | why |\n| --- | --- | --- | --- |\n"
        out += "".join(f"| {client} | {server} | {case} | {why} |\n" for client, server, case, why in failures)
    out += "\n## What is not supported, and who says so\n\n| who | role | case | reason |\n| --- | --- | --- | --- |\n"
    for who, role, case, why in sorted(reasons):
        out += f"| {who} | {role} | {case} | {why} |\n"
    return out
