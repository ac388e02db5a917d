# SPDX-License-Identifier: Apache-2.0
"""Received messages, and the memory that they and loans show.

A small message is copied, which is cheaper than to lend it. A larger one is the transport's own memory, given back when nobody
looks at it any more: not before the last view of it is gone, however it was made.

Owns: that memory's way back. Must never give memory back that a view still shows.
"""
from __future__ import annotations

import ctypes
import functools
from typing import Any, Iterator, Optional, Union

from ._abi import CMsg, MetaFlag, text
from ._handle import Handle
from ._library import lib

_MISSED = int(MetaFlag.MISSED)
COPIED_BYTES = 4096  # a message up to this size is copied


class Lease:
    """One piece of lent memory; ends when the array that shows it is gone."""

    def __init__(self, handle: Handle, message: CMsg, give_back: Any) -> None:
        self.handle = handle
        self.message = message
        self.give_back = give_back
        self.is_armed = False

    def arm(self) -> None:
        """From now on the memory is this object's to give back."""
        self.handle.lent[self] = None
        self.is_armed = True

    def end(self) -> None:
        """Gives it back, once."""
        if self.is_armed:
            self.is_armed = False
            self.give_back(self.handle._address, ctypes.byref(self.message))
            self.handle.take_back(self)

    def forget(self) -> None:
        """The memory has gone another way."""
        self.is_armed = False
        self.handle.take_back(self)


@functools.lru_cache(maxsize=None)
def _lent_type(bits: int) -> Any:
    """An array of 2**bits bytes; a type for each size would cost more than what is in the message."""

    class Lent(ctypes.c_char * (1 << bits)):  # type: ignore[misc]
        lease: Optional[Lease] = None

        def __del__(self) -> None:
            if self.lease is not None:
                self.lease.end()

    return Lent


def lent_view(lease: Lease) -> memoryview:
    """The memory of a lease, which ends when this view, and all that were made of it, are gone."""
    size = lease.message.size
    lent = _lent_type(max(0, size - 1).bit_length()).from_address(lease.message.data)
    lent.lease = lease
    return memoryview(lent).cast("B")[:size]


class Message:
    """A received message: bytes with what travelled along.

    It may be used as bytes (`bytes(m)`, `len(m)`, `m == b"..."`, `m[:4]`, `m.decode()`); `data` is a memoryview of it, without a copy. A
    large one is memory of the transport: release() gives it back early, as does the end of a `with` block, and otherwise it happens when
    nobody refers to it any more. Closing the channel keeps what is in it."""

    __slots__ = ("key", "type", "priority", "sequence", "missed", "_view", "lease", "__weakref__")

    def __init__(self, handle: Handle, raw: CMsg, give_back: Any) -> None:
        meta = raw.meta
        self.key: Optional[str] = None if meta.key is None else text(meta.key)
        self.type: Optional[str] = None if meta.content_type is None else text(meta.content_type)
        self.priority: int = meta.priority
        self.sequence: int = meta.sequence
        self.missed: bool = bool(meta.flags & _MISSED)
        self.lease: Optional[Lease] = None
        self._view: Optional[memoryview]
        if raw.size <= COPIED_BYTES:
            self._view = memoryview(ctypes.string_at(raw.data, raw.size) if raw.size else b"")
        else:
            self.lease = Lease(handle, raw, give_back)
            self._view = lent_view(self.lease).toreadonly()

    @property
    def data(self) -> memoryview:
        """The bytes, read-only."""
        if self._view is None:
            raise ValueError("this message was released")
        return self._view

    @property
    def is_held(self) -> bool:
        """Not released."""
        return self._view is not None

    def copy(self) -> bytes:
        """The bytes as an object of their own."""
        return bytes(self.data)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """The bytes as text."""
        return str(self.data, encoding, errors)

    def release(self) -> None:
        """Gives the message back; its views that others hold stay valid, and keep the memory until they are gone."""
        self._view = None
        self.lease = None

    def keep(self) -> None:
        """Makes it independent of its channel."""
        if self.lease is not None and self._view is not None:
            self._view = memoryview(bytes(self._view))
            self.lease = None

    def __enter__(self) -> "Message":
        return self

    def __exit__(self, *exception: Any) -> None:
        self.release()

    def __bytes__(self) -> bytes:
        return bytes(self.data)

    def __buffer__(self, flags: int) -> memoryview:
        return self.data

    def __len__(self) -> int:
        return len(self.data)

    def __iter__(self) -> Iterator[int]:
        return iter(self.data)

    def __getitem__(self, index: Any) -> Union[int, memoryview]:
        return self.data[index]  # type: ignore[no-any-return]

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Message):
            return self is other or self.data == other.data
        if isinstance(other, (bytes, bytearray, memoryview)):
            return self.data == other
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        if self._view is None:
            return "<viaduct.Message, released>"
        shown = bytes(self._view[:32])
        return f"<viaduct.Message of {len(self._view)} bytes: {shown!r}{'...' if len(self._view) > 32 else ''}>"
