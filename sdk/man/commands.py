# SPDX-License-Identifier: Apache-2.0
"""via(1), a page for each of its commands, and via-conformance(1), from what `via help` and --help print. Owns: how that text is taken apart."""
import re
import subprocess

from roff import Page, bold, italic, text


def help_of(via: str, *command: str) -> str:
    return subprocess.run([via, "help", *command], check=True, capture_output=True, text=True).stdout


def commands(via: str) -> list[tuple[str, str]]:
    """Each command with its summary."""
    listed = re.search(r"^Commands:\n(.*?)\n\n", help_of(via), re.M | re.S)
    return re.findall(r"^  (\S+) +(.*)$", listed[1], re.M)


def page_name(command: str) -> str:
    return f"via-{command}"


def usage(line: str) -> str:
    """usage: via send [OPTION]... ADDRESS [TEXT]"""
    words = line.removeprefix("usage: ").split()
    shown = [bold(word) if re.fullmatch("[a-z-]+", word) else italic(word) for word in words]
    return " ".join(shown)


def paragraphs(page: Page, lines: str) -> None:
    for part in re.split(r"\n{2,}", lines.strip()):
        if part:
            page.paragraph(text(part))


def options(page: Page, lines: str) -> None:
    """  -t, --type MIME           content type that travels with each message"""
    for letter, name, argument, summary in re.findall(r"^ +(?:(-\w), )?(--\S+)(?: (\S+))?  +(.*)$", lines, re.M):
        tag = (bold(letter) + ", " if letter else "") + bold(name) + (" " + italic(argument) if argument else "")
        page.entry(tag, text(summary))


def command_page(via: str, version: str, command: str, summary: str) -> Page:
    told = help_of(via, command)
    page = Page(page_name(command), 1, version, summary)
    head, _, rest = told.partition("\n\n")
    about, _, rest = rest.partition("\nOptions:\n")
    listed, _, examples = rest.partition("\nExamples:\n")
    page.title("synopsis")
    page.lines.append(usage(head))
    page.title("description")
    page.lines.append(text(about.strip().split("\n")[0][0].upper() + about.strip().split("\n")[0][1:] + "."))
    paragraphs(page, "\n".join(about.strip().split("\n")[1:]))
    page.title("options")
    options(page, listed)
    if examples:
        page.title("examples")
        for line in examples.strip("\n").split("\n"):
            page.code(line.removeprefix("  "))
    page.see_also([("via", 1), ("viaduct-endpoints", 5), ("viaduct", 7)])
    return page


def main_page(via: str, version: str) -> Page:
    told = help_of(via)
    before, after = re.split(r"^Commands:\n.*?\n\n", told, maxsplit=1, flags=re.M | re.S)
    head, about = before.split("\n\n", 1)
    page = Page("via", 1, version, "messages between programs, over whatever mechanism a text file names")
    page.title("synopsis")
    page.lines.append(usage(head))
    page.title("description")
    page.lines.append(text(about.strip()))
    rest, _, statuses = after.partition("\nExit status: ")
    paragraphs(page, rest)
    page.title("commands")
    for command, summary in commands(via):
        page.entry(f"{bold(page_name(command))}(1)", text(summary))
    page.title("exit status")
    told = re.findall(r"(\d+(?:, \d+)*) (\D.*?)(?=,\s+\d+[ ,]|\.\s*$)", statuses.strip(), re.S)
    for status, meaning in told:
        page.entry(bold(status), text(meaning))
    page.see_also([("viaduct", 7), ("viaduct-endpoints", 5), ("viaduct-plugin", 5)])
    return page


def conformance_page(program: str, version: str) -> Page:
    """The usage, which goes on in the lines that are set in, then a line for each statement."""
    told = subprocess.run([program, "--help"], check=False, capture_output=True, text=True).stdout.strip("\n").split("\n")
    end = next((at for at, line in enumerate(told) if at > 0 and not line.startswith(" ")), len(told))
    page = Page("via-conformance", 1, version, "prove that a plugin of Viaduct keeps the rules")
    page.title("synopsis")
    page.code("\n".join(line.removeprefix("usage: ").strip() for line in told[:end]))
    page.title("description")
    for line in filter(None, told[end:]):
        page.paragraph(text(line))
    page.see_also([("via", 1), ("viaduct-plugin", 5)])
    return page


def pages(via: str, conformance: str, version: str) -> list[Page]:
    of_commands = [command_page(via, version, *each) for each in commands(via)]
    return [main_page(via, version), conformance_page(conformance, version)] + of_commands
