"""MessagePack in the worker, written without a library, so that no handler has to install one.

================================================  ==================================
value                                             MessagePack
================================================  ==================================
None, bool, int, float, str                       nil, boolean, integer, float 64, string
bytes, bytearray, memoryview                      binary
list, tuple, set, deque, range, dict views        array (sets sorted where they can be)
mappings                                          map
datetime with a time zone                         timestamp (extension type -1)
date, time, UUID, pathlib paths                   string
Decimal                                           integer if it is one, else float 64
Enum                                              its value
numpy and torch arrays and scalars (`tolist`)     arrays, numbers, booleans
================================================  ==================================

Source: https://github.com/msgpack/msgpack/blob/master/spec.md
"""

import collections
import collections.abc
import datetime
import decimal
import enum
import pathlib
import struct
import uuid
from typing import Any, Callable, Iterable, List, Optional, Tuple

MEDIA_TYPES = ("application/msgpack", "application/vnd.msgpack", "application/x-msgpack")

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
# Unsigned and signed integers: largest value, first byte, form.
_UNSIGNED = (
    (0xFF, 0xCC, ">B"),
    (0xFFFF, 0xCD, ">H"),
    (0xFFFFFFFF, 0xCE, ">I"),
    (0xFFFFFFFFFFFFFFFF, 0xCF, ">Q"),
)
_SIGNED = (
    (0x80, 0xD0, ">b"),
    (0x8000, 0xD1, ">h"),
    (0x80000000, 0xD2, ">i"),
    (0x8000000000000000, 0xD3, ">q"),
)
_LENGTHS = (">B", ">H", ">I")
_STRING, _BINARY, _ARRAY, _MAP = (
    (0xD9, 0xDA, 0xDB),
    (0xC4, 0xC5, 0xC6),
    (None, 0xDC, 0xDD),
    (None, 0xDE, 0xDF),
)
_TIMESTAMP = b"\xff"


class Encoder(object):
    """Encodes an answer as one MessagePack document, or each element of a stream as one.

    Args:
        media_type: the answer's, lower case, without parameters.
    """

    def __init__(self, media_type: str) -> None:
        self._is_msgpack = media_type in MEDIA_TYPES

    def claims(self, content: Any) -> bool:
        """Everything but a stream, and but bytes: those have been packed by the handler."""
        return self.accepts(content) and not isinstance(
            content, (collections.abc.Iterator, collections.abc.AsyncIterable)
        )

    def accepts(self, value: Any) -> bool:
        """Everything but bytes and files, which are sent as they are."""
        return (
            self._is_msgpack
            and not isinstance(value, (bytes, bytearray, memoryview))
            and not callable(getattr(value, "read", None))
        )

    def encode(self, value: Any, *, is_first: bool) -> Iterable[bytes]:
        """One document; documents of a stream follow each other without a separator.

        Raises:
            TypeError: the value has no form in MessagePack.
            ValueError: it is too large, has no time zone, or contains itself.
        """
        return (packed(value),)


def packed(value: Any) -> bytes:
    """`value` as one MessagePack document."""
    out = bytearray()
    try:
        _write(value, out)
    except RecursionError:
        raise ValueError("a value contains itself, or is nested too deeply for MessagePack") from None
    return bytes(out)


def _write(value: Any, out: bytearray) -> None:
    write = _BY_TYPE.get(type(value))
    if write is None:
        write = next((write for types, write in _WRITERS if isinstance(value, types)), _write_other)
    write(value, out)


def _write_other(value: Any, out: bytearray) -> None:
    _write(_converted(value), out)


def _write_none(_: None, out: bytearray) -> None:
    out.append(0xC0)


def _write_bool(value: bool, out: bytearray) -> None:
    out.append(0xC3 if value else 0xC2)


def _write_int(value: int, out: bytearray) -> None:
    if -32 <= value <= 127:
        out.append(value & 0xFF)
        return
    for limit, first, form in _UNSIGNED if value >= 0 else _SIGNED:
        if -limit <= value <= limit:
            out.append(first)
            out += struct.pack(form, value)
            return
    raise ValueError("MessagePack has no integer as large as %r" % value)


def _write_float(value: float, out: bytearray) -> None:
    out.append(0xCB)
    out += struct.pack(">d", value)


def _write_str(value: str, out: bytearray) -> None:
    data = value.encode("utf-8")
    if len(data) < 32:
        out.append(0xA0 | len(data))
    else:
        _write_length(len(data), _STRING, out)
    out += data


def _write_bytes(value: Any, out: bytearray) -> None:
    data = bytes(value)
    _write_length(len(data), _BINARY, out)
    out += data


def _write_array(value: Any, out: bytearray) -> None:
    if len(value) < 16:
        out.append(0x90 | len(value))
    else:
        _write_length(len(value), _ARRAY, out)
    for item in value:
        _write(item, out)


def _write_map(value: Any, out: bytearray) -> None:
    if len(value) < 16:
        out.append(0x80 | len(value))
    else:
        _write_length(len(value), _MAP, out)
    for key, item in value.items():
        _write(key, out)
        _write(item, out)


def _write_length(length: int, firsts: Tuple[Optional[int], ...], out: bytearray) -> None:
    for first, form in zip(firsts, _LENGTHS):
        if first is not None and length < 1 << 8 * struct.calcsize(form):
            out.append(first)
            out += struct.pack(form, length)
            return
    raise ValueError("MessagePack has no text, bytes, array or map of %d" % length)


def _write_timestamp(value: datetime.datetime, out: bytearray) -> None:
    if value.utcoffset() is None:
        raise ValueError(
            "a datetime without a time zone is no moment: %r; for example, "
            "datetime.datetime.now(datetime.timezone.utc) has one" % value
        )
    since = value - _EPOCH
    seconds, nanoseconds = since.days * 86400 + since.seconds, since.microseconds * 1000
    if seconds >> 34:
        out += b"\xc7\x0c" + _TIMESTAMP + struct.pack(">Iq", nanoseconds, seconds)
    elif nanoseconds or seconds >> 32:
        out += b"\xd7" + _TIMESTAMP + struct.pack(">Q", nanoseconds << 34 | seconds)
    else:
        out += b"\xd6" + _TIMESTAMP + struct.pack(">I", seconds)


_WRITERS: Tuple[Tuple[Any, Callable[[Any, bytearray], None]], ...] = (
    (enum.Enum, lambda value, out: _write(value.value, out)),
    (str, _write_str),
    (bool, _write_bool),
    (int, _write_int),
    (float, _write_float),
    (type(None), _write_none),
    ((list, tuple, range, collections.deque), _write_array),
    (dict, _write_map),
    ((bytes, bytearray, memoryview), _write_bytes),
    (datetime.datetime, _write_timestamp),
)

# Almost every value is of one of these, and of no subclass.
_BY_TYPE = {
    kind: write for types, write in _WRITERS for kind in (types if isinstance(types, tuple) else (types,))
}


def _converted(value: Any) -> Any:
    """A value of a type that MessagePack has.

    Raises:
        TypeError: there is none.
    """
    tolist = getattr(value, "tolist", None)
    if callable(tolist) and not isinstance(value, type):
        converted = tolist()
        # numpy's long double has no other Python form than itself.
        return float(converted) if type(converted) is type(value) else converted
    for types, conversion in _CONVERSIONS:
        if isinstance(value, types):
            return conversion(value)
    raise TypeError("a %s cannot be written as MessagePack: %.100r" % (type(value).__name__, value))


def _number(value: decimal.Decimal) -> Any:
    return int(value) if value.is_finite() and value == value.to_integral_value() else float(value)


def _sorted(values: Iterable[Any]) -> List[Any]:
    elements = list(values)
    try:
        return sorted(elements)
    except TypeError:
        return elements


_CONVERSIONS: Tuple[Tuple[Any, Callable[[Any], Any]], ...] = (
    ((datetime.date, datetime.time), lambda value: value.isoformat()),
    (decimal.Decimal, _number),
    ((uuid.UUID, pathlib.PurePath), str),
    ((set, frozenset), _sorted),
    (collections.abc.Mapping, dict),
    (collections.abc.MappingView, list),
)
