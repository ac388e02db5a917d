# SPDX-License-Identifier: Apache-2.0
"""Checks the pages given: every block of C or Python is a quotation, every JSON block parses, every relative link leads somewhere.

Such a block is preceded by <!-- from PATH -->; it must stand in that file word for word, indentation aside.
"""
import json
import re
import sys
import textwrap

from pages import TOP, blocks, pages


def quoted(block, source: str) -> bool:
    wanted = textwrap.dedent(block.text).strip("\n").split("\n")
    lines = source.split("\n")
    for start in range(len(lines) - len(wanted) + 1):
        found = textwrap.dedent("\n".join(lines[start : start + len(wanted)])).split("\n")
        if [line.rstrip() for line in found] == [line.rstrip() for line in wanted]:
            return True
    return False


def faults(page):
    for block in blocks(page):
        where = f"{page}:{block.line}"
        if block.language in ("c", "python"):
            source = re.fullmatch(r"from (\S+)", block.note)
            if not source:
                yield f"{where}: say above this block where it is quoted from: <!-- from PATH -->"
            elif not (TOP / source[1]).is_file():
                yield f"{where}: {source[1]} does not exist"
            elif not quoted(block, (TOP / source[1]).read_text()):
                yield f"{where}: this does not stand in {source[1]}"
        elif block.language == "json":
            try:
                json.loads(block.text)
            except ValueError as error:
                yield f"{where}: not JSON: {error}"
    for number, line in enumerate(page.read_text().splitlines(), 1):
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", line):
            if "://" not in target and not (page.parent / target).exists():
                yield f"{page}:{number}: the link to {target} leads nowhere"


def main() -> int:
    found = list(pages(sys.argv[1:]))
    problems = [fault for page in found for fault in faults(page)]
    print("\n".join(problems) if problems else f"{len(found)} pages are as they should be")
    return 1 if problems or not found else 0


if __name__ == "__main__":
    sys.exit(main())
