"""Finds the end of a chunked body, whose grammar is the parser's to check (RFC 9112, 7.1)."""

import re

# Extensions and trailers are read and dropped, but not for ever.
_FRAMING_LIMIT_BYTES = 64 * 1024
_LENGTH = re.compile(rb"[0-9A-Fa-f]+")
_NO_END = 1 << 63


class Chunks:
    """Of one body, which comes piece by piece.

    Where a chunk's length cannot be read, the body has no end: the parser refuses it there.

    Attributes:
        is_excessive: whether too much has come that is no data, in one go.
    """

    def __init__(self) -> None:
        # Of the chunk that has begun: its data, and the line break behind that.
        self._left_bytes = 0
        # What has come of a line that is not complete.
        self._line = b""
        self._framing_bytes = 0
        self._is_behind_last = False
        self.is_excessive = False

    def end_in(self, data: bytes | bytearray, start: int, size: int) -> int:
        """Go through ``data[start:size]``, the next piece; returns where the body ends there, `size` if it does not."""
        # Data is skipped, not searched: whatever it holds costs nothing.
        start += self._left_bytes
        while start < size:
            end = data.find(b"\n", start, size) + 1
            self._line += data[start : end or size]
            self._count((end or size) - start)
            if not end:
                self._left_bytes = 0
                return size
            line, self._line = self._line, b""
            start = end
            if not self._is_behind_last:
                start += self._begin_chunk(line)
            elif line == b"\r\n":
                return start
        self._left_bytes = start - size
        return size

    def _count(self, framing_bytes: int) -> None:
        self._framing_bytes += framing_bytes
        if self._framing_bytes > _FRAMING_LIMIT_BYTES:
            self.is_excessive = True

    def _begin_chunk(self, line: bytes) -> int:
        """How much follows until the next line that counts."""
        length = _LENGTH.match(line)
        if length is None:
            return _NO_END
        length_bytes = int(length[0], 16)
        if not length_bytes:
            self._is_behind_last = True
            return 0
        self._framing_bytes = 0
        return length_bytes + len(b"\r\n")
