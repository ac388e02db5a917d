# SPDX-License-Identifier: Apache-2.0
"""Calling functions in another process as if they were methods here.

In the main thread a call is begun, and the thread sleeps where signals are handled until it has ended; other threads wait in C. The
first call of a channel asks who the other end is, and cannot be cut short, so in the main thread it goes on beside.

Owns: calls under way. Must never let an exception out of a function that C calls.
"""
from __future__ import annotations

import contextlib
import ctypes
import functools
import itertools
import json
import threading
import time
from ctypes import c_uint64, c_void_p
from typing import Any, Callable, Dict, Iterator, List, Optional

from . import _errors, _wait
from ._abi import NOW, RPC_USUAL, CError, CRpcError, CRpcStats, Event, RpcEvent, RpcJsonDone, RpcOrigin, Status, text
from ._channel import Channel
from ._errors import ErrorRecord
from ._interface import Interface, MethodType, dumps
from ._lead import Lead
from ._library import lib
from ._serve import Served, table_of

LOOK_NS = 1_000_000_000  # how often a call that waits looks whether its deadline has passed
_ASK_S = 2.0  # how long another program may take to say that it describes nothing


def rpc_error(raw: Any, status: int, method: str) -> _errors.Error:
    """The exception for a call that failed."""
    name, told = text(raw.name), text(raw.text)
    known = _errors.as_status(status)
    if known == Status.EREMOTE:
        what = f"{method}: {': '.join(part for part in (name, told) if part) or f'error {raw.code}'}"
    else:
        what = f"{method}: {told or _errors.status_text(known)}"
    error = _errors.error_of(ErrorRecord(known, what=what))
    error.method, error.origin, error.not_sent = method, RpcOrigin(raw.origin), bool(raw.not_sent)  # type: ignore[attr-defined]
    if isinstance(error, _errors.RemoteError):
        error.code, error.name, error.text = raw.code, name, told
    return error


class Pending:
    """One call that was begun; `ended` is called by whichever thread reads its reply."""

    def __init__(self, method: str, ended: Callable[[], None]) -> None:
        self.method = method
        self.number = c_uint64()
        self.status: Optional[int] = None
        self.result: Any = None
        self.error: Optional[_errors.Error] = None
        self._ended = ended
        self.key = next(_keys)
        _pending[self.key] = self

    def end(self, status: int, result: Optional[bytes], raw: Any) -> None:
        if status == Status.OK:
            self.result = None if result is None else json.loads(result)
        else:
            self.error = rpc_error(raw, status, self.method)
        self.status = status
        self._ended()


_keys = itertools.count(1)
_pending: Dict[int, Pending] = {}


def _note_end(user: int, status: int, result: Optional[bytes], error: Any) -> None:
    pending = _pending.pop(user)
    pending.end(status, result, error.contents if error else CRpcError.new())


_done = RpcJsonDone(_note_end)


def _event_of(function: Callable[..., Any]) -> Any:
    """A callback that the other end calls while the call lasts."""

    def event(user: Any, parameters: bytes, result: Any, capacity: int) -> None:
        answer = function(*json.loads(parameters))
        if answer is not None:
            written = json.dumps(answer).encode()[: capacity - 1] + b"\0"
            ctypes.memmove(result, written, len(written))

    return RpcEvent(event)


class _Wakes:
    """How a thread sleeps and is woken: the main thread where signals are handled, others as they like."""

    def __init__(self) -> None:
        self._is_main = _wait.is_main()
        self._event = threading.Event()

    def ring(self) -> None:
        self._event.set()
        if self._is_main and not _wait.is_main():
            _wait.main_bell().ring()

    def sleep(self, most_ns: int) -> None:
        if not self._is_main:
            self._event.wait(most_ns / 1e9)
        elif not self._event.is_set():
            _wait.sleep([], time.monotonic_ns() + most_ns)
        self._event.clear()


class Method:
    """One function of the other end. Call it; `timeout` and `notify` are parameters of call(), for whoever needs them."""

    def __init__(self, rpc: "Rpc", name: str, known: Optional[MethodType]) -> None:
        self._rpc = rpc
        self.name = name
        self.type = known
        self.__doc__ = f"{known.signature()}\n\n{known.summary}" if known else f"{name}, of which nothing is known"

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return self._rpc.call(self.name, *arguments, **named)

    def __repr__(self) -> str:
        return f"<viaduct method {self.type.signature() if self.type else self.name}>"


class Rpc:
    """The functions of the other end, as methods: `calc.add(2, 3)`, or `calc["odd/name"](2)`.

    `call()` takes a `timeout`; without one the interface says how long a call may take."""

    def __init__(self, channel: Channel, interface: Optional[Interface] = None) -> None:
        self.channel = channel
        self.interface = interface
        self._has_met = False
        self._lead = Lead()
        self._arming = channel._sources.lock  # sending may read, too
        self._served: List[Served] = []
        self._left: List[BaseException] = []

    # ---- what there is -------------------------------------------------------------------------------------------

    def describe(self, timeout: Optional[float] = None) -> Dict[str, Any]:
        """The interface that the other end serves. RemoteError: it has none to tell."""
        out, raw = c_void_p(), CRpcError.new()
        deadline = _wait.deadline_of(timeout)

        def ask() -> int:
            return self.channel._handle.status(lib.via_rpc_describe, deadline, ctypes.byref(out), ctypes.byref(raw))

        with self._leading():
            status = _wait.aside(ask, functools.partial(lib.via_free, out))
        if status != Status.OK:
            raise rpc_error(raw, status, "rpc.describe")
        try:
            return json.loads(ctypes.string_at(out.value or 0))  # type: ignore[no-any-return]
        finally:
            lib.via_free(out)
            self._has_met = True

    def learn(self, timeout: Optional[float] = None) -> None:
        """Asks the other end for its methods, if no interface was given; one that describes nothing is called untyped."""
        try:
            self.interface = Interface(self.describe(_ASK_S if timeout is None else min(timeout, _ASK_S)))
        except (_errors.RemoteError, _errors.TimeoutError):
            self.interface = None

    def _method(self, name: str) -> Optional[MethodType]:
        if self.interface is None:
            return None
        if name not in self.interface.methods:
            raise AttributeError(f"the other end has no method {name!r}; it has {', '.join(sorted(self.interface.methods)) or 'none'}")
        return self.interface.methods[name]

    def __getattr__(self, name: str) -> Method:
        if name.startswith("_"):
            raise AttributeError(name)
        return Method(self, name, self._method(name))

    def __getitem__(self, name: str) -> Method:
        return Method(self, name, self._method(name))

    def __iter__(self) -> Iterator[str]:
        return iter(self.interface.methods if self.interface else ())

    def __dir__(self) -> List[str]:
        return [*super().__dir__(), *self]

    # ---- calling -------------------------------------------------------------------------------------------------

    def _parameters(self, known: Optional[MethodType], name: str, arguments: Any, named: Any) -> bytes:
        if known is not None:
            return dumps(known.bind(arguments, named), name)
        if arguments and named:
            raise TypeError(f"{name}: of a method that is not described, parameters go by place or by name, not both")
        return dumps(named or list(arguments), name)

    def start(self, pending: Pending, parameters: bytes, deadline: int) -> None:
        """Begins a call; it ends in whoever pumps."""
        raw = CRpcError.new()
        name = pending.method.encode()

        def begin() -> int:
            return self.channel._handle.status(
                lib.via_rpc_start_json, name, parameters, deadline, _done, pending.key, ctypes.byref(pending.number), ctypes.byref(raw)
            )

        if self._has_met:
            with self._arming:
                status = begin()
        else:
            with self._leading():
                status = _wait.aside(begin, lambda: self._cancel(pending))
            self._has_met = True
        if status != Status.OK:
            _pending.pop(pending.key, None)
            raise rpc_error(raw, status, pending.method)

    def _cancel(self, pending: Pending) -> None:
        """Tells the other end that nobody waits any more."""
        if pending.status is None and self.channel._handle.is_open:
            self.channel._handle.status(lib.via_rpc_cancel, pending.number.value)

    # ---- waiting: one thread leads --------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _leading(self) -> Iterator[None]:
        """Alone with the channel, as soon as nobody else leads."""
        bell = _Wakes()
        while not self._lead.take(threading.get_ident()):
            self._follow(bell, lambda: False)
        try:
            yield
        finally:
            self._lead.give()

    def _follow(self, bell: _Wakes, is_over: Callable[[], bool]) -> None:
        """Sleeps until the leader leaves, or it is over."""
        mark = object()
        try:
            self._lead.followers[mark] = bell.ring
            if not is_over():
                bell.sleep(LOOK_NS)
        finally:
            self._lead.followers.pop(mark, None)

    def _pump_once(self) -> None:
        """Leading: reads what there is, or sleeps for a while."""
        if not _wait.is_main():
            status = self.channel._handle.status(lib.via_rpc_pump, time.monotonic_ns() + LOOK_NS)
        else:
            status = self.pump_now()
            if status == Status.ETIMEDOUT:
                self.channel._sleep(Event.READ, time.monotonic_ns() + LOOK_NS)
        self._raise_what_was_left()
        if status not in (Status.OK, Status.ETIMEDOUT):
            raise self.channel._fail(status, "the calls have ended")

    def _wait_for(self, pending: Pending, bell: _Wakes) -> Any:
        try:
            while pending.status is None:
                if not self._lead.take(threading.get_ident()):
                    self._follow(bell, lambda: pending.status is not None)
                    continue
                try:
                    if pending.status is None:
                        self._pump_once()
                finally:
                    self._lead.give()
        except BaseException:
            if pending.status is None:
                self._cancel(pending)
                raise
        if pending.error is not None:
            raise pending.error
        return pending.result

    def _call_with_events(self, name: str, parameters: bytes, deadline: int, function: Callable[..., Any]) -> Any:
        out, raw, event = c_void_p(), CRpcError.new(), _event_of(function)

        def ask() -> int:
            return self.channel._handle.status(
                lib.via_rpc_call_json, name.encode(), parameters, deadline, ctypes.byref(out), event, None, ctypes.byref(raw)
            )

        with self._leading():
            status = _wait.aside(ask, functools.partial(lib.via_free, out))
        if status != Status.OK:
            raise rpc_error(raw, status, name)
        try:
            return json.loads(ctypes.string_at(out.value)) if out.value else None
        finally:
            lib.via_free(out)

    def call(self, name: str, *arguments: Any, timeout: Optional[float] = None, **named: Any) -> Any:
        """Calls a method. One value comes back as it is, several as a dict by name. A callback is a callable among the arguments; it
        is called while the call lasts, not in the main thread."""
        known = self._method(name)
        parameters = self._parameters(known, name, arguments, named)
        deadline = RPC_USUAL if timeout is None else _wait.deadline_of(timeout)
        callbacks = [each for each in (*arguments, *named.values()) if callable(each)]
        if len(callbacks) > 1:
            raise TypeError(f"{name}: one callback a call")
        if known is not None and known.is_oneway:
            self.notify(name, *arguments, timeout=timeout, **named)
            return None
        if callbacks:
            result = self._call_with_events(name, parameters, deadline, callbacks[0])
        else:
            bell = _Wakes()
            pending = Pending(name, bell.ring)
            self.start(pending, parameters, deadline)
            result = self._wait_for(pending, bell)
        return result if known is None else known.result(result)

    def notify(self, name: str, *arguments: Any, timeout: Optional[float] = None, **named: Any) -> None:
        """Sends a call that has no answer."""
        parameters = self._parameters(self._method(name), name, arguments, named)
        deadline = RPC_USUAL if timeout is None else _wait.deadline_of(timeout)
        raw = CRpcError.new()
        with self._leading():
            status = _wait.aside(
                lambda: self.channel._handle.status(
                    lib.via_rpc_notify_json, name.encode(), parameters, deadline, ctypes.byref(raw)
                ),
                lambda: None,
            )
        if status != Status.OK:
            raise rpc_error(raw, status, name)

    # ---- serving -------------------------------------------------------------------------------------------------

    def serve(self, functions: Any) -> None:
        """Serves Python functions to the other end: a dict by name, or an object whose methods have the names of the interface. They run
        in pump(), run() and every call that waits. One that raises CallFailed("name") fails with that error of the interface."""
        table, served = table_of(self.interface, functions, self._left)
        self._served.extend(served)  # C has their addresses as long as the channel is open
        error = CError.new()
        status = self.channel._handle.status(lib.via_rpc_serve, table, len(table), None, ctypes.byref(error))
        if status != Status.OK:
            _errors.raise_record(error, status)

    def _raise_what_was_left(self) -> None:
        if self._left:
            raise self._left.pop()

    def pump_now(self) -> int:
        """Serves what there is, and answers the status."""
        status = self.channel._handle.status(lib.via_rpc_pump, NOW)
        self._raise_what_was_left()
        return status

    def pump(self, timeout: Optional[float] = None) -> bool:
        """Serves what the other end calls, and ends calls that were begun: False if there was nothing until the timeout."""
        deadline = _wait.deadline_of(timeout)
        with self._leading():
            status = self.channel._until(
                lambda until: self.channel._handle.status(lib.via_rpc_pump, until), Event.READ, deadline
            )
        self._raise_what_was_left()
        if status not in (Status.OK, Status.ETIMEDOUT):
            raise self.channel._fail(status, "nothing more to serve")
        return status == Status.OK

    def run(self) -> None:
        """Serves until the other end has finished."""
        try:
            while True:
                self.pump()
        except _errors.ClosedError:
            return

    @property
    def stats(self) -> Dict[str, int]:
        """What has been called and served so far."""
        raw = CRpcStats.new()
        status = self.channel._handle.status(lib.via_rpc_stats_get, ctypes.byref(raw))
        if status != Status.OK:
            raise _errors.error_for(status, "no counters")
        return {name: getattr(raw, name) for name, _ in raw._fields_ if name not in ("size", "reserved")}

    def close(self) -> None:
        """Ends the channel."""
        self.channel.close()

    def __enter__(self) -> "Rpc":
        return self

    def __exit__(self, *exception: Any) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<viaduct.Rpc on {self.channel!r}>"

