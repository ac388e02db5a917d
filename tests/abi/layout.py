# SPDX-License-Identifier: Apache-2.0
"""The layout of every public structure, as C and as C++ see it, against the record and against what older versions had.

usage: layout.py [--write] RECORD INCLUDE_FOLDER OLDER_FOLDER C_COMPILER C++_COMPILER

A line of the record is `structure.field offset size`, or `structure size`; the last is the hash of the plugin ABI. What a structure of an older version had is still at its
place; those that their header calls frozen have their size, too. --write is for a decision: fields at the end of a structure
that is not frozen. sdk/docs/abi.md has the rules.
"""
import pathlib
import re
import subprocess
import sys
import tempfile


def sources(include: pathlib.Path) -> str:
    return "\n".join(header.read_text() for header in sorted((include / "viaduct").rglob("*.h")))


def fields(body: str) -> list[str]:
    found = []
    for declaration in filter(None, map(str.strip, body.split(";"))):
        pointer = re.search(r"\(\*(\w+)\)", declaration)
        names = [pointer[1]] if pointer else [re.search(r"(\w+)(\[[^]]*\])*$", part.strip())[1] for part in declaration.split(",")]
        found += names
    return found


def structures(include: pathlib.Path) -> dict[str, list[str]]:
    plain = re.sub(r"/\*.*?\*/", "", sources(include), flags=re.S)
    return {name: fields(body) for name, body in re.findall(r"^(?:typedef )?struct (via_\w+) \{\n(.*?)\n\}", plain, re.M | re.S)}


def frozen(include: pathlib.Path) -> set[str]:
    text = sources(include)
    return set(re.findall(r"Frozen(?:(?!\*/).)*\*/\ntypedef struct (via_\w+)", text, re.S))


def program(include: pathlib.Path) -> str:
    """In both languages; a field named as a word of C++ cannot be, and none is."""
    headers = [str(header.relative_to(include)) for header in sorted((include / "viaduct").rglob("*.h"))]
    lines = [f"#include <{header}>" for header in headers] + ["#include <stddef.h>", "#include <stdio.h>", "int main(void)", "{"]
    for name, members in structures(include).items():
        lines.append(f'    printf("{name} %zu\\n", sizeof(struct {name}));')
        for field in members:
            value = f"((struct {name} *)0)->{field}"
            lines.append(f'    printf("{name}.{field} %zu %zu\\n", offsetof(struct {name}, {field}), sizeof({value}));')
    lines.append('    printf("VIA_ABI_HASH %llx\\n", (unsigned long long)VIA_ABI_HASH);')
    return "\n".join(lines + ["    return 0;", "}", ""])


def layout(include: pathlib.Path, compiler: str, language: str, standard: str) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        source, built = pathlib.Path(folder, "layout"), pathlib.Path(folder, "program")
        source.write_text(program(include))
        subprocess.run([compiler, f"-std={standard}", "-x", language, "-I", include, source, "-o", built], check=True)
        return subprocess.run([built], check=True, capture_output=True, text=True).stdout.splitlines()


def differences(name: str, wanted: list[str], found: list[str]) -> list[str]:
    gone = [f"{name}: was '{line}'" for line in wanted if line not in set(found)]
    new = [f"{name}: is '{line}'" for line in found if line not in set(wanted)]
    return gone + new


def kept(older: pathlib.Path, record: list[str], compiler: str) -> list[str]:
    """A structure may have grown: its size is compared only where it is frozen."""
    still = frozen(older)
    lines = [line for line in layout(older, compiler, "c", "c11") if "." in line or line.split()[0] in still | {"VIA_ABI_HASH"}]
    return [f"version {older.name} had '{line}', and it is not so any more" for line in lines if line not in set(record)]


def main() -> int:
    arguments = [argument for argument in sys.argv[1:] if argument != "--write"]
    record, include, olders = map(pathlib.Path, arguments[:3])
    c, cxx = arguments[3:]
    found = layout(include, c, "c", "c11")
    if "--write" in sys.argv:
        record.write_text("\n".join(found) + "\n")
    wanted = record.read_text().splitlines()
    faults = differences("C", wanted, found) + differences("C++", wanted, layout(include, cxx, "c++", "c++17"))
    for older in sorted(path for path in olders.iterdir() if path.is_dir()):
        faults += kept(older, wanted, c)
    print("\n".join(faults) if faults else f"{len(wanted)} lines are as recorded")
    if faults:
        print(f"mend it, or, if fields came at an end, write the record anew: {' '.join(sys.argv[:1] + ['--write'] + arguments)}")
    return 1 if faults or len(wanted) < 200 else 0


if __name__ == "__main__":
    sys.exit(main())
