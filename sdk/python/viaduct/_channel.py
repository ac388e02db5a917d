# SPDX-License-Identifier: Apache-2.0
"""Channels: sending, receiving, ending, knowing.

Every channel is opened for any number of threads, so all of this is safe from any of them.

Owns: that no message is lost when a signal handler raises in the middle of a call. Must never block the main thread in C for longer
than a moment.
"""
from __future__ import annotations

import collections
import ctypes
import threading
import warnings
import weakref
from ctypes import c_uint64
from typing import Any, Callable, Deque, Iterable, Iterator, List, Optional, Tuple

from . import _errors, _wait
from ._abi import (
    NOW, CChannelInfo, CCounters, CMeta, CMsg, CPeerInfo, Event, MetaFlag, Pattern, Status,
)  # fmt: skip
from ._buffers import Borrowed
from ._errors import ErrorRecord
from ._handle import Handle
from ._knowing import Info, Peer, Stats, info_of, peer_of, stats_of
from ._library import lib
from ._loan import Loan
from ._message import Message
from ._sources import Sources


def meta_of(key: Optional[str], kind: Optional[str], priority: int, more: bool) -> Any:
    """A via_meta, or None if there is nothing to say."""
    if key is None and kind is None and not priority and not more:
        return None
    return CMeta(
        flags=MetaFlag.MORE if more else 0,
        priority=priority,
        key=None if key is None else key.encode(),
        content_type=None if kind is None else kind.encode(),
    )


class Channel:
    """An open conduit for messages, whatever the mechanism. dial(), join() and Listener.accept() make them.

    Timeouts are seconds; None waits for ever, 0 tries once. A timeout raises TimeoutError, and nothing was sent or taken."""

    def __init__(self, address: int, awaits_tail: Callable[[], bool]) -> None:
        handle = Handle(address, lib.via_close, lib.via_interrupt, lambda it: lib.via_finish(it, NOW))
        self._sources = Sources(handle)
        self._kept: Deque[Message] = collections.deque()  # received, but not handed out
        self._out: "weakref.WeakValueDictionary[int, Any]" = weakref.WeakValueDictionary()  # what shows memory of this channel
        self._has_tail = False
        self._awaits_tail_of_topic = awaits_tail
        self._pattern: Optional[Pattern] = None
        self._handle = handle  # last: from now on the C object is this one's to close

    # ---- waiting -------------------------------------------------------------------------------------------------

    def _sleep(self, event: Event, deadline: int) -> None:
        """In the main thread: until `event`, or something else to look at."""
        mark = object()
        sleepers = self._handle.sleepers
        try:
            sleepers[mark] = _wait.main_bell().ring
            sources = self._sources.arm(event)
            if sources is not None and self._handle.is_open:
                _wait.sleep(sources, deadline)
        finally:
            sleepers.pop(mark, None)

    def _until(self, attempt: Callable[[int], int], event: Event, deadline: int) -> int:
        """The status of an attempt that is repeated until the deadline."""
        if not _wait.is_main():
            return attempt(deadline)
        while True:
            status = attempt(NOW)
            if status != Status.ETIMEDOUT or _wait.has_passed(deadline):
                return status
            self._sleep(event, deadline)

    def _fail(self, status: int, what: str) -> _errors.Error:
        """The exception for a data call: with the lasting reason, if the channel is over."""
        record = None
        if status not in (Status.ETIMEDOUT, Status.ECANCELED, Status.ECLOSED, Status.EFORK):
            record = self.failure if self._handle.is_open else None
        if record is not None and record.status == status:
            return _errors.error_of(record)
        return _errors.error_for(status, what)

    # ---- receiving -----------------------------------------------------------------------------------------------

    def _own(self, raw: CMsg, message: Message) -> None:
        """A copied message goes back at once, a lent one when nobody looks at it any more."""
        if message.lease is not None:
            message.lease.arm()
            self._out[id(message)] = message
        else:
            lib.via_release(self._handle._address, ctypes.byref(raw))

    def _own_again(self, raw: CMsg, message: Optional[Message]) -> Message:
        """The same after a handler has raised somewhere in it. What was released is empty."""
        if message is None:
            message = Message(self._handle, raw, lib.via_release)
        if message.lease is not None or raw.size or raw.token[0] or raw.token[1]:
            self._own(raw, message)
        return message

    def _receive(self, box: List[Message], function: Any, *arguments: Tuple[Any]) -> int:
        """The status of via_recv() or one of its kind; the message goes into the box, whatever raises meanwhile. Each argument is in a
        tuple of its own.

        So does the status into its list, within one step of Python: extend() calls the function by itself."""
        handle, mark, raw = self._handle, object(), CMsg()
        answer: List[int] = []
        message: Optional[Message] = None
        try:
            handle.inside[mark] = threading.get_ident()
            answer.extend(map(function, (handle.address(),), *arguments, (ctypes.byref(raw),)))
            if answer[0] == Status.OK:
                message = Message(handle, raw, lib.via_release)
                self._own(raw, message)
                box.append(message)
        except BaseException:
            if answer == [Status.OK] and not box:
                box.append(self._own_again(raw, message))
            raise
        finally:
            handle.inside.pop(mark, None)
            if handle.is_closing:
                handle.leave()
        if handle.sleepers:
            handle.wake()
        return answer[0]

    def _take_kept(self, box: List[Message]) -> None:
        if self._kept:
            with self._handle.lock:
                if self._kept:
                    box += (self._kept[0],)
                    del self._kept[0]

    def _receive_now(self, box: List[Message]) -> int:
        """Puts one message into the box if there is one."""
        self._take_kept(box)
        return Status.OK if box else self._receive(box, lib.via_recv, (NOW,))

    def _receive_until(self, box: List[Message], function: Any, arguments: Tuple[Any, ...], deadline: int) -> None:
        """Puts one message into the box."""
        is_main = _wait.is_main()
        self._take_kept(box)
        while not box:
            status = self._receive(box, function, *arguments, (NOW,) if is_main else (deadline,))
            if box:
                break
            if status != Status.ETIMEDOUT or not is_main or _wait.has_passed(deadline):
                raise self._fail(status, "no message")
            self._sleep(Event.READ, deadline)

    def _next(self, function: Any, arguments: Tuple[Any, ...], deadline: int) -> Message:
        """One message. What is in the box when something raises comes with the next one."""
        box: List[Message] = []
        try:
            self._receive_until(box, function, arguments, deadline)
            return box[0]
        except BaseException:
            self._kept.extendleft(box)
            raise

    def recv(self, timeout: Optional[float] = None) -> Message:
        """The next message. Raises ClosedError when the other end has finished, PeerError when it has died."""
        return self._next(lib.via_recv, (), _wait.deadline_of(timeout))

    def recv_into(self, buffer: Any, timeout: Optional[float] = None) -> int:
        """Receives into a buffer; how many bytes it took. BufferTooSmallError says what it `needed`; the message is kept."""
        box: List[Message] = []
        with memoryview(buffer).cast("B") as view:
            try:
                self._receive_until(box, lib.via_recv, (), _wait.deadline_of(timeout))
                size = len(box[0])
                if size > len(view):
                    error = _errors.error_for(Status.EBUFFER, f"the message has {size} bytes, the buffer {len(view)}")
                    error.needed = size  # type: ignore[attr-defined]
                    raise error
                view[:size] = box[0].data
                box[0].release()
                return size
            except BaseException:
                self._kept.extendleft(each for each in box if each.is_held)
                raise

    def __iter__(self) -> Iterator[Message]:
        """Every message until the other end has finished."""
        while True:
            try:
                message = self.recv()
            except _errors.ClosedError:
                return
            yield message
            del message  # so that what it lends is back before the next one

    # ---- sending -------------------------------------------------------------------------------------------------

    def _must_await_tail(self) -> bool:
        """Is what will be left of a message after a send that send's own, to be waited for?"""
        if self._pattern is None:
            self._pattern = self.info.pattern
        if self._pattern == Pattern.PAIR:
            return True
        if self._pattern == Pattern.QUEUE:  # another receiver's may be left for long
            return not self._has_tail or self._handle.status(lib.via_flush, NOW) == Status.OK
        return self._pattern == Pattern.TOPIC and self._awaits_tail_of_topic()

    def _await_tail(self, is_own: bool, deadline: int) -> None:
        """A large message leaves bit by bit. It is accepted, whatever happens here."""
        status = self._handle.status(lib.via_flush, NOW)
        self._has_tail = status == Status.ETIMEDOUT
        if self._has_tail and is_own and not _wait.has_passed(deadline):
            status = _wait.in_slices(lambda until: self._handle.status(lib.via_flush, until), deadline)
            self._has_tail = status == Status.ETIMEDOUT

    def _send_until(self, attempt: Callable[[int], int], more: bool, deadline: int) -> None:
        is_own = not more and _wait.is_main() and self._must_await_tail()
        status = self._until(attempt, Event.WRITE, deadline)
        if self._handle.sleepers:
            self._handle.wake()
        if status != Status.OK:
            raise self._fail(status, "not sent")
        if _wait.is_main() and not more:
            self._await_tail(is_own, deadline)

    def send(
        self,
        data: Any,
        *,
        key: Optional[str] = None,
        type: Optional[str] = None,
        priority: int = 0,
        more: bool = False,
        timeout: Optional[float] = None,
    ) -> None:
        """Sends one message: any object with a buffer of bytes. When it returns, the message is accepted, whole; drain() waits until
        it does not depend on this process any more.

        `more` says that another follows at once, so that several may travel together; a send without it, or flush(), lets them go."""
        deadline = _wait.deadline_of(timeout)
        meta = meta_of(key, type, priority, more)
        if isinstance(data, bytes):
            self._send_bytes(data, len(data), meta, more, deadline)
            return
        with Borrowed((data,)) as bytes_:
            self._send_bytes(*bytes_.first(), meta, more, deadline)

    def _send_bytes(self, address: Any, size: int, meta: Any, more: bool, deadline: int) -> None:
        self._send_until(lambda until: self._handle.status(lib.via_send, address, size, meta, until), more, deadline)

    def sendv(
        self,
        buffers: Iterable[Any],
        *,
        key: Optional[str] = None,
        type: Optional[str] = None,
        priority: int = 0,
        more: bool = False,
        timeout: Optional[float] = None,
    ) -> None:
        """Sends several buffers, at most 1024, joined to one message; they are not joined in memory here."""
        deadline = _wait.deadline_of(timeout)
        meta = meta_of(key, type, priority, more)
        with Borrowed(buffers) as bytes_:
            slices = bytes_.slices()
            self._send_until(
                lambda until: self._handle.status(lib.via_sendv, slices, len(slices), meta, until),
                more,
                deadline,
            )

    def loan(self, size: int, timeout: Optional[float] = None) -> Loan:
        """A message of `size` bytes to be written in place: `with ch.loan(4096) as loan: loan.data[:] = ...`."""
        raw = CMsg()
        handle, mark = self._handle, object()
        try:
            handle.inside[mark] = threading.get_ident()
            status = self._until(
                lambda until: lib.via_loan(handle.address(), size, until, ctypes.byref(raw)),  # type: ignore[no-any-return]
                Event.WRITE,
                _wait.deadline_of(timeout),
            )
            if status != Status.OK:
                raise self._fail(status, f"no loan of {size} bytes")
            loan = Loan(self, raw)
            self._out[id(loan)] = loan
            return loan
        finally:
            handle.inside.pop(mark, None)
            if handle.is_closing:
                handle.leave()

    def _commit(self, raw: CMsg, loan: Loan, timeout: Optional[float]) -> None:
        meta = meta_of(loan.key, loan.type, loan.priority, False)
        raw.size = loan.size
        if meta is not None:
            raw.meta = meta
        self._send_until(
            lambda until: self._handle.status(lib.via_commit, ctypes.byref(raw), until),
            False,
            _wait.deadline_of(timeout),
        )

    def _in_slices(self, function: Any, what: str, timeout: Optional[float]) -> None:
        status = _wait.in_slices(
            lambda until: self._handle.call(function, until),  # type: ignore[no-any-return]
            _wait.deadline_of(timeout),
        )
        if status != Status.OK:
            raise self._fail(status, what)

    def flush(self, timeout: Optional[float] = None) -> None:
        """Hands everything that is held back to the system."""
        self._in_slices(lib.via_flush, "not everything has left", timeout)

    def finish(self, timeout: Optional[float] = None) -> None:
        """Says that no more sends follow; receiving goes on. The other end's iteration comes to its end."""
        self._in_slices(lib.via_finish, "not finished", timeout)

    def drain(self, timeout: Optional[float] = None) -> None:
        """Waits until nothing that was accepted depends on this process. TimeoutError has `undelivered`: how much still does."""
        left = c_uint64()
        status = _wait.in_slices(
            lambda until: self._handle.status(lib.via_drain, until, ctypes.byref(left)),
            _wait.deadline_of(timeout),
        )
        if status != Status.OK:
            error = self._fail(status, f"{left.value} not delivered")
            error.undelivered = left.value  # type: ignore[attr-defined]
            raise error

    # ---- ending --------------------------------------------------------------------------------------------------

    def interrupt(self) -> None:
        """Ends every present and later call that waits, in any thread, with CanceledError."""
        self._handle.interrupt()

    def close(self) -> None:
        """Ends the channel. Messages that were received stay as they are."""
        for each in list(self._out.values()):
            each.keep()
        self._handle.close()

    @property
    def closed(self) -> bool:
        return not self._handle.is_open

    def __enter__(self) -> "Channel":
        return self

    def __exit__(self, *exception: Any) -> None:
        self.close()

    def __del__(self) -> None:
        handle = getattr(self, "_handle", None)
        if handle is not None and handle.is_open:
            warnings.warn(f"unclosed {self!r}", ResourceWarning, source=self)
            self.close()

    # ---- knowing -------------------------------------------------------------------------------------------------

    def _ask(self, function: Any, raw: Any, what: str) -> Any:
        status = self._handle.call(function, ctypes.byref(raw))
        if status != Status.OK:
            raise _errors.error_for(status, what)
        return raw

    @property
    def info(self) -> Info:
        """What the channel is and promises."""
        return info_of(self._ask(lib.via_info, CChannelInfo.new(), "no information"))

    @property
    def peer(self) -> Peer:
        """Who is at the other end."""
        return peer_of(self._ask(lib.via_peer, CPeerInfo.new(), "the other end is not known"))

    @property
    def stats(self) -> Stats:
        """What it has done so far."""
        return stats_of(self._ask(lib.via_stats, CCounters.new(), "no counters"))

    @property
    def failure(self) -> Optional[ErrorRecord]:
        """The lasting reason why it ended, or None."""
        return self._handle.call(_errors.failure_of)  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        if self.closed:
            return "<viaduct.Channel, closed>"
        try:
            info = self.info
        except _errors.Error as error:
            return f"<viaduct.Channel: {error.what}>"
        return f"<viaduct.Channel {info.address} ({(info.pattern.name or '').lower()}, {info.role.name.lower()})>"
