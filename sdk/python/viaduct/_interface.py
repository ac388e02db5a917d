# SPDX-License-Identifier: Apache-2.0
"""Interfaces of the layer rpc: which methods there are, and how their values look in JSON.

Owns: what travels of a method, and the two values that JSON cannot hold: bytes (base64) and large integers (digits). What fits is
checked by the library, not here.
"""
from __future__ import annotations

import base64
import json
import os
import pathlib
import re
from typing import Any, Dict, List, Mapping, Optional, Sequence, Union

from . import _errors
from ._abi import Status
from ._errors import ErrorRecord

_EXACT = 2**53  # what every reader of JSON reads exactly
_INTEGERS = {"i8", "u8", "i16", "u16", "i32", "u32", "i64", "u64", "size"}


def word_of(described: Any) -> str:
    """The type's word of a parameter, a field or what is returned."""
    return described if isinstance(described, str) else str(described.get("type", "void"))


def element_of(word: str) -> Optional[str]:
    """Of T[] and T[n] the T."""
    found = re.fullmatch(r"(.*)\[\d*\]", word)
    return found[1] if found else None


def _goes(param: Mapping[str, Any], direction: str) -> bool:
    return param.get("dir", "in") in (direction, "inout")


def _counter_of(param: Mapping[str, Any], direction: str) -> str:
    """The parameter that holds the length of what goes this way, and so does not travel."""
    word = word_of(param)
    if not (word in ("string", "bytes") or word.endswith("[]")) or not _goes(param, direction):
        return ""
    length = str(param.get("length_is", ""))
    return length if length or direction == "out" or word == "string" else str(param.get("size_is", ""))


def travelling(params: Sequence[Mapping[str, Any]], direction: str) -> List[Mapping[str, Any]]:
    """The parameters that go "in" or "out" on the wire, in their order."""
    counters = {_counter_of(each, direction) for each in params}
    return [
        each
        for each in params
        if _goes(each, direction) and word_of(each) not in ("context", "user") and each["name"] not in counters
    ]


class MethodType:
    """One method of an interface."""

    def __init__(self, name: str, described: Mapping[str, Any], interface: "Interface") -> None:
        self.name = name
        self.summary = str(described.get("summary", ""))
        self.params: List[Mapping[str, Any]] = list(described.get("params", []))
        self.returns = word_of(described.get("returns", "void"))
        self.is_oneway = bool(described.get("oneway"))
        self.given = travelling(self.params, "in")
        self.given_back = travelling(self.params, "out")
        self._interface = interface

    def signature(self) -> str:
        """name(a: i32, b: i32) -> i32"""
        given = ", ".join(f"{each['name']}: {word_of(each)}" for each in self.given)
        back = [self.returns] if self.returns not in ("void", "status") else []
        back += [f"{each['name']}: {word_of(each)}" for each in self.given_back]
        return f"{self.name}({given})" + (f" -> {', '.join(back)}" if back else "")

    def bind(self, arguments: Sequence[Any], named: Mapping[str, Any]) -> List[Any]:
        """Arguments by place and by name as the list that travels."""
        names = [each["name"] for each in self.given]
        values = dict(zip(names, arguments))
        unknown = sorted(set(named) - set(names))
        twice = sorted(set(named) & set(values))
        values.update(named)
        missing = [name for name in names if name not in values]
        if len(arguments) > len(names) or unknown or twice or missing:
            wrong = (
                f"got {len(arguments)} arguments" if len(arguments) > len(names)
                else f"has no parameter {unknown[0]!r}" if unknown
                else f"got {twice[0]!r} twice" if twice
                else f"misses {missing[0]!r}"
            )  # fmt: skip
            raise TypeError(f"{self.signature()} {wrong}")
        return [self._interface.to_json(word_of(each), values[each["name"]]) for each in self.given]

    def result(self, value: Any) -> Any:
        """What came back: one value as it is, several as a dict by name."""
        read = self._interface.from_json
        has_value = self.returns not in ("void", "status")
        if has_value + len(self.given_back) > 1 and isinstance(value, dict):
            words = {"return": self.returns, **{each["name"]: word_of(each) for each in self.given_back}}
            return {name: read(words.get(name, ""), each) for name, each in value.items()}
        if has_value + len(self.given_back) == 1:
            return read(self.returns if has_value else word_of(self.given_back[0]), value)
        return value


class Interface:
    """All methods of an interface."""

    def __init__(self, described: Mapping[str, Any]) -> None:
        self.name = str(described.get("name", ""))
        self.version = str(described.get("version", ""))
        self.structs: Mapping[str, Any] = described.get("structs", {})
        self.callbacks: Mapping[str, Any] = described.get("callbacks", {})
        self.errors: Mapping[str, Any] = described.get("errors", {})
        self.methods: Dict[str, MethodType] = {
            name: MethodType(name, each, self) for name, each in described.get("methods", {}).items()
        }

    @classmethod
    def read(cls, file: Union[str, "os.PathLike[str]"]) -> "Interface":
        """An interface file; the library checks it when a channel is opened with it."""
        return cls(json.loads(pathlib.Path(file).read_text()))

    def to_json(self, word: str, value: Any) -> Any:
        """A value as JSON has it."""
        element = element_of(word)
        if value is None or callable(value):
            return None if value is None else True  # a callback is on its place, its calls come another way
        if word == "bytes":
            return base64.b64encode(bytes(value)).decode()
        if element is not None and not isinstance(value, (str, dict)):
            return [self.to_json(element, each) for each in value]
        if word in self.structs and isinstance(value, Mapping):
            words = {each["name"]: word_of(each) for each in self.structs[word]["fields"]}
            return {name: self.to_json(words.get(name, ""), each) for name, each in value.items()}
        if word in _INTEGERS and isinstance(value, int) and abs(value) > _EXACT:
            return str(value)
        return value

    def from_json(self, word: str, value: Any) -> Any:
        """A value as Python has it."""
        element = element_of(word)
        if value is None:
            return None
        if word == "bytes" and isinstance(value, str):
            return base64.b64decode(value)
        if element is not None and isinstance(value, list):
            return [self.from_json(element, each) for each in value]
        if word in self.structs and isinstance(value, dict):
            words = {each["name"]: word_of(each) for each in self.structs[word]["fields"]}
            return {name: self.from_json(words.get(name, ""), each) for name, each in value.items()}
        if word in _INTEGERS and isinstance(value, str):
            return int(value)
        return value


def dumps(value: Any, method: str) -> bytes:
    """Parameters as JSON text."""
    try:
        return json.dumps(value, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError) as wrong:
        raise _errors.error_of(
            ErrorRecord(Status.ETYPE, what=f"{method}: {wrong}", mend="give numbers that are finite, texts, bytes, lists and dicts")
        ) from None
