# SPDX-License-Identifier: Apache-2.0
"""Follows plugins/README.md, "Add a transport", to the letter: runs its shell blocks in order, in an empty folder.

usage: add_a_transport.py BUILD

They are run by one shell that ends at the first command that fails, with an installation of BUILD first in PATH and the
repository in TREE. Blocks with <!-- not replayed --> above them are left out.
"""
import os
import pathlib
import re
import subprocess
import sys
import textwrap

TOP = pathlib.Path(__file__).resolve().parents[2]
LIMIT_S = 280
LEAST = 6  # fewer, and the page is not what this test is for


def commands(text):
    """The texts of the shell blocks, indented ones too, in order."""
    section = text.split("## Add a transport\n")[1]
    for match in re.finditer(r"^(?P<above>.*)\n(?P<indent> *)```sh\n(?P<body>(?:.*\n)*?)(?P=indent)```$", section, re.M):
        if match["above"].strip() != "<!-- not replayed -->":
            yield textwrap.dedent(match["body"])


def main():
    build, work = sys.argv[1], pathlib.Path(os.environ["XDG_RUNTIME_DIR"])
    subprocess.run(["cmake", "--install", build, "--prefix", work / "prefix"], check=True, stdout=subprocess.DEVNULL)
    (work / "empty").mkdir()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("VIADUCT_")}
    environment |= {"PATH": f"{work}/prefix/bin:{os.environ['PATH']}", "XDG_DATA_HOME": f"{work}/data", "TREE": str(TOP)}
    blocks = list(commands((TOP / "plugins/README.md").read_text(encoding="utf-8")))
    script = "set -e\ntrap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n" + "".join(f"echo '--- block {i + 1}'\n{block}" for i, block in enumerate(blocks))
    done = subprocess.run(["bash", "-c", script], cwd=work / "empty", env=environment, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=LIMIT_S, check=False)
    print(done.stdout)
    print(f"{len(blocks)} blocks, exit status {done.returncode}")
    return 1 if done.returncode or len(blocks) < LEAST else 0


if __name__ == "__main__":
    sys.exit(main())
