# SPDX-License-Identifier: Apache-2.0
"""The C interface as ctypes sees it: numbers, layouts and prototypes of <viaduct/*.h>.

Owns: everything that has to agree with the headers; tests/python compiles a C program and compares.
Must never load anything or know what the calls are for.
"""
from __future__ import annotations

import ctypes
import enum
from ctypes import POINTER, c_char, c_char_p, c_int32, c_int64, c_size_t, c_uint32, c_uint64, c_void_p
from typing import Any, Dict, List, Tuple

NOW = 0
FOREVER = 2**64 - 1
RPC_USUAL = 2**64 - 2
HANDLES_MAX = 64
OFFERS_MAX = 64


class Status(enum.IntEnum):
    """What a call answers; the numbers never change."""

    OK = 0
    ETIMEDOUT = -1
    EREADY = -2
    ECANCELED = -3
    ECLOSED = -4
    EPEER = -5
    EPROTO = -6
    ENOPEER = -7
    EFORK = -8
    ETOOBIG = -9
    EBUFFER = -10
    EINVAL = -11
    ENOTSUP = -12
    ENOMEM = -13
    ELIMIT = -14
    EBUSY = -15
    EPERM = -16
    ENOENT = -17
    ETYPE = -18
    EIO = -19
    ESTALLED = -20
    EREVOKED = -21
    EREFUSED = -22
    EDROPPED = -23
    EREMOTE = -24


class Stage(enum.IntEnum):
    """Where something went wrong."""

    NONE = 0
    DISCOVER = 1
    PARSE = 2
    SCHEMA = 3
    TRUST = 4
    PREFLIGHT = 5
    LOAD = 6
    NEGOTIATE = 7
    INIT = 8
    RESOLVE = 9
    OPTIONS = 10
    OPEN = 11
    DATA = 12


class Pattern(enum.IntFlag):
    """How messages go."""

    PAIR = 1
    QUEUE = 2
    TOPIC = 4
    VALUE = 8
    REGION = 16


class Role(enum.IntEnum):
    """What a channel does in its pattern."""

    PAIR = 0
    PUSH = 1
    PULL = 2
    PUBLISH = 3
    SUBSCRIBE = 4
    VALUE = 5
    REGION = 6


class Side(enum.IntEnum):
    """Which end owns the name."""

    DEFAULT = 0
    BIND = 1
    CONNECT = 2


class Threads(enum.IntEnum):
    """How many threads may use one channel."""

    TWO = 0
    MANY = 1


class Event(enum.IntFlag):
    """What can be waited for."""

    READ = 1
    WRITE = 2
    WORK = 4


class PollWait(enum.IntFlag):
    """What to wait for on a descriptor."""

    READABLE = 1
    WRITABLE = 2


class MetaFlag(enum.IntFlag):
    """Bits in via_meta.flags."""

    MORE = 1
    MISSED = 2


class PeerField(enum.IntFlag):
    """Which fields of a peer's record are known."""

    PROCESS = 1
    USER = 2
    ADDRESS = 4


class InfoFlag(enum.IntFlag):
    """What a channel can and promises."""

    LOAN_NATIVE = 1
    LINGER_NATIVE = 2
    REDIALS = 4
    CARRIES_KEY = 16
    CARRIES_TYPE = 32
    CARRIES_PRIORITY = 64
    CARRIES_SEQUENCE = 128
    KEEPS_BOUNDARIES = 256
    ATTACH = 1024
    LOSSLESS = 2048
    ORDERED = 4096
    DEATH = 8192


class LogLevel(enum.IntEnum):
    """How loud the log is."""

    ERROR = 1
    WARNING = 2
    INFO = 3
    DEBUG = 4


class PluginStatus(enum.IntEnum):
    """What has become of a plugin that was found."""

    READY = 1
    LOADED = 2
    REFUSED = 3
    SHADOWED = 4
    DISABLED = 5


class HostFlag(enum.IntFlag):
    """How a host searches."""

    NO_ENVIRONMENT = 1
    NO_DEFAULT_PATHS = 2


class RpcOrigin(enum.IntEnum):
    """Where a call failed."""

    NOTHING = 0
    HERE = 1
    TRANSPORT = 2
    THERE = 3


class RegionState(enum.IntEnum):
    """What is known of a region's bytes when its lock is taken."""

    CONSISTENT = 0
    ABANDONED = 1


# ---- records ------------------------------------------------------------------------------------------------------


class Record(ctypes.Structure):
    """A record that begins with its own size, which new() fills in."""

    @classmethod
    def new(cls) -> Any:
        record = cls()
        record.size = ctypes.sizeof(cls)
        return record


def _texts(*sizes: Tuple[str, int]) -> List[Any]:
    return [(name, c_char * size) for name, size in sizes]


def _numbers(kind: Any, *names: str) -> List[Any]:
    return [(name, kind) for name in names]


class CSlice(ctypes.Structure):
    _fields_ = [("data", c_void_p), ("size", c_size_t)]


class CMeta(ctypes.Structure):
    _fields_ = [
        ("sequence", c_uint64),
        ("flags", c_uint32),
        ("priority", c_int32),
        ("key", c_char_p),
        ("content_type", c_char_p),
    ]


class CMsg(ctypes.Structure):
    _fields_ = [("data", c_void_p), ("size", c_size_t), ("meta", CMeta), ("token", c_size_t * 2)]


class CPollHandle(Record):
    _fields_ = [("size", c_uint32), ("kind", c_uint32), ("handle", ctypes.c_ssize_t), *_numbers(c_uint32, "wait", "reserved")]


class CPeerInfo(Record):
    _fields_ = [*_numbers(c_uint32, "size", "known"), *_numbers(c_int64, "pid", "uid", "gid"), *_texts(("address", 256))]


class CChannelInfo(Record):
    _fields_ = [
        *_numbers(c_uint32, "size", "pattern", "role", "side", "threads", "flags"),
        ("max_message", c_uint64),
        *_texts(("plugin", 64), ("scheme", 32), ("endpoint", 64), ("address", 512)),
    ]


COUNTER_NAMES = (
    "sent_messages", "sent_bytes", "received_messages", "received_bytes", "dropped_oldest", "dropped_newest",
    "dropped_nobody", "dropped_filter", "dropped_closing", "missed", "protocol_errors", "connects", "disconnects",
    "peers", "backlog_bytes",
)  # fmt: skip


class CCounters(Record):
    _fields_ = [*_numbers(c_uint32, "size", "reserved"), *_numbers(c_uint64, *COUNTER_NAMES)]


class CError(Record):
    _fields_ = [
        ("size", c_uint32),
        ("status", c_int32),
        ("stage", c_uint32),
        ("os_code", c_int32),
        *_numbers(c_uint32, "line", "column"),
        *_texts(("plugin", 64), ("file", 512), ("pointer", 128), ("os_text", 128)),
        *_texts(("what", 512), ("mend", 256), ("more", 1024)),
    ]


LogFunction = ctypes.CFUNCTYPE(None, c_void_p, c_uint32, c_char_p, c_char_p)


class CHostOptions(Record):
    _fields_ = [
        *_numbers(c_uint32, "size", "flags"),
        ("plugin_paths", POINTER(c_char_p)),
        ("plugin_path_count", c_size_t),
        ("endpoint_paths", POINTER(c_char_p)),
        ("endpoint_path_count", c_size_t),
        ("trusted_paths", POINTER(c_char_p)),
        ("trusted_path_count", c_size_t),
        ("log", LogFunction),
        ("log_user", c_void_p),
        *_numbers(c_uint32, "log_level", "reserved"),
    ]


class CPluginInfo(Record):
    _fields_ = [
        *_numbers(c_uint32, "size", "status"),
        *_texts(("name", 64), ("version", 32), ("kind", 16), ("summary", 128), ("schemes", 256)),
        *_texts(("manifest", 512), ("library", 512)),
        ("priority", c_int32),
        ("reserved", c_uint32),
        ("error", CError),
    ]


class CEndpointInfo(Record):
    _fields_ = [
        *_numbers(c_uint32, "size", "pattern"),
        *_texts(("name", 64), ("address", 512), ("summary", 128), ("file", 512)),
        *_numbers(c_uint32, "line", "column"),
        ("error", CError),
    ]


class COpenOptions(Record):
    _fields_ = [
        *_numbers(c_uint32, "size", "threads", "side", "reserved"),
        ("options", POINTER(c_char_p)),
        ("option_count", c_size_t),
        ("log", LogFunction),
        ("log_user", c_void_p),
        ("layers", c_char_p),
        ("require", c_char_p),
    ]


class CReady(ctypes.Structure):
    _fields_ = [*_numbers(c_void_p, "channel", "listener", "user"), *_numbers(c_uint32, "events", "reserved")]


class CRegionView(Record):
    _fields_ = [
        *_numbers(c_uint32, "size", "writable"),
        ("address", c_void_p),
        *_numbers(c_uint64, "bytes", "max_bytes", "generation"),
    ]


class CProcessExit(Record):
    _fields_ = [("size", c_uint32), *_numbers(c_int32, "code", "signal"), ("core_dumped", c_uint32)]


class COffer(ctypes.Structure):
    _fields_ = [("type", c_char_p), ("data", c_void_p), ("size", c_size_t)]


class CRpcError(Record):
    _fields_ = [
        *_numbers(c_uint32, "size", "origin"),
        *_numbers(c_int32, "status", "code"),
        *_numbers(c_uint32, "not_sent", "reserved"),
        *_texts(("method", 128), ("name", 64), ("text", 512)),
    ]


class CRpcStats(Record):
    _fields_ = [
        *_numbers(c_uint32, "size", "reserved"),
        *_numbers(c_uint64, "calls", "served", "late_replies", "in_flight", "handles", "refused", "retries"),
    ]


class CRpcFunction(ctypes.Structure):
    _fields_ = [("method", c_char_p), ("function", c_void_p)]


RpcJsonDone = ctypes.CFUNCTYPE(None, c_void_p, c_int32, c_char_p, POINTER(CRpcError))
RpcEvent = ctypes.CFUNCTYPE(None, c_void_p, c_char_p, POINTER(c_char), c_size_t)

# ---- prototypes ---------------------------------------------------------------------------------------------------

_V, _P, _S, _D, _E = c_void_p, c_void_p, c_char_p, c_uint64, POINTER(CError)
_I, _Z, _MSG, _U = c_uint32, c_size_t, POINTER(CMsg), POINTER(c_uint64)
_OUT, _RE = POINTER(c_void_p), POINTER(CRpcError)

# name: what it returns (None = nothing), what it takes
PROTOTYPES: Dict[str, Tuple[Any, List[Any]]] = {
    "via_version": (_S, []),
    "via_status_name": (_S, [c_int32]),
    "via_status_text": (_S, [c_int32]),
    "via_now_ns": (c_uint64, []),
    "via_free": (None, [_V]),
    "via_host_open": (c_int32, [POINTER(CHostOptions), _OUT, _E]),
    "via_host_close": (None, [_P]),
    "via_host_scan": (c_int32, [_P, _E]),
    "via_host_watch": (c_int32, [_P, POINTER(CPollHandle), _E]),
    "via_plugin_next": (c_int32, [_P, POINTER(c_size_t), POINTER(CPluginInfo)]),
    "via_endpoint_next": (c_int32, [_P, POINTER(c_size_t), POINTER(CEndpointInfo)]),
    "via_listen": (c_int32, [_P, _S, POINTER(COpenOptions), _OUT, _E]),
    "via_accept": (c_int32, [_P, _D, _OUT, _E]),
    "via_listener_pollable": (c_int32, [_P, POINTER(CPollHandle)]),
    "via_listener_arm": (c_int32, [_P]),
    "via_listener_address": (c_int32, [_P, _V, _Z]),
    "via_listener_interrupt": (None, [_P]),
    "via_listener_close": (None, [_P]),
    "via_dial": (c_int32, [_P, _S, POINTER(COpenOptions), _D, _OUT, _E]),
    "via_join": (c_int32, [_P, _S, _I, POINTER(COpenOptions), _D, _OUT, _E]),
    "via_send": (c_int32, [_P, _V, _Z, POINTER(CMeta), _D]),
    "via_sendv": (c_int32, [_P, POINTER(CSlice), _Z, POINTER(CMeta), _D]),
    "via_loan": (c_int32, [_P, _Z, _D, _MSG]),
    "via_commit": (c_int32, [_P, _MSG, _D]),
    "via_discard": (None, [_P, _MSG]),
    "via_recv": (c_int32, [_P, _D, _MSG]),
    "via_release": (None, [_P, _MSG]),
    "via_flush": (c_int32, [_P, _D]),
    "via_finish": (c_int32, [_P, _D]),
    "via_pollable": (c_int32, [_P, _I, POINTER(CPollHandle)]),
    "via_arm": (c_int32, [_P, _I]),
    "via_waitset_create": (c_int32, [_OUT, _E]),
    "via_waitset_add": (c_int32, [_P, _P, _I, _V]),
    "via_waitset_add_listener": (c_int32, [_P, _P, _V]),
    "via_waitset_remove": (c_int32, [_P, _P]),
    "via_waitset_remove_listener": (c_int32, [_P, _P]),
    "via_waitset_wait": (c_int32, [_P, POINTER(CReady), _Z, POINTER(c_size_t), _D]),
    "via_waitset_wake": (None, [_P]),
    "via_waitset_destroy": (None, [_P]),
    "via_drain": (c_int32, [_P, _D, _U]),
    "via_interrupt": (None, [_P]),
    "via_close": (None, [_P]),
    "via_peer": (c_int32, [_P, POINTER(CPeerInfo)]),
    "via_info": (c_int32, [_P, POINTER(CChannelInfo)]),
    "via_stats": (c_int32, [_P, POINTER(CCounters)]),
    "via_failure": (c_int32, [_P, _E]),
    "via_extension": (c_void_p, [_P, _S, _OUT]),
    "via_explain": (c_int32, [_P, _S, POINTER(COpenOptions), _OUT, _E]),
    "via_handles_send": (c_int32, [_P, _V, _Z, POINTER(ctypes.c_ssize_t), _Z, _D]),
    "via_handles_take": (c_int32, [_P, POINTER(ctypes.c_ssize_t), _Z, POINTER(c_size_t)]),
    "via_process_pid": (c_int64, [_P]),
    "via_process_wait": (c_int32, [_P, _D, POINTER(CProcessExit)]),
    "via_process_kill": (c_int32, [_P, c_int32]),
    "via_region_map": (c_int32, [_P, POINTER(CRegionView)]),
    "via_region_lock": (c_int32, [_P, _D, POINTER(c_uint32)]),
    "via_region_repaired": (c_int32, [_P]),
    "via_region_unlock": (c_int32, [_P]),
    "via_region_notify": (c_int32, [_P]),
    "via_region_wait": (c_int32, [_P, _U, _D]),
    "via_region_grow": (c_int32, [_P, c_uint64]),
    "via_offers_publish": (c_int32, [_P, POINTER(COffer), _Z, _D]),
    "via_offers_clear": (c_int32, [_P, _D]),
    "via_offers_types": (c_int32, [_P, _V, _Z, POINTER(c_size_t), _D]),
    "via_offers_receive": (c_int32, [_P, _S, _D, _MSG]),
    "via_offers_wait": (c_int32, [_P, _U, _D]),
    "via_rpc_serve": (c_int32, [_P, POINTER(CRpcFunction), _Z, _V, _E]),
    "via_rpc_start_json": (c_int32, [_P, _S, _S, _D, RpcJsonDone, _V, _U, _RE]),
    "via_rpc_call_json": (c_int32, [_P, _S, _S, _D, _OUT, RpcEvent, _V, _RE]),
    "via_rpc_notify_json": (c_int32, [_P, _S, _S, _D, _RE]),
    "via_rpc_cancel": (c_int32, [_P, c_uint64]),
    "via_rpc_describe": (c_int32, [_P, _D, _OUT, _RE]),
    "via_rpc_pump": (c_int32, [_P, _D]),
    "via_rpc_stats_get": (c_int32, [_P, POINTER(CRpcStats)]),
}


def text(raw: bytes | None) -> str:
    """A C text as Python knows it; what is no UTF-8 is kept as surrogates."""
    return "" if raw is None else raw.decode("utf-8", "surrogateescape")
