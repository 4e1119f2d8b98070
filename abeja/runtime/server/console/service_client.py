"""Sends one request to the service port, over HTTP as any client does, and tells what comes back as it comes."""

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import cast

import httptools
from attrs import frozen

# Of an answer that the browser has not taken yet.
_AHEAD_BYTES = 256 * 1024
_CUT = "the connection to the service port was closed before the end of the answer"


@frozen(kw_only=True)
class ServiceHead:
    """The head of an answer, as it was sent.

    Attributes:
        status, reason: of the status line.
        headers: names and values in their order and spelling.
    """

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]


@frozen
class ServiceEnd:
    """The end of an answer.

    Attributes:
        trouble: why it is not complete; empty if it is.
    """

    trouble: str = ""


Part = ServiceHead | bytes | ServiceEnd


class ServiceClient(asyncio.Protocol):
    """One request on a connection of its own.

    An answer may come before the request has been sent, such as a refusal of its size: both directions go on at once.

    Args:
        has_body: whether an answer can have a body: that to HEAD has none.
    """

    def __init__(self, *, has_body: bool) -> None:
        self._has_body = has_body
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._parts: deque[Part] = deque()
        self._ahead_bytes = 0
        self._arrived = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._reason = b""
        self._headers: list[tuple[str, str]] = []
        self._ends_with_connection = False
        self._is_over = False

    @classmethod
    async def connected(cls, address: tuple[str, int], *, has_body: bool) -> "ServiceClient":
        """To a port of this machine.

        Raises:
            OSError: nobody listens there.
        """
        _, client = await asyncio.get_running_loop().create_connection(lambda: cls(has_body=has_body), *address)
        return client

    @property
    def is_answered(self) -> bool:
        """Whether the answer has ended, or cannot come: nothing needs to be sent any more."""
        return self._is_over

    async def send(self, data: bytes) -> None:
        """A piece of the request, dropped when the answer has ended; waits while the service does not take it."""
        if not self._is_over and self._transport is not None:
            self._transport.write(data)
            await self._writable.wait()

    async def receive(self) -> Part:
        """The next part of the answer: its head, pieces of its body, its end."""
        while not self._parts:
            self._arrived.clear()
            await self._arrived.wait()
        part = self._parts.popleft()
        if isinstance(part, bytes):
            self._ahead_bytes -= len(part)
            if self._ahead_bytes < _AHEAD_BYTES and self._transport is not None:
                self._transport.resume_reading()
        return part

    def close(self) -> None:
        """Leave, whatever there is still to come: the service gives the request up then."""
        self._end("the request was given up")
        if self._transport is not None:
            self._transport.abort()

    # Called by the transport.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        if self._is_over:
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._end(f"the answer is not HTTP: {error}")
        if self._ahead_bytes >= _AHEAD_BYTES and self._transport is not None:
            self._transport.pause_reading()

    def connection_lost(self, error: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self._writable.set()
        self._end("" if self._ends_with_connection and error is None else _CUT)

    def pause_writing(self) -> None:
        """See `asyncio.Protocol`."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """See `asyncio.Protocol`."""
        self._writable.set()

    # Called by the parser.

    def on_message_begin(self) -> None:
        """See `httptools`."""
        self._reason = b""
        self._headers = []

    def on_status(self, status: bytes) -> None:
        """See `httptools`; may come in pieces."""
        self._reason += status

    def on_header(self, name: bytes, value: bytes) -> None:
        """See `httptools`."""
        # As the worker's side writes them: octets are UTF-8.
        self._headers.append((name.decode("latin-1"), value.decode("utf-8", "replace")))

    def on_headers_complete(self) -> None:
        """See `httptools`."""
        status = self._parser.get_status_code()
        if status < 200:
            return
        self._put(ServiceHead(status=status, reason=self._reason.decode("latin-1"), headers=tuple(self._headers)))
        names = {name.lower() for name, _ in self._headers}
        self._ends_with_connection = not names & {"content-length", "transfer-encoding"}
        if not self._has_body:
            self._end("")

    def on_body(self, body: bytes) -> None:
        """See `httptools`."""
        self._ahead_bytes += len(body)
        self._put(body)

    def on_message_complete(self) -> None:
        """See `httptools`."""
        if self._parser.get_status_code() >= 200:
            self._end("")

    def _put(self, part: Part) -> None:
        if not self._is_over:
            self._parts.append(part)
            self._arrived.set()

    def _end(self, trouble: str) -> None:
        self._put(ServiceEnd(trouble))
        self._is_over = True
        self._writable.set()
        if self._transport is not None:
            self._transport.close()


def request_head(method: str, target: str, headers: Iterable[tuple[str, str]]) -> bytes:
    """The head of a request.

    Raises:
        ValueError: something in it cannot be sent, such as a line break.
    """
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
    text = "\r\n".join(lines)
    if text.count("\n") != len(lines) - 1 or text.count("\r") != len(lines) - 1 or "\0" in text:
        raise ValueError("a line break in the head of the request")
    return f"{text}\r\n\r\n".encode()
