"""MessagePack as the specification has it, and as its reference implementation reads it."""

import collections
import datetime
import decimal
import enum
import io
import math
import pathlib
import uuid

import msgpack  # type: ignore[import-not-found,unused-ignore]
import numpy as np
import pytest
from abeja.runtime.testing import EncoderContract, Sample

import abeja_runtime_lambda.msgpack
from abeja_runtime_lambda.msgpack.worker import MEDIA_TYPES, Encoder, packed

UTC = datetime.UTC
# Read from the formats in https://github.com/msgpack/msgpack/blob/master/spec.md
VECTORS = [
    (None, "c0"),
    (False, "c2"),
    (True, "c3"),
    (0, "00"),
    (127, "7f"),
    (128, "cc80"),
    (255, "ccff"),
    (256, "cd0100"),
    (65535, "cdffff"),
    (65536, "ce00010000"),
    (2**32 - 1, "ceffffffff"),
    (2**32, "cf0000000100000000"),
    (2**64 - 1, "cfffffffffffffffff"),
    (-1, "ff"),
    (-32, "e0"),
    (-33, "d0df"),
    (-128, "d080"),
    (-129, "d1ff7f"),
    (-32768, "d18000"),
    (-32769, "d2ffff7fff"),
    (-(2**31), "d280000000"),
    (-(2**31) - 1, "d3ffffffff7fffffff"),
    (-(2**63), "d38000000000000000"),
    (1.5, "cb3ff8000000000000"),
    ("", "a0"),
    ("é", "a2c3a9"),
    ("a" * 31, "bf" + "61" * 31),
    ("a" * 32, "d920" + "61" * 32),
    ("a" * 255, "d9ff" + "61" * 255),
    ("a" * 256, "da0100" + "61" * 256),
    ("a" * 65536, "db00010000" + "61" * 65536),
    (b"", "c400"),
    (b"\x00" * 255, "c4ff" + "00" * 255),
    (b"\x00" * 256, "c50100" + "00" * 256),
    (b"\x00" * 65536, "c600010000" + "00" * 65536),
    ([], "90"),
    ([1] * 15, "9f" + "01" * 15),
    ([1] * 16, "dc0010" + "01" * 16),
    ([1] * 65536, "dd00010000" + "01" * 65536),
    ({}, "80"),
    ({"a": [None]}, "81a16191c0"),
    (dict.fromkeys(range(16), 0), "de0010" + "".join(f"{key:02x}00" for key in range(16))),
    (datetime.datetime(1970, 1, 1, tzinfo=UTC), "d6ff00000000"),
    (datetime.datetime(1970, 1, 1, 0, 0, 1, 500000, tzinfo=UTC), "d7ff7735940000000001"),
    (datetime.datetime(2106, 2, 7, 6, 28, 16, tzinfo=UTC), "d7ff0000000100000000"),
    (datetime.datetime(2514, 5, 30, 1, 53, 3, tzinfo=UTC), "d7ff00000003ffffffff"),
    (datetime.datetime(2514, 5, 30, 1, 53, 4, tzinfo=UTC), "c70cff000000000000000400000000"),
    (datetime.datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC), "c70cff00000000ffffffffffffffff"),
]


class TestMsgpack(EncoderContract):
    plugin = abeja_runtime_lambda.msgpack
    samples = (
        # Each as the one element of a list, as bytes alone are sent as they are.
        *(
            Sample([value], body=b"\x91" + bytes.fromhex(form), media_type="application/msgpack")
            for value, form in VECTORS
        ),
        Sample(
            {"a": 1},
            "text",
            2,
            body=bytes.fromhex("81 a16101 a474657874 02"),
            media_type="application/x-msgpack",
        ),
    )


VALUES = [
    [None, True, False, 0, -1, 2**63, -(2**63), 1e300, "text", b"bytes"],
    {"nested": {"a": [1, {"b": []}]}, 1: "integer key", "é": "ü" * 100},
    {str(number): list(range(number)) for number in range(70000, 70003)},
    dict.fromkeys(map(str, range(70000))),
]


@pytest.mark.parametrize("value", VALUES, ids=["scalars", "nested", "long arrays", "large map"])
def test_the_reference_implementation_reads_what_was_written(value: object) -> None:
    assert msgpack.unpackb(packed(value), strict_map_key=False) == value


@pytest.mark.parametrize(
    "moment",
    [
        datetime.datetime(2024, 2, 29, 12, 30, 15, 123456, tzinfo=UTC),
        datetime.datetime(1, 1, 1, tzinfo=UTC),
        datetime.datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone(datetime.timedelta(hours=9))),
    ],
    ids=str,
)
def test_the_reference_implementation_reads_the_same_moment(moment: datetime.datetime) -> None:
    read = msgpack.unpackb(packed(moment))

    assert read == msgpack.Timestamp.from_datetime(moment)


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ((1, 2), [1, 2]),
        ({3, 1, 2}, [1, 2, 3]),
        (frozenset(["a"]), ["a"]),
        (range(3), [0, 1, 2]),
        (collections.deque([1]), [1]),
        ({"a": 1}.keys(), ["a"]),
        (collections.OrderedDict(a=1), {"a": 1}),
        (collections.ChainMap({"a": 1}), {"a": 1}),
        (bytearray(b"a"), b"a"),
        (memoryview(b"a"), b"a"),
        (datetime.date(2024, 1, 2), "2024-01-02"),
        (datetime.time(1, 2, 3), "01:02:03"),
        (decimal.Decimal(3), 3),
        (decimal.Decimal("3.5"), 3.5),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (pathlib.PurePosixPath("a/b"), "a/b"),
        (Colour.RED, "red"),
        (Level.HIGH, 3),
        (np.array([[1, 2], [3, 4]], dtype=np.uint8), [[1, 2], [3, 4]]),
        (np.array([0.5], dtype=np.float32), [0.5]),
        (np.array([True]), [True]),
        (np.array("text"), "text"),
        (np.int64(-5), -5),
        (np.float32(0.5), 0.5),
        (np.float64(0.25), 0.25),
        (np.longdouble(0.5), 0.5),
        (np.bool_(True), True),
        ({"rows": np.zeros((2, 0)), np.int64(1): [np.int8(1)]}, {"rows": [[], []], 1: [1]}),
    ],
    ids=repr,
)
def test_other_types_have_the_form_of_their_nearest_kin(value: object, expected: object) -> None:
    assert msgpack.unpackb(packed(value), strict_map_key=False) == expected


def test_not_a_number_stays_one() -> None:
    assert math.isnan(msgpack.unpackb(packed(float("nan"))))


def circle() -> list[object]:
    inside: list[object] = []
    inside.append(inside)
    return inside


@pytest.mark.parametrize(
    ("value", "error", "words"),
    [
        (2**64, ValueError, "no integer as large"),
        (-(2**63) - 1, ValueError, "no integer as large"),
        (datetime.datetime(2024, 1, 1), ValueError, "without a time zone"),
        (circle(), ValueError, "contains itself"),
        (object(), TypeError, "a object cannot be written as MessagePack"),
        ([1j], TypeError, "a complex cannot"),
        (int, TypeError, "a type cannot"),
        ("\ud800", UnicodeEncodeError, "surrogates"),
    ],
    ids=["large", "small", "naive datetime", "circle", "object", "complex", "class", "surrogate"],
)
def test_what_has_no_form_says_so(value: object, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        packed(value)


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
@pytest.mark.parametrize("content", [{}, [], "text", 1, 1.5, np.zeros(2)], ids=repr)
def test_a_whole_value_is_one_document_for_each_media_type(media_type: str, content: object) -> None:
    assert Encoder(media_type).claims(content)


@pytest.mark.parametrize("content", [b"packed", bytearray(), memoryview(b""), io.BytesIO()], ids=repr)
def test_what_is_packed_already_is_left_alone(content: object) -> None:
    encoder = Encoder("application/msgpack")

    assert not encoder.claims(content)
    assert not encoder.accepts(content)


def test_a_stream_is_taken_element_by_element() -> None:
    encoder = Encoder("application/msgpack")
    stream = iter([{"a": 1}, {"a": 2}])

    assert not encoder.claims(stream)
    documents = b"".join(
        piece for number, value in enumerate(stream) for piece in encoder.encode(value, is_first=number == 0)
    )
    assert list(msgpack.Unpacker(io.BytesIO(documents))) == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize("media_type", ["application/json", "text/plain", "", "application/msgpack2"])
def test_other_media_types_are_not_its_business(media_type: str) -> None:
    assert not Encoder(media_type).claims({})
    assert not Encoder(media_type).accepts({})
