# SPDX-License-Identifier: Apache-2.0
"""Exceptions: one class for each status, each with the whole error record.

Owns: which class a status becomes, and how an error reads. Must never hide a field of the record.
"""
from __future__ import annotations

import builtins
import ctypes
import dataclasses
from typing import Any, Dict, NoReturn, Optional, Tuple, Type

from ._abi import CError, Stage, Status, text
from ._library import lib


@dataclasses.dataclass(frozen=True)
class ErrorRecord:
    """Where and why something failed. Empty texts and zeros mean: not known, or it does not apply."""

    status: Status
    stage: Stage = Stage.NONE
    os_code: int = 0
    line: int = 0
    column: int = 0
    plugin: str = ""
    file: str = ""
    pointer: str = ""
    os_text: str = ""
    what: str = ""
    mend: str = ""
    more: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        if place and self.pointer:
            place += f" ({self.pointer})"
        system = f"{self.os_text} (errno {self.os_code})" if self.os_code else ""
        more = self.more.strip().replace("\n", "\n        ")
        lines = [self.what or status_text(self.status)]
        for name, value in (("at", place), ("system", system), ("more", more), ("mend", self.mend)):
            if value:
                lines.append(f"  {name + ':':<6}{value}" if len(name) < 5 else f"  {name}: {value}")
        return "\n".join(lines)


def status_text(status: int) -> str:
    """A status as a short phrase for people."""
    return text(lib.via_status_text(status))


def as_status(number: int) -> Status:
    """A status by its number; one that this module does not know yet counts as EIO."""
    try:
        return Status(number)
    except ValueError:
        return Status.EIO


class Error(Exception):
    """Anything that a call of Viaduct failed with. `record` has all that is known; its fields are attributes, too."""

    record: ErrorRecord
    status: Status
    stage: Stage
    os_code: int
    line: int
    column: int
    plugin: str
    file: str
    pointer: str
    os_text: str
    what: str
    mend: str
    more: str

    def __init__(self, record: ErrorRecord) -> None:
        super().__init__(str(record))
        self.record = record

    def __getattr__(self, name: str) -> Any:
        record = self.__dict__.get("record")
        if record is None or name not in ErrorRecord.__dataclass_fields__:
            raise AttributeError(name)
        return getattr(record, name)

    def __str__(self) -> str:
        return str(self.record)

    def __reduce__(self) -> Tuple[Any, ...]:
        return type(self), (self.record,)


class TimeoutError(Error, builtins.TimeoutError):
    """The deadline passed; nothing was sent or taken."""


class ReadyError(Error):
    """Do not sleep, there is something to do now. Only arming answers this, and this module handles it."""


class CanceledError(Error):
    """interrupt() was called on this object, or another thread closed it."""


class ClosedError(Error, EOFError):
    """The other end finished, and everything that it sent has been received; or the object was closed here."""


class PeerError(Error, ConnectionError):
    """The other end died."""


class ProtocolError(Error, ConnectionError):
    """The other end broke the protocol; the channel is over."""


class NoPeerError(Error, ConnectionError):
    """Nobody serves this address."""


class ForkError(Error):
    """The object belongs to the parent process; here it can only be closed."""


class TooBigError(Error, ValueError):
    """The message is larger than the channel carries; nothing was sent."""


class BufferTooSmallError(Error, BufferError):
    """The buffer is too small; the message is kept. `needed` is what it takes, in bytes."""

    needed: int = 0


class InvalidError(Error, ValueError):
    """An argument, address, option or manifest is wrong."""


class NotSupportedError(Error):
    """This transport cannot do that."""


class NoMemoryError(Error, MemoryError):
    """Out of memory."""


class LimitError(Error):
    """A limit of the system or of the configuration was met."""


class BusyError(Error):
    """Somebody else holds it."""


class PermissionError(Error, builtins.PermissionError):
    """Permission or trust refused."""


class NotFoundError(Error, LookupError):
    """No such thing."""


class WrongTypeError(Error, TypeError):
    """The wrong type of an option, a content or an argument."""


class IoError(Error, OSError):
    """The system failed in a way that no other status names; see `os_code`."""


class StalledError(Error):
    """The other end lives but has stopped."""


class RevokedError(Error):
    """What was granted has been taken back."""


class RefusedError(Error):
    """The other end, or a plugin, said no."""


class DroppedError(Error):
    """The overflow policy of the channel discarded this message."""


class RemoteError(Error):
    """The other end answered a call with an error of its own: `code`, `name`, `text`."""

    code: int = 0
    name: str = ""
    text: str = ""


CLASSES: Dict[Status, Type[Error]] = {
    Status.ETIMEDOUT: TimeoutError,
    Status.EREADY: ReadyError,
    Status.ECANCELED: CanceledError,
    Status.ECLOSED: ClosedError,
    Status.EPEER: PeerError,
    Status.EPROTO: ProtocolError,
    Status.ENOPEER: NoPeerError,
    Status.EFORK: ForkError,
    Status.ETOOBIG: TooBigError,
    Status.EBUFFER: BufferTooSmallError,
    Status.EINVAL: InvalidError,
    Status.ENOTSUP: NotSupportedError,
    Status.ENOMEM: NoMemoryError,
    Status.ELIMIT: LimitError,
    Status.EBUSY: BusyError,
    Status.EPERM: PermissionError,
    Status.ENOENT: NotFoundError,
    Status.ETYPE: WrongTypeError,
    Status.EIO: IoError,
    Status.ESTALLED: StalledError,
    Status.EREVOKED: RevokedError,
    Status.EREFUSED: RefusedError,
    Status.EDROPPED: DroppedError,
    Status.EREMOTE: RemoteError,
}


def record_of(raw: Any, status: int) -> ErrorRecord:
    """A C record as Python knows it; `status` counts where the record has none."""
    known: Dict[str, Any] = {name: getattr(raw, name) for name in ("os_code", "line", "column")}
    for name in ("plugin", "file", "pointer", "os_text", "what", "mend", "more"):
        known[name] = text(getattr(raw, name))
    stage = Stage(raw.stage) if raw.stage in list(Stage) else Stage.NONE
    return ErrorRecord(status=as_status(raw.status or status), stage=stage, **known)


def error_of(record: ErrorRecord) -> Error:
    """The exception for a record."""
    return CLASSES.get(record.status, IoError)(record)


def error_for(status: int, what: str = "", mend: str = "") -> Error:
    """The exception for a call that answers the status alone."""
    known = as_status(status)
    phrase = status_text(known)
    return error_of(ErrorRecord(status=known, what=f"{what}: {phrase}" if what else phrase, mend=mend))


def raise_record(raw: Any, status: int) -> NoReturn:
    """Raises what a set-up call has filled in."""
    raise error_of(record_of(raw, status))


def failure_of(channel: int) -> Optional[ErrorRecord]:
    """The lasting reason why a channel ended, or None: it has not failed."""
    raw = CError.new()
    if lib.via_failure(channel, ctypes.byref(raw)) != Status.OK:
        return None
    return record_of(raw, Status.EIO)
