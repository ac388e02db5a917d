# SPDX-License-Identifier: Apache-2.0
"""The manual pages: groff and man have no remark on any, links lead to pages, and each exported call, each command with all of its
options, and each key of the schemas has its page. Examples are those that tests/cli/examples.bats runs.

usage: check_pages.py BUILD SOURCE LIBVIADUCT
"""
import functools
import gzip
import json
import pathlib
import re
import subprocess
import sys
import tempfile

BUILD, SOURCE, LIBRARY = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3]
MAN, VIA = BUILD / "man", BUILD / "bin" / "via"


def output(*command, **more) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, **more).stdout


def source_of(name: str, section: int) -> str | None:
    page = MAN / f"man{section}" / f"{name}.{section}.gz"
    return gzip.decompress(page.read_bytes()).decode() if page.exists() else None


@functools.cache
def shown(page: str) -> str:
    return output("groff", "-k", "-man", "-Tascii", "-P-cbou", "-rLL=400n", input=page)


def rendered(name: str, section: int) -> str:
    page = source_of(name, section)
    return "" if page is None else shown(page)


def malformed():
    """All pages at once: the formatters name the page in their remarks."""
    with tempfile.TemporaryDirectory() as folder:
        plain = []
        for page in sorted(MAN.rglob("*.gz")):
            if not page.exists():
                yield f"{page}: the link leads nowhere"
            elif not page.is_symlink():
                plain.append(pathlib.Path(folder, page.stem))
                plain[-1].write_bytes(gzip.decompress(page.read_bytes()))
        for command in (["groff", "-k", "-Tutf8", "-man", "-ww", "-z"], ["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z"]):
            run = subprocess.run(command + plain, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
            if run.stderr or run.returncode:
                yield f"{command[0]} (exit status {run.returncode}): {run.stderr.strip()}"


def dangling():
    for page in sorted(MAN.rglob("*.gz")):
        name = page.name.split(".")[0]
        for other, section in re.findall(r"\\fB([a-z_\\-]+)\\fR\((\d)\)", gzip.decompress(page.read_bytes()).decode()):
            if source_of(other.replace("\\-", "-"), int(section)) is None:
                yield f"{name}: sees {other}({section}), which is no page"


def missing_calls():
    for line in output("nm", "-D", "--defined-only", LIBRARY).splitlines():
        name = line.split()[2].split("@")[0]
        if line.split()[1] == "T" and f"{name}(" not in rendered(name, 3):
            yield f"{name} is exported, and there is no page, or no prototype, in section 3"


def missing_commands():
    examples = (SOURCE / "sdk/examples/via_examples.def").read_text()
    run = {json.loads(f'"{text}"') for text in re.findall(r'VIA_EXAMPLE\("\S+",\s+"(.*?)"\)', re.sub(r'"\s*\n\s*"', "", examples))}
    listed = re.findall(r"^  (\S+) ", re.search(r"^Commands:\n(.*?)\n\n", output(VIA, "help"), re.M | re.S)[0], re.M)
    main = rendered("via", 1)
    if "--manifest" not in rendered("via-conformance", 1):
        yield "there is no via-conformance(1) that tells of --manifest"
    for command in listed:
        page = rendered(f"via-{command}", 1)
        if f"via-{command}(1)" not in main:
            yield f"via(1) does not name via-{command}(1)"
        for option in re.findall(r"^ +(?:-\w, )?(--[a-z-]+)", output(VIA, "help", command), re.M):
            if not re.search(rf"^ +(-\w, )?{option}( |$)", page, re.M):
                yield f"via-{command}(1) has no entry for {option}"
        if command in re.findall(r'VIA_EXAMPLE\("(\S+)"', examples):
            lines = [line.strip() for line in page.partition("\nEXAMPLES\n")[2].partition("\nSEE ALSO")[0].splitlines() if line.strip()]
            if not lines or set(lines) - run:
                yield f"via-{command}(1): not examples that are tested: {set(lines) - run or 'none at all'}"


def keys(schema) -> set[str]:
    found = set()
    if isinstance(schema, dict):
        found |= set(schema.get("properties", {}))
        for each in schema.values():
            found |= keys(each)
    elif isinstance(schema, list):
        for each in schema:
            found |= keys(each)
    return found


def missing_fields():
    for kind, page in (("plugin", "viaduct-plugin"), ("endpoints", "viaduct-endpoints"), ("rpc", "viaduct-rpc")):
        schema = json.loads((SOURCE / f"manifests/schema/{kind}.schema.json").read_text())
        told = rendered(page, 5)
        if not told:
            yield f"there is no {page}(5)"
        for key in sorted(keys(schema) - {"$schema"}):
            if not re.search(rf"\b{re.escape(key)}\b", told):
                yield f"{page}(5) does not tell of {key}"
    statuses = re.findall(r"^    (VIA_E\w+) =", (SOURCE / "sdk/include/viaduct/types.h").read_text(), re.M)
    overview = rendered("viaduct", 7)
    yield from (f"viaduct(7) does not tell of {status}" for status in statuses if status not in overview)


def main() -> int:
    found = [fault for check in (malformed, dangling, missing_calls, missing_commands, missing_fields) for fault in check()]
    count = len(list(MAN.rglob("*.gz")))
    print("\n".join(found) if found else f"{count} pages are as they should be")
    return 1 if found or count < 80 else 0


if __name__ == "__main__":
    sys.exit(main())
