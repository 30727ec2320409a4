"""What a compiler does not check about this tree: lint.py ROOT. Prints TAP.

Layers include downwards only; OpenSSL stays in crypto/, sockets and clocks in io/ and above;
citations have one grammar; bounds and attacks are documented; names, lines, functions and files
keep the house rules. Where git cannot tell, every file below ROOT counts.
"""
import os
import re
import subprocess
import sys

root = sys.argv[1] if len(sys.argv) > 1 else "."
os.chdir(root)
LAYERS = ["base", "crypto", "crypto/tls", "quic", "h3", "webtransport", "qlog", "io", "tools"]


def tracked_files():
    """What git knows; nothing in an archive, without git, or when the checkout is somebody else's."""
    try:
        return subprocess.run(["git", "ls-files"], capture_output=True, text=True, check=True).stdout.split("\n")
    except (OSError, subprocess.CalledProcessError):
        return []


def all_files():
    listed = tracked_files() if os.path.exists(".git") else []
    if listed:
        yield from listed
        return
    for folder, folders, names in os.walk("."):
        # A build folder may stand inside an unpacked archive.
        folders[:] = [f for f in folders if f not in (".git", "build-test") and
                      not os.path.exists(os.path.join(folder, f, "meson-info"))]
        yield from (os.path.join(folder, name)[2:] for name in names)


FILES = [f for f in all_files() if os.path.exists(f)]


def tracked(*suffixes):
    return [f for f in FILES if f.endswith(suffixes)]


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def layer_of(path):
    found = [layer for layer in LAYERS if path.startswith(layer + "/")]
    return max(found, key=len) if found else None


SOURCES = [f for f in tracked(".c", ".h") if layer_of(f) or f.startswith("include/")]
ALL_C = tracked(".c", ".h")
PUBLIC_LAYER = {"base": "base", "congestion": "quic", "early_data": "quic", "tls": "crypto", "quic": "quic", "endpoint": "quic",
                "version": "quic",
                "h3": "h3", "qlog": "qlog", "webtransport": "webtransport", "io": "io", "leat": "io"}

# What may be longer than the house rules say, and why.
LONG_FILES = {
    "tests/crypto/tls/test_messages.c": "most of it are tables of wrong messages",
    "tests/h3/test_qpack_encoder.c": "one fixture for all behaviours of the encoder",
    "tests/io/test_loopback.c": "one pair of server and client for all of them",
}
LONG_FUNCTIONS = {
    "bad_values_of_extensions_give_their_alert": "a table of extensions",
    "main": "an example is read from top to bottom",
    "print_event": "a case for each event",
}


def includes_point_down():
    """layers include downwards only"""
    for path in SOURCES:
        layer = layer_of(path)
        for name in re.findall(r'#include [<"]([^>"]+)[>"]', read(path)) if layer else []:
            public = re.fullmatch(r"leat/(\w+)\.h", name)
            target = PUBLIC_LAYER[public.group(1)] if public else layer_of(name)
            # webtransport/ and h3/ see QUIC through its public header only.
            if layer in ("h3", "webtransport") and not public and target == "quic":
                yield f"{path}: {name} is not public"
            if target and LAYERS.index(target) > LAYERS.index(layer):
                yield f"{path}: {name} is above {layer}"


def openssl_stays_in_crypto():
    """only crypto/ includes OpenSSL headers"""
    for path in SOURCES:
        if "#include <openssl/" in read(path) and not path.startswith("crypto/"):
            yield path


def sockets_stay_in_io():
    """only io/ and above know sockets, clocks and threads"""
    names = re.compile(r"#include <(sys/socket|netinet/in|poll|sys/epoll|pthread|arpa/inet|netdb)\.h>"
                       r"|\bclock_gettime\b")
    for path in SOURCES:
        if names.search(read(path)) and layer_of(path) not in ("io", "tools"):
            yield path


def citations_have_one_grammar():
    """citations read `RFC 9000 §13.2.1` or `draft-name-NN §4.3`, perhaps with the number of a row"""
    wrong = re.compile(r"RFC ?\d{4},? (?:section|Section|sec\.)|RFC\d{4}|\[RFC"
                       r"|§(?!\d+(?:\.\d+)*(?:-\d+)?(?![\w.]\w)|[A-Z](?:\.\d+)*(?:-\d+)?\b)")
    for path in ALL_C:
        for number, line in enumerate(read(path).split("\n"), 1):
            if wrong.search(line):
                yield f"{path}:{number}: {line.strip()}"


def test_names():
    """Every test there is: START_TEST and its relatives, by file below tests/."""
    definition = re.compile(r"^[A-Z0-9_]*TEST[A-Z0-9_]*\((\w+)", re.MULTILINE)
    return {path[len("tests/"):]: set(definition.findall(read(path)))
            for path in ALL_C if path.startswith("tests/")}


def attacks_have_rows():
    """every attack cited stands in docs/attacks.md, and every row names tests that exist"""
    rows = re.findall(r"^\| ([A-Z]\d+) \|.*\| ([^|]*) \|$", read("docs/attacks.md"), re.MULTILINE)
    known, tests = {row[0] for row in rows}, test_names()
    for attack, tested_by in rows:
        for path, names in re.findall(r"`([\w/.]+)`: ([^;]*)", tested_by) or [("nothing", "")]:
            for name in names.split(", "):
                if name not in tests.get(path, ()):
                    yield f"{attack}: no test {name} in {path}"
    citation = re.compile(r"\battacks? ([A-Z]\d+(?:(?:,| and| to| or)[ \n*]+[A-Z]\d+)*)", re.IGNORECASE)
    for path in ALL_C:
        for cited in citation.findall(read(path)):
            for first, last in re.findall(r"([A-Z]\d+)(?: to ([A-Z]\d+))?", cited):
                numbers = range(int(first[1:]), int((last or first)[1:]) + 1)
                for attack in (f"{first[0]}{number}" for number in numbers):
                    if attack not in known:
                        yield f"{path}: attack {attack}"


def nothing_is_unfinished():
    """no mark of unfinished work"""
    mark = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b")
    for path in ALL_C + tracked(".py", ".mjs", ".js", ".sh"):
        for number, line in enumerate(read(path).split("\n"), 1):
            if mark.search(line):
                yield f"{path}:{number}"


def lines_fit():
    """code fits 100 columns, declarations of headers 120; rows of tables are one line each"""
    for path in ALL_C:
        limit = 120 if path.endswith(".h") else 100
        is_table = False
        for number, line in enumerate(read(path).split("\n"), 1):
            is_table = line.strip() == "/* clang-format off */" or (
                is_table and line.strip() != "/* clang-format on */")
            is_row = is_table or line.lstrip().startswith(("{", "[", ".", "#define", '"', "|", "&&"))
            if len(line) > limit and not is_row:
                yield f"{path}:{number}: {len(line)} columns"


def text_is_ascii():
    """source is ASCII and §"""
    for path in ALL_C:
        for number, line in enumerate(read(path).split("\n"), 1):
            if not line.replace("§", "").isascii():
                yield f"{path}:{number}"


def files_stay_small():
    """no source file has more than 500 lines"""
    for path in ALL_C:
        lines = read(path).count("\n")
        if lines > 500 and path not in LONG_FILES:
            yield f"{path}: {lines}"


def functions_stay_small():
    """no function has more than 60 lines"""
    function = re.compile(r"^((?:\w*TEST\(|[A-Za-z])[^;={(\n]*?(\w+)(?:\([^;={]*)?\) \{\n.*?)^\}$",
                          re.MULTILINE | re.DOTALL)
    for path in tracked(".c"):
        for text, name in function.findall(read(path)):
            lines = text.count("\n") + 1
            if lines > 60 and name not in LONG_FUNCTIONS:
                yield f"{path}: {name} has {lines}"


def files_say_what_they_are():
    """every source file begins with a comment"""
    for path in ALL_C:
        if not read(path).startswith("/*"):
            yield path


def bounds_are_documented():
    """every bound in the headers stands in docs/limits.md"""
    limits = read("docs/limits.md")
    for path in SOURCES:
        if path.endswith(".h"):
            for name in re.findall(r"#define (\w+_(?:MAX|LIMIT|KEPT|RATE|BURST)) ", read(path)):
                if name not in limits and name not in ("LEAT_VARINT_MAX",):
                    yield f"{path}: {name}"


def names_have_one_definition():
    """one name has one definition in the whole library"""
    defined = {}
    for path in SOURCES:
        if path.endswith(".c") and layer_of(path) != "tools":
            definition = re.compile(r"^(?!static)[a-z][\w \*]*?\b(leat_\w+)\([^;]*?\) \{", re.MULTILINE)
            for name in definition.findall(read(path)):
                if name in defined and defined[name] != path:
                    yield f"{name}: {defined[name]} and {path}"
                defined[name] = path


def the_project_speaks_of_itself():
    """nothing names a workplace, a machine's paths or a tracker"""
    words = re.compile(r"/work/|/root/|shared/(?:specs|research|design|vectors)|\bLLM\b|\bissue #?\d",
                       re.IGNORECASE)
    texts = tracked(".py", ".mjs", ".js", ".sh", ".md", "meson.build", "tools/start", "tools/test")
    for path in ALL_C + texts:
        if path != "tests/lint.py":
            for number, line in enumerate(read(path).split("\n"), 1):
                if words.search(line):
                    yield f"{path}:{number}: {line.strip()[:100]}"


CHECKS = [
    includes_point_down, openssl_stays_in_crypto, sockets_stay_in_io, citations_have_one_grammar,
    attacks_have_rows, nothing_is_unfinished, lines_fit, text_is_ascii, files_stay_small,
    functions_stay_small, files_say_what_they_are, bounds_are_documented, names_have_one_definition,
    the_project_speaks_of_itself,
]


def main():
    print(f"1..{len(CHECKS)}")
    failed = 0
    for number, check in enumerate(CHECKS, 1):
        found = list(check())
        failed += 1 if found else 0
        print(f"{'not ok' if found else 'ok'} {number} - {check.__doc__}")
        for text in found[:40]:
            print(f"# {text}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
