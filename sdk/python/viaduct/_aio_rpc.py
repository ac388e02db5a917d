# SPDX-License-Identifier: Apache-2.0
"""Calls in an event loop: `await calc.add(2, 3)`.

Owns: who pumps. Each task that waits for its reply does, and so ends the calls of others, too.
"""
from __future__ import annotations

import asyncio
import time
from typing import Any, Awaitable, Optional

from . import _errors, _wait
from ._abi import RPC_USUAL, Event, Status
from ._interface import Interface, MethodType
from ._rpc import LOOK_NS, Pending, Rpc as SyncRpc
from ._watch import Watcher, arm_channel, in_thread


class Method:
    """One function of the other end, to be awaited."""

    def __init__(self, rpc: "Rpc", name: str, known: Optional[MethodType]) -> None:
        self._rpc = rpc
        self.name = name
        self.type = known

    def __call__(self, *arguments: Any, **named: Any) -> Awaitable[Any]:
        return self._rpc.call(self.name, *arguments, **named)


class Rpc:
    """A viaduct.Rpc in an event loop. A task that is cancelled tells the other end that nobody waits for its call."""

    def __init__(self, rpc: SyncRpc) -> None:
        self._rpc = rpc
        self._handle = rpc.channel._handle
        self._watcher = Watcher(self._handle, rpc.channel._sources.of, arm_channel(self._handle))

    @classmethod
    def on(cls, channel: Any, interface: Any = None) -> "Rpc":
        """On a channel of aio that was opened with the layer rpc, such as a listener accepts; `interface` is a file."""
        channel._watcher.close()
        return cls(SyncRpc(channel._channel, None if interface is None else Interface.read(interface)))

    def __getattr__(self, name: str) -> Method:
        if name.startswith("_"):
            raise AttributeError(name)
        return self[name]

    def __getitem__(self, name: str) -> Method:
        return Method(self, name, self._rpc._method(name))

    async def _start(self, pending: Pending, parameters: bytes, deadline: int) -> None:
        if self._rpc._has_met:
            self._rpc.start(pending, parameters, deadline)
        else:
            await in_thread(
                lambda _: self._rpc.start(pending, parameters, deadline), lambda _: self._rpc._cancel(pending)
            )

    async def call(self, name: str, *arguments: Any, timeout: Optional[float] = None, **named: Any) -> Any:
        """Calls a method; see viaduct.Rpc.call(). Callbacks are for calls that block."""
        known = self._rpc._method(name)
        parameters = self._rpc._parameters(known, name, arguments, named)
        deadline = RPC_USUAL if timeout is None else _wait.deadline_of(timeout)
        pending = Pending(name, self._handle.wake)
        await self._start(pending, parameters, deadline)
        try:
            while pending.status is None:
                await self._pump_or_sleep(pending)
        except BaseException:
            self._rpc._cancel(pending)
            raise
        if pending.error is not None:
            raise pending.error
        return pending.result if known is None else known.result(pending.result)

    async def _pump_or_sleep(self, pending: Optional[Pending]) -> None:
        lead, until = self._rpc._lead, time.monotonic_ns() + LOOK_NS
        if not lead.take(asyncio.current_task()):
            await self._watcher.nap(until)
            return
        lead.followers[self] = self._handle.wake
        try:
            status = self._rpc.pump_now()
            if pending is not None and pending.status is not None:
                return
            if status == Status.ETIMEDOUT:
                await self._watcher.sleep(Event.READ, until)
            elif status != Status.OK:
                raise self._rpc.channel._fail(status, "nothing more to serve")
        finally:
            lead.give()

    async def notify(self, name: str, *arguments: Any, timeout: Optional[float] = None, **named: Any) -> None:
        """Sends a call that has no answer."""
        await in_thread(lambda _: self._rpc.notify(name, *arguments, timeout=timeout, **named), lambda _: None)

    def serve(self, functions: Any) -> None:
        """See viaduct.Rpc.serve(); what is called runs in run(), or while a task waits for a reply."""
        self._rpc.serve(functions)

    async def run(self) -> None:
        """Serves until the other end has finished."""
        try:
            while True:
                await self._pump_or_sleep(None)
        except _errors.ClosedError:
            return

    def close(self) -> None:
        self._watcher.close()
        self._rpc.close()

    async def __aenter__(self) -> "Rpc":
        return self

    async def __aexit__(self, *exception: Any) -> None:
        self.close()

