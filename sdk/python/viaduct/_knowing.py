# SPDX-License-Identifier: Apache-2.0
"""What a channel, a plugin or an endpoint is, as plain records.

Owns: how the C records look in Python. Must never ask the library anything.
"""
from __future__ import annotations

import dataclasses
from typing import Any, Optional, Tuple

from ._abi import COUNTER_NAMES, InfoFlag, Pattern, PeerField, PluginStatus, Role, Side, Status, Threads, text
from ._errors import ErrorRecord, record_of


@dataclasses.dataclass(frozen=True)
class Peer:
    """Who is at the other end, as far as the system vouches for it; None = not known."""

    pid: Optional[int]
    uid: Optional[int]
    gid: Optional[int]
    address: Optional[str]


@dataclasses.dataclass(frozen=True)
class Info:
    """What a channel is and promises."""

    pattern: Pattern
    role: Role
    side: Side
    threads: Threads
    flags: InfoFlag
    max_message: int
    plugin: str
    scheme: str
    endpoint: str
    address: str


@dataclasses.dataclass(frozen=True)
class Stats:
    """What a channel has done so far. Counters only grow, except `peers` and `backlog_bytes`."""

    sent_messages: int
    sent_bytes: int
    received_messages: int
    received_bytes: int
    dropped_oldest: int
    dropped_newest: int
    dropped_nobody: int
    dropped_filter: int
    dropped_closing: int
    missed: int
    protocol_errors: int
    connects: int
    disconnects: int
    peers: int
    backlog_bytes: int


@dataclasses.dataclass(frozen=True)
class Plugin:
    """One plugin that was found, good or bad; `error` says why it is refused or shadowed."""

    name: str
    version: str
    kind: str
    summary: str
    schemes: Tuple[str, ...]
    status: PluginStatus
    manifest: str
    library: str
    priority: int
    error: Optional[ErrorRecord]


@dataclasses.dataclass(frozen=True)
class Endpoint:
    """One endpoint, or an endpoint file that was refused: then `name` is empty and `error` says why."""

    name: str
    pattern: Optional[Pattern]
    address: str
    summary: str
    file: str
    line: int
    column: int
    error: Optional[ErrorRecord]


def peer_of(raw: Any) -> Peer:
    has_user = bool(raw.known & PeerField.USER)
    return Peer(
        pid=raw.pid if raw.known & PeerField.PROCESS else None,
        uid=raw.uid if has_user else None,
        gid=raw.gid if has_user else None,
        address=text(raw.address) if raw.known & PeerField.ADDRESS else None,
    )


def info_of(raw: Any) -> Info:
    return Info(
        Pattern(raw.pattern), Role(raw.role), Side(raw.side), Threads(raw.threads), InfoFlag(raw.flags), raw.max_message,
        *(text(getattr(raw, name)) for name in ("plugin", "scheme", "endpoint", "address")),
    )  # fmt: skip


def stats_of(raw: Any) -> Stats:
    return Stats(*(getattr(raw, name) for name in COUNTER_NAMES))


def _error_of(raw: Any) -> Optional[ErrorRecord]:
    return record_of(raw.error, Status.EIO) if raw.error.status != Status.OK else None


def plugin_of(raw: Any) -> Plugin:
    return Plugin(
        name=text(raw.name),
        version=text(raw.version),
        kind=text(raw.kind),
        summary=text(raw.summary),
        schemes=tuple(text(raw.schemes).split()),
        status=PluginStatus(raw.status),
        manifest=text(raw.manifest),
        library=text(raw.library),
        priority=raw.priority,
        error=_error_of(raw),
    )


def endpoint_of(raw: Any) -> Endpoint:
    return Endpoint(
        name=text(raw.name),
        pattern=Pattern(raw.pattern) if raw.pattern else None,
        address=text(raw.address),
        summary=text(raw.summary),
        file=text(raw.file),
        line=raw.line,
        column=raw.column,
        error=_error_of(raw),
    )
