# SPDX-License-Identifier: Apache-2.0
"""One object of the library, and who is inside a call on it.

The library must not be told to close an object that a thread is in a call on, or whose memory is still lent. Python programs do
both easily, so here closing is safe at any time: calls under way are interrupted, and whoever leaves last closes.

A signal handler may raise between any two steps of the main thread, but not inside an assignment or a method of a dict: what has to
happen is done by those.

Owns: the moment of closing. Must never let a view of lent memory outlive that memory.
"""
from __future__ import annotations

import os
import threading
import weakref
from typing import TYPE_CHECKING, Any, Callable, Dict, Optional

from . import _errors
from ._abi import Status

_all: "weakref.WeakSet[Handle]" = weakref.WeakSet()


class Handle:
    """The address of a C object, and its end."""

    def __init__(
        self,
        address: int,
        close: Callable[[int], Any],
        interrupt: Callable[[int], Any],
        say_goodbye: Optional[Callable[[int], Any]] = None,
    ) -> None:
        self._address: Optional[int] = address
        self._close = close
        self._interrupt = interrupt
        self._say_goodbye = say_goodbye  # where closing has to wait for a loan
        self.lock = threading.RLock()
        self._left = threading.Event()
        self.inside: Dict[object, int] = {}  # a call under way: the number of its thread
        self.lent: Dict[object, None] = {}  # pieces of memory that somebody may look at
        self.sleepers: Dict[object, Callable[[], None]] = {}  # who sleeps in Python, and how to wake them
        self.is_closing = False
        _all.add(self)

    def address(self) -> int:
        """For a call whose mark is in `inside`."""
        if self.is_closing or self._address is None:
            raise _errors.error_for(Status.ECLOSED, "this object was closed here")
        return self._address

    def leave(self) -> None:
        """Ends a call, after its mark has gone from `inside`."""
        if self.is_closing:
            if not self.inside:
                self._left.set()
            self._end()

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """What function(address, *arguments) returns; nobody closes the object meanwhile."""
        mark = object()
        try:
            self.inside[mark] = threading.get_ident()
            return function(self.address(), *arguments)
        finally:
            self.inside.pop(mark, None)
            if self.is_closing:
                self.leave()

    if TYPE_CHECKING:

        def status(self, function: Callable[..., Any], *arguments: Any) -> int:
            """call() for what returns a status."""

    else:
        status = call

    def take_back(self, piece: object) -> None:
        """Ends a loan."""
        self.lent.pop(piece, None)
        if self.is_closing:
            self._end()

    def _end(self) -> None:
        with self.lock:
            if self.inside or self.lent or self._address is None:
                return
            address, self._address = self._address, None
        self._close(address)

    def wake(self) -> None:
        """Lets everybody who sleeps in Python look again: what this thread did may concern them."""
        for ring in list(self.sleepers.values()):
            ring()

    def interrupt(self) -> None:
        """Ends every present and later call on it with CanceledError."""
        if self.is_open:
            self.call(self._interrupt)
            self.wake()

    @property
    def is_open(self) -> bool:
        return self._address is not None and not self.is_closing

    def close(self) -> None:
        """Closes it as soon as nobody needs it any more; other threads' calls are ended first."""
        address = self._address
        if address is None or self.is_closing:
            return
        if self.inside:
            self.interrupt()
        self.is_closing = True
        if self.lent and not self.inside and self._say_goodbye is not None:
            self._say_goodbye(address)
        self._end()
        self.wake()
        others = set(list(self.inside.values()))
        if others and threading.get_ident() not in others:
            self._left.wait()


def _forget_other_threads() -> None:
    for handle in list(_all):
        handle.inside.clear()
        handle.sleepers.clear()
        handle.lock = threading.RLock()


os.register_at_fork(after_in_child=_forget_other_threads)
