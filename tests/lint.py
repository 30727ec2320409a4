"""What a compiler does not check about this tree: lint.py ROOT. Prints TAP.

Layers include downwards only; OpenSSL stays in crypto/, sockets and clocks in io/ and above; citations have one grammar; bounds
are documented; names, lines and files keep the house rules.
"""
import os
import re
import subprocess
import sys

root = sys.argv[1] if len(sys.argv) > 1 else "."
os.chdir(root)
LAYERS = ["base", "crypto", "crypto/tls", "quic", "h3", "webtransport", "qlog", "io", "tools"]


def tracked(*suffixes):
    try:
        files = subprocess.run(["git", "ls-files"], capture_output=True, text=True, check=True).stdout.split("\n")
    except (OSError, subprocess.CalledProcessError):
        files = [os.path.join(folder, name)[2:] for folder, _, names in os.walk(".") for name in names]
    return [f for f in files if f.endswith(suffixes) and os.path.exists(f)]


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def layer_of(path):
    found = [layer for layer in LAYERS if path.startswith(layer + "/")]
    return max(found, key=len) if found else None


SOURCES = [f for f in tracked(".c", ".h") if layer_of(f) or f.startswith("include/")]
ALL_C = tracked(".c", ".h")
PUBLIC_LAYER = {"base": "base", "tls": "crypto", "quic": "quic", "h3": "h3", "webtransport": "webtransport", "qlog": "qlog", "io": "io", "leat": "io"}


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
    names = re.compile(r"#include <(sys/socket|netinet/in|poll|sys/epoll|pthread|arpa/inet|netdb)\.h>|\bclock_gettime\b")
    for path in SOURCES:
        if names.search(read(path)) and layer_of(path) not in ("io", "tools"):
            yield path


def citations_have_one_grammar():
    """citations read `RFC 9000 §13.2.1` or `draft-name-NN §4.3`"""
    wrong = re.compile(r"RFC ?\d{4},? (?:section|Section|sec\.)|RFC\d{4}|\[RFC|§ \d")
    for path in ALL_C:
        for number, line in enumerate(read(path).split("\n"), 1):
            if wrong.search(line):
                yield f"{path}:{number}: {line.strip()}"


def nothing_is_unfinished():
    """no mark of unfinished work"""
    for path in ALL_C + tracked(".py", ".mjs", ".js", ".sh"):
        if path != "tests/lint.py":
            for number, line in enumerate(read(path).split("\n"), 1):
                if re.search(r"\b(TODO|FIXME|XXX)\b", line):
                    yield f"{path}:{number}"


def lines_fit():
    """lines fit 100 columns, tables and strings apart"""
    for path in ALL_C:
        if path.startswith(("tests/", "fuzz/")):
            continue
        for number, line in enumerate(read(path).split("\n"), 1):
            is_table = line.lstrip().startswith(("{", "[", "#define", "LEAT_API", "struct {", "/*", "*", '"', "|"))
            if len(line) > 140 and not is_table:
                yield f"{path}:{number}: {len(line)} columns"


def text_is_ascii():
    """source is ASCII and §"""
    for path in ALL_C:
        for number, line in enumerate(read(path).split("\n"), 1):
            if not line.replace("§", "").isascii():
                yield f"{path}:{number}"


def files_stay_small():
    """no source file has more than 600 lines"""
    for path in SOURCES:
        lines = read(path).count("\n")
        if lines > 600 and not path.startswith("include/"):
            yield f"{path}: {lines}"


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
            for name in re.findall(r"^(?!static)[a-z][\w \*]*?\b(leat_\w+)\([^;]*?\) \{", read(path), re.MULTILINE):
                if name in defined and defined[name] != path:
                    yield f"{name}: {defined[name]} and {path}"
                defined[name] = path


def the_project_speaks_of_itself():
    """nothing names a workplace, a machine's paths or a tracker"""
    words = re.compile(r"/work/|/root/|shared/(?:specs|research|design|vectors)|\bLLM\b|\bissue #?\d|\battacks? [A-Z]\d", re.IGNORECASE)
    for path in ALL_C + tracked(".py", ".mjs", ".js", ".sh", ".md", "meson.build", "tools/start", "tools/test"):
        if path != "tests/lint.py":
            for number, line in enumerate(read(path).split("\n"), 1):
                if words.search(line):
                    yield f"{path}:{number}: {line.strip()[:100]}"


CHECKS = [includes_point_down, openssl_stays_in_crypto, sockets_stay_in_io, citations_have_one_grammar, nothing_is_unfinished, lines_fit,
          text_is_ascii, files_stay_small, files_say_what_they_are, bounds_are_documented, names_have_one_definition, the_project_speaks_of_itself]


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
