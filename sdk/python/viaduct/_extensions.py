# SPDX-License-Identifier: Apache-2.0
"""What only some transports offer: shared bytes, several formats of one content, descriptors, a child process.

Owns: the extensions' looks in Python. A channel that does not offer one raises NotSupportedError when it is used.
"""
from __future__ import annotations

import contextlib
import ctypes
import dataclasses
from ctypes import c_size_t, c_uint32, c_uint64
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional

from . import _errors, _wait
from ._abi import HANDLES_MAX, COffer, CProcessExit, CRegionView, Event, RegionState, Status, text
from ._buffers import Borrowed
from ._channel import Channel
from ._handle import Handle
from ._host import join
from ._library import lib
from ._message import Message


def _check(channel: Channel, status: int, what: str) -> None:
    if status != Status.OK:
        raise channel._fail(status, what)


# ---- via.region/1 -------------------------------------------------------------------------------------------------


class _Bytes(ctypes.Array):  # type: ignore[type-arg]
    """The memory of a region; the channel stays open as long as a view of it is in use."""

    _type_ = ctypes.c_char
    _length_ = 0
    handle: Optional[Handle] = None

    def __del__(self) -> None:
        if self.handle is not None:
            self.handle.take_back(id(self))


class Region:
    """The same bytes in many processes, of a channel that joined as "region".

    with region.lock() as state: region.data[0] = 1 ... region.notify(). The lock is an agreement: all may read and write at any time."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._handle = channel._handle
        self.generation = 0

    def _view(self) -> Any:
        view = CRegionView.new()
        _check(self._channel, self._handle.status(lib.via_region_map, ctypes.byref(view)), "no region")
        return view

    @property
    def data(self) -> memoryview:
        """All bytes that there are now; ask again after grow(). Writable, unless the region was opened with access="read"."""
        view = self._view()
        kind: Any = type("_RegionBytes", (_Bytes,), {"_type_": ctypes.c_char, "_length_": int(view.bytes)})
        shown = kind.from_address(view.address)
        self._handle.lent[id(shown)] = None
        shown.handle = self._handle
        data = memoryview(shown).cast("B")
        return data if view.writable else data.toreadonly()

    @property
    def size(self) -> int:
        """Bytes that there are now."""
        return int(self._view().bytes)

    @property
    def max_size(self) -> int:
        """How far it can grow, in bytes."""
        return int(self._view().max_bytes)

    @contextlib.contextmanager
    def lock(self, timeout: Optional[float] = None) -> Iterator[RegionState]:
        """Holds the lock for a `with` block. RegionState.ABANDONED: a holder died in the middle, so repair what it was changing and call
        repaired(); until then each next one is told."""
        state, answer = c_uint32(), [int(Status.ETIMEDOUT)]

        def take(address: int, until: int) -> int:  # extend() calls it by itself, so no handler comes between lock and answer
            answer.extend(map(lib.via_region_lock, (address,), (until,), (ctypes.byref(state),)))
            return answer[-1]

        try:
            status = _wait.in_slices(
                lambda until: self._handle.status(lambda address: take(address, until)), _wait.deadline_of(timeout)
            )
            _check(self._channel, status, "not locked")
            yield RegionState(state.value)
        finally:
            if answer[-1] == Status.OK:
                _check(self._channel, self._handle.status(lib.via_region_unlock), "not unlocked")

    def repaired(self) -> None:
        """With the lock held: the bytes are in order again."""
        _check(self._channel, self._handle.status(lib.via_region_repaired), "not repaired")

    def notify(self) -> None:
        """Wakes all who wait, in every process."""
        _check(self._channel, self._handle.status(lib.via_region_notify), "nobody was told")

    def wait(self, timeout: Optional[float] = None) -> int:
        """Waits for a notice that this object has not seen; its number."""
        generation = c_uint64(self.generation)
        status = self._channel._until(
            lambda until: self._handle.status(lib.via_region_wait, ctypes.byref(generation), until),
            Event.READ,
            _wait.deadline_of(timeout),
        )
        _check(self._channel, status, "no notice")
        self.generation = generation.value
        return self.generation

    def grow(self, size: int) -> None:
        """With the lock held: makes it `size` bytes large, in whole pages."""
        _check(self._channel, self._handle.status(lib.via_region_grow, size), f"not grown to {size} bytes")


# ---- via.offers/1 -------------------------------------------------------------------------------------------------


class Offers:
    """One content in several formats, such as a clipboard has, of a channel that joined as "value"."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._handle = channel._handle
        self.generation = 0

    def publish(self, formats: Mapping[str, Any], timeout: Optional[float] = None) -> None:
        """Makes this the content: bytes by MIME type, the best first."""
        names = [name.encode() for name in formats]
        with Borrowed(formats.values()) as bytes_:
            offers = (COffer * len(names))()
            for offer, name, piece in zip(offers, names, bytes_.slices()):
                offer.type, offer.data, offer.size = name, piece.data, piece.size
            status = _wait.in_slices(
                lambda until: self._handle.status(lib.via_offers_publish, offers, len(names), until), _wait.deadline_of(timeout)
            )
        _check(self._channel, status, "not published")

    def clear(self, timeout: Optional[float] = None) -> None:
        """Empties it, whoever set it."""
        status = _wait.in_slices(lambda until: self._handle.status(lib.via_offers_clear, until), _wait.deadline_of(timeout))
        _check(self._channel, status, "not cleared")

    def types(self, timeout: Optional[float] = None) -> List[str]:
        """The types that the present content is offered in; none if there is no content."""
        deadline, capacity = _wait.deadline_of(timeout), 4096
        while True:
            buffer, needed = ctypes.create_string_buffer(capacity), c_size_t()
            status = _wait.aside(
                lambda: self._handle.status(lib.via_offers_types, buffer, capacity, ctypes.byref(needed), deadline),
                lambda: None,
            )
            if status == Status.ENOENT:
                return []
            if status != Status.EBUFFER:
                _check(self._channel, status, "the types cannot be told")
                return text(buffer.value).splitlines()
            capacity = needed.value

    def receive(self, types: Optional[str] = None, timeout: Optional[float] = None) -> Message:
        """The content in the first of these types ("image/png,image/*,*") that it is offered in; None = as recv() chooses."""
        wanted, deadline = None if types is None else types.encode(), _wait.deadline_of(timeout)
        box: List[Message] = []
        status = _wait.aside(
            lambda: self._channel._receive(box, lib.via_offers_receive, (wanted,), (deadline,)), box.clear
        )
        if not box:
            raise self._channel._fail(status, "no content")
        return box[0]

    def wait(self, timeout: Optional[float] = None) -> int:
        """Waits for a content that this object has not seen, or for none; its number."""
        generation = c_uint64(self.generation)
        status = _wait.in_slices(
            lambda until: self._handle.status(lib.via_offers_wait, ctypes.byref(generation), until), _wait.deadline_of(timeout)
        )
        _check(self._channel, status, "no new content")
        self.generation = generation.value
        return self.generation


def copy(content: Any, type: str = "text/plain", timeout: Optional[float] = 5, **options: Any) -> None:
    """Sets the clipboard: a text, bytes of a type, or a dict of bytes by type. It is taken from this program for as long as that is
    what the transport does; sdk/docs/clipboard.md says how long. Options are those of `clipboard:`."""
    formats: Dict[str, Any] = content if isinstance(content, dict) else {type: content}
    with join("clipboard:", "value", timeout=timeout, **options) as channel:
        Offers(channel).publish({name: each.encode() if isinstance(each, str) else each for name, each in formats.items()}, timeout)
        channel.drain(timeout)


def paste(types: Optional[str] = None, timeout: Optional[float] = 5, **options: Any) -> Message:
    """What is on the clipboard. NotFoundError: nothing; WrongTypeError: nothing in one of these types."""
    with join("clipboard:", "value", timeout=timeout, **options) as channel:
        return Offers(channel).receive(types, timeout)


# ---- via.handles/1 ------------------------------------------------------------------------------------------------


def send_handles(channel: Channel, data: Any, handles: Iterable[int], timeout: Optional[float] = None) -> None:
    """Sends a message with descriptors, at most 64; the other end gets copies. For `unix:` opened with handles=True."""
    numbers = list(handles)
    array = (ctypes.c_ssize_t * len(numbers))(*numbers)
    with Borrowed((data,)) as bytes_:
        address, size = bytes_.first()
        status = channel._until(
            lambda until: channel._handle.status(lib.via_handles_send, address, size, array, len(numbers), until),
            Event.WRITE,
            _wait.deadline_of(timeout),
        )
    _check(channel, status, "not sent")


def take_handles(channel: Channel) -> List[int]:
    """The descriptors that came with the message received last: yours from now on, and to be closed."""
    array, count = (ctypes.c_ssize_t * HANDLES_MAX)(), c_size_t()
    status = channel._handle.status(lib.via_handles_take, array, HANDLES_MAX, ctypes.byref(count))
    _check(channel, status, "no descriptors")
    return [int(each) for each in array[: count.value]]


# ---- via.process/1 ------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Exit:
    """How a child ended: `code`, or the `signal` that killed it."""

    code: Optional[int]
    signal: Optional[int]
    core_dumped: bool


class Process:
    """The child behind a channel of `exec:`."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._handle = channel._handle

    @property
    def pid(self) -> int:
        return self._handle.status(lib.via_process_pid)

    def wait(self, timeout: Optional[float] = None) -> Exit:
        """Waits for its end; may be asked again."""
        raw = CProcessExit.new()
        status = _wait.in_slices(
            lambda until: self._handle.status(lib.via_process_wait, until, ctypes.byref(raw)), _wait.deadline_of(timeout)
        )
        _check(self._channel, status, "it has not ended")
        killed = raw.signal != 0
        return Exit(None if killed else raw.code, raw.signal if killed else None, bool(raw.core_dumped))

    def kill(self, signal: int) -> None:
        """Sends a signal, never to a stranger. NotFoundError: it has ended."""
        status = self._handle.status(lib.via_process_kill, signal)
        if status != Status.OK:
            raise _errors.error_for(status, f"signal {signal} was not sent")

