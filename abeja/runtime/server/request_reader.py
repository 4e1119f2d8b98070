"""Reads requests with llhttp, the parser of Node.js: bytes in, heads and bodies out.

The parser knows the grammar of HTTP/1; its lenient modes stay off. It does not say where in what it was given
a request ends. So it is never given more than up to that place, and what follows is known to the byte: a head ends
with the next empty line, and `Chunks` finds the end of a chunked body.
"""

import re

import httptools

from abeja.runtime.errors import (
    MethodNotAllowedError,
    RequestError,
    RequestMalformedError,
    VersionUnsupportedError,
)
from abeja.runtime.server.chunks import Chunks
from abeja.runtime.server.head import HEAD_LIMIT_BYTES, TARGET_LIMIT_BYTES, Head, head_too_large
from abeja.runtime.server.known_heads import KnownHeads

_EMPTY_LINE = b"\r\n\r\n"
_BLANK = re.compile(rb"[\r\n]+")
_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
# RFC 9112, 3: one space between the three parts. The parser takes more, and other protocols too.
_REQUEST_LINE = re.compile(rb"(%b) ([\x21-\x7e]+) (HTTP/[0-9]\.[0-9])\r" % _TOKEN)
_BEGUN_LINE = re.compile(rb"%b(?: .*)?" % _TOKEN, re.DOTALL)


class RequestReader:
    """One request after another, each of which the caller takes before it gives the bytes of the next.

    Args:
        known: heads that need not be parsed again.

    Attributes:
        head: of the request; None until all of it has come.
        is_complete: whether all of the request has come.
        left_bytes: how much of the body is still to come; 0 if nobody has said how much, or between requests.
    """

    def __init__(self, known: KnownHeads) -> None:
        self._known = known
        # Whether the body, of a length that is known, comes past the parser, which has not seen the head.
        self._is_plain = False
        self._parser = httptools.HttpRequestParser(self)
        # What has come of a head that is not complete.
        self._kept = bytearray()
        self._chunks: Chunks | None = None
        self._head_bytes = 0
        self._fields: dict[str, list[str]] = {}
        self._has_fields = False
        self._pieces: list[bytes | memoryview] = []
        self.head: Head | None = None
        self.is_complete = False
        self.left_bytes = 0

    @property
    def has_begun(self) -> bool:
        """Whether something of a request has come; empty lines before it are nothing."""
        return self.head is not None or bool(self._kept)

    def next_request(self) -> None:
        """What comes from here on is of the next request."""
        if self._has_fields:
            # It has its own idea of which connections end, and would read nothing more on them.
            self._parser = httptools.HttpRequestParser(self)
        self._kept.clear()
        self._chunks = None
        self._head_bytes = 0
        self._fields = {}
        self._has_fields = self._is_plain = False
        self.head = None
        self.is_complete = False

    def piece_end(self, data: bytes | bytearray, start: int, size: int) -> int:
        """How much of ``data[start:size]`` is fed next, as the end of it: asked once for each piece."""
        if self.left_bytes:
            return min(size, start + self.left_bytes)
        if self._chunks is not None:
            return self._chunks.end_in(data, start, size)
        if self._kept:
            tail = self._kept[-3:]
            across = (tail + data[start : min(size, start + 3)]).find(_EMPTY_LINE)
            if across >= 0:
                return start + across + len(_EMPTY_LINE) - len(tail)
        elif (blank := _BLANK.match(data, start, size)) is not None:
            # Before a request, they do not end anything.
            start = blank.end()
        found = data.find(_EMPTY_LINE, start, size)
        return size if found < 0 else found + len(_EMPTY_LINE)

    def take_whole(self, data: bytes | bytearray, start: int, size: int) -> tuple[Head, bytes, int] | None:
        """Read a request whose head is known and all of which is in ``data[start:size]``: nearly every one.

        Returns:
            Its head, its body and its end; None if it is not one: then `feed` has to read it piece by piece.
        """
        if self.head is not None or self._kept:
            return None
        body_start = data.find(_EMPTY_LINE, start, size) + len(_EMPTY_LINE)
        head = self._known.get(bytes(data[start:body_start]))
        if head is None:
            return None
        end = body_start + (head.content_length or 0)
        if end > size:
            return None
        self.head = head
        self.is_complete = True
        return head, bytes(data[body_start:end]), end

    def feed(self, piece: memoryview) -> None:
        """Parse a piece, as `piece_end` allows it.

        Raises:
            RequestError: it is not HTTP, or too much; nothing can be read any more.
        """
        if self._is_plain:
            self._pieces.append(piece)
            self.left_bytes -= len(piece)
            self.is_complete = not self.left_bytes
            return
        if self.head is None and not self._kept and self._recognise(bytes(piece)):
            return
        try:
            self._parser.feed_data(piece)
        except httptools.HttpParserUpgrade:
            pass  # ignored, as a server may (RFC 9110, 7.8); `_expect_body` sees to the body
        except httptools.HttpParserInvalidMethodError as error:
            raise _method_error(bytes(self._kept + piece)) from error
        except httptools.HttpParserError as error:
            raise _syntax_error(error) from error
        if self.head is None:
            self._advance_head(piece)
        elif self._chunks is not None and self._chunks.is_excessive:
            raise RequestMalformedError("the chunked body has extensions or trailers without end")

    def take_body(self) -> bytes | memoryview:
        """What has come of the body since the last call: valid until the caller reads again."""
        if not self._pieces:
            return b""
        data = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces.clear()
        return data

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called by the parser, for the fields of a head and for those behind the chunks of a body."""
        if not self._has_fields:
            # RFC 9110, 5.5: white space around a value is no part of it.
            text = value.decode("latin-1").strip(" \t")
            self._fields.setdefault(name.decode("latin-1").lower(), []).append(text)

    def on_headers_complete(self) -> None:
        """Called by the parser."""
        self._has_fields = True

    def on_body(self, data: bytes) -> None:
        """Called by the parser."""
        self._pieces.append(data)

    def on_message_complete(self) -> None:
        """Called by the parser."""
        self.is_complete = True

    def _recognise(self, raw: bytes) -> bool:
        self.head = self._known.get(raw)
        if self.head is None:
            return False
        self.left_bytes = self.head.content_length or 0
        self._is_plain = True
        self.is_complete = not self.left_bytes
        return True

    def _advance_head(self, piece: memoryview) -> None:
        self._head_bytes += len(piece)
        if self._has_fields:
            self._end_head(bytes(self._kept + piece) if self._kept else bytes(piece))
            return
        self._kept += piece if self._kept else bytes(piece).lstrip(b"\r\n")
        if self._head_bytes > HEAD_LIMIT_BYTES:
            raise head_too_large()
        if b"\n" in bytes(piece):
            line, newline, _ = self._kept[: 2 * TARGET_LIMIT_BYTES].partition(b"\n")
            if newline and not _REQUEST_LINE.fullmatch(line):
                raise _line_error()

    def _end_head(self, raw: bytes) -> None:
        self._kept.clear()
        line = _REQUEST_LINE.match(raw.lstrip(b"\r\n") if raw[0] in b"\r\n" else raw)
        if line is None:
            raise _line_error()
        method, target, version = line.groups()
        self.head = Head.parse(
            method=method.decode("ascii"),
            target=target.decode("ascii"),
            version=version.decode("ascii"),
            fields=self._fields,
            size_bytes=self._head_bytes,
        )
        self._known.add(raw, self.head)
        if self.head.has_body:
            self._expect_body(self.head.content_length)

    def _expect_body(self, length: int | None) -> None:
        if length is not None:
            # The bytes need only be counted.
            self.left_bytes = length
            self._is_plain = True
            self.is_complete = not length
            return
        self._chunks = Chunks()
        if self.is_complete:
            # The parser took the body for that of another protocol, because of `Upgrade`. A new one, told the
            # same framing, reads it.
            self._parser = httptools.HttpRequestParser(self)
            self._parser.feed_data(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
            self.is_complete = False


def _line_error() -> RequestError:
    return RequestMalformedError("the request line is malformed")


def _method_error(seen: bytes) -> RequestError:
    line = seen.lstrip(b"\r\n").partition(b"\r")[0]
    return MethodNotAllowedError("the method is not known") if _BEGUN_LINE.fullmatch(line) else _line_error()


def _syntax_error(error: httptools.HttpParserError) -> RequestError:
    text = str(error)
    if "HTTP version" in text or "PRI/Upgrade" in text:
        return VersionUnsupportedError("the server speaks HTTP/1.1 and HTTP/1.0")
    return RequestMalformedError(f"the request is malformed: {text.replace('`', '')}")
