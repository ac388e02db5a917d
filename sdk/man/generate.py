# SPDX-License-Identifier: Apache-2.0
"""Writes all manual pages. Nothing is written twice: they are made of what the sources say already.

usage: generate.py VIA VIA_CONFORMANCE INCLUDE_FOLDER FIELD_REFERENCE VERSION OUTPUT_FOLDER
"""
import pathlib
import shutil
import sys

import calls
import commands
import formats


def main() -> int:
    if len(sys.argv) != 7:
        print(__doc__.strip().split("\n")[-1], file=sys.stderr)
        return 2
    via, conformance, include, reference, version, output = *sys.argv[1:3], *map(pathlib.Path, sys.argv[3:5]), *sys.argv[5:]
    shutil.rmtree(output, ignore_errors=True)
    made = commands.pages(via, conformance, version) + calls.pages(include, version)
    made += formats.pages(include, reference, version)
    for page in made:
        page.write(output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
