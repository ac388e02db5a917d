# SPDX-License-Identifier: Apache-2.0
"""Listeners: the end of a pair that owns the name.

Owns: that nobody who has dialled is lost when a signal handler raises. Must never block the main thread in C.
"""
from __future__ import annotations

import collections
import ctypes
import threading
import warnings
from ctypes import c_void_p
from typing import Any, Callable, Deque, Iterator, List, Optional

from . import _errors, _wait
from ._abi import NOW, CError, Status, text
from ._channel import Channel
from ._handle import Handle
from ._library import lib
from ._sources import ListenerSource

_ADDRESS_BYTES = 1024


class Listener:
    """Takes in who dials: `for channel in listener`, or accept()."""

    def __init__(self, address: int, awaits_tail: Callable[[], bool]) -> None:
        self._handle = Handle(address, lib.via_listener_close, lib.via_listener_interrupt)
        self._source = ListenerSource(self._handle)
        self._awaits_tail = awaits_tail
        self._kept: Deque[Channel] = collections.deque()

    def _accept(self, box: List[Channel], deadline: int, error: Any) -> int:
        """The status; the channel goes into the box, whatever raises meanwhile."""
        handle, mark, out = self._handle, object(), c_void_p()
        status = Status.OK
        try:
            handle.inside[mark] = threading.get_ident()
            status = lib.via_accept(handle.address(), deadline, ctypes.byref(out), ctypes.byref(error))
            if out.value is not None:
                box.extend(map(Channel, (out.value,), (self._awaits_tail,)))  # made and put there in one step
        except BaseException:
            if out.value is not None and not box:
                box.extend(map(Channel, (out.value,), (self._awaits_tail,)))
            raise
        finally:
            handle.inside.pop(mark, None)
            if handle.is_closing:
                handle.leave()
        if handle.sleepers:
            handle.wake()
        return status

    def _sleep(self, deadline: int) -> None:
        mark = object()
        try:
            self._handle.sleepers[mark] = _wait.main_bell().ring
            sources = self._source.arm()
            if sources is not None and self._handle.is_open:
                _wait.sleep(sources, deadline)
        finally:
            self._handle.sleepers.pop(mark, None)

    def _take_kept(self, box: List[Channel]) -> None:
        if self._kept:
            with self._handle.lock:
                if self._kept:
                    box += (self._kept[0],)
                    del self._kept[0]

    def _accept_now(self, box: List[Channel], error: Any) -> int:
        """Puts one channel into the box if there is one."""
        self._take_kept(box)
        return Status.OK if box else self._accept(box, NOW, error)

    def _accept_until(self, box: List[Channel], deadline: int) -> None:
        error = CError.new()
        is_main = _wait.is_main()
        self._take_kept(box)
        while not box:
            status = self._accept(box, NOW if is_main else deadline, error)
            if box:
                break
            if status != Status.ETIMEDOUT or not is_main or _wait.has_passed(deadline):
                _errors.raise_record(error, status)
            self._sleep(deadline)

    def accept(self, timeout: Optional[float] = None) -> Channel:
        """The channel to the next who dials. The timeout covers waiting only: a slow dialer delays nobody else."""
        box: List[Channel] = []
        try:
            self._accept_until(box, _wait.deadline_of(timeout))
            return box[0]
        except BaseException:
            self._kept.extendleft(box)
            raise

    def __iter__(self) -> Iterator[Channel]:
        """Every channel that is dialled, until interrupt() or close()."""
        while True:
            try:
                channel = self.accept()
            except (_errors.CanceledError, _errors.ClosedError):
                return
            yield channel
            del channel

    @property
    def address(self) -> str:
        """What others dial, with what the system chose (a port)."""
        buffer = ctypes.create_string_buffer(_ADDRESS_BYTES)
        status = self._handle.status(lib.via_listener_address, buffer, _ADDRESS_BYTES)
        if status != Status.OK:
            raise _errors.error_for(status, "the listener's address cannot be told")
        return text(buffer.value)

    def interrupt(self) -> None:
        """Ends every present and later accept() with CanceledError, and iteration."""
        self._handle.interrupt()

    def close(self) -> None:
        """Gives the name up. Accepted channels live on."""
        while self._kept:
            self._kept.popleft().close()
        self._handle.close()

    @property
    def closed(self) -> bool:
        return not self._handle.is_open

    def __enter__(self) -> "Listener":
        return self

    def __exit__(self, *exception: Any) -> None:
        self.close()

    def __del__(self) -> None:
        handle = getattr(self, "_handle", None)
        if handle is not None and handle.is_open:
            warnings.warn(f"unclosed {self!r}", ResourceWarning, source=self)
            self.close()

    def __repr__(self) -> str:
        if self.closed:
            return "<viaduct.Listener, closed>"
        try:
            return f"<viaduct.Listener {self.address}>"
        except _errors.Error as error:
            return f"<viaduct.Listener: {error.what}>"
