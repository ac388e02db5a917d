# SPDX-License-Identifier: Apache-2.0
"""Viaduct: write your inter-process communication once, decide the mechanism in a text file.

    import viaduct

    with viaduct.dial("orders", timeout=5) as channel:
        channel.send(b"hello")
        for message in channel:
            print(message.decode())

Everything is safe from any thread, Ctrl-C ends every call that waits, and what goes wrong is an exception that says where, why, and how to
mend it. viaduct.aio has the same for asyncio.
"""
from ._abi import (
    Event, InfoFlag, LogLevel, Pattern, PluginStatus, RegionState, Role, RpcOrigin, Side, Stage, Status, Threads, text as _text,
)  # fmt: skip
from ._channel import Channel
from ._errors import (
    BufferTooSmallError, BusyError, CanceledError, ClosedError, DroppedError, Error, ErrorRecord, ForkError, InvalidError, IoError,
    LimitError, NoMemoryError, NoPeerError, NotFoundError, NotSupportedError, PeerError, PermissionError, ProtocolError, ReadyError,
    RefusedError, RemoteError, RevokedError, StalledError, TimeoutError, TooBigError, WrongTypeError,
)  # fmt: skip
from ._extensions import Exit, Offers, Process, Region, copy, paste, send_handles, take_handles
from ._host import Host, dial, endpoints, explain, join, listen, plugins, rpc
from ._interface import Interface
from ._knowing import Endpoint, Info, Peer, Plugin, Stats
from ._library import lib as _lib
from ._listener import Listener
from ._loan import Loan
from ._message import Message
from ._rpc import Rpc
from ._serve import CallFailed
from ._waitset import Ready, WaitSet

__all__ = [
    "BufferTooSmallError", "BusyError", "CallFailed", "CanceledError", "Channel", "ClosedError", "DroppedError", "Endpoint", "Error", "ErrorRecord",
    "Event", "Exit", "ForkError", "Host", "Info", "InfoFlag", "Interface", "InvalidError", "IoError", "LimitError", "Listener", "Loan", "LogLevel", "Message",
    "NoMemoryError", "NoPeerError", "NotFoundError", "NotSupportedError", "Offers", "Pattern", "Peer", "PeerError", "PermissionError", "Plugin",
    "PluginStatus", "Process", "ProtocolError", "Ready", "ReadyError", "RefusedError", "Region", "RegionState", "RemoteError", "RevokedError", "Role",
    "Rpc", "RpcOrigin", "Side", "Stage", "StalledError", "Stats", "Status", "Threads", "TimeoutError", "TooBigError", "WaitSet",
    "WrongTypeError", "copy", "dial", "endpoints", "explain", "join", "listen", "paste", "plugins", "rpc", "send_handles", "take_handles",
]  # fmt: skip

__version__ = _text(_lib.via_version())

for _name in __all__:  # they are told under the name by which they are known
    if isinstance(globals()[_name], type):
        globals()[_name].__module__ = __name__
