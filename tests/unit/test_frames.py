"""The wire format."""

import json
import struct

import pytest

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
