"""Values that a handler may return, and that an encoder is asked about whether or not they are its own."""

import array
import collections
import datetime
import decimal
import enum
import fractions
import importlib
import io
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any


class _Colour(enum.Enum):
    RED = "red"


class _Text(str):
    __slots__ = ()


class _Ambiguous:
    """Neither true nor equal to anything, as arrays are."""

    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        raise ValueError("the truth value is ambiguous")

    def __eq__(self, other: object) -> bool:
        raise ValueError("the truth value is ambiguous")


class _LyingArray:
    """Has the names of an array's attributes, and nothing behind them."""

    tolist = None
    ndim = None
    shape = None
    dtype = None


class _Unreadable(io.RawIOBase):
    def read(self, size: int | None = -1, /) -> bytes:
        raise OSError(f"reading {size} bytes is not for whoever only asks")


_Pair = collections.namedtuple("_Pair", "a b")  # noqa: PYI024 (one without types, as handlers have)


def _closed() -> io.BytesIO:
    file = io.BytesIO(b"closed")
    file.close()
    return file


_MAKERS: dict[str, Callable[[], Any]] = {
    "None": lambda: None,
    "True": lambda: True,
    "zero": lambda: 0,
    "large integer": lambda: 2**70,
    "float": lambda: 0.5,
    "NaN": lambda: float("nan"),
    "complex": lambda: 1j,
    "empty text": str,
    "text": lambda: "t\u00e9xt",
    "surrogate": lambda: "\ud800",
    "subclass of str": lambda: _Text("text"),
    "empty bytes": bytes,
    "bytes": lambda: b"\x00\xff",
    "bytearray": lambda: bytearray(b"x"),
    "memoryview": lambda: memoryview(b"x"),
    "memoryview of numbers": lambda: memoryview(array.array("d", [1.5])),
    "array": lambda: array.array("i", [1]),
    "empty list": list,
    "nested list": lambda: [[1], [None], []],
    "tuple": lambda: (1, "a"),
    "namedtuple": lambda: _Pair(1, 2),
    "empty dict": dict,
    "dict with odd keys": lambda: {1: 2, None: 3, (1, 2): 4},
    "OrderedDict": collections.OrderedDict,
    "set": lambda: {1},
    "deque": lambda: collections.deque([1]),
    "range": lambda: range(2),
    "dict view": {}.keys,
    "Enum": lambda: _Colour.RED,
    "Decimal": lambda: decimal.Decimal("1.10"),
    "Fraction": lambda: fractions.Fraction(1, 3),
    "date": lambda: datetime.date(2019, 5, 1),
    "UUID": lambda: uuid.UUID(int=0),
    "path": lambda: Path("a"),
    "exception": lambda: ValueError("x"),
    "class": lambda: dict,
    "function": lambda: len,
    "object": object,
    "ambiguous": _Ambiguous,
    "lying array": _LyingArray,
    "unreadable file": _Unreadable,
    "closed file": _closed,
}


def odd_values() -> dict[str, Callable[[], Any]]:
    """Functions that make such values, by names for tests; with numpy's and Pillow's if those are installed."""
    return {**_MAKERS, **dict(_numpys()), **dict(_pillows())}


def _numpys() -> Iterator[tuple[str, Callable[[], Any]]]:
    numpy = _library("numpy")
    if numpy is not None:
        yield "numpy scalar", lambda: numpy.float32(0.5)
        yield "numpy text", lambda: numpy.str_("x")
        yield "array without dimensions", lambda: numpy.array(1)
        yield "array of nothing", lambda: numpy.array([])
        yield "array of an odd shape", lambda: numpy.zeros((2, 0, 3), "uint8")
        yield "array of pixels", lambda: numpy.zeros((2, 3, 3), "uint8")
        yield "array of objects", lambda: numpy.array([None, {}], dtype=object)


def _pillows() -> Iterator[tuple[str, Callable[[], Any]]]:
    pillow = _library("PIL.Image")
    if pillow is not None:
        yield "picture", lambda: pillow.new("RGB", (2, 2))


def _library(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None
