"""How the bytes of a connection are cut into the pieces that the parser gets."""

import pytest

from abeja.runtime.errors import HeadTooLargeError
from abeja.runtime.server.known_heads import KnownHeads
from abeja.runtime.server.request_reader import RequestReader

HEAD = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"


@pytest.mark.parametrize("blank", [b"\r\n", b"\r\n\r\n", b"\r\n" * 30_000])
def test_empty_lines_before_a_request_are_read_in_one_piece_with_it(blank: bytes) -> None:
    reader = RequestReader(KnownHeads())
    data = blank + HEAD + HEAD

    assert reader.piece_end(data, 0, len(data)) == len(blank + HEAD)
    reader.feed(memoryview(blank + HEAD))
    assert reader.is_complete


def test_empty_lines_are_no_request_and_not_for_ever() -> None:
    reader = RequestReader(KnownHeads())
    blank = b"\r\n" * 20_000
    assert reader.piece_end(blank, 0, len(blank)) == len(blank)
    reader.feed(memoryview(blank))
    assert not reader.has_begun
    with pytest.raises(HeadTooLargeError):
        reader.feed(memoryview(blank))
