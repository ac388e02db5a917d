# SPDX-License-Identifier: Apache-2.0
"""Reading the project's Markdown pages: files and fenced blocks. Never writes."""
import pathlib
import re
from typing import Iterator, NamedTuple

TOP = pathlib.Path(__file__).resolve().parents[2]


class Block(NamedTuple):
    page: pathlib.Path
    line: int
    language: str
    text: str
    note: str  # the HTML comment on the line above the block, "" if none


def pages(arguments: list[str]) -> Iterator[pathlib.Path]:
    for argument in map(pathlib.Path, arguments):
        if argument.is_dir():
            yield from sorted(argument.rglob("*.md"))
        elif argument.exists():
            yield argument


def blocks(page: pathlib.Path) -> Iterator[Block]:
    lines = page.read_text().splitlines()
    start = None
    for number, line in enumerate(lines):
        fence = re.match(r"^```(\S*)", line)
        if not fence:
            continue
        if start is None:
            start, language = number, fence[1]
            continue
        above = lines[start - 1] if start else ""
        note = re.fullmatch(r"<!-- (.*) -->", above)
        yield Block(page, start + 1, language, "\n".join(lines[start + 1 : number]) + "\n", note[1] if note else "")
        start = None
    if start is not None:
        raise SystemExit(f"{page}:{start + 1}: this block has no end")
