# SPDX-License-Identifier: Apache-2.0
"""Many threads that wait for replies on one channel: one of them reads for all.

The layer rpc lets any thread read, but not one read while another arms. So whoever waits here either leads, and pumps, or sleeps until
its reply has come or the leader has left.

Owns: who leads. Must never let two threads look at the channel.
"""
from __future__ import annotations

import threading
from typing import Callable, Dict, Optional


class Lead:
    """The right to read; a thread that has it gets it again, for calls within calls."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holder: Optional[object] = None
        self._depth = 0
        self.followers: Dict[object, Callable[[], None]] = {}  # how to wake each

    def take(self, who: object) -> bool:
        """Is it free, or ours already? Then give() has to follow."""
        with self._lock:
            if self._holder is not None and self._holder != who:
                return False
            self._holder = who
            self._depth += 1
            return True

    def give(self) -> None:
        """Lets another lead."""
        with self._lock:
            self._depth -= 1
            if self._depth > 0:
                return
            self._holder = None
        for wake in list(self.followers.values()):
            wake()
