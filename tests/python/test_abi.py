# SPDX-License-Identifier: Apache-2.0
"""What the Python module believes of the headers is what a C compiler reads there."""
import ctypes
import enum
import os
import pathlib
import re
import shlex
import subprocess
import tempfile
import unittest

import viaduct
from viaduct import _abi

INCLUDE = pathlib.Path(__file__).resolve().parents[2] / "sdk/include"
HEADERS = [p.relative_to(INCLUDE) for p in sorted((INCLUDE / "viaduct").rglob("*.h")) if p.name not in ("plugin.h", "layer.h")]

# How a constant's C name begins, for each enumeration
PREFIXES = {
    "Status": "VIA_", "Stage": "VIA_STAGE_", "Pattern": "VIA_PATTERN_", "Role": "VIA_", "Side": "VIA_SIDE_", "Threads": "VIA_",
    "Event": "VIA_", "PollWait": "VIA_WAIT_", "MetaFlag": "VIA_", "PeerField": "VIA_PEER_", "InfoFlag": "VIA_INFO_",
    "LogLevel": "VIA_LOG_", "PluginStatus": "VIA_PLUGIN_", "HostFlag": "VIA_HOST_", "RpcOrigin": "VIA_RPC_",
    "RegionState": "VIA_REGION_",
}  # fmt: skip
# Of no use in Python: one kind of handle, what only via_validate() tells, and changes of plugins: opening calls see them
UNUSED = {"VIA_POLL_DESCRIPTOR", "VIA_MANIFEST_PLUGIN", "VIA_MANIFEST_ENDPOINTS", "VIA_MANIFEST_OF_LAYER"} | {
    f"VIA_CHANGE_{kind}" for kind in ("CAME", "WENT", "REPLACED", "REFUSED", "LOST")
}


def constants():
    for name, prefix in PREFIXES.items():
        for member in getattr(_abi, name):
            yield prefix + member.name, member.value
    for name in ("NOW", "FOREVER", "RPC_USUAL", "HANDLES_MAX", "OFFERS_MAX"):
        yield "VIA_" + name, getattr(_abi, name)


def records():
    for name, kind in vars(_abi).items():
        if isinstance(kind, type) and issubclass(kind, ctypes.Structure) and hasattr(kind, "_fields_"):
            yield "via" + re.sub(r"[A-Z]", lambda letter: "_" + letter[0].lower(), name[1:]), kind


def header_text():
    text = "\n".join((INCLUDE / header).read_text() for header in HEADERS)
    return re.sub(r"/\*.*?\*/", "", text, flags=re.S)


def ask_the_compiler(lines):
    source = ["#include <stdio.h>", *(f"#include <{header}>" for header in HEADERS), "int main(void) {", *lines, "return 0; }"]
    with tempfile.TemporaryDirectory() as folder:
        program = pathlib.Path(folder, "ask")
        program.with_suffix(".c").write_text("\n".join(source))
        compiler = shlex.split(os.environ.get("CC", "cc"))
        subprocess.run([*compiler, "-I", INCLUDE, program.with_suffix(".c"), "-o", program], check=True)
        told = subprocess.run([program], check=True, stdout=subprocess.PIPE, text=True).stdout
    return dict(line.rsplit(" ", 1) for line in told.splitlines())


class Abi(unittest.TestCase):
    maxDiff = None

    def test_constants_have_their_values(self):
        told = ask_the_compiler(f'printf("{name} %lld\\n", (long long){name});' for name, _ in constants())
        wrap = {name: value if value < 2**63 else value - 2**64 for name, value in constants()}
        self.assertEqual({name: str(value) for name, value in wrap.items()}, told)

    def test_no_constant_is_missing(self):
        named = set(re.findall(r"^\s+(VIA_[A-Z_]+) =", header_text(), flags=re.M))
        self.assertEqual(set(), named - UNUSED - {name for name, _ in constants()})

    def test_records_are_laid_out_alike(self):
        here, lines = {}, []
        for name, kind in records():
            here[f"sizeof {name}"] = str(ctypes.sizeof(kind))
            lines.append(f'printf("sizeof {name} %zu\\n", sizeof({name}));')
            for field, *_ in kind._fields_:
                place = getattr(kind, field)
                here[f"{name}.{field}"] = f"{place.offset}+{place.size}"
                lines.append(
                    f'printf("{name}.{field} %zu+%zu\\n", offsetof({name}, {field}), sizeof((({name} *)0)->{field}));'
                )
        self.assertGreater(len(here), 150)
        self.assertEqual(here, ask_the_compiler(lines))

    def test_calls_take_what_they_are_given(self):
        flat = re.sub(r"\s+", " ", header_text())
        for name, (returns, takes) in _abi.PROTOTYPES.items():
            with self.subTest(name):
                found = re.search(rf"(\w+ \*?){name}\(([^;{{]*?)\) ?[;{{]", flat)
                self.assertIsNotNone(found, "no header declares it")
                given = [] if found[2] == "void" else found[2].split(",")
                self.assertEqual(len(given), len(takes), found[2])
                self.assertEqual(returns is None, found[1] == "void ", found[1])
                for declared, kind in zip(given, takes):
                    size = 4 if re.match(r" ?(uint32_t|int32_t|via_status)\b", declared) and "*" not in declared else 8
                    self.assertEqual(ctypes.sizeof(kind), size, declared)

    def test_every_status_has_an_exception(self):
        failures = set(_abi.Status) - {_abi.Status.OK}
        self.assertEqual(failures, set(viaduct._errors.CLASSES))
        self.assertEqual(len(failures), len(set(viaduct._errors.CLASSES.values())))
        for status in failures:
            error = viaduct._errors.error_for(status, "here")
            self.assertIs(error.status, status)
            self.assertIn(viaduct._errors.status_text(status), str(error))
            self.assertNotIn("unknown", str(error))

    def test_every_public_name_is_there(self):
        for name in viaduct.__all__:
            self.assertTrue(getattr(viaduct, name).__doc__ or issubclass(getattr(viaduct, name), enum.Enum), name)


if __name__ == "__main__":
    unittest.main()
