# SPDX-License-Identifier: Apache-2.0
"""Writing man(7) pages. Owns: escaping, and what a page is made of. Must never know what a page is about."""
import gzip
import os
import re
import time


def text(words: str) -> str:
    """A text as it is to be read: nothing in it is a request or an escape."""
    words = words.replace("\\", "\\e").replace("-", "\\-").replace("^", "\\(ha").replace("~", "\\(ti")
    words = words.replace("`", "\\(ga").replace("'", "\\(aq").replace("…", "...")
    return re.sub(r"(?m)^(?=\.)", r"\\&", words)


def bold(words: str) -> str:
    return f"\\fB{text(words)}\\fR"


def italic(words: str) -> str:
    return f"\\fI{text(words)}\\fR"


def marked(words: str) -> str:
    """A text in which words between grave accents are literal."""
    pieces = re.split(r"`([^`]*)`", words)
    shown = "".join(bold(piece) if at % 2 else text(piece) for at, piece in enumerate(pieces))
    return re.sub(r"(?m)^(?=\.)", r"\\&", shown)


def date() -> str:
    """The day of SOURCE_DATE_EPOCH, so that a build can be repeated."""
    return time.strftime("%Y-%m-%d", time.gmtime(int(os.environ.get("SOURCE_DATE_EPOCH", time.time()))))


class Page:
    """One page. Strings that are given to it are roff already: text(), bold() and italic() make it."""

    def __init__(self, name: str, section: int, version: str, summary: str, names: list[str] | None = None):
        self.name, self.section = name, section
        self.names = names or [name]
        self.lines = [f'.TH {name.upper()} {section} "{date()}" "viaduct {version}" "Viaduct"', ".SH NAME"]
        self.lines.append(", ".join(text(each) for each in self.names) + " \\- " + text(summary))

    def title(self, words: str) -> None:
        self.lines.append(f'.SH "{text(words.upper())}"')

    def subtitle(self, words: str) -> None:
        self.lines.append(f'.SS "{text(words)}"')

    def begin(self) -> None:
        """A new paragraph, unless a heading has begun one."""
        if not self.lines[-1].startswith((".SH", ".SS")):
            self.lines.append(".PP")

    def paragraph(self, roff: str) -> None:
        self.begin()
        self.lines.append(roff)

    def code(self, words: str) -> None:
        """Lines that stay as they are, set off."""
        self.begin()
        self.lines += [".RS 4", ".nf", text(words.rstrip("\n")), ".fi", ".RE"]

    def entry(self, tag: str, *roff: str) -> None:
        """A tagged paragraph, and those that follow under the same tag."""
        self.lines += [".TP", tag, roff[0] if roff and roff[0] else "\\&"]
        for more in roff[1:]:
            self.lines += [".IP", more]

    def item(self, roff: str) -> None:
        self.lines += ['.IP "\\(bu" 3', roff]

    def see_also(self, pages: list[tuple[str, int]]) -> None:
        self.title("see also")
        self.lines.append(",\n".join(f"{bold(name)}({section})" for name, section in pages))

    def write(self, folder: str) -> None:
        """Writes the page, packed, and a link to it for each further name."""
        place, end = os.path.join(folder, f"man{self.section}"), f"{self.section}.gz"
        os.makedirs(place, exist_ok=True)
        with open(os.path.join(place, f"{self.name}.{end}"), "wb") as file:
            with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=file, mtime=0) as packed:
                packed.write(("\n".join(self.lines) + "\n").encode())
        for name in self.names:
            if name != self.name:
                os.symlink(f"{self.name}.{end}", os.path.join(place, f"{name}.{end}"))
