"""Requests and responses, free of HTTP connections and of sockets.

Fronts (the HTTP server, `run-local`, the test client) make a `Request` and receive a `Response`;
what lies between them knows neither.
"""

import io
import os
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, cast

from attrs import define, field

from abeja.runtime import traceparent
from abeja.runtime.worker.shared_memory import SharedMemory

# The vendor's, for its logs.
REQUESTER_HEADER = "x-abeja-requester-id"

# About the connection and not about the request: the handler gets the body as a whole.
_CONSUMED = frozenset(("transfer-encoding",))


@define(eq=False)
class SpoolFile:
    """A body that is too large for memory. Whoever holds it calls `remove` when it is done.

    Attributes:
        path: a file in the spool folder, written completely. That of an answer has no name any more.
        size_bytes: its length.
    """

    path: Path
    size_bytes: int
    _descriptor: int | None = None
    _has_name: bool = field(init=False)

    @_has_name.default
    def _is_found_by_path(self) -> bool:
        return self._descriptor is None

    def open(self) -> BinaryIO:
        """The file, to be read once, without a buffer; the caller closes it.

        Raises:
            OSError: it cannot be opened.
        """
        descriptor, self._descriptor = self._descriptor, None
        return cast("BinaryIO", io.FileIO(self.path if descriptor is None else descriptor))

    def remove(self) -> None:
        """Delete the file; a second call does nothing."""
        if self._has_name:
            self._has_name = False
            self.path.unlink(missing_ok=True)
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


@define(eq=False)
class SharedBody:
    """A body in memory that is shared with workers. Whoever holds it calls `remove` when it is done.

    Args:
        memory: where it lies; None from `remove` on, so that it can go.
        first: its first block.
        size_bytes: its length.
    """

    _memory: SharedMemory | None
    first: int
    size_bytes: int

    def view(self) -> memoryview:
        """Its bytes; none are left after `remove`."""
        return memoryview(b"") if self._memory is None else self._memory.view(self.first, self.size_bytes)

    def shrink(self, size_bytes: int) -> None:
        """It is no longer than that: the blocks behind it are free."""
        if self._memory is not None:
            kept, had = (self._memory.blocks_of(size) for size in (size_bytes, self.size_bytes))
            self._memory.give_back(self.first + kept, had - kept)
        self.size_bytes = size_bytes

    def open(self) -> BinaryIO:
        """A copy of it, as a file."""
        return io.BytesIO(self.view())

    def remove(self) -> None:
        """Give its memory back; a second call does nothing."""
        memory, self._memory = self._memory, None
        if memory is not None:
            memory.give_back(self.first, memory.blocks_of(self.size_bytes))


# Beyond what a frame takes.
LargeBody = SpoolFile | SharedBody
Body = bytes | LargeBody


def whole(body: Body) -> bytes:
    """All of a body, in memory. A large one can be read once, and has still to be removed."""
    if isinstance(body, bytes):
        return body
    with body.open() as file:
        return file.read()


# This and the next two are made for every request. So they are not frozen, which would take three times as long, but
# nobody changes them.
@define(kw_only=True)
class Content:
    """One body of a request: the whole of it, or one part of a multipart one.

    Attributes:
        body: bytes up to 64 KiB for all bodies of a request together; beyond that, shared memory or files.
        content_type: a part's own Content-Type, unchanged; None for a plain body.
        file_name: a part's file name without folders; a label, never a path to open.
        form_name: a part's form field.
    """

    body: Body
    content_type: str | None = None
    file_name: str | None = None
    form_name: str | None = None

    def remove_file(self) -> None:
        """Remove its body, if that is a large one."""
        if not isinstance(self.body, bytes):
            self.body.remove()


@define(kw_only=True)
class Request:
    """One call of a handler.

    Attributes:
        request_id: from the client or made by the front.
        method: upper case.
        path, query: the request target, undecoded; the query without its ``?``.
        content_type: the Content-Type header, or None.
        headers: (lower-case name, values) sorted by name.
        contents: one for a plain body, one per part of a multipart one.
        client_ip: the address that the request came from; empty if it came from no network.
    """

    request_id: str
    method: str
    path: str
    query: str
    content_type: str | None
    headers: tuple[tuple[str, tuple[str, ...]], ...]
    contents: tuple[Content, ...]
    client_ip: str = ""

    def log_fields(self) -> dict[str, str]:
        """What its records in the log have: its id, and who asked and in which trace if the headers say so."""
        headers = dict(self.headers)
        requester, parent = headers.get(REQUESTER_HEADER, ("",)), headers.get(traceparent.HEADER, ("",))
        return {
            "request_id": self.request_id,
            "requester_id": requester[0],
            "trace_id": traceparent.trace_id(traceparent.valid(parent[0])) if len(parent) == 1 else "",
        }

    def remove_files(self) -> None:
        """Remove the large ones of its bodies."""
        for content in self.contents:
            content.remove_file()


def hidden_headers(of_abi: Iterable[str], stripped: Iterable[str] = ()) -> frozenset[str]:
    """The lower-case names of the request headers that a handler does not see.

    Args:
        of_abi: those that its ABI hides.
        stripped: those that ``--strip-headers`` adds.
    """
    return _CONSUMED | {name.lower() for name in (*of_abi, *stripped)}


@define(kw_only=True)
class Response:
    """One answer.

    Attributes:
        status: 200..599.
        headers: names and values that HTTP can carry, Content-Type first, without any that is
            about framing.
        body: bytes, a large one, or None when the pieces follow one by one.
        error: the slug of the error that it tells of; empty for what the handler answered.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: Body | None = field(repr=False)
    error: str = ""

    def remove_files(self) -> None:
        """Remove its body, if that is a large one."""
        if self.body is not None and not isinstance(self.body, bytes):
            self.body.remove()
