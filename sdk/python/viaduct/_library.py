# SPDX-License-Identifier: Apache-2.0
"""Finding and loading libviaduct.

Owns: where it is looked for, and the check that it is one that this module knows. It is loaded RTLD_LOCAL, so that no symbol of
it reaches other libraries of the process. Must never download, build or guess beyond the places named here.
"""
from __future__ import annotations

import ctypes
import os
import pathlib
import sysconfig
from typing import Iterator

from . import _abi

SONAME = "libviaduct.so.1"
MAJOR = "0"  # of the version; the soname says which binary interface it is


def candidates() -> Iterator[str]:
    """Where the library may be, best first: named by the user, beside this installation, wherever the loader looks."""
    named = os.environ.get("VIADUCT_LIBRARY")
    if named:
        yield named
        return
    installed = pathlib.Path(__file__).resolve().parent
    multiarch = sysconfig.get_config_var("MULTIARCH") or ""
    for folder in list(installed.parents)[1:4]:
        for beside in (folder, folder / multiarch):
            if (beside / SONAME).is_file():
                yield str(beside / SONAME)
    yield SONAME


def _missing(tried: str, why: object) -> ImportError:
    return ImportError(
        f"libviaduct cannot be loaded: {tried}: {why}\n"
        f"  mend: install Viaduct (make install, then ldconfig), or set VIADUCT_LIBRARY to the path of {SONAME}"
    )


def _load() -> ctypes.CDLL:
    tried = next(candidates())
    try:
        return ctypes.CDLL(tried, mode=ctypes.RTLD_LOCAL)
    except OSError as error:
        raise _missing(tried, error) from None


def _declare(library: ctypes.CDLL) -> None:
    for name, (returns, takes) in _abi.PROTOTYPES.items():
        try:
            function = getattr(library, name)
        except AttributeError:
            raise ImportError(
                f"{library._name} has no {name}: it is another library, or an older one than this module\n"
                f"  mend: install library and module together, or set VIADUCT_LIBRARY to the right {SONAME}"
            ) from None
        function.restype = returns
        function.argtypes = takes


def _open() -> ctypes.CDLL:
    library = _load()
    _declare(library)
    version = library.via_version().decode()
    if version.partition(".")[0] != MAJOR:
        raise ImportError(
            f"{library._name} is version {version}, this module is for {MAJOR}.x\n"
            "  mend: install library and module together"
        )
    return library


lib = _open()
