"""Tornado's HTTP/1 connection, driving the model's port as the one over llhttp does.

What tornado decides by itself: a head that is no HTTP gets its own 400 without a body, or none; so do chunk
extensions and trailers, which it does not take; a head or a body that does not come in time just closes.
"""

import asyncio
import contextlib
import socket
import sys
from collections.abc import Callable
from typing import cast
from weakref import WeakKeyDictionary

# Tornado would import it at the first connection, when there may be no descriptor left to do so.
import tornado.platform.asyncio  # noqa: F401
from tornado.http1connection import HTTP1Connection
from tornado.httpserver import HTTPServer, _HTTPRequestContext
from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerConnectionDelegate,
    RequestStartLine,
    ResponseStartLine,
)
from tornado.iostream import IOStream, StreamClosedError

from abeja.runtime.server.connection import LINGER_S
from abeja.runtime.server.head import HEAD_LIMIT_BYTES, Head
from abeja.runtime.server.model_port import ModelPort
from abeja.runtime.server.patience import LOOK_S, Patience

_READ_BYTES = 64 * 1024
_BUFFER_BYTES = 4 * _READ_BYTES
# Beyond this tornado closes the connection; up to it, heads that are too large get an answer.
_READ_HEAD_BYTES = 2 * HEAD_LIMIT_BYTES
# Tornado's default is for ever, and it knows no rate.
_BODY_S = 300.0
# As the length of a body: whatever comes is read, and dropped, until the connection closes.
_ENDLESS = str(10**17)


class CountedServer(HTTPServer):
    """A tornado server that is given its connections one by one, and says when they have gone.

    Attributes:
        on_lost: called once for each connection that has closed.
    """

    on_lost: Callable[[], None]

    def accept(self, sock: socket.socket, remote_ip: str) -> None:
        """Take over a connected socket."""
        stream = IOStream(sock, max_buffer_size=self.max_buffer_size, read_chunk_size=self.read_chunk_size)
        self.handle_stream(stream, (remote_ip, 0))

    def on_close(self, server_conn: object) -> None:
        """Called by the connection."""
        super().on_close(server_conn)
        self.on_lost()

    async def close_all(self) -> None:
        """Close every connection."""
        await self.close_all_connections()


def tornado_front(port: ModelPort, *, idle_timeout_s: float, on_lost: Callable[[], None]) -> CountedServer:
    """Serves a model's port with tornado's connection; see `LlhttpFront` for the arguments."""
    server = CountedServer(
        _Delegate(port),
        idle_connection_timeout=idle_timeout_s,
        body_timeout=_BODY_S,
        chunk_size=_READ_BYTES,
        max_buffer_size=_BUFFER_BYTES,
        max_header_size=_READ_HEAD_BYTES,
        # The limit is the intake's, which can answer 413.
        max_body_size=sys.maxsize,
    )
    server.on_lost = on_lost
    return server


class _State:
    """What the requests on one connection share.

    Attributes:
        has_ended: what still arrives on it cannot be answered, so nothing of it may run.
    """

    def __init__(self) -> None:
        self.has_ended = False


class _Delegate(HTTPServerConnectionDelegate):
    def __init__(self, port: ModelPort) -> None:
        self._port = port
        self._states: WeakKeyDictionary[object, _State] = WeakKeyDictionary()

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        state = self._states.setdefault(server_conn, _State())
        return _Message(self._port, _RequestConnection(cast("HTTP1Connection", request_conn), state))


class _RequestConnection:
    """Tornado's connection for one request, as the `Connection` of an intake.

    Attributes:
        give_up: called when the client takes nothing of what was written.
        is_lingering: whether what still comes is dropped until the connection closes.
    """

    def __init__(self, connection: HTTP1Connection, state: _State) -> None:
        self._last_write: asyncio.Future[None] | None = None
        self._on_flushed: list[Callable[[], None]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._dropping: asyncio.Task[None] | None = None
        self._patience = Patience()
        self._look: asyncio.TimerHandle | None = None
        self.tornado = connection
        self.state = state
        self.give_up: Callable[[], None] = lambda: None
        self.has_read_all = self.is_lingering = False
        self.remote_ip: str = cast("_HTTPRequestContext", connection.context).remote_ip

    @property
    def is_closed(self) -> bool:
        """See `Connection`."""
        return self.tornado.stream.closed()

    def write(self, data: bytes) -> "asyncio.Future[None] | None":
        """See `Connection`."""
        # Bytes that are complete, with framing: tornado passes them on as they are.
        self._last_write = self.tornado.write(data)
        if not self._last_write.done() and self._look is None:
            self._look_at_client()
        return self._last_write

    def finish(self, *, closes: bool) -> None:
        """See `Connection`."""
        if not closes:
            self.tornado.finish()
            return
        # Closing now could make the client's system drop the answer.
        self.state.has_ended = self.is_lingering = True
        self.when_flushed(self._end_output)

    def close(self) -> None:
        """See `Connection`."""
        self.state.has_ended = True
        self.tornado.close()
        self.call_flushed()

    def when_flushed(self, callback: Callable[[], None]) -> None:
        """See `Connection`."""
        if self._last_write is None or self._last_write.done():
            callback()
        else:
            self._on_flushed.append(callback)
            self._last_write.add_done_callback(lambda _: self.call_flushed())

    def call_flushed(self) -> None:
        """All has been flushed, or the connection has closed: then tornado forgets who waits for it."""
        callbacks, self._on_flushed = self._on_flushed, []
        for callback in callbacks:
            callback()

    def stop_lingering(self) -> None:
        """The client has left."""
        if self._timer is not None:
            self._timer.cancel()

    def unused_descriptor(self) -> int:
        """See `Connection`."""
        stream = self.tornado.stream
        if stream.closed() or stream.writing():
            raise BlockingIOError
        return stream.socket.fileno()

    def _look_at_client(self) -> None:
        self._look = None
        loop, stream = asyncio.get_running_loop(), self.tornado.stream
        if self._last_write is None or self._last_write.done() or stream.closed():
            self._patience.renew()
        elif self._patience.is_over(stream.socket, self._last_write, loop.time()):
            self.give_up()
            self.close()
        else:
            self._look = loop.call_later(LOOK_S, self._look_at_client)

    def _end_output(self) -> None:
        if self.is_closed:
            return
        try:
            self.tornado.stream.socket.shutdown(socket.SHUT_WR)
        except OSError:
            self.tornado.close()
            return
        self._timer = asyncio.get_running_loop().call_later(LINGER_S, self.tornado.close)
        if self.has_read_all:  # else tornado goes on
            self._dropping = asyncio.get_running_loop().create_task(self._drop_rest())

    async def _drop_rest(self) -> None:
        with contextlib.suppress(StreamClosedError):
            while True:
                await self.tornado.stream.read_bytes(_READ_BYTES, partial=True)
        self.stop_lingering()


class _Message(HTTPMessageDelegate):
    """One request: what tornado tells of it, told to the intake."""

    def __init__(self, port: ModelPort, connection: _RequestConnection) -> None:
        self._connection = connection
        self._intake = port.new_intake(connection)
        connection.give_up = self._intake.give_up

    def headers_received(self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders) -> None:
        connection = self._connection
        if connection.state.has_ended or connection.is_closed:
            connection.close()
            return
        head = _head(cast("RequestStartLine", start_line), headers)
        # Whether to ask for the body is the intake's to say.
        headers.pop("Expect", None)
        self._intake.headers_received(head)
        if connection.is_lingering:
            # For what follows to be dropped, tornado must find it well-formed.
            headers.pop("Transfer-Encoding", None)
            headers["Content-Length"] = _ENDLESS

    def data_received(self, chunk: bytes) -> None:
        if not self._connection.state.has_ended:
            self._intake.data_received(chunk)

    def finish(self) -> None:
        connection = self._connection
        connection.has_read_all = True
        if connection.state.has_ended:
            return
        # A client that left right behind its request is not reported through the callback.
        if connection.is_closed:
            self._intake.on_connection_close()
            return
        connection.tornado.set_close_callback(self.on_connection_close)
        self._intake.finish()

    def on_connection_close(self) -> None:
        self._connection.stop_lingering()
        self._connection.call_flushed()
        self._intake.on_connection_close()


def _head(line: RequestStartLine, headers: HTTPHeaders) -> Head:
    fields: dict[str, list[str]] = {}
    size_bytes = sum(map(len, line)) + len("  \r\n\r\n")
    for name, value in headers.get_all():
        fields.setdefault(name.lower(), []).append(value.strip(" \t"))
        size_bytes += len(name) + len(value) + len(": \r\n")
    return Head.parse(method=line.method, target=line.path, version=line.version, fields=fields, size_bytes=size_bytes)
