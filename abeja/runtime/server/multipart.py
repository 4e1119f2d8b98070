"""multipart/form-data, parsed as it arrives."""

import binascii
import re
import urllib.parse
from collections.abc import Callable
from functools import lru_cache

import multipart  # type: ignore[import-untyped] # the library ships no types

from abeja.runtime.errors import RequestMalformedError
from abeja.runtime.messages import Content
from abeja.runtime.spool import BodySink

# Far above any form that a person or a program fills in; each part costs a header and perhaps a file.
PART_LIMIT = 1000
PART_HEADER_LIMIT_BYTES = 4096 + 128
PART_HEADER_COUNT_LIMIT = 16
_EXTENDED_NAME = re.compile(r";\s*filename\*\s*=\s*([\w-]+)'[\w-]*'([^;\s]+)", re.IGNORECASE)
# RFC 2046, 5.1.1.
_BOUNDARY_LIMIT = 70
# RFC 2045, 6.7 has 76 characters; a line is held in memory until it is complete.
_QUOTED_LINE_LIMIT_BYTES = 64 * 1024


@lru_cache(maxsize=256)
def boundary_of(content_type: str) -> str | None:
    """The boundary of a multipart/form-data header, None for any other type.

    Raises:
        RequestMalformedError: it is multipart/form-data without a usable boundary.
    """
    media_type, parameters = multipart.parse_options_header(content_type)
    if media_type.lower() != "multipart/form-data":
        return None
    boundary: str = parameters.get("boundary", "")
    if not boundary or len(boundary) > _BOUNDARY_LIMIT or not boundary.isascii():
        raise RequestMalformedError("the multipart body has no usable boundary parameter in Content-Type")
    return boundary


class MultipartSink:
    """Collects the parts of one body as it arrives.

    Args:
        boundary: from the request's Content-Type.
        new_sink: makes the sink of one part.
    """

    def __init__(self, boundary: str, new_sink: Callable[[], BodySink]) -> None:
        self._parser = _FormParser(
            boundary,
            max_header_size=PART_HEADER_LIMIT_BYTES,
            max_header_count=PART_HEADER_COUNT_LIMIT,
            max_segment_count=PART_LIMIT,
        )
        self._new_sink = new_sink
        self._part: _Part | None = None
        self._contents: list[Content] = []

    def write(self, data: bytes | memoryview) -> None:
        """Parse the next piece of the body; it may change after the call.

        Raises:
            RequestMalformedError: it is not a multipart body, or above a limit.
            SpoolFailedError: a part could not be stored.
        """
        try:
            for event in self._parser.parse(bytes(data)):
                self._take(event)
        except multipart.MultipartError as error:
            raise _malformed(error) from error

    def close(self) -> tuple[Content, ...]:
        """The parts in their order.

        Raises:
            RequestMalformedError: the body ended before its last boundary.
        """
        try:
            self._parser.close()
        except multipart.MultipartError as error:
            raise _malformed(error) from error
        return tuple(self._contents)

    def discard(self) -> None:
        """Drop what was collected."""
        if self._part is not None:
            self._part.sink.discard()
        for content in self._contents:
            content.remove_file()

    def _take(self, event: multipart.MultipartSegment | bytes | bytearray | None) -> None:
        if isinstance(event, multipart.MultipartSegment):
            self._part = _Part(event, self._new_sink())
        elif self._part is None:
            return
        elif event is None:
            self._contents.append(self._part.close())
            self._part = None
        else:
            self._part.write(bytes(event))


class _FormParser(multipart.PushMultipartParser):  # type: ignore[misc] # see the import
    """Keeps parts that have no Content-Disposition, or another than form-data, as the original did."""

    def _create_segment(self, headerlist: list[tuple[str, str]]) -> multipart.MultipartSegment:
        return multipart.MultipartSegment(headerlist)


class _Part:
    """One part while it arrives."""

    def __init__(self, segment: multipart.MultipartSegment, sink: BodySink) -> None:
        self._segment = segment
        self._is_quoted = (segment.header("Content-Transfer-Encoding") or "").strip().lower() == "quoted-printable"
        self._line = b""
        self.sink = sink

    def write(self, data: bytes) -> None:
        """Append `data`, decoded if the part is quoted-printable: by line, as that coding is defined."""
        if self._is_quoted:
            lines, newline, self._line = (self._line + data).rpartition(b"\n")
            if len(self._line) > _QUOTED_LINE_LIMIT_BYTES:
                raise RequestMalformedError("the multipart body has a quoted-printable line that is too long")
            data = binascii.a2b_qp(lines + newline)
        if data:
            self.sink.write(data)

    def close(self) -> Content:
        """The complete part."""
        if self._line:
            self.sink.write(binascii.a2b_qp(self._line))
        segment = self._segment
        name = segment.name if segment.disposition == "form-data" else None
        return Content(
            body=self.sink.close(),
            content_type=segment.header("Content-Type"),
            file_name=_base_name(_extended_name(segment) or segment.filename) or None,
            form_name=name or None,
        )


def _extended_name(segment: multipart.MultipartSegment) -> str | None:
    """The file name in the form of RFC 8187, which clients of the time sent for names beyond ASCII."""
    match = _EXTENDED_NAME.search(segment.header("Content-Disposition") or "")
    if match is None:
        return None
    try:
        return urllib.parse.unquote(match[2], encoding=match[1], errors="replace")
    except (LookupError, UnicodeError):  # no such encoding, or none that this can be in
        return None


def _base_name(file_name: str | None) -> str:
    return (file_name or "").rstrip("/").rpartition("/")[2]


def _malformed(error: multipart.MultipartError) -> RequestMalformedError:
    return RequestMalformedError(f"the multipart body is malformed: {error}")
