# SPDX-License-Identifier: Apache-2.0
"""Loans: messages that are written in place, then sent.

Owns: the moment at which nobody may write any more. Must never send memory that a view can still write to.
"""
from __future__ import annotations

import ctypes
import weakref
from typing import Any, Optional

from ._abi import CMsg
from ._library import lib
from ._message import Lease, lent_view


class Loan:
    """A message to be written in place: fill `data`, then commit. As a context manager it commits at the end, and discards itself if
    something is raised.

    `size` may be lowered before; `key`, `type` and `priority` may be set."""

    def __init__(self, channel: Any, raw: CMsg) -> None:
        self._channel = channel
        self._lease: Optional[Lease] = Lease(channel._handle, raw, lib.via_discard)
        self.size: int = raw.size
        self.key: Optional[str] = None
        self.type: Optional[str] = None
        self.priority: int = 0
        self._show(self._lease)
        self._lease.arm()

    def _show(self, lease: Lease) -> None:
        self.data: memoryview = lent_view(lease) if lease.message.size else memoryview(bytearray())

    def _hide(self, lease: Lease) -> None:
        """Takes the view back, if it is the only one."""
        shown = self.data.obj
        self.data.release()
        if not isinstance(shown, ctypes.Array):
            return
        watch = weakref.ref(shown)
        shown.lease = None  # type: ignore[attr-defined]
        del shown
        other = watch()
        if other is not None:
            other.lease = lease  # type: ignore[attr-defined]
            self._lease = None
            raise BufferError(
                "the loan was not sent, for views of its data are still in use\n"
                "  mend: release or delete them before the loan is committed"
            )

    def commit(self, timeout: Optional[float] = None) -> None:
        """Sends it. If that fails it is still lent: commit again, or discard."""
        lease = self._lease
        if lease is None:
            raise ValueError("this loan has been sent or discarded")
        lent = lease.message.size
        if not 0 <= self.size <= lent:
            raise ValueError(f"size is at most the {lent} bytes that were lent, not {self.size}")
        self._hide(lease)
        try:
            self._channel._commit(lease.message, self, timeout)
        except BaseException:
            lease.message.size = lent
            self._show(lease)
            raise
        self._lease = None
        lease.forget()

    def discard(self) -> None:
        """Gives it back unsent, as soon as no view of it is in use."""
        lease, self._lease = self._lease, None
        if lease is not None:
            self.data = memoryview(b"")
            if lease.message.size == 0:  # no view shows it
                lease.end()

    keep = discard  # when its channel is closed

    def __del__(self) -> None:
        if getattr(self, "_lease", None) is not None:
            self.discard()

    def __enter__(self) -> "Loan":
        return self

    def __exit__(self, kind: Any, *exception: Any) -> None:
        if self._lease is None:
            return
        try:
            if kind is None:
                self.commit()
        finally:
            self.discard()
