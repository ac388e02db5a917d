# SPDX-License-Identifier: Apache-2.0
"""Hosts: what is known of plugins and endpoints; and everything that opens a channel.

Owns: the opening calls. Must never leave the main thread where no signal is handled: dialling goes on in a thread of its own
meanwhile, because a handshake must not be cut short.
"""
from __future__ import annotations

import ctypes
import json
import os
import time
from ctypes import c_void_p
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Union

from . import _errors, _wait
from ._abi import (
    FOREVER, CEndpointInfo, CError, CHostOptions, CPluginInfo, HostFlag, LogLevel, Pattern, Role, Side, Status,
)  # fmt: skip
from ._channel import Channel
from ._handle import Handle
from ._interface import Interface
from ._knowing import Endpoint, Plugin, endpoint_of, plugin_of
from ._library import lib
from ._listener import Listener
from ._options import Log, Opening, log_function, texts
from ._rpc import Rpc

_MOST_AT_ONCE_NS = 10_000_000_000  # how long a dial that nobody waits for any more may go on

Layers = Union[str, Iterable[str], None]
OptionDict = Optional[Mapping[str, Any]]


def _json(function: Any, host: Optional[int], address: str, opening: Opening) -> Dict[str, Any]:
    out, error = c_void_p(), CError.new()
    status = function(host, address.encode(), opening.pointer, ctypes.byref(out), ctypes.byref(error))
    try:
        if status != Status.OK:
            _errors.raise_record(error, status)
        return json.loads(ctypes.string_at(out.value or 0))  # type: ignore[no-any-return]
    finally:
        lib.via_free(out)


def _blocks_when_full(host: Optional["Host"], address: str, opening: Opening) -> Callable[[], bool]:
    """Does this topic wait for slow subscribers? Asked when it matters, and once."""
    known: List[bool] = []

    def ask() -> bool:
        if not known:
            told = _with(host, lambda raw: _json(lib.via_explain, raw, address, opening))
            known.append(any(each["name"] == "overflow" and each["value"] == "block" for each in told["options"]))
        return known[0]

    return ask


def _with(host: Optional["Host"], call: Callable[[Optional[int]], Any]) -> Any:
    return call(None) if host is None else host._handle.call(call)


def _connect(
    call: Callable[[int, Any, Any], int],
    timeout: Optional[float],
    awaits_tail: Callable[[], bool],
    is_given_up: Callable[[], bool],
) -> Channel:
    """Dials or joins. Where that takes long it is done again and again, so that it can be given up."""
    deadline = _wait.deadline_of(timeout)
    out, error = c_void_p(), CError.new()

    def once() -> int:
        soon = time.monotonic_ns() + _MOST_AT_ONCE_NS
        return call(min(deadline, soon), ctypes.byref(out), ctypes.byref(error))

    def drop() -> None:
        lib.via_close(out)

    while True:
        status = _wait.aside(once, drop)
        if status == Status.OK:
            return Channel(out.value or 0, awaits_tail)
        is_late = deadline != FOREVER and _wait.has_passed(deadline)
        if status not in (Status.ENOPEER, Status.ETIMEDOUT) or is_late or is_given_up():
            _errors.raise_record(error, status)


def role_of(role: Union[Role, str]) -> Role:
    try:
        found = Role[role.upper()] if isinstance(role, str) else Role(role)
    except (KeyError, ValueError):
        found = Role.PAIR
    if found == Role.PAIR:
        raise ValueError(f"a role is push, pull, publish, subscribe, value or region, not {role!r}; for a pair use dial or listen")
    return found


def open_listener(
    host: Optional["Host"], address: str, side: Union[Side, str], layers: Layers, log: Optional[Log],
    options: OptionDict, more: Mapping[str, Any],
) -> Listener:  # fmt: skip
    opening = Opening(options, side, layers, log, more)
    out, error = c_void_p(), CError.new()
    status = _with(
        host, lambda raw: lib.via_listen(raw, address.encode(), opening.pointer, ctypes.byref(out), ctypes.byref(error))
    )
    if status != Status.OK:
        _errors.raise_record(error, status)
    listener = Listener(out.value or 0, _blocks_when_full(host, address, opening))
    listener._log = opening.log  # type: ignore[attr-defined]
    return listener


def open_channel(
    host: Optional["Host"], address: str, role: Role, timeout: Optional[float], side: Union[Side, str], layers: Layers,
    log: Optional[Log], options: OptionDict, more: Mapping[str, Any], is_given_up: Callable[[], bool] = lambda: False,
) -> Channel:  # fmt: skip
    opening = Opening(options, side, layers, log, more)
    name = address.encode()

    def call(deadline: int, out: Any, error: Any) -> int:
        if role == Role.PAIR:
            return _with(host, lambda raw: lib.via_dial(raw, name, opening.pointer, deadline, out, error))  # type: ignore[no-any-return]
        return _with(host, lambda raw: lib.via_join(raw, name, role, opening.pointer, deadline, out, error))  # type: ignore[no-any-return]

    channel = _connect(call, timeout, _blocks_when_full(host, address, opening), is_given_up)
    channel._log = opening.log  # type: ignore[attr-defined]
    return channel


class Host:
    """What is known of plugins and endpoints: found once, for many channels. Without one, each opening call searches by itself.

    `plugins`, `endpoints` and `trusted` are folders (of endpoints: files, too) that come before all others."""

    def __init__(
        self,
        *,
        plugins: Iterable[str] = (),
        endpoints: Iterable[str] = (),
        trusted: Iterable[str] = (),
        environment: bool = True,
        default_paths: bool = True,
        log: Optional[Log] = None,
        log_level: LogLevel = LogLevel.WARNING,
    ) -> None:
        raw = CHostOptions.new()
        raw.flags = (0 if environment else HostFlag.NO_ENVIRONMENT) | (0 if default_paths else HostFlag.NO_DEFAULT_PATHS)
        for name, items in (("plugin", plugins), ("endpoint", endpoints), ("trusted", trusted)):
            listed = texts(items)
            setattr(raw, f"{name}_paths", listed)
            setattr(raw, f"{name}_path_count", len(listed))
        self._log = log_function(log)
        raw.log, raw.log_level = self._log, log_level
        out, error = c_void_p(), CError.new()
        status = lib.via_host_open(ctypes.byref(raw), ctypes.byref(out), ctypes.byref(error))
        if status != Status.OK:
            _errors.raise_record(error, status)
        self._handle = Handle(out.value or 0, lib.via_host_close, lambda address: None)

    def dial(
        self, address: str, timeout: Optional[float] = None, *, side: Union[Side, str] = Side.DEFAULT,
        layers: Layers = None, log: Optional[Log] = None, options: OptionDict = None, **more: Any,
    ) -> Channel:  # fmt: skip
        """As viaduct.dial(), with what this host knows."""
        return open_channel(self, address, Role.PAIR, timeout, side, layers, log, options, more)

    def join(
        self, address: str, role: Union[Role, str], timeout: Optional[float] = None, *, side: Union[Side, str] = Side.DEFAULT,
        layers: Layers = None, log: Optional[Log] = None, options: OptionDict = None, **more: Any,
    ) -> Channel:  # fmt: skip
        """As viaduct.join(), with what this host knows."""
        return open_channel(self, address, role_of(role), timeout, side, layers, log, options, more)

    def listen(
        self, address: str, *, layers: Layers = None, log: Optional[Log] = None, options: OptionDict = None, **more: Any
    ) -> Listener:
        """As viaduct.listen(), with what this host knows."""
        return open_listener(self, address, Side.DEFAULT, layers, log, options, more)

    def scan(self) -> None:
        """Searches again: new files are found, removed ones forgotten. Open channels are not touched."""
        error = CError.new()
        status = self._handle.status(lib.via_host_scan, ctypes.byref(error))
        if status != Status.OK:
            _errors.raise_record(error, status)

    def _each(self, function: Any, kind: Any, read: Callable[[Any], Any]) -> List[Any]:
        found, cursor = [], ctypes.c_size_t()
        raw = kind.new()
        while self._handle.call(function, ctypes.byref(cursor), ctypes.byref(raw)) == Status.OK:
            found.append(read(raw))
            raw = kind.new()
        return found

    def plugins(self) -> List[Plugin]:
        """Every plugin that was found, good or bad, in search order. Runs none of their code."""
        return self._each(lib.via_plugin_next, CPluginInfo, plugin_of)

    def endpoints(self) -> List[Endpoint]:
        """Every endpoint that was found, and endpoint files that were refused, in search order."""
        return self._each(lib.via_endpoint_next, CEndpointInfo, endpoint_of)

    def explain(self, address: str, *, layers: Layers = None, options: OptionDict = None, **more: Any) -> Dict[str, Any]:
        """How an address or a name resolves: every candidate with verdict and reason, every option with its origin. The members are
        those of `via explain --json` (sdk/docs/explain.md)."""
        opening = Opening(options, Side.DEFAULT, layers, None, more)
        return self._handle.call(lambda raw: _json(lib.via_explain, raw, address, opening))  # type: ignore[no-any-return]

    def close(self) -> None:
        """Gives the host up; its channels keep what they need."""
        self._handle.close()

    def __enter__(self) -> "Host":
        return self

    def __exit__(self, *exception: Any) -> None:
        self.close()

    def __del__(self) -> None:
        if hasattr(self, "_handle"):
            self._handle.close()


def dial(
    address: str, timeout: Optional[float] = None, *, side: Union[Side, str] = Side.DEFAULT, layers: Layers = None,
    log: Optional[Log] = None, options: OptionDict = None, **more: Any,
) -> Channel:  # fmt: skip
    """Connects to a listener; waits for one until the timeout.

    `address` is `scheme:rest?option=value` or the name of an endpoint. Options are keyword arguments (`send_buffer="1MiB"`) or, where a
    name is no Python name (`rpc.interface`), a dict. `layers` is "a,b" or a list, from the program to the transport; `require` (a text or a list: "feature=priority") is what
    the mechanism has to be like."""
    return open_channel(None, address, Role.PAIR, timeout, side, layers, log, options, more)


def join(
    address: str, role: Union[Role, str], timeout: Optional[float] = None, *, side: Union[Side, str] = Side.DEFAULT,
    layers: Layers = None, log: Optional[Log] = None, options: OptionDict = None, **more: Any,
) -> Channel:  # fmt: skip
    """Takes part in a queue ("push", "pull"), a topic ("publish", "subscribe"), a "value" or a "region". The side that binds does not wait;
    the side that connects waits for the other until the timeout."""
    return open_channel(None, address, role_of(role), timeout, side, layers, log, options, more)


def listen(
    address: str, *, layers: Layers = None, log: Optional[Log] = None, options: OptionDict = None, **more: Any
) -> Listener:
    """Takes a name and lets others dial it."""
    return open_listener(None, address, Side.DEFAULT, layers, log, options, more)


def rpc_options(
    host: Optional[Host], address: str, interface: Optional[str], codec: Optional[str], layers: Layers, options: OptionDict
) -> Any:
    """The layers and options that put rpc on top of what an address has already."""
    words: Dict[str, Any] = dict(options or {})
    if interface is not None:
        words["rpc.interface"] = interface
    if codec is not None:
        words["rpc.codec"] = codec
    if layers is None:
        told = host.explain(address) if host is not None else explain(address)
        named = [each["name"] for each in told["layers"]]
        layers = None if "rpc" in named else ["rpc", *named]
    return layers, words


def rpc(
    address: str, interface: Union[str, "os.PathLike[str]", None] = None, timeout: Optional[float] = None, *,
    codec: Optional[str] = None, host: Optional[Host] = None, side: Union[Side, str] = Side.DEFAULT, layers: Layers = None,
    log: Optional[Log] = None, options: OptionDict = None, **more: Any,
) -> Rpc:  # fmt: skip
    """Connects to functions: `calc = viaduct.rpc("unix:calc"); calc.add(2, 3)`.

    Which there are is said by an interface file, or else by the other end. `codec` is "msgpack" or "json"."""
    file = None if interface is None else os.fspath(interface)
    known = None if file is None else Interface.read(file)
    chosen, words = rpc_options(host, address, file, codec, layers, options)
    made = Rpc(open_channel(host, address, Role.PAIR, timeout, side, chosen, log, words, more), known)
    try:
        if known is None:
            made.learn(timeout)
        return made
    except BaseException:
        made.close()
        raise


def plugins() -> List[Plugin]:
    """Every plugin that is found now."""
    with Host() as host:
        return host.plugins()


def endpoints() -> List[Endpoint]:
    """Every endpoint that is found now."""
    with Host() as host:
        return host.endpoints()


def explain(address: str, *, layers: Layers = None, options: OptionDict = None, **more: Any) -> Dict[str, Any]:
    """How an address or a name resolves now."""
    with Host() as host:
        return host.explain(address, layers=layers, options=options, **more)


__all__ = ["Host", "Pattern", "dial", "endpoints", "explain", "join", "listen", "plugins", "rpc"]
