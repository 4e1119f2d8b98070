"""Deliberate differences: where ours answers otherwise than the original's well-formed answer, and why."""

from collections.abc import Mapping

from attrs import frozen

_BYTES = "bytes are sent as they are; the original wrote their decimal numbers"


@frozen
class Difference:
    """What ours sends instead.

    Attributes:
        body: of the answer.
        reason: for the reader.
    """

    body: bytes
    reason: str


DELIBERATE: Mapping[str, Difference] = {
    "bare-bytes": Difference(b"hello\n", _BYTES),
    "bare-bytearray": Difference(b"ab", _BYTES),
    "bare-memoryview": Difference(b"ab", _BYTES),
    "bare-bytes-subclass": Difference(b"ab", _BYTES),
    "bare-body": Difference(b'{"a": 1}', _BYTES),
    "call-left-on-the-event-loop": Difference(
        b"0", "no event loop runs around a handler, so that it may run one of its own (`asyncio.run`)"
    ),
    "iterable-one-bytearray-refilled": Difference(
        b"abcd", "a generator's answer is streamed as it is produced; the original sent the last block twice"
    ),
}
