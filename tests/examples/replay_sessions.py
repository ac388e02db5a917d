# SPDX-License-Identifier: Apache-2.0
"""Replays every console block of the pages given and compares what it prints. usage: replay_sessions.py BUILD PAGE...

Lines that begin with "$ " (continued by "> ") are run by one shell per page, in a folder of its own that holds the
repository's folders, with the build's commands first in PATH; the other lines are what must be printed (standard
output and errors), where "..." on a line stands for anything, and a line of its own for any lines.
A block with <!-- not replayed --> above it is left out.
"""
import itertools
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile

from pages import TOP, blocks, pages

MARK = "--- end of step ---"
LIMIT_S = 120


def steps(block):
    command, expected = None, []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            if command is not None:
                yield command, expected
            command, expected = line[2:], []
        elif line.startswith("> ") and command is not None and not expected:
            command += "\n" + line[2:]
        else:
            expected.append(line)
    if command is not None:
        yield command, expected


def pattern(expected) -> str:
    parts = []
    for line in expected:
        if line.strip() == "...":
            parts.append(r"(?:.*\n)*?")
        else:
            parts.append(".*".join(re.escape(part) for part in line.rstrip().split("...")) + r"\s*\n")
    return "".join(parts)


def run(page, script: str, build: pathlib.Path) -> list[str]:
    environment = dict(os.environ, LC_ALL="C.UTF-8", COLUMNS="120")
    for own in ("VIADUCT_BUILD", "VIADUCT_SANITIZE"):
        environment.pop(own, None)  # the tests' own; `via` would rightly ask what they mean
    environment["PATH"] = f"{build}/bin:{build}/examples:{environment['PATH']}"
    with tempfile.TemporaryDirectory() as folder:
        for entry in TOP.iterdir():
            if not entry.name.startswith((".", "build")):
                os.symlink(entry, pathlib.Path(folder, entry.name))
        shell = subprocess.Popen(["bash", "-c", script], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
        try:
            text, _ = shell.communicate(timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            os.killpg(shell.pid, signal.SIGKILL)
            text, _ = shell.communicate()
            text += f"(still running after {LIMIT_S} s)\n"
    return text.split(MARK + "\n")


def main() -> int:
    build, count, failed = pathlib.Path(sys.argv[1]), 0, 0
    for page in pages(sys.argv[2:]):
        todo = [(block, *step) for block in blocks(page) if block.language == "console" and block.note != "not replayed"
                for step in steps(block)]
        if not todo:
            continue
        printed = run(page, "".join(f"{command}\necho '{MARK}'\n" for _, command, _ in todo), build)
        for (block, command, expected), text in itertools.zip_longest(todo, printed[: len(todo)], fillvalue="(not reached)\n"):
            count += 1
            if not re.fullmatch(pattern(expected), text):
                failed += 1
                print(f"{page}:{block.line}: $ {command}\nexpected:\n" + "\n".join(expected) + f"\nprinted:\n{text}")
    print(f"{count} commands replayed, {failed} differ")
    return 1 if failed or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
