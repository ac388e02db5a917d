# SPDX-License-Identifier: Apache-2.0
"""Python functions as C functions, so that the layer rpc can serve them.

Owns: how the parameters of a described method look to a Python function. What C could not express, and what would need memory that
outlives the call, is refused before anything is served. Must never let an exception into C.
"""
from __future__ import annotations

import collections
import ctypes
import sys
from typing import Any, Callable, Deque, Dict, List, Mapping, NoReturn, Optional, Tuple

from . import _errors
from ._abi import CRpcFunction, Status
from ._errors import ErrorRecord
from ._interface import Interface, MethodType, element_of, word_of

INTERNAL = -32603  # the code of a function that failed without saying how
_KEPT_TEXTS = 64  # texts that were returned stay readable for so many calls

SCALARS: Dict[str, Any] = {
    "bool": ctypes.c_bool, "i8": ctypes.c_int8, "u8": ctypes.c_uint8, "i16": ctypes.c_int16, "u16": ctypes.c_uint16,
    "i32": ctypes.c_int32, "u32": ctypes.c_uint32, "i64": ctypes.c_int64, "u64": ctypes.c_uint64, "size": ctypes.c_size_t,
    "f32": ctypes.c_float, "f64": ctypes.c_double,
}  # fmt: skip


class CallFailed(Exception):
    """For a served function to raise: the call fails with an error of the interface, by its name."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def _refuse(method: str, what: str) -> NoReturn:
    raise _errors.error_of(
        ErrorRecord(
            Status.ENOTSUP,
            what=f"{method}: {what} cannot be served by a Python function",
            mend="serve numbers, texts, bytes and lists of numbers that go in, and numbers that come out",
        )
    )


class Served:
    """One Python function behind a C function."""

    def __init__(self, method: MethodType, interface: Interface, function: Callable[..., Any], left: List[BaseException]) -> None:
        self._method = method
        self._errors: Mapping[str, Any] = interface.errors
        self._function = function
        self._left = left  # what a signal handler has raised in the function, for who pumps
        self._texts: Deque[bytes] = collections.deque(maxlen=_KEPT_TEXTS)
        self._places = {each["name"]: place for place, each in enumerate(method.params)}
        kinds = [self._kind_of(each) for each in method.params]
        self._out: List[Tuple[int, str]] = [(self._places[each["name"]], each["name"]) for each in method.given_back]
        self._restype = self._returned()
        self.pointer = ctypes.CFUNCTYPE(self._restype, *kinds)(self._run)

    def _returned(self) -> Any:
        word = self._method.returns
        if word in SCALARS:
            return SCALARS[word]
        known = {"void": None, "status": ctypes.c_int32, "string": ctypes.c_void_p}
        return known[word] if word in known else _refuse(self._method.name, f"a returned {word}")

    def _kind_of(self, param: Mapping[str, Any]) -> Any:
        word, direction = word_of(param), param.get("dir", "in")
        element = element_of(word)
        what = f"the parameter {param['name']} ({direction} {word})"
        if word in ("context", "user"):
            return ctypes.c_void_p
        if word in SCALARS:
            return SCALARS[word] if direction == "in" else ctypes.POINTER(SCALARS[word])
        if direction == "in" and word == "string":
            return ctypes.c_char_p
        if direction == "in" and word == "bytes" and "length_is" in param:
            return ctypes.c_void_p
        if direction == "in" and element in SCALARS and ("length_is" in param or not word.endswith("[]")):
            return ctypes.POINTER(SCALARS[element])
        return _refuse(self._method.name, what)

    def _length_of(self, param: Mapping[str, Any], values: Tuple[Any, ...]) -> int:
        if "length_is" in param:
            length = values[self._places[param["length_is"]]]
            return int(length if isinstance(length, int) else length[0])
        return int(word_of(param).rpartition("[")[2].rstrip("]"))

    def _given(self, param: Mapping[str, Any], values: Tuple[Any, ...]) -> Any:
        """One argument of the Python function."""
        value, word = values[self._places[param["name"]]], word_of(param)
        if word in SCALARS:
            return value[0] if param.get("dir") == "inout" else value
        if not value:  # a nullable one, or nothing in it
            return None if param.get("nullable") else "" if word == "string" else b"" if word == "bytes" else []
        if word == "string":
            return value.decode()
        if word == "bytes":
            return ctypes.string_at(value, self._length_of(param, values))
        return value[: self._length_of(param, values)]

    def _hand_out(self, result: Any, values: Tuple[Any, ...]) -> Any:
        """Writes what comes out, and returns what is returned."""
        has_value = self._method.returns not in ("void", "status")
        if len(self._out) + has_value == 0:
            return 0
        parts = [result] if len(self._out) + has_value == 1 else list(result)
        if len(parts) != len(self._out) + has_value:
            raise TypeError(f"{self._method.signature()}: the function returned {len(parts)} values")
        for (place, _), part in zip(self._out, parts[1:] if has_value else parts):
            values[place][0] = part
        return self._value(parts[0]) if has_value else 0

    def _value(self, value: Any) -> Any:
        if self._method.returns != "string":
            return value
        if value is None:
            return None
        self._texts.append(value.encode())
        return ctypes.cast(ctypes.c_char_p(self._texts[-1]), ctypes.c_void_p).value

    def _fail(self, error: BaseException) -> Any:
        """What C is returned for an exception."""
        code = INTERNAL
        if isinstance(error, CallFailed) and error.name in self._errors:
            code = int(self._errors[error.name]["code"])
        elif isinstance(error, Exception):
            sys.excepthook(type(error), error, error.__traceback__)
        else:
            self._left.append(error)
        return None if self._restype is None else code if self._method.returns == "status" else 0

    def _run(self, *values: Any) -> Any:
        try:
            arguments = [self._given(each, values) for each in self._method.given]
            answer = self._hand_out(self._function(*arguments), values)
            return None if self._restype is None else answer
        except BaseException as error:
            return self._fail(error)


def table_of(interface: Optional[Interface], functions: Any, left: List[BaseException]) -> Tuple[Any, List[Served]]:
    """The C table for functions, by name: a dict, or an object with methods."""
    if interface is None:
        raise _errors.error_of(
            ErrorRecord(Status.EINVAL, what="nothing says what the functions look like", mend="give an interface file")
        )
    if not isinstance(functions, Mapping):
        functions = {name: getattr(functions, name) for name in interface.methods if hasattr(functions, name)}
    unknown = sorted(set(functions) - set(interface.methods))
    if unknown:
        raise _errors.error_of(
            ErrorRecord(Status.ENOENT, what=f"the interface {interface.name} has no method {unknown[0]!r}", mend="add it there")
        )
    served = [Served(interface.methods[name], interface, function, left) for name, function in functions.items()]
    table = (CRpcFunction * len(served))()
    for slot, name, each in zip(table, functions, served):
        slot.method = name.encode()
        slot.function = ctypes.cast(each.pointer, ctypes.c_void_p)
    return table, served
