"""A connection over llhttp: it drives the model's port on asyncio's event loop.

`RequestReader` reads; whose turn it is, and for how long, is decided here. What follows a request is kept,
and not looked at, until the request before it has been answered.
"""

import asyncio
import logging
import math
import socket
from collections.abc import Callable
from typing import cast

from attrs import field, frozen

from abeja.runtime.errors import RequestError, RequestTimeoutError
from abeja.runtime.server.connection import LINGER_S
from abeja.runtime.server.head import Head
from abeja.runtime.server.intake import Intake
from abeja.runtime.server.known_heads import KnownHeads
from abeja.runtime.server.model_port import ModelPort
from abeja.runtime.server.patience import Patience
from abeja.runtime.server.request_reader import RequestReader

_log = logging.getLogger("abeja.runtime")

# What may wait for a slow client; beyond it, whoever writes is asked to wait.
_WRITE_HIGH_BYTES = 64 * 1024
# A body may take as long as it likes if it comes at this rate, after a start of --idle-timeout.
BODY_RATE_BYTES_PER_S = 500


@frozen(kw_only=True)
class Surroundings:
    """What all connections of a port share.

    Attributes:
        port: takes the requests.
        idle_timeout_s: how long a connection may be idle, a head may take, and a body may pause.
        buffer: what is read lands here, for the time of one call.
        body_buffer: a larger one, for bodies of which more than that is still to come.
        known_heads: what clients have sent before.
        on_lost: called once with each connection that has closed.
    """

    port: ModelPort
    idle_timeout_s: float
    buffer: bytearray
    body_buffer: memoryview
    known_heads: KnownHeads = field(factory=KnownHeads)
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
        # Where the event loop reads a part of a large body to.
        self._body_buffer: memoryview | None = None
        self._reader = RequestReader(surroundings.known_heads)
        self._intake: Intake | None = None
        # What arrived behind the request that is being answered.
        self._rest = b""
        self._is_consuming = False
        self._is_lingering = False
        self._has_eof = False
        # Whether what was written has to wait for the client, and a future for whoever waits with it.
        self._is_choked = False
        self._drained: asyncio.Future[None] | None = None
        self._on_flushed: list[Callable[[], None]] = []
        self._deadline_s = math.inf
        self._body_start_s = 0.0
        self._body_bytes = 0
        self._is_head_timed = False
        self._has_answered = False
        self._patience = Patience()
        self.remote_ip = remote_ip

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the event loop."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=_WRITE_HIGH_BYTES)
        self._deadline_s = self._loop.time() + self._surroundings.idle_timeout_s

    def get_buffer(self, sizehint: int) -> bytearray | memoryview:  # noqa: ARG002 (the interface)
        """Called by the event loop."""
        left_bytes = self._reader.left_bytes
        if left_bytes <= len(self._surroundings.buffer):
            self._body_buffer = None
            return self._surroundings.buffer
        # Nothing of the next request comes with it, which would have to be kept.
        self._body_buffer = self._surroundings.body_buffer[:left_bytes]
        return self._body_buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Called by the event loop."""
        if self._is_lingering:
            return
        if self._body_buffer is not None:
            self._take(self._body_buffer[:nbytes])
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
        self._is_choked = True

    def resume_writing(self) -> None:
        """Called by the event loop."""
        self._is_choked = False
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
        # Each write to a connection that has failed is a warning of asyncio's.
        if self._transport is not None and not self._is_lingering and not self._transport.is_closing():
            self._transport.write(data)
        if self._is_choked and self._drained is None:
            self._drained = self._loop.create_future()
        return self._drained

    def unused_descriptor(self) -> int:
        """See `Connection`."""
        transport = self._transport
        if transport is None or transport.is_closing() or transport.get_write_buffer_size():
            raise BlockingIOError
        descriptor: int = transport.get_extra_info("socket").fileno()
        return descriptor

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
        self._has_answered = True
        if self._transport is None:
            return
        if closes or (self._has_eof and not self._rest):
            self._linger(self._transport)
            return
        self._reader.next_request()
        self._is_head_timed = False
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

    def close_if_idle(self) -> None:
        """Close it if its client has had an answer and waits with the next request."""
        is_between = self._intake is None and not self._reader.has_begun and not self._rest
        if self._has_answered and is_between and not self._is_lingering:
            self.close_gently()

    def look_at_clock(self, now_s: float) -> None:
        """Called now and then: what has taken too long ends."""
        transport = self._transport
        if transport is None:
            return
        unsent_bytes = transport.get_write_buffer_size()
        self._look_at_client(transport, unsent_bytes, now_s)
        if now_s < self._deadline_s:
            return
        is_between = self._is_lingering or not self._reader.has_begun
        if is_between and unsent_bytes:
            # The time begins again when the client has all of the answer.
            self._deadline_s = now_s + (LINGER_S if self._is_lingering else self._surroundings.idle_timeout_s)
            return
        self._deadline_s = math.inf
        if is_between:
            transport.close()
        else:
            self._refuse(RequestTimeoutError("the request did not arrive in time"))

    def _look_at_client(self, transport: asyncio.Transport, unsent_bytes: int, now_s: float) -> None:
        if not unsent_bytes:
            self._patience.renew()
        elif self._patience.is_over(transport.get_extra_info("socket"), unsent_bytes, now_s):
            if self._intake is not None:
                self._intake.give_up()
            transport.abort()

    # What happens to what arrives.

    def _consume(self, data: bytes | bytearray, size: int) -> None:
        """Take what has arrived, up to the end of a request that is not answered at once."""
        start = 0
        self._is_consuming = True
        try:
            while start < size and not self._is_lingering:
                if self._must_wait():
                    self._keep(self._rest + bytes(data[start:size]))
                    return
                whole = self._reader.take_whole(data, start, size)
                if whole is None:
                    end = self._reader.piece_end(data, start, size)
                    self._take(memoryview(data)[start:end])
                    start = end
                else:
                    head, body, start = whole
                    intake = self._intake = self._surroundings.port.new_intake(self)
                    self._deadline_s = math.inf
                    intake.take_whole(head, body)
        finally:
            self._is_consuming = False

    def _take(self, piece: memoryview) -> None:
        reader = self._reader
        try:
            reader.feed(piece)
        except RequestError as error:
            self._refuse(error)
            return
        if reader.head is None:
            self._time_head()
        else:
            self._pass_on_what_was_read()

    def _pass_on_what_was_read(self) -> None:
        reader = self._reader
        if reader.head is None:
            return
        intake = self._intake or self._begin(reader.head)
        body = reader.take_body()
        if body and self._intake is intake:
            if not reader.is_complete:
                self._time_body(len(body))
            intake.data_received(body)
        if reader.is_complete and self._intake is intake:
            self._deadline_s = math.inf
            intake.finish()

    def _time_head(self) -> None:
        if not self._is_head_timed:
            self._is_head_timed = True
            self._deadline_s = self._loop.time() + self._surroundings.idle_timeout_s

    def _begin(self, head: Head) -> Intake:
        intake = self._intake = self._surroundings.port.new_intake(self)
        if not self._reader.is_complete:
            self._body_bytes = 0
            self._body_start_s = self._loop.time()
            self._deadline_s = self._body_start_s + self._surroundings.idle_timeout_s
        intake.headers_received(head)
        return intake

    def _time_body(self, size_bytes: int) -> None:
        self._body_bytes += size_bytes
        earned_s = self._body_start_s + self._body_bytes / BODY_RATE_BYTES_PER_S
        self._deadline_s = min(self._loop.time(), earned_s) + self._surroundings.idle_timeout_s

    def _must_wait(self) -> bool:
        """Whether the next request has to: for the answer before it, or for the client to take what there is."""
        return self._reader.is_complete if self._intake is not None else self._is_choked

    def _keep(self, data: bytes) -> None:
        """What belongs to the next request waits, and so does its client."""
        self._rest = data
        if self._transport is not None and self._transport.is_reading():
            self._transport.pause_reading()

    def _go_on(self, transport: asyncio.Transport) -> None:
        """Take the next request of those that came behind each other."""
        # While nothing was read, a reset could not be noticed: nobody waits for what is left.
        if self.is_closed or transport.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            transport.abort()
            return
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
        try:
            transport.write_eof()
        except OSError:  # the client has left, which the event loop has not seen yet
            transport.abort()
            return
        if not transport.is_reading():
            transport.resume_reading()
