# SPDX-License-Identifier: Apache-2.0
"""Section 3: a page for each part of a public header that declares calls, from the header's comments.

Owns: how a header is taken apart. A part begins at a line `/* ---- title ---- */`; its page has the name of its first
call, the others are links. A comment belongs to the declarations that follow it up to the next comment; one that an empty
line follows belongs to the part. A forwarder of an extension without a comment has that of the slot it forwards to.
"""
import pathlib
import re
from typing import NamedTuple

from roff import Page, bold, marked, text

PART = re.compile(r"/\* -{4} (.*?) -+ \*/")
CALL = re.compile(r"^VIA_(?:API|INLINE)\b[^;{]*?\b(via_[a-z0-9_]+)\s*\(", re.S)
SLOT = re.compile(r"((?:/\*(?:(?!\*/).)*\*/\s*)?)via_status \(\*(\w+)\)|((?:/\*(?:(?!\*/).)*\*/\s*)?)int64_t \(\*(\w+)\)", re.S)


class Item(NamedTuple):
    comment: str  # "" = none
    code: str  # "" = the comment stands alone

    @property
    def call(self) -> str | None:
        found = CALL.match(self.code)
        return found[1] if found else None


class Part(NamedTuple):
    header: str
    opening: str
    title: str
    items: list[Item]

    @property
    def calls(self) -> list[str]:
        return [item.call for item in self.items if item.call]


def plain(comment: str) -> str:
    """What a comment says, without its stars."""
    lines = comment.strip().removeprefix("/*").removesuffix("*/").strip().split("\n")
    return "\n".join(re.sub(r"^ *\* ?", "", line).rstrip() for line in lines).strip("\n")


def opening(source: str) -> str:
    """The comment that a header opens with."""
    return plain(re.search(r"^/\*\n.*?\*/", source, re.M | re.S)[0])


def declaration_end(source: str, start: int) -> int:
    depth = 0
    for at in range(start, len(source)):
        depth += {"{": 1, "}": -1}.get(source[at], 0)
        if depth == 0 and source[at] == ";":
            return at + 1
        if depth == 0 and source[at] == "}" and source[start:].startswith("VIA_INLINE"):
            return at + 1
    raise SystemExit(f"this declaration has no end: {source[start:start + 60]}")


def items(source: str) -> list[Item]:
    source = re.sub(r"/\*(?:(?!\*/).)*\*/\n(?=#define)", "", source, flags=re.S)  # what a macro is for
    source = re.sub(r"^#ifdef __cplusplus\n(?:extern|\}).*\n#endif\n", "", source, flags=re.M)
    source = re.sub(r"^#(?:.*\\\n)*.*\n", "", source, flags=re.M)
    found, comment, at = [], "", 0
    while at < len(source):
        if source[at].isspace():
            at += 1
        elif source.startswith("/*", at):
            end = source.index("*/", at) + 2
            comment = plain(source[at:end])
            if source.startswith("\n\n", end):
                found.append(Item(comment, ""))
                comment = ""
            at = end
        else:
            end = declaration_end(source, at)
            trailing = re.match(r" */\*.*?\*/", source[end:])
            end += trailing.end() if trailing else 0
            found.append(Item(comment, source[at:end]))
            at = end
            comment = comment if not source.startswith("\n\n", end) else ""
    return found


def slots(header: str) -> dict[str, str]:
    """The comment of each slot of the extension's table, by the name of its forwarder."""
    table = re.search(r"typedef struct (via_[a-z]+) \{\n    uint32_t size;\n    uint32_t reserved;\n(.*?)\n\} \1;", header, re.S)
    if not table:
        return {}
    told = {}
    for first, name, second, other in SLOT.findall(table[2]):
        comment = plain(first or second) if (first or second) else ""
        told[f"{table[1]}_{name or other}"] = comment
        told[f"{table[1]}_{name or other}_get"] = comment  # via_rpc_stats is a type already
    return told


def parts(include: pathlib.Path) -> list[Part]:
    """Those of all headers that declare calls."""
    found = []
    for header in sorted((include / "viaduct").rglob("*.h")):
        if header.name in ("plugin.h", "layer.h"):
            continue  # for plugins, which call nothing by name
        name, source = str(header.relative_to(include)), header.read_text(encoding="utf-8")
        told = slots(source)
        pieces = PART.split(source[source.index("#define"):])
        begun = [("", pieces[0])] + list(zip(pieces[1::2], pieces[2::2]))
        if len(begun) == 1:  # an extension: the whole header is one part
            begun = [(name.split("/")[-1].removesuffix(".h"), pieces[0])]
        for title, body in begun:
            listed = [item if item.comment and item.comment not in ("",) and not told.get(item.call or "")
                      else Item(told.get(item.call or "") or item.comment, item.code) for item in items(body)]
            part = Part(name, opening(source), title, listed)
            if part.calls:
                found.append(part)
    return found


def signature(code: str) -> str:
    """A declaration as a reader wants it: without attributes, and of an inline function without its body."""
    code = re.sub(r"VIA_(API|CHECK_RESULT|INLINE) ", "", code)
    code = re.sub(r"\)\n\{.*", ");", code, flags=re.S) if "{" in code and not code.startswith(("typedef", "enum", "struct")) else code
    if code.startswith(("typedef", "enum", "struct")):
        return code
    return re.sub(r"\s+", " ", code)


def wrapped(code: str, width: int = 76) -> str:
    """Breaks a long prototype between parameters."""
    if len(code) <= width or "\n" in code or "(" not in code:
        return code
    head, rest = code.split("(", 1)
    lines, line = [], head + "("
    for piece in re.split(r"(?<=,) ", rest):
        if len(line) + len(piece) > width:
            lines.append(line.rstrip())
            line = "    "
        line += piece + " "
    return "\n".join(lines + [line.rstrip()])


def prose(page: Page, comment: str) -> None:
    """Paragraphs, lists whose items begin with a dash, and indented code."""
    for block in re.split(r"\n\n", comment):
        lines = block.split("\n")
        if all(line.startswith("    ") for line in lines):
            page.code("\n".join(line[4:] for line in lines))
            continue
        before, *listed = re.split(r"(?m)^ +- ", block)
        if before.strip():
            page.paragraph(marked(before.strip()))
        for item in listed:
            page.item(marked(re.sub(r"\s+", " ", item.strip())))


def summary(part: Part) -> str:
    """Headers of one part say in their first sentence what it is; viaduct.h names its parts."""
    if part.header.endswith("viaduct/viaduct.h") or part.header.endswith("types.h"):
        return f"Viaduct: {part.title}"
    return re.split(r"[.:,] |\.$|\n\n", part.opening.replace('"', "").removeprefix("Extension "))[0].replace("\n", " ")


def page_of(part: Part, version: str, others: list[str]) -> Page:
    names = part.calls
    page = Page(names[0], 3, version, summary(part), names)
    page.title("synopsis")
    page.lines += [".nf", bold(f"#include <{part.header}>"), ".fi"]
    for item in part.items:
        if item.code:
            page.lines += [".PP", ".nf", text(wrapped(signature(item.code))), ".fi"]
    page.paragraph(f"Compile and link with the flags of {bold('pkg-config --cflags --libs viaduct')}.")
    page.title("description")
    page.lines.append(f"What holds for every call is in {bold('viaduct')}(7).")
    shown = None
    if not part.header.endswith(("viaduct.h", "types.h")):
        prose(page, re.sub(r"Owns: .*?(\n\n|$)", "", part.opening, flags=re.S))
    for item in part.items:
        if item.comment and not item.code:
            prose(page, item.comment)
    for item in part.items:
        if not item.call:
            continue
        page.lines += [".TP" if item.comment != shown or not shown else ".TQ", f"{bold(item.call)}()"]
        if item.comment and item.comment != shown:
            page.lines += [marked(re.split(r"\n\n", item.comment)[0])]
            for more in re.split(r"\n\n", item.comment)[1:]:
                page.lines += [".IP", marked(more)]
        elif not item.comment:
            page.lines.append("See the synopsis.")
        shown = item.comment
    page.see_also([(name, 3) for name in others if name != page.name] + [("viaduct", 7)])
    return page


def pages(include: pathlib.Path, version: str) -> list[Page]:
    found = parts(include)
    first = [part.calls[0] for part in found]
    return [page_of(part, version, first) for part in found]
