# SPDX-License-Identifier: Apache-2.0
"""Waiting for many channels and listeners at once.

The library sleeps on descriptors of its own, so the main thread cannot add the one that signals write to. A thread listens to that
one for it, and wakes the set.

Owns: that thread, from the first wait in the main thread to close(). Must never report what has been closed.
"""
from __future__ import annotations

import ctypes
import signal
import threading
import weakref
from ctypes import c_void_p
from typing import Any, List, NamedTuple, Optional, Union

from . import _errors, _wait
from ._abi import CError, CReady, Event, Status
from ._channel import Channel
from ._handle import Handle
from ._library import lib
from ._listener import Listener


class Ready(NamedTuple):
    """Something that would not block now: receive, accept or send with timeout=0, since it may have been taken meanwhile."""

    source: Union[Channel, Listener]
    events: Event


class WaitSet:
    """Channels and listeners of any transport; the cost of a wait does not grow with the number of idle ones."""

    def __init__(self) -> None:
        out, error = c_void_p(), CError.new()
        status = lib.via_waitset_create(ctypes.byref(out), ctypes.byref(error))
        if status != Status.OK:
            _errors.raise_record(error, status)
        self._handle = Handle(out.value or 0, lib.via_waitset_destroy, lib.via_waitset_wake)
        self._members: "weakref.WeakValueDictionary[int, Any]" = weakref.WeakValueDictionary()
        self._bell: Optional[_wait.Bell] = None
        self._previous = -1

    def add(self, source: Union[Channel, Listener], events: Event = Event.READ) -> None:
        """Adds a channel for Event.READ, Event.WRITE or both, or a listener. Again for the same channel: changes the events. BusyError:
        it is in another set. Who is closed leaves by itself."""

        def enter(address: int) -> int:
            self._members[address] = source
            if isinstance(source, Listener):
                return self._handle.status(lib.via_waitset_add_listener, address, None)
            return self._handle.status(lib.via_waitset_add, address, events, None)

        self._check(source._handle.call(enter), "it cannot be waited for")

    def remove(self, source: Union[Channel, Listener]) -> None:
        """Takes it out. NotFoundError: it is not in."""
        function = lib.via_waitset_remove_listener if isinstance(source, Listener) else lib.via_waitset_remove
        self._check(source._handle.call(lambda address: self._handle.call(function, address)), "it is not in this set")

    def _check(self, status: int, what: str) -> None:
        if status != Status.OK:
            raise _errors.error_for(status, what)

    def _watch(self, hears: Any) -> None:
        while True:
            heard = hears.recv(4096)
            if not heard:
                hears.close()
                return
            try:
                self.wake()
            except _errors.Error:
                pass  # it is being closed
            _wait.hand_on(heard, self._previous)

    def _listen(self) -> int:
        if self._bell is None:
            self._bell = _wait.Bell()
            self._bell.hears.setblocking(True)
            threading.Thread(target=self._watch, args=(self._bell.hears,), name="viaduct", daemon=True).start()
        return self._bell.rings.fileno()

    def _kept(self) -> List[Ready]:
        members = list(self._members.values())
        return [Ready(each, Event.READ) for each in members if each._kept and not each.closed]

    def _wait(self, most: int, deadline: int) -> Any:
        ready, count = (CReady * most)(), ctypes.c_size_t()
        status = self._handle.status(lib.via_waitset_wait, ready, most, ctypes.byref(count), deadline)
        if status not in (Status.OK, Status.ETIMEDOUT):
            raise _errors.error_for(status, "the set cannot wait")
        found = []
        for each in ready[: count.value]:
            source = self._members.get(each.channel or each.listener)
            if source is not None and not source.closed:
                found.append(Ready(source, Event(each.events)))
        return found, status

    def wait(self, timeout: Optional[float] = None, most: int = 64) -> List[Ready]:
        """What is ready, at most `most` of it; an empty list after wake(), or when the timeout has passed."""
        deadline = _wait.deadline_of(timeout)
        kept = self._kept()
        if kept:
            return kept[:most]
        if not _wait.is_main():
            return self._wait(most, deadline)[0]  # type: ignore[no-any-return]
        before: List[int] = []
        try:
            before.extend(map(_wait.listen_with, (self._listen(),)))
            self._previous = before[0]
            return self._wait(most, deadline)[0]  # type: ignore[no-any-return]
        finally:
            if before:
                signal.set_wakeup_fd(before[0])

    def wake(self) -> None:
        """Makes the present or the next wait return. Any thread."""
        self._handle.status(lib.via_waitset_wake)

    def close(self) -> None:
        """Ends the set; its members live on."""
        self._handle.close()
        if self._bell is not None:
            self._bell.rings.close()  # its thread ends, and closes the other end
            self._bell = None

    def __enter__(self) -> "WaitSet":
        return self

    def __exit__(self, *exception: Any) -> None:
        self.close()
