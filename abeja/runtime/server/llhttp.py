"""A connection over llhttp, the parser of Node.js: it drives the model's port on asyncio's event loop.

The parser knows the grammar of HTTP/1; whose turn it is, how much may arrive and for how long is decided
here. Its lenient modes stay off.

A head, and a chunked body, end with an empty line. So the parser is never given more than up to the next
one, and what follows a request is known to the byte: it is kept, and not looked at, until the request
before it has been answered.
"""

import asyncio
import logging
import math
import re
import socket
from collections.abc import Callable
from typing import cast

import httptools
from attrs import frozen

from abeja.runtime.errors import RequestError, RequestMalformedError, RequestTimeoutError, VersionUnsupportedError
from abeja.runtime.server.connection import LINGER_S
from abeja.runtime.server.head import HEAD_LIMIT_BYTES, TARGET_LIMIT_BYTES, Head, head_too_large
from abeja.runtime.server.intake import Intake
from abeja.runtime.server.model_port import ModelPort

_log = logging.getLogger("abeja.runtime")

READ_BYTES = 64 * 1024
# What may wait for a slow client; beyond it, whoever writes is asked to wait.
_WRITE_HIGH_BYTES = 64 * 1024
# A body may take as long as it likes if it comes at this rate, after a start of --idle-timeout.
BODY_RATE_BYTES_PER_S = 500
# Chunk extensions and trailers are read and dropped, but not for ever.
_IDLE_FRAMING_BYTES = HEAD_LIMIT_BYTES
_EMPTY_LINE = b"\r\n\r\n"
# RFC 9112, 3: one space between the three parts. The parser takes more, and other protocols too.
_REQUEST_LINE = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([\x21-\x7e]+) (HTTP/[0-9]\.[0-9])\r", re.ASCII)
_METHOD = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?: .*)?", re.DOTALL)


@frozen(kw_only=True)
class Surroundings:
    """What all connections of a port share.

    Attributes:
        port: takes the requests.
        idle_timeout_s: how long a connection may be idle, a head may take, and a body may pause.
        buffer: what is read lands here, for the time of one call.
        on_lost: called once with each connection that has closed.
    """

    port: ModelPort
    idle_timeout_s: float
    buffer: bytearray
    on_lost: Callable[["LlhttpConnection"], None]


class LlhttpConnection(asyncio.BufferedProtocol):
    """One client's connection: a `Connection` for the request that is on it.

    Args:
        surroundings: see there.
        remote_ip: the client's address.
    """

    def __init__(self, surroundings: Surroundings, remote_ip: str) -> None:
        self._surroundings = surroundings
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._intake: Intake | None = None
        # What arrived behind the request that is being answered.
        self._rest = b""
        self._is_consuming = False
        self._is_lingering = False
        self._has_eof = False
        self._drained: asyncio.Future[None] | None = None
        self._on_flushed: list[Callable[[], None]] = []
        self._deadline_s = math.inf
        self._body_start_s = 0.0
        self._body_bytes = 0
        self._idle_framing_bytes = 0
        # Of the request that is being read: `_head` is what has come of a head that is not complete.
        self._head = bytearray()
        self._head_bytes = 0
        self._fields: dict[str, list[str]] = {}
        self._pieces: list[bytes] = []
        self._has_head = False
        self._has_all = False
        self._left_bytes = 0
        self.remote_ip = remote_ip

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the event loop."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=_WRITE_HIGH_BYTES)
        self._deadline_s = self._loop.time() + self._surroundings.idle_timeout_s

    def get_buffer(self, sizehint: int) -> bytearray:  # noqa: ARG002 (the interface)
        """Called by the event loop."""
        return self._surroundings.buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Called by the event loop."""
        if self._is_lingering:
            return
        if self._must_wait():
            self._keep(self._rest + bytes(memoryview(self._surroundings.buffer)[:nbytes]))
        else:
            self._consume(self._surroundings.buffer, nbytes)

    def eof_received(self) -> bool:
        """Called by the event loop. A client that has only stopped sending gets its answer if a worker has its request.

        One whose request still waits has left, as far as can be told: the end looks the same.
        """
        if self._intake is None or not self._intake.is_with_worker or self._is_lingering:
            return False
        self._has_eof = True
        return True

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (the interface)
        """Called by the event loop."""
        self._transport = None
        self.resume_writing()
        intake, self._intake = self._intake, None
        if intake is not None:
            intake.on_connection_close()
        self._surroundings.on_lost(self)

    def pause_writing(self) -> None:
        """Called by the event loop."""
        self._drained = self._loop.create_future()

    def resume_writing(self) -> None:
        """Called by the event loop."""
        drained, self._drained = self._drained, None
        if drained is not None and not drained.done():
            drained.set_result(None)
        if self._on_flushed:
            callbacks, self._on_flushed = self._on_flushed, []
            if self._transport is not None:
                self._transport.set_write_buffer_limits(high=_WRITE_HIGH_BYTES)
            for callback in callbacks:
                callback()
        if self._rest and self._transport is not None and not self._must_wait():
            self._go_on(self._transport)

    # What a request asks of its connection.

    @property
    def is_closed(self) -> bool:
        """See `Connection`."""
        return self._transport is None or self._transport.is_closing()

    def write(self, data: bytes) -> "asyncio.Future[None] | None":
        """See `Connection`."""
        if self._transport is not None and not self._is_lingering:
            self._transport.write(data)
        return self._drained

    def when_flushed(self, callback: Callable[[], None]) -> None:
        """See `Connection`."""
        if self._transport is None or not self._transport.get_write_buffer_size():
            callback()
        else:
            self._on_flushed.append(callback)
            self._transport.set_write_buffer_limits(high=0)

    def finish(self, *, closes: bool) -> None:
        """See `Connection`."""
        self._intake = None
        if self._transport is None:
            return
        if closes or (self._has_eof and not self._rest):
            self._linger(self._transport)
            return
        self._head_bytes = 0
        self._fields = {}
        self._has_head = self._has_all = False
        self._deadline_s = self._loop.time() + self._surroundings.idle_timeout_s
        if self._rest and not self._is_consuming and not self._must_wait():
            self._go_on(self._transport)

    def close(self) -> None:
        """See `Connection`."""
        if self._transport is not None:
            self._transport.abort()

    def close_gently(self) -> None:
        """Close it when what was written has been sent."""
        if self._transport is not None:
            self._transport.close()

    def look_at_clock(self, now_s: float) -> None:
        """Called now and then: what has taken too long ends."""
        if now_s < self._deadline_s or self._transport is None:
            return
        self._deadline_s = math.inf
        if self._is_lingering or (self._intake is None and not self._head.strip()):
            if self._transport.get_write_buffer_size():
                self._transport.abort()
            self._transport.close()
        else:
            self._refuse(RequestTimeoutError("the request did not arrive in time"))

    # What the parser calls.

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called by the parser, for the fields of a head and for those behind the chunks of a body."""
        if not self._has_head:
            # RFC 9110, 5.5: white space around a value is no part of it.
            text = value.decode("latin-1").strip(" \t")
            self._fields.setdefault(name.decode("latin-1").lower(), []).append(text)

    def on_headers_complete(self) -> None:
        """Called by the parser."""
        self._has_head = True

    def on_body(self, data: bytes) -> None:
        """Called by the parser."""
        self._pieces.append(data)

    def on_message_complete(self) -> None:
        """Called by the parser."""
        self._has_all = True

    # What happens to what arrives.

    def _consume(self, data: bytes | bytearray, size: int) -> None:
        """Take what has arrived, up to the end of a request that is not answered at once."""
        view = memoryview(data)
        start = 0
        self._is_consuming = True
        try:
            while start < size and not self._is_lingering:
                if self._must_wait():
                    self._keep(bytes(view[start:size]))
                    return
                end = self._piece_end(data, start, size)
                if self._feed(view[start:end]):
                    self._advance(view[start:end])
                start = end
        finally:
            self._is_consuming = False

    def _piece_end(self, data: bytes | bytearray, start: int, size: int) -> int:
        """Where the parser may stop at the latest, so that it does not see the next request."""
        if self._left_bytes:
            return min(size, start + self._left_bytes)
        tail = self._head[-3:]
        if tail:
            across = (tail + data[start : min(size, start + 3)]).find(_EMPTY_LINE)
            if across >= 0:
                return start + across + len(_EMPTY_LINE) - len(tail)
        found = data.find(_EMPTY_LINE, start, size)
        return size if found < 0 else found + len(_EMPTY_LINE)

    def _feed(self, piece: memoryview) -> bool:
        """Parse; False if it is not HTTP and has been answered so."""
        try:
            self._parser.feed_data(piece)
        except httptools.HttpParserUpgrade:
            pass  # ignored, as a server may (RFC 9110, 7.8); `_read_body` sees to the body
        except httptools.HttpParserInvalidMethodError:
            self._refuse_method(bytes(self._head + piece))
            return False
        except httptools.HttpParserError as error:
            self._refuse(_syntax_error(error))
            return False
        return True

    def _advance(self, piece: memoryview) -> None:
        """The parser has taken `piece`: pass on what it found."""
        if self._intake is None:
            self._head_bytes += len(piece)
            if not self._has_head:
                self._read_more_of_head(piece)
                return
            self._start(bytes(self._head + piece) if self._head else bytes(piece))
            self._head.clear()
        elif self._left_bytes:
            self._left_bytes -= len(piece)
        else:
            # The end of the chunks may be split too.
            self._head += piece[-3:]
            del self._head[:-3]
            self._idle_framing_bytes = 0 if self._pieces else self._idle_framing_bytes + len(piece)
            if self._idle_framing_bytes > _IDLE_FRAMING_BYTES:
                self._refuse(RequestMalformedError("the chunked body has extensions or trailers without end"))
        intake = self._intake
        if intake is None or self._is_lingering:
            return
        if self._pieces:
            self._pass_on(intake)
        if self._has_all and self._intake is intake and not self._is_lingering:
            self._head.clear()
            self._deadline_s = math.inf
            intake.finish()

    def _read_more_of_head(self, piece: memoryview) -> None:
        if not self._head:
            self._deadline_s = self._loop.time() + self._surroundings.idle_timeout_s
        self._head += piece
        if self._head_bytes > HEAD_LIMIT_BYTES:
            self._refuse(head_too_large())
            return
        if b"\n" in bytes(piece):
            line, newline, _ = self._head[: 2 * TARGET_LIMIT_BYTES].lstrip(b"\r\n").partition(b"\n")
            if newline and not _REQUEST_LINE.fullmatch(line):
                self._refuse(RequestMalformedError("the request line is malformed"))

    def _start(self, head: bytes) -> None:
        """A head is complete."""
        line = _REQUEST_LINE.match(head.lstrip(b"\r\n") if head[0] in b"\r\n" else head)
        if line is None:
            self._refuse(RequestMalformedError("the request line is malformed"))
            return
        method, target, version = line.groups()
        parsed = Head.parse(
            method=method.decode("ascii"),
            target=target.decode("ascii"),
            version=version.decode("ascii"),
            fields=self._fields,
            size_bytes=self._head_bytes,
        )
        intake = self._intake = self._surroundings.port.new_intake(self)
        intake.headers_received(parsed)
        if parsed.has_body and not self._is_lingering:
            self._read_body(parsed)

    def _read_body(self, head: Head) -> None:
        self._left_bytes = head.content_length or 0
        self._body_bytes = self._idle_framing_bytes = 0
        self._body_start_s = self._loop.time()
        self._deadline_s = self._body_start_s + self._surroundings.idle_timeout_s
        if self._has_all:
            # The parser took the body for that of another protocol, because of `Upgrade`. A new one, told the
            # same framing, reads it.
            length = head.content_length
            framing = b"Transfer-Encoding: chunked" if length is None else b"Content-Length: %d" % length
            self._parser = httptools.HttpRequestParser(self)
            self._parser.feed_data(b"POST / HTTP/1.1\r\n%b\r\n\r\n" % framing)
            self._has_all = False

    def _pass_on(self, intake: Intake) -> None:
        data = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces.clear()
        self._body_bytes += len(data)
        idle_s = self._surroundings.idle_timeout_s
        self._deadline_s = idle_s + min(
            self._loop.time(), self._body_start_s + self._body_bytes / BODY_RATE_BYTES_PER_S
        )
        intake.data_received(data)

    def _must_wait(self) -> bool:
        """Whether the next request has to: for the answer before it, or for the client to take what there is."""
        return self._has_all if self._intake is not None else self._drained is not None

    def _keep(self, data: bytes) -> None:
        """What belongs to the next request waits, and so does its client."""
        self._rest = data
        if self._transport is not None and self._transport.is_reading():
            self._transport.pause_reading()

    def _go_on(self, transport: asyncio.Transport) -> None:
        """Take the next request of those that came behind each other."""
        rest, self._rest = self._rest, b""
        try:
            self._consume(rest, len(rest))
        except Exception:  # a bug of ours; it must not become that of the worker whose answer was sent before
            _log.exception("a request could not be read")
            transport.abort()
            return
        if self._rest or self.is_closed:
            return
        if not self._has_eof:
            transport.resume_reading()
        elif self._intake is None or not self._intake.is_with_worker:
            transport.close()

    def _refuse_method(self, seen: bytes) -> None:
        if _METHOD.fullmatch(seen.lstrip(b"\r\n").partition(b"\r")[0]):
            intake = self._intake = self._surroundings.port.new_intake(self)
            intake.refuse(intake.method_not_allowed())
        else:
            self._refuse(RequestMalformedError("the request line is malformed"))

    def _refuse(self, error: RequestError) -> None:
        """Answer with an error, if no answer has begun, and take nothing more."""
        if self._intake is None:
            self._intake = self._surroundings.port.new_intake(self)
        self._intake.refuse(error)

    def _linger(self, transport: asyncio.Transport) -> None:
        """Let the client read the answer: closing now could make its system drop it."""
        self._is_lingering = True
        self._rest = b""
        if self._has_eof or transport.is_closing():
            transport.close()
            return
        self._deadline_s = self._loop.time() + LINGER_S
        transport.write_eof()
        if not transport.is_reading():
            transport.resume_reading()


def _syntax_error(error: httptools.HttpParserError) -> RequestError:
    text = str(error)
    if "HTTP version" in text or "PRI/Upgrade" in text:
        return VersionUnsupportedError("the server speaks HTTP/1.1 and HTTP/1.0")
    return RequestMalformedError(f"the request is malformed: {text.replace('`', '')}")


class LlhttpFront:
    """Serves a model's port with `LlhttpConnection`.

    Args:
        port: takes the requests.
        idle_timeout_s: see `Surroundings`.
        on_lost: called once for each connection that has closed.
    """

    def __init__(self, port: ModelPort, *, idle_timeout_s: float, on_lost: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._connections: set[LlhttpConnection] = set()
        self._arriving: set[asyncio.Task[None]] = set()
        self._on_lost = on_lost
        self._surroundings = Surroundings(
            port=port, idle_timeout_s=idle_timeout_s, buffer=bytearray(READ_BYTES), on_lost=self._lost
        )
        # One clock for all: a timer for each request would cost more than the rest of its reading.
        self._interval_s = max(0.02, min(1.0, idle_timeout_s / 10))
        self._timer = self._loop.call_later(self._interval_s, self._look_at_clock)

    def accept(self, sock: socket.socket, remote_ip: str) -> None:
        """Take over a connected socket."""
        task = self._loop.create_task(self._open(sock, remote_ip))
        self._arriving.add(task)
        task.add_done_callback(self._arriving.discard)

    async def close_all(self) -> None:
        """Close every connection; what was written is sent."""
        self._timer.cancel()
        for connection in tuple(self._connections):
            connection.close_gently()
        # Their descriptors are closed one turn of the loop later.
        await asyncio.sleep(0)

    async def _open(self, sock: socket.socket, remote_ip: str) -> None:
        connection = LlhttpConnection(self._surroundings, remote_ip)
        self._connections.add(connection)
        try:
            await self._loop.connect_accepted_socket(lambda: connection, sock)
        except OSError:  # the client has left already
            sock.close()
            self._lost(connection)

    def _lost(self, connection: LlhttpConnection) -> None:
        if connection in self._connections:
            self._connections.remove(connection)
            self._on_lost()

    def _look_at_clock(self) -> None:
        self._timer = self._loop.call_later(self._interval_s, self._look_at_clock)
        now_s = self._loop.time()
        for connection in tuple(self._connections):
            connection.look_at_clock(now_s)
