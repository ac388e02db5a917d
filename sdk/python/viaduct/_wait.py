# SPDX-License-Identifier: Apache-2.0
"""Deadlines, and sleeping so that a signal is handled at once.

A C call that blocks lets other threads of Python run, but Python's signal handlers run in the main thread, and only when that call
has returned. So the main thread never blocks in C: it tries, arms, and sleeps in poll(2) together with the descriptor that Python
writes to when a signal comes. All other threads block in C, which is faster.

Owns: that descriptor. Must never swallow a byte of somebody else's (asyncio has one, too).
"""
from __future__ import annotations

import atexit
import functools
import os
import select
import signal
import socket
import threading
import time
from typing import Any, Callable, Dict, List, Optional, Tuple

from ._abi import FOREVER, NOW, PollWait, Status

Source = Tuple[int, int]  # a descriptor, and what to wait for on it: PollWait
SLICE_NS = 50_000_000  # how long the main thread stays in a C call that has no descriptor to sleep on
_POLL = [0, select.POLLIN, select.POLLOUT, select.POLLIN | select.POLLOUT]  # by PollWait
_MOST_POLLERS = 64


def deadline_of(timeout: Optional[float]) -> int:
    """A timeout in seconds as a deadline; None = for ever, 0 = try once."""
    if timeout is None:
        return FOREVER
    if timeout < 0:
        raise ValueError(f"a timeout is a number of seconds from 0 on, or None for no limit, not {timeout}")
    if timeout == 0:
        return NOW
    return min(time.monotonic_ns() + int(timeout * 1e9), FOREVER)


def seconds_to(deadline: int) -> Optional[float]:
    """What is left of a deadline; None = no limit."""
    if deadline == FOREVER:
        return None
    return max(0.0, (deadline - time.monotonic_ns()) / 1e9) if deadline != NOW else 0.0


def has_passed(deadline: int) -> bool:
    return deadline == NOW or (deadline != FOREVER and time.monotonic_ns() >= deadline)


def slice_of(deadline: int) -> int:
    """The next moment at which the main thread looks for signals."""
    return NOW if deadline == NOW else min(deadline, time.monotonic_ns() + SLICE_NS)


_main = threading.main_thread().ident


def is_main() -> bool:
    """May a signal handler have to run in this thread?"""
    return threading.get_ident() == _main


class Bell:
    """Ends a sleep from outside: another thread, or a signal handler."""

    def __init__(self) -> None:
        self._open()

    def _open(self) -> None:
        self.hears, self.rings = socket.socketpair()
        self.hears.setblocking(False)
        self.rings.setblocking(False)
        self.source: Source = (self.hears.fileno(), int(PollWait.READABLE))
        self.rung = self.rings.fileno()

    def ring(self) -> None:
        try:
            self.rings.send(b"\0")
        except OSError:
            pass  # full: it rings already

    def hush(self) -> bytes:
        """What has been written to it, all of it."""
        heard = b""
        try:
            while True:
                piece = self.hears.recv(4096)
                heard += piece
                if len(piece) < 4096:
                    return heard
        except OSError:
            return heard

    def close(self) -> None:
        self.hears.close()
        self.rings.close()


_bell: Optional[Bell] = None


def main_bell() -> Bell:
    """The main thread's. Whoever changes what it sleeps for rings it."""
    global _bell
    if _bell is None:
        _bell = Bell()
        atexit.register(_bell.close)
    return _bell


def _renew_in_child() -> None:
    global _bell, _main
    _main = threading.main_thread().ident
    if _bell is not None:
        _bell.close()
        _bell = None


os.register_at_fork(after_in_child=_renew_in_child)


# Signals write to this descriptor from now on; what they wrote to before. Called by extend(), its answer cannot be lost to a handler
# that raises.
listen_with = functools.partial(signal.set_wakeup_fd, warn_on_full_buffer=False)


def hand_on(heard: bytes, previous: int) -> None:
    """Signals that came while this module listened are told to who listened before."""
    signals = heard.replace(b"\0", b"")
    if previous != -1 and signals:
        try:
            os.write(previous, signals)
        except OSError:
            pass  # as Python itself does


_pollers: Dict[Tuple[Source, ...], Any] = {}  # that the main thread has used, for it asks for the same again and again


def _poller_of(sources: Tuple[Source, ...]) -> Any:
    poller = _pollers.pop(sources, None) if is_main() else None
    if poller is None:
        poller = select.poll()
        for descriptor, wait in sources:
            poller.register(descriptor, _POLL[wait])
    return poller


def _poll(sources: Tuple[Source, ...], deadline: int) -> None:
    """Sleeps until one of them shows something. A handler that runs meanwhile, and sleeps, too, gets another poller."""
    poller = _poller_of(sources)
    left = seconds_to(deadline)
    poller.poll(None if left is None else left * 1000)
    if is_main():
        if len(_pollers) >= _MOST_POLLERS:
            _pollers.clear()
        _pollers[sources] = poller


def sleep(sources: List[Source], deadline: int) -> None:
    """Sleeps until one of the descriptors shows something, a signal comes, somebody rings, or the deadline passes.

    A signal's handler has run before this returns; what it raises is raised from here."""
    if not is_main():
        _poll(tuple(sources), deadline)
        return
    bell = main_bell()
    before: List[int] = []
    try:
        before.extend(map(listen_with, (bell.rung,)))
        _poll((*sources, bell.source), deadline)
    finally:
        if before:
            signal.set_wakeup_fd(before[0])
            hand_on(bell.hush(), before[0])  # whatever woke us: a signal may have come since


def in_slices(call: Callable[[int], int], deadline: int) -> int:
    """Repeats a call that answers ETIMEDOUT without having done anything, so that signals are handled in between."""
    if not is_main():
        return call(deadline)
    while True:
        status = call(slice_of(deadline))
        if status != Status.ETIMEDOUT or has_passed(deadline):
            return status


class Aside:
    """A C call that must not be cut short, in a thread of its own, while the main thread waits for signals.

    If a handler raises, the call is left alone: it ends by itself, and `drop` gets what it returned."""

    def __init__(self, call: Callable[[], int], drop: Callable[[], None]) -> None:
        self._call = call
        self._drop = drop
        self._bell = Bell()
        self._lock = threading.Lock()
        self._is_left = False
        self._ended: List[int] = []

    def _run(self) -> None:
        status = self._call()
        with self._lock:
            self._ended.append(status)
            is_left = self._is_left
        if is_left:
            self._drop()
            self._bell.close()
        else:
            self._bell.ring()

    def _leave(self) -> None:
        with self._lock:
            self._is_left = True
            has_ended = bool(self._ended)
        if has_ended:
            self._drop()
            self._bell.close()

    def wait(self) -> int:
        """What the call answers."""
        threading.Thread(target=self._run, name="viaduct", daemon=True).start()
        try:
            while not self._ended:
                sleep([self._bell.source], FOREVER)
            status = self._ended[0]
        except BaseException:
            self._leave()
            raise
        self._bell.close()
        return status


def aside(call: Callable[[], int], drop: Callable[[], None]) -> int:
    """Runs `call`, so that signals are handled meanwhile. `drop` undoes it where nobody is left to take what it has done."""
    if not is_main():
        return call()
    return Aside(call, drop).wait()
