# SPDX-License-Identifier: Apache-2.0
"""Section 5, and viaduct(7): the field reference of the manifests, and what holds for every call.

Owns: which part of manifests/README.md is on which page, and how its Markdown becomes roff: headings, paragraphs, lists, fenced
blocks, and tables, of which each row is an entry. The overview is the opening comment of <viaduct/viaduct.h> and the table
of statuses in <viaduct/types.h>.
"""
import pathlib
import re

from calls import opening, prose
from roff import Page, bold, marked, text

FIELDS = [
    ("viaduct-plugin", "what a Viaduct plugin is and can: its manifest", ["", "Notations", "Plugin manifest", "Trust", "Loading"]),
    ("viaduct-endpoints", "names for the addresses of Viaduct", ["", "Notations", "Endpoint manifest", "Addresses", "Where manifests are found"]),
    ("viaduct-rpc", "functions that can be called in another process: their interface file", ["", "Interface file"]),
]


def inline(words: str) -> str:
    """Of a link and of an emphasis the words stay."""
    words = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", words)
    return marked(re.sub(r"\*+(?=\S)([^*`]+)\*+", r"\1", words))


def cells(row: str) -> list[str]:
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", row.strip())[1:-1]]


def table(page: Page, rows: list[str]) -> None:
    """The first column is the tag; the last is the text; those between are told by their heads."""
    head = cells(rows[0])
    for row in rows[2:]:
        first, *between, last = cells(row)
        told = [f"{inline(name)}: {inline(value)}." for name, value in zip(head[1:-1], between) if value]
        page.entry(inline(first) or "\\&", inline(last), *([" ".join(told)] if told else []))


def is_block_start(line: str) -> bool:
    return line.startswith(("```", "|", "- ", "#")) or re.match(r"\d+\. ", line) is not None


def block(page: Page, lines: list[str], at: int) -> int:
    """Writes the block that begins there; where the next one begins."""
    line, end = lines[at], at + 1
    if line.startswith("```"):
        end = next(n for n in range(at + 1, len(lines)) if lines[n].startswith("```")) + 1
        page.code("\n".join(lines[at + 1 : end - 1]))
    elif line.startswith("|"):
        while end < len(lines) and lines[end].startswith("|"):
            end += 1
        table(page, lines[at:end])
    elif line.startswith("#"):
        page.subtitle(line.lstrip("# "))
    elif line:
        while end < len(lines) and lines[end] and not is_block_start(lines[end]):
            end += 1
        words = " ".join(part.strip() for part in lines[at:end])
        if re.match(r"(- |\d+\. )", words):
            page.item(inline(re.sub(r"^(- |\d+\. )", "", words)))
        else:
            page.paragraph(inline(words))
    return end


def markdown(page: Page, source: str) -> None:
    lines, at = source.strip("\n").split("\n"), 0
    while at < len(lines):
        at = block(page, lines, at)


def chapters(reference: pathlib.Path) -> dict[str, str]:
    """The text below each heading of the second level; "" is what comes before the first."""
    pieces = re.split(r"^## (.*)\n", reference.read_text(encoding="utf-8"), flags=re.M)
    begun = {"": pieces[0].split("\n", 1)[1]}
    begun.update(zip(pieces[1::2], pieces[2::2]))
    return begun


def fields(reference: pathlib.Path, version: str) -> list[Page]:
    told, made = chapters(reference), []
    for name, about, wanted in FIELDS:
        page = Page(name, 5, version, about)
        for title in wanted:
            page.title(title or "description")
            markdown(page, told[title])
        page.see_also([("via-validate", 1), ("via-explain", 1)] + [(other, 5) for other, _, _ in FIELDS if other != name])
        made.append(page)
    return made


def overview(include: pathlib.Path, version: str) -> Page:
    page = Page("viaduct", 7, version, "pluggable transports for inter-process communication")
    page.title("description")
    prose(page, re.sub(r"Owns: .*?\n\n", "", opening((include / "viaduct/viaduct.h").read_text(encoding="utf-8")), flags=re.S))
    types = (include / "viaduct/types.h").read_text(encoding="utf-8")
    page.title("statuses")
    for name, meaning in re.findall(r"^    (VIA_E\w+) = -\d+,? +/\* (.*?) \*/$", types, re.M):
        page.entry(bold(name), text(meaning))
    page.see_also([("via", 1), ("via_dial", 3), ("via_send", 3), ("viaduct-endpoints", 5), ("viaduct-plugin", 5)])
    return page


def pages(include: pathlib.Path, reference: pathlib.Path, version: str) -> list[Page]:
    return fields(reference, version) + [overview(include, version)]
