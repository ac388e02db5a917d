# SPDX-License-Identifier: Apache-2.0
"""What to sleep on until a channel or listener can go on.

Owns: the order of arming. Must never sleep, and never act on what is there: both are the caller's.
"""
from __future__ import annotations

import ctypes
import threading
from typing import Dict, List, Optional

from . import _errors
from ._abi import CPollHandle, Event, Status
from ._handle import Handle
from ._library import lib
from ._wait import Source


def ask_source(handle: Handle, event: Optional[Event]) -> Optional[Source]:
    """Where to sleep for an event of a channel, or with None for a listener's only one. None: there is no internal work."""
    raw = CPollHandle.new()
    if event is None:
        status = handle.status(lib.via_listener_pollable, ctypes.byref(raw))
    else:
        status = handle.status(lib.via_pollable, event, ctypes.byref(raw))
    if status == Status.ENOTSUP and event == Event.WORK:
        return None
    if status != Status.OK:
        raise _errors.error_for(status, "there is nothing to sleep on")
    return raw.handle, raw.wait


class Sources:
    """Of one channel: a descriptor for each event, the same for its life."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle
        self._known: Dict[Event, Optional[Source]] = {}
        self.lock = threading.Lock()  # what must not happen while something is armed holds it

    def of(self, event: Event) -> Optional[Source]:
        """Where to sleep for an event; None: it has no internal work."""
        if event not in self._known:
            self._known[event] = ask_source(self._handle, event)
        return self._known[event]

    def arm(self, event: Event) -> Optional[List[Source]]:
        """What to sleep on until `event`; None: do not sleep, try again. What work moves may be what the event waits for, so it
        comes first."""
        sources: List[Source] = []
        for each in (Event.WORK, event):
            source = self.of(each)
            if source is None:
                continue
            with self.lock:
                status = self._handle.status(lib.via_arm, each)
            if status == Status.OK:
                sources.append(source)
            elif not (each == Event.WORK and status == Status.ENOENT):
                return None  # something to do, or an end that the next attempt tells of
        return sources


class ListenerSource:
    """Of one listener."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle
        self._known: Optional[Source] = None

    def arm(self) -> Optional[List[Source]]:
        if self._known is None:
            self._known = ask_source(self._handle, None)
        status = self._handle.status(lib.via_listener_arm)
        return [self._known] if status == Status.OK and self._known is not None else None
