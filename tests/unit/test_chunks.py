"""Where a chunked body ends, found without a look at its data."""

import itertools

import pytest

from abeja.runtime.errors import RequestMalformedError
from abeja.runtime.server.chunks import Chunks
from abeja.runtime.server.known_heads import KnownHeads
from abeja.runtime.server.request_reader import RequestReader

HEAD = b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
BODIES = [
    b"0\r\n\r\n",
    b"5\r\nhello\r\n0\r\n\r\n",
    b"05\r\n\r\n\r\n0\r\n00\r\n\r\n",
    b"A;name=value\r\n0\r\n\r\n0\r\n\r\n\r\n1\r\n\n\r\n0;end\r\n\r\n",
    b"3\r\nabc\r\n0\r\nX-Late: 1\r\nX-Later:\r\n\r\n",
]
BEHIND = b"0\r\n\r\n"


@pytest.mark.parametrize("body", BODIES)
def test_the_end_is_found_wherever_the_body_is_split(body: bytes) -> None:
    data = body + BEHIND
    for places in itertools.combinations(range(1, len(body)), 2):
        chunks = Chunks()
        ends = []
        for start, end in itertools.pairwise((0, *places, len(data))):
            ends.append(chunks.end_in(data, start, end))

        assert ends == [*places, len(body)]


@pytest.mark.parametrize("data", [b"\r\n\r\n" * 8192, b"\r\n0\r\n\r\n" * 4096])
def test_data_is_read_in_one_piece_whatever_it_holds(data: bytes) -> None:
    reader = RequestReader(KnownHeads())
    raw = HEAD + b"%x\r\n%b\r\n0\r\n\r\n" % (len(data), data)
    pieces = _feed(reader, raw)

    assert reader.is_complete
    assert reader.take_body() == data
    assert pieces == [len(HEAD), len(raw) - len(HEAD)]


@pytest.mark.parametrize(
    "framing",
    [
        b"1;" + b"x" * 70_000 + b"\r\na\r\n0\r\n\r\n",
        b"1\r\na\r\n0;" + b"x" * 70_000 + b"\r\n\r\n",
        b"1\r\na\r\n0\r\n" + b"X: y\r\n" * 12_000 + b"\r\n",
    ],
    ids=["extension", "last extension", "trailers"],
)
def test_framing_beyond_the_limit_is_refused_although_data_comes_with_it(framing: bytes) -> None:
    with pytest.raises(RequestMalformedError, match="extensions or trailers without end"):
        _feed(RequestReader(KnownHeads()), HEAD + framing)


def test_framing_below_the_limit_is_dropped() -> None:
    reader = RequestReader(KnownHeads())
    _feed(reader, HEAD + (b"1;" + b"x" * 60_000 + b"\r\na\r\n") * 3 + b"0\r\n" + b"X: y\r\n" * 9_000 + b"\r\n")

    assert reader.is_complete
    assert reader.take_body() == b"aaa"


def _feed(reader: RequestReader, data: bytes) -> list[int]:
    """Give it all, as a connection does; returns the lengths of the pieces."""
    start = 0
    pieces = []
    while start < len(data):
        end = reader.piece_end(data, start, len(data))
        reader.feed(memoryview(data)[start:end])
        pieces.append(end - start)
        start = end
    return pieces
