# SPDX-License-Identifier: Apache-2.0
"""The same for asyncio.

    async with viaduct.aio.dial("orders", timeout=5) as channel:
        await channel.send(b"hello")
        async for message in channel:
            print(message.decode())

A task that is cancelled while it waits has taken no message and sent none.

Owns: the coroutines. Must never block the loop: what has no descriptor to sleep on is done in a thread.
"""
from __future__ import annotations

import asyncio
from ctypes import byref, c_uint64
from typing import Any, AsyncIterator, Awaitable, Callable, Generator, Generic, List, Optional, TypeVar, Union

from . import _channel, _errors, _host, _listener, _rpc, _wait
from ._abi import NOW, CError, Event, Role, Side, Status
from ._aio_rpc import Rpc
from ._buffers import Borrowed
from ._errors import ErrorRecord
from ._host import Host, Layers, OptionDict
from ._knowing import Info, Peer, Stats
from ._library import lib
from ._message import Message
from ._options import Log
from ._sources import ask_source
from ._watch import Watcher, arm_channel, arm_listener, in_thread

T = TypeVar("T")
_FAIR = 64  # messages at once before other tasks have their turn
_PAUSE_S = 0.05  # the longest wait for what no descriptor shows


class Channel:
    """A viaduct.Channel in an event loop; one loop for its life."""

    def __init__(self, channel: _channel.Channel) -> None:
        self._channel = channel
        self._handle = channel._handle
        self._watcher = Watcher(self._handle, channel._sources.of, arm_channel(self._handle))
        self._turns = 0
        self._watcher.serve()

    async def _take_turns(self) -> None:
        self._turns += 1
        if self._turns % _FAIR == 0:
            await asyncio.sleep(0)

    async def recv(self, timeout: Optional[float] = None) -> Message:
        """The next message. Raises ClosedError when the other end has finished."""
        deadline = _wait.deadline_of(timeout)
        await self._take_turns()
        while True:
            box: List[Message] = []
            try:
                status = self._channel._receive_now(box)
                if box:
                    self._watcher.serve()
                    return box[0]
            except BaseException:
                self._channel._kept.extendleft(box)
                raise
            if status != Status.ETIMEDOUT or _wait.has_passed(deadline):
                raise self._channel._fail(status, "no message")
            await self._watcher.sleep(Event.READ, deadline)

    async def __aiter__(self) -> AsyncIterator[Message]:
        """Every message until the other end has finished."""
        while True:
            try:
                message = await self.recv()
            except _errors.ClosedError:
                return
            yield message
            del message

    async def _until(self, attempt: Callable[[], int], deadline: int) -> int:
        while True:
            status = attempt()
            if status != Status.ETIMEDOUT or _wait.has_passed(deadline):
                return status
            await self._watcher.sleep(Event.WRITE, deadline)

    async def send(
        self,
        data: Any,
        *,
        key: Optional[str] = None,
        type: Optional[str] = None,
        priority: int = 0,
        more: bool = False,
        timeout: Optional[float] = None,
    ) -> None:
        """Sends one message; see viaduct.Channel.send(). Cancelled while it waits for room, nothing was sent; while a large message
        leaves, it is accepted and goes on leaving."""
        deadline = _wait.deadline_of(timeout)
        meta = _channel.meta_of(key, type, priority, more)
        await self._take_turns()
        with Borrowed((data,)) as bytes_:
            address, size = bytes_.first()
            is_own = not more and self._channel._must_await_tail()
            status = await self._until(lambda: self._handle.status(lib.via_send, address, size, meta, NOW), deadline)
        if status != Status.OK:
            raise self._channel._fail(status, "not sent")
        self._watcher.serve()
        if len(self._handle.sleepers) > 1:
            self._handle.wake()
        if not more:
            self._channel._await_tail(is_own, NOW)
            if self._channel._has_tail and is_own:
                await self._until(lambda: self._handle.status(lib.via_flush, NOW), deadline)

    async def flush(self, timeout: Optional[float] = None) -> None:
        """Hands everything that is held back to the system."""
        status = await self._until(lambda: self._handle.status(lib.via_flush, NOW), _wait.deadline_of(timeout))
        if status != Status.OK:
            raise self._channel._fail(status, "not everything has left")

    async def finish(self, timeout: Optional[float] = None) -> None:
        """Says that no more sends follow; receiving goes on."""
        status = await self._until(lambda: self._handle.status(lib.via_finish, NOW), _wait.deadline_of(timeout))
        if status != Status.OK:
            raise self._channel._fail(status, "not finished")

    async def drain(self, timeout: Optional[float] = None) -> None:
        """Waits until nothing that was accepted depends on this process."""
        deadline, pause, left = _wait.deadline_of(timeout), 0.001, c_uint64()
        while True:
            status = self._handle.status(lib.via_drain, NOW, byref(left))
            if status == Status.OK:
                return
            if status != Status.ETIMEDOUT or _wait.has_passed(deadline):
                raise self._channel._fail(status, f"{left.value} not delivered")
            await asyncio.sleep(pause)
            pause = min(pause * 2, _PAUSE_S)

    def close(self) -> None:
        """Ends the channel; tasks that wait on it get ClosedError."""
        self._watcher.close()
        self._channel.close()

    @property
    def closed(self) -> bool:
        return self._channel.closed

    @property
    def info(self) -> Info:
        return self._channel.info

    @property
    def peer(self) -> Peer:
        return self._channel.peer

    @property
    def stats(self) -> Stats:
        return self._channel.stats

    @property
    def failure(self) -> Optional[ErrorRecord]:
        return self._channel.failure

    async def __aenter__(self) -> "Channel":
        return self

    async def __aexit__(self, *exception: Any) -> None:
        self.close()

    def __repr__(self) -> str:
        return repr(self._channel).replace("viaduct.Channel", "viaduct.aio.Channel")


class Listener:
    """A viaduct.Listener in an event loop: `async for channel in listener`."""

    def __init__(self, listener: _listener.Listener) -> None:
        self._listener = listener
        self._handle = listener._handle
        self._watcher = Watcher(
            self._handle,
            lambda event: ask_source(self._handle, None) if event == Event.READ else None,
            arm_listener(self._handle),
        )

    async def accept(self, timeout: Optional[float] = None) -> Channel:
        """The channel to the next who dials."""
        deadline = _wait.deadline_of(timeout)
        error = CError.new()
        while True:
            box: List[_channel.Channel] = []
            status = self._listener._accept_now(box, error)
            if box:
                return Channel(box[0])
            if status != Status.ETIMEDOUT or _wait.has_passed(deadline):
                _errors.raise_record(error, status)
            await self._watcher.sleep(Event.READ, deadline)

    async def __aiter__(self) -> AsyncIterator[Channel]:
        while True:
            try:
                channel = await self.accept()
            except (_errors.CanceledError, _errors.ClosedError):
                return
            yield channel
            del channel

    @property
    def address(self) -> str:
        return self._listener.address

    @property
    def closed(self) -> bool:
        return self._listener.closed

    def close(self) -> None:
        self._watcher.close()
        self._listener.close()

    async def __aenter__(self) -> "Listener":
        return self

    async def __aexit__(self, *exception: Any) -> None:
        self.close()


# ---- opening ------------------------------------------------------------------------------------------------------


class Opening(Generic[T]):
    """Something to be opened: await it, or use it with `async with`."""

    def __init__(self, make: Callable[[], Awaitable[T]]) -> None:
        self._make = make
        self._made: Any = None

    def __await__(self) -> Generator[Any, None, T]:
        return self._make().__await__()

    async def __aenter__(self) -> T:
        self._made = await self._make()
        return self._made

    async def __aexit__(self, *exception: Any) -> None:
        self._made.close()


def dial(
    address: str, timeout: Optional[float] = None, *, host: Optional[Host] = None, side: Union[Side, str] = Side.DEFAULT,
    layers: Layers = None, log: Optional[Log] = None, options: OptionDict = None, **more: Any,
) -> Opening[Channel]:  # fmt: skip
    """As viaduct.dial()."""

    async def make() -> Channel:
        return Channel(
            await in_thread(
                lambda is_given_up: _host.open_channel(
                    host, address, Role.PAIR, timeout, side, layers, log, options, more, is_given_up
                ),
                _channel.Channel.close,
            )
        )

    return Opening(make)


def join(
    address: str, role: Union[Role, str], timeout: Optional[float] = None, *, host: Optional[Host] = None,
    side: Union[Side, str] = Side.DEFAULT, layers: Layers = None, log: Optional[Log] = None, options: OptionDict = None,
    **more: Any,
) -> Opening[Channel]:  # fmt: skip
    """As viaduct.join()."""
    known = _host.role_of(role)

    async def make() -> Channel:
        return Channel(
            await in_thread(
                lambda is_given_up: _host.open_channel(
                    host, address, known, timeout, side, layers, log, options, more, is_given_up
                ),
                _channel.Channel.close,
            )
        )

    return Opening(make)


def listen(
    address: str, *, host: Optional[Host] = None, layers: Layers = None, log: Optional[Log] = None,
    options: OptionDict = None, **more: Any,
) -> Opening[Listener]:  # fmt: skip
    """As viaduct.listen()."""

    async def make() -> Listener:
        return Listener(_host.open_listener(host, address, Side.DEFAULT, layers, log, options, more))

    return Opening(make)


def rpc(
    address: str, interface: Any = None, timeout: Optional[float] = None, *, codec: Optional[str] = None,
    host: Optional[Host] = None, options: OptionDict = None, **more: Any,
) -> Opening[Rpc]:  # fmt: skip
    """As viaduct.rpc(): `async with viaduct.aio.rpc("unix:calc") as calc: await calc.add(2, 3)`."""

    async def make() -> Rpc:
        return Rpc(
            await in_thread(
                lambda _: _host.rpc(address, interface, timeout, codec=codec, host=host, options=options, **more), _rpc.Rpc.close
            )
        )

    return Opening(make)
