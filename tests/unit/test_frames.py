"""The wire format."""

import contextlib
import itertools
import json
import struct
import time
import tracemalloc
from http import HTTPStatus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abeja.runtime.worker import frames

HEADER = {"kind": "request", "id": 1, "text": "猫\ud800"}


@pytest.mark.parametrize("step", [1, 2, 7, 1000])
def test_frames_survive_any_split(step: int) -> None:
    stream = frames.encode(HEADER, b"payload") + frames.encode({"kind": "end"}) + frames.encode(HEADER, b"\0" * 100)
    decoder = frames.Decoder()

    received = [frame for start in range(0, len(stream), step) for frame in decoder.feed(stream[start : start + step])]

    assert received == [(HEADER, b"payload"), ({"kind": "end"}, b""), (HEADER, b"\0" * 100)]


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"GET / HTTP/1.1\r\n", "magic"),
        (b"ABW\x02" + b"\0" * 8, "magic"),
        (struct.pack(">4sII", frames.MAGIC, frames.HEADER_LIMIT_BYTES + 1, 0), "above the limits"),
        (struct.pack(">4sII", frames.MAGIC, 2, frames.PAYLOAD_LIMIT_BYTES + 1), "above the limits"),
        (struct.pack(">4sII", frames.MAGIC, 0, 0), "not JSON"),
        (struct.pack(">4sII", frames.MAGIC, 1, 0) + b"\xff", "not JSON"),
        (struct.pack(">4sII", frames.MAGIC, 2, 0) + b"[]", "not an object"),
        (struct.pack(">4sII", frames.MAGIC, 10, 0) + b'{"kind":1}', "not an object"),
        (struct.pack(">4sII", frames.MAGIC, 200_000, 0) + b"[" * 200_000, "not JSON"),
    ],
)
def test_what_is_not_a_frame_is_refused(data: bytes, complaint: str) -> None:
    with pytest.raises(frames.FrameError, match=complaint):
        list(frames.Decoder().feed(data))


def test_frames_above_the_limits_are_not_sent() -> None:
    with pytest.raises(frames.FrameError, match="above the limits"):
        frames.encode({"kind": "chunk"}, b"x" * (frames.PAYLOAD_LIMIT_BYTES + 1))


def test_headers_are_ascii_json() -> None:
    prefix = struct.calcsize(">4sII")

    assert json.loads(frames.encode(HEADER)[prefix:].decode("ascii")) == HEADER


_deterministic = settings(derandomize=True, deadline=None, max_examples=50)

_TEXT = st.text(max_size=20)
_FIELDS = st.dictionaries(_TEXT, st.none() | st.booleans() | st.integers() | _TEXT | st.lists(_TEXT, max_size=3))
_HEADERS = st.builds(lambda fields, kind: {**fields, "kind": kind}, _FIELDS, _TEXT)
_FRAMES = st.lists(st.tuples(_HEADERS, st.binary(max_size=200)), max_size=5)


@_deterministic
@given(sent=_FRAMES, cuts=st.lists(st.integers(min_value=0, max_value=2000)))
def test_any_frames_survive_any_split(sent: list[tuple[frames.Header, bytes]], cuts: list[int]) -> None:
    stream = b"".join(frames.encode(header, payload) for header, payload in sent)
    places = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    decoder = frames.Decoder()

    received = [frame for start, end in itertools.pairwise(places) for frame in decoder.feed(stream[start:end])]

    assert received == sent


@_deterministic
@given(data=st.binary(max_size=300))
def test_random_bytes_are_refused_or_waited_for(data: bytes) -> None:
    _decode(data)


@_deterministic
@given(
    sent=_FRAMES,
    changes=st.lists(st.tuples(st.integers(min_value=0, max_value=2000), st.binary(max_size=8)), min_size=1),
)
def test_frames_with_other_bytes_in_them_are_refused_or_frames(
    sent: list[tuple[frames.Header, bytes]], changes: list[tuple[int, bytes]]
) -> None:
    stream = bytearray(b"".join(frames.encode(header, payload) for header, payload in sent))
    for place, data in changes:
        stream[place : place + len(data)] = data

    _decode(bytes(stream))


@_deterministic
@given(header=st.binary(max_size=200))
def test_any_bytes_as_a_header_are_refused_or_an_object_with_a_kind(header: bytes) -> None:
    for decoded, _ in _decode(struct.pack(">4sII", frames.MAGIC, len(header), 0) + header):
        assert isinstance(decoded["kind"], str)


@pytest.mark.parametrize(
    "header",
    [
        b'{"kind":' * 100_000,
        b'{"kind":"x","a":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001,
        b'{"kind":"x","a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"kind":"x","a":' + b"9" * 1_000_000 + b"}",
        b'{"kind":null}',
        b'{"kind":["x"]}',
        b'{"KIND":"x"}',
        b'{"kind":"x"} {"kind":"x"}',
        b'{"kind":"x"',
        b'"kind"',
        b"null",
        b"\xef\xbb\xbf{}",
        b'{"kind":"\xed\xa0\x80"}',
    ],
)
def test_headers_that_are_bombs_or_no_objects_are_refused(header: bytes) -> None:
    with pytest.raises(frames.FrameError):
        list(frames.Decoder().feed(struct.pack(">4sII", frames.MAGIC, len(header), 0) + header))


def test_of_two_kinds_the_last_counts_as_everywhere_in_json() -> None:
    header = b'{"kind":"ready","kind":"failed"}'

    assert _decode(struct.pack(">4sII", frames.MAGIC, len(header), 0) + header) == [({"kind": "failed"}, b"")]


def test_what_is_announced_takes_no_memory_before_it_arrives() -> None:
    tracemalloc.start()
    try:
        decoder = frames.Decoder()
        announced = struct.pack(">4sII", frames.MAGIC, frames.HEADER_LIMIT_BYTES, frames.PAYLOAD_LIMIT_BYTES)
        assert list(decoder.feed(announced)) == []
        for _ in range(100):
            assert list(decoder.feed(b" " * 100)) == []
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_a_frame_that_arrives_byte_by_byte_costs_no_more_than_its_length() -> None:
    stream = frames.encode({"kind": "x"}, b"p" * 200_000)
    decoder = frames.Decoder()
    began = time.process_time()

    received = [frame for byte in stream for frame in decoder.feed(bytes([byte]))]

    assert received == [({"kind": "x"}, b"p" * 200_000)]
    assert time.process_time() - began < 5


def _decode(data: bytes) -> list[frames.Frame]:
    """What a decoder makes of it; `FrameError` is the only error that there may be."""
    received: list[frames.Frame] = []
    with contextlib.suppress(frames.FrameError):
        received.extend(frames.Decoder().feed(data))
    return received


@pytest.mark.parametrize("payload", [b"", b"{}", bytes(range(256))])
@pytest.mark.parametrize("headers", [[], [("X-A", "1")]])
@pytest.mark.parametrize("content_type", ["application/json", 'text/plain; a="é\ud800"', "a/" + "b" * 70_000])
@pytest.mark.parametrize("status", [200, HTTPStatus.NOT_FOUND, True, 200.0, None])
def test_inline_answer_is_the_frame_that_is_written_the_long_way(
    status: object, content_type: str, headers: list[tuple[str, str]], payload: bytes
) -> None:
    header = {"kind": "response", "id": 7, "status": status, "content_type": content_type, "headers": headers}
    header["body"] = "inline"

    assert frames.encode_inline(header, payload) == frames.encode(header, payload)


def test_inline_answer_above_the_limit_is_refused() -> None:
    header = {"kind": "response", "id": 7, "status": 200, "content_type": "a/b", "headers": [], "body": "inline"}

    with pytest.raises(frames.FrameError, match="above the limits"):
        frames.encode_inline(header, bytes(frames.PAYLOAD_LIMIT_BYTES + 1))
    with pytest.raises(frames.FrameError, match="above the limits"):
        frames.encode_inline({**header, "content_type": "a" * frames.HEADER_LIMIT_BYTES}, b"")


@pytest.mark.parametrize("header", [b' {"kind":"end"}', b'{"kind":"end"}\n'])
def test_white_space_around_a_header_is_read(header: bytes) -> None:
    data = struct.pack(">4sII", frames.MAGIC, len(header), 2) + header + b"ab"

    assert list(frames.Decoder().feed(data)) == [({"kind": "end"}, b"ab")]


@pytest.mark.parametrize(
    "header",
    [
        b'{"kind":"response","id":1,"status":200,"content_type":"a/b","headers":[],"body":"inline"}',
        b'{"kind":"response","id":1,"status":2,"id":3,"kind":"end"}',
        b'{"kind":"response","id":18446744073709551616,"status":200}',
        b'{"kind":"response","id":-1,"status":200}',
        b'{"kind":"response","id":{"a":[1,"b"]},"status":200}',
        b'{"kind":"x","a":",\\"status\\":1","b":2}',
        b'{"kind":"x","a":{"b":1,"status":2},"c":3}',
        b'{"kind":"x","a":[{"b":1,"method":"GET"}],"method":"PUT"}',
        b'{"kind":"request","id":1,"contents":[{"size":3,"file_name":",\\"method\\":"}],"method":"POST"}',
        b'{"kind":"x","a":1,"method":"a","status":1}',
        b'{"kind":"request","id":1,"method":"GET","headers":[["a",["b"]]]}',
        b'{"kind":"request","id":1,"method":"GET","kind":"cancel","id":2,"method":"PUT"}',
        b'{"kind":"request","id":1,"kind":"cancel","method":"GET"}',
        b'{"kind":"request","a":{"b":1,"method":"GET"},"method":"PUT"}',
        b'{"kind":"request","a":"}","method":"\xc3\xa9"}',
        b'{"kind":"request","method":"%s"}' % (b"x" * 5000),
    ],
)
def test_a_header_is_the_object_that_it_is_whatever_comes_again_in_it(header: bytes) -> None:
    data = struct.pack(">4sII", frames.MAGIC, len(header), 0) + header

    for _ in range(2):
        assert list(frames.Decoder().feed(data)) == [(json.loads(header), b"")]
        assert frames.decode(data) == (json.loads(header), b"")


@pytest.mark.parametrize(
    "header", [b'{,"status":1}', b'{"kind":"response","id":,"status":1}', b'{"kind":"response","id":1x,"status":1}']
)
def test_a_header_whose_beginning_is_no_json_is_refused(header: bytes) -> None:
    with pytest.raises(frames.FrameError):
        list(frames.Decoder().feed(struct.pack(">4sII", frames.MAGIC, len(header), 0) + header))


@pytest.mark.parametrize(
    "header",
    [
        b'{"kind":"request",,"method":"GET"}',
        b'{"kind":"request","id":,"method":"GET"}',
        b'{"kind":"request","id":1},"method":"GET"}',
        b'{"kind":"request","id":1}{"a":1,"method":"GET"}',
        b'{"kind":"request","id":"\xff","method":"GET"}',
        b'{"kind":"request","id":"\xed\xa0\x80","method":"GET"}',
        b'{"kind":"request","id":1,"method":"\xff"}',
        b'{"kind":"request","id":1,"method":"GET"',
        b'{"kind":"request","id":1,"method":"GET"}}',
        b'{"kind":"request","kind":null,"method":"GET"}',
        b'{"kind":"request","method":"GET","kind":null}',
        b'{"kind":"request","a":' + b"[" * 20_000 + b',"method":"GET"}',
    ],
)
def test_a_request_that_is_not_json_is_refused(header: bytes) -> None:
    data = struct.pack(">4sII", frames.MAGIC, len(header), 0) + header

    with pytest.raises(frames.FrameError):
        frames.decode(data)
    with pytest.raises(frames.FrameError):
        list(frames.Decoder().feed(data))


def test_what_one_frame_says_is_no_part_of_the_next() -> None:
    frame = frames.encode({"kind": "response", "id": 1, "status": 200, "content_type": "a/b"})
    decoder = frames.Decoder()
    ((first, _),) = decoder.feed(frame)
    first["status"] = 500

    ((second, _),) = decoder.feed(frame)

    assert second["status"] == 200


def test_what_one_request_says_is_no_part_of_the_next() -> None:
    frame = frames.encode({"kind": "request", "id": 1, "method": "GET"})
    first, _ = frames.decode(frame)
    first["method"] = "PUT"

    second, _ = frames.decode(frame)

    assert second["method"] == "GET"


@pytest.mark.parametrize("payload", [b"", b"payload"])
def test_one_frame_is_decoded_as_it_was_sent(payload: bytes) -> None:
    assert frames.decode(frames.encode(HEADER, payload)) == (HEADER, payload)


@pytest.mark.parametrize("cut", [0, 3, 11, 12, 20, -1])
def test_a_part_of_a_frame_is_not_one_frame(cut: int) -> None:
    with pytest.raises(frames.FrameError):
        frames.decode(frames.encode(HEADER, b"payload")[:cut])


def test_two_frames_are_not_one_frame() -> None:
    with pytest.raises(frames.FrameError):
        frames.decode(frames.encode(HEADER) * 2)
