"""A handler that returns what its request describes, a Python expression over the makers below."""

import array
import collections
import csv
import datetime
import decimal
import enum
import http
import io
import json
import pathlib
import uuid
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any

import numpy as np


def generator(elements: Iterable[Any]) -> Iterator[Any]:
    """A generator of `elements`."""
    yield from elements


def failing_generator(elements: Iterable[Any]) -> Iterator[Any]:
    """A generator that raises after its last element."""
    yield from elements
    raise LookupError


def refilled_generator(blocks: Iterable[bytes]) -> Iterator[bytearray]:
    """A generator that yields the same buffer each time, as one does who reads into it."""
    buffer = bytearray()
    for block in blocks:
        buffer[:] = block
        yield buffer


async def async_generator(elements: Iterable[Any]) -> AsyncIterator[Any]:
    """An asynchronous generator of `elements`."""
    for element in elements:
        yield element


async def coroutine(value: Any) -> Any:
    """What an ``async def`` handler returns."""
    return value


class Opaque:
    """An object that nobody knows how to write."""

    def __repr__(self) -> str:
        return "Opaque()"


def csv_row(cells: Iterable[Any]) -> bytes:
    """`cells` as one row of CSV."""
    text = io.StringIO(newline="")
    csv.writer(text).writerow(cells)
    return text.getvalue().encode()


def json_text(value: Any) -> str:
    """`value` as JSON."""
    return json.dumps(value, default=lambda held: held.isoformat() if hasattr(held, "isoformat") else held.tolist())


MAKERS = {
    "nan": float("nan"),
    "inf": float("inf"),
    "generator": generator,
    "failing_generator": failing_generator,
    "refilled_generator": refilled_generator,
    "async_generator": async_generator,
    "coroutine": coroutine,
    "opaque": Opaque,
    "csv_row": csv_row,
    "json_text": json_text,
    "iterator": iter,
    "numbers": lambda values: array.array("h", values),
    "ndarray": lambda values, dtype: np.array(values, dtype=dtype),
    "scalar": lambda value, dtype: np.dtype(dtype).type(value),
    "enum_member": lambda value: enum.Enum("Colour", {"RED": value}).RED,  # type: ignore[attr-defined]
    "text_enum_member": lambda value: enum.Enum("Word", {"A": value}, type=str).A,  # type: ignore[attr-defined]
    "int_enum_member": lambda value: enum.IntEnum("Number", {"ONE": value}).ONE,  # type: ignore[attr-defined]
    "keys": dict.keys,
    "values": dict.values,
    "BytesIO": io.BytesIO,
    "StringIO": io.StringIO,
    "HTTPStatus": http.HTTPStatus,
    "OrderedDict": collections.OrderedDict,
    "UserDict": collections.UserDict,
    "deque": collections.deque,
    "Decimal": decimal.Decimal,
    "UUID": uuid.UUID,
    "PurePosixPath": pathlib.PurePosixPath,
    "datetime": datetime.datetime,
    "date": datetime.date,
    "time": datetime.time,
}


def build(expression: str) -> Any:
    """The value of `expression`."""
    return eval(expression, dict(MAKERS))  # noqa: S307 (written by the tests)


def handler(request: Any, context: object) -> Any:  # noqa: ARG001 (the contract of handlers)
    """The value of the expression that is the request's body."""
    return build(request.read().decode())
