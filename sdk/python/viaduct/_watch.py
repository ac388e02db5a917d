# SPDX-License-Identifier: Apache-2.0
"""How a channel or listener sleeps in an event loop of asyncio.

Owns: copies of the library's descriptors, one for each event, since a loop takes each descriptor once; and the serving of internal
work while nobody waits. Must never take a message: a task that is cancelled would lose it.
"""
from __future__ import annotations

import asyncio
import os
import threading
from typing import Any, Callable, Dict, List, Optional, TypeVar

from . import _wait
from ._abi import Event, PollWait, Status
from ._handle import Handle
from ._library import lib

T = TypeVar("T")


class Watch:
    """One descriptor, and the tasks that sleep on it. It goes off once, for all of them; who goes on sleeping arms it again."""

    def __init__(self, loop: asyncio.AbstractEventLoop, source: _wait.Source, fired: Callable[[], None]) -> None:
        self._loop = loop
        self._descriptor = os.dup(source[0])
        self._wait = source[1]
        self._fired = fired
        self._is_set = False

    def set(self) -> None:
        if self._is_set:
            return
        self._is_set = True
        if self._wait & PollWait.READABLE:
            self._loop.add_reader(self._descriptor, self._go_off)
        if self._wait & PollWait.WRITABLE:
            self._loop.add_writer(self._descriptor, self._go_off)

    def unset(self) -> None:
        if not self._is_set:
            return
        self._is_set = False
        if not self._loop.is_closed():
            self._loop.remove_reader(self._descriptor)
            self._loop.remove_writer(self._descriptor)

    def _go_off(self) -> None:
        self.unset()
        self._fired()

    def close(self) -> None:
        self.unset()
        os.close(self._descriptor)


class Watcher:
    """All watches of one object in one loop."""

    def __init__(
        self, handle: Handle, source_of: Callable[[Event], Optional[_wait.Source]], arm: Callable[[Event], int]
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self._handle = handle
        self._source_of = source_of
        self._arm = arm
        self._watches: Dict[Event, Watch] = {}
        self._sleeping: List["asyncio.Future[None]"] = []
        self._mark = object()
        handle.sleepers[self._mark] = self._ring

    def _ring(self) -> None:
        """Another thread has done something that may concern who sleeps here."""
        if self._sleeping:
            try:
                self.loop.call_soon_threadsafe(self.wake)
            except RuntimeError:
                pass  # the loop has ended, and all who slept in it

    def wake(self) -> None:
        """Lets every task look again."""
        sleeping, self._sleeping = self._sleeping, []
        for future in sleeping:
            if not future.done():
                future.set_result(None)

    def _watch(self, event: Event) -> Optional[Watch]:
        if event not in self._watches:
            source = self._source_of(event)
            if source is None:
                return None
            self._watches[event] = Watch(self.loop, source, self._work if event == Event.WORK else self.wake)
        return self._watches[event]

    def _work(self) -> None:
        self.serve()
        self.wake()

    def serve(self) -> None:
        """Does the internal work that can be done now, and waits for more if there is."""
        if not self._handle.is_open:
            return
        watch = self._watch(Event.WORK)
        if watch is None:
            return
        status = self._arm(Event.WORK)
        if status == Status.OK:
            watch.set()
        else:
            watch.unset()
        if status == Status.EREADY:
            self.loop.call_soon(self._work)

    async def sleep(self, event: Event, deadline: int) -> None:
        """Until `event` may have come, or the deadline passes."""
        future = self.loop.create_future()
        self._sleeping.append(future)
        self.serve()
        watch = self._watch(event)
        if watch is None or self._arm(event) != Status.OK:
            self._sleeping.remove(future) if future in self._sleeping else None
            await asyncio.sleep(0)  # there is something to do: but let others do theirs, too
            return
        watch.set()
        await self._wait_for(future, deadline)

    async def nap(self, deadline: int) -> None:
        """Until somebody wakes who sleeps here, or the deadline passes."""
        future = self.loop.create_future()
        self._sleeping.append(future)
        await self._wait_for(future, deadline)

    async def _wait_for(self, future: "asyncio.Future[None]", deadline: int) -> None:
        left = _wait.seconds_to(deadline)
        timer: Any = None if left is None else self.loop.call_later(left, self._expire, future)
        try:
            await future
        finally:
            if timer is not None:
                timer.cancel()
            if future in self._sleeping:
                self._sleeping.remove(future)

    @staticmethod
    def _expire(future: "asyncio.Future[None]") -> None:
        if not future.done():
            future.set_result(None)

    def close(self) -> None:
        self._handle.sleepers.pop(self._mark, None)
        for watch in self._watches.values():
            watch.close()
        self._watches.clear()
        self.wake()


def arm_channel(handle: Handle) -> Callable[[Event], int]:
    return lambda event: handle.status(lib.via_arm, event)


def arm_listener(handle: Handle) -> Callable[[Event], int]:
    return lambda event: handle.status(lib.via_listener_arm)


async def in_thread(call: Callable[[Callable[[], bool]], T], drop: Callable[[T], None]) -> T:
    """What a call that blocks returns, which is told by its argument whether it is still wanted. `drop` undoes it if it is not."""
    loop = asyncio.get_running_loop()
    future: "asyncio.Future[T]" = loop.create_future()

    def settle(result: Optional[T], error: Optional[BaseException]) -> None:
        if error is not None:
            if not future.cancelled():
                future.set_exception(error)
        elif future.cancelled():
            drop(result)  # type: ignore[arg-type]
        else:
            future.set_result(result)  # type: ignore[arg-type]

    def run() -> None:
        result, error = None, None
        try:
            result = call(future.cancelled)
        except BaseException as raised:
            error = raised
        try:
            loop.call_soon_threadsafe(settle, result, error)
        except RuntimeError:  # the loop has ended
            if error is None:
                drop(result)  # type: ignore[arg-type]

    threading.Thread(target=run, name="viaduct", daemon=True).start()
    return await future
