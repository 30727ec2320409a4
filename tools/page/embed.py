"""Writes the files given as a C table of bytes: embed.py OUTPUT FILE..."""
import os
import sys

TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}

output, files = sys.argv[1], sys.argv[2:]
with open(output, "w", encoding="ascii") as out:
    out.write('#include "page_files.h"\n\n')
    for index, path in enumerate(files):
        with open(path, "rb") as file:
            data = file.read()
        out.write(f"static const unsigned char data_{index}[] = {{\n")
        for start in range(0, len(data), 24):
            out.write("    " + ",".join(str(byte) for byte in data[start:start + 24]) + ",\n")
        out.write("};\n\n")
    out.write("const page_file page_files[] = {\n")
    for index, path in enumerate(files):
        name = os.path.basename(path)
        kind = TYPES[os.path.splitext(name)[1]]
        out.write(f'    {{"{name}", "{kind}", data_{index}, sizeof data_{index}}},\n')
    out.write("};\n\nconst size_t page_file_count = sizeof page_files / sizeof page_files[0];\n")
