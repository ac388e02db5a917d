# SPDX-License-Identifier: Apache-2.0
"""Where the bytes of a Python object are, without copying them.

Owns: the buffer protocol (PEP 3118) as ctypes reaches it. Must never keep an object's buffer longer than a call.
"""
from __future__ import annotations

import ctypes
from typing import Any, Iterable, List, Tuple, Union

from ._abi import CSlice

BytesLike = Union[bytes, bytearray, memoryview, "ctypes.Array[Any]"]


class _PyBuffer(ctypes.Structure):  # Py_buffer, the same in every Python 3
    _fields_ = [
        ("buf", ctypes.c_void_p),
        ("obj", ctypes.c_void_p),
        ("len", ctypes.c_ssize_t),
        ("itemsize", ctypes.c_ssize_t),
        ("readonly", ctypes.c_int),
        ("ndim", ctypes.c_int),
        ("format", ctypes.c_char_p),
        ("shape", ctypes.c_void_p),
        ("strides", ctypes.c_void_p),
        ("suboffsets", ctypes.c_void_p),
        ("internal", ctypes.c_void_p),
    ]


_get = ctypes.pythonapi.PyObject_GetBuffer
_get.argtypes = [ctypes.py_object, ctypes.POINTER(_PyBuffer), ctypes.c_int]
_release = ctypes.pythonapi.PyBuffer_Release
_release.argtypes = [ctypes.POINTER(_PyBuffer)]
_release.restype = None
_SIMPLE = 0  # PyBUF_SIMPLE: contiguous bytes


class Borrowed:
    """The bytes of some objects for as long as a `with` block lasts."""

    def __init__(self, objects: Iterable[Any]) -> None:
        self._objects = list(objects)
        self._buffers: List[_PyBuffer] = []

    def __enter__(self) -> "Borrowed":
        try:
            for each in self._objects:
                if isinstance(each, str):
                    raise TypeError("a message is bytes, not str: encode it first")
                buffer = _PyBuffer()
                _get(each, ctypes.byref(buffer), _SIMPLE)
                self._buffers.append(buffer)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exception: Any) -> None:
        while self._buffers:
            _release(ctypes.byref(self._buffers.pop()))

    def first(self) -> Tuple[Any, int]:
        """Address and size of the first object."""
        return self._buffers[0].buf, self._buffers[0].len

    def slices(self) -> Any:
        """An array of via_slice."""
        array = (CSlice * len(self._buffers))()
        for slot, buffer in zip(array, self._buffers):
            slot.data, slot.size = buffer.buf, buffer.len
        return array
