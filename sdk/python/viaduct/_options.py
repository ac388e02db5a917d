# SPDX-License-Identifier: Apache-2.0
"""How options of Python look to the library.

Owns: the memory of a via_open_options while a call reads it. Must never know an option's name: the library checks them.
"""
from __future__ import annotations

import ctypes
import os
from typing import Any, Callable, Iterable, List, Mapping, Optional, Union

from ._abi import COpenOptions, LogFunction, LogLevel, Side, Threads, text

Log = Callable[[LogLevel, str, str], None]  # level, plugin, text; called by whichever thread is in a call


def word(value: Any) -> str:
    """An option's value as it is written in an address."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, os.PathLike):
        return str(os.fspath(value))
    return str(value)


def texts(items: Iterable[str]) -> Any:
    """An array of C texts; it holds what it points to."""
    raw = [os.fsencode(item) for item in items]
    return (ctypes.c_char_p * len(raw))(*raw)


def log_function(log: Optional[Log]) -> Any:
    """A C function that calls `log`; what that raises is told by sys.unraisablehook."""
    if log is None:
        return ctypes.cast(0, LogFunction)
    tell = log
    return LogFunction(lambda user, level, plugin, line: tell(LogLevel(level), text(plugin), text(line)))


class Opening:
    """The options of one opening call, and all that they point to."""

    def __init__(
        self,
        options: Optional[Mapping[str, Any]] = None,
        side: Union[Side, str] = Side.DEFAULT,
        layers: Union[str, Iterable[str], None] = None,
        log: Optional[Log] = None,
        more: Optional[Mapping[str, Any]] = None,
    ) -> None:
        given = dict(more or {})
        require = given.pop("require", None)
        words: List[str] = [f"{name}={word(value)}" for name, value in {**(options or {}), **given}.items()]
        self._texts = texts(words)
        self.log = log_function(log)
        self.raw = COpenOptions.new()
        self.raw.threads = Threads.MANY
        self.raw.side = Side[side.upper()] if isinstance(side, str) else side
        self.raw.options = self._texts
        self.raw.option_count = len(words)
        self.raw.log = self.log
        if layers is not None:
            self.raw.layers = (layers if isinstance(layers, str) else ",".join(layers)).encode()
        if require is not None:
            self.raw.require = (require if isinstance(require, str) else ",".join(require)).encode()

    @property
    def pointer(self) -> Any:
        return ctypes.byref(self.raw)
