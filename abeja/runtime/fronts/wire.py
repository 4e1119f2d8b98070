"""Frames between the main process and a front, over one Unix stream socket.

The frames are those of `abeja.runtime.worker.frames`, with other kinds.

==========  =========  ========================================================================================
kind        sent by    header fields
==========  =========  ========================================================================================
init        main       what the front has to know: see `settings.Settings`
ready       front
standing    main       whether requests are admitted: see `standing.Standing`
request     front      id, request_id, client_ip, contents, may_stream, takes_body, head: see `codec`
response    main       id, body: "inline", "stream" or "file" (path, size), has_id, head, stages: see `codec`
chunk       main       id; the payload is the next piece of a streamed answer
end         main       id, is_complete, stages: the streamed answer has ended
credit      front      id, bytes: so many more of the streamed answer may be sent
cancel      front      id: the client has left
eof         front      id: the client has stopped sending; its request is dropped if it still waits
dropped     main       id: so it was
opened      front      id: the file of the answer need not be kept open any more
records     front      records: of requests that have come to their end
taken       front      count: so many of the connections that were handed over are its own now
lost        front      count: so many connections have closed
drain       main       say `idle` when every connection that was handed over before has its answers
idle        front
close       main       close the connections and end
==========  =========  ========================================================================================

A streamed answer may be WINDOW_BYTES ahead of what its front has credited, so that a slow client holds up
its own answer and no other.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import cast

from abeja.runtime.worker import frames

_log = logging.getLogger("abeja.runtime")

_READ_BYTES = 64 * 1024
# Two of the largest pieces: one is on its way while the client takes the other.
WINDOW_BYTES = 2 * frames.INLINE_LIMIT_BYTES


class Wire(asyncio.BufferedProtocol):
    """One end of the socket.

    What is sent within one turn of the event loop goes out in one write.

    Args:
        on_frame: called with the header and the payload of each frame.
        on_closed: called once, when the other end has gone or has sent what cannot be handled.
        on_unsent: called when there is something to `flush`, if not this object itself shall see to that.
    """

    def __init__(
        self,
        *,
        on_frame: Callable[[frames.Header, bytes], None],
        on_closed: Callable[[], None],
        on_unsent: Callable[["Wire"], None] | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._on_frame = on_frame
        self._on_closed = on_closed
        self._on_unsent = on_unsent or (lambda _: self._flush_soon())
        self._decoder = frames.Decoder()
        self._buffer = bytearray(_READ_BYTES)
        self._transport: asyncio.Transport | None = None
        self._unsent: list[bytes] = []

    def send(self, header: frames.Header, payload: bytes = b"") -> None:
        """Send a frame with the next `flush`; one to an end that has gone is dropped.

        Raises:
            frames.FrameError: the frame is above the limits.
        """
        self.send_encoded(frames.encode_json(header), payload)

    def send_encoded(self, header: bytes, *payload: bytes) -> None:
        """The same with a header that is encoded, and a payload in pieces."""
        prefix = frames.prefix(len(header), sum(map(len, payload)))
        if not self._unsent:
            self._on_unsent(self)
        self._unsent += (prefix, header, *payload)

    def send_first(self, header: frames.Header) -> None:
        """Send a frame before those that have not been sent yet, now."""
        head = frames.encode_json(header)
        unsent, self._unsent = self._unsent, [frames.prefix(len(head), 0), head]
        self.flush()
        self._unsent = unsent

    def flush(self) -> None:
        """Hand what is to be sent to the system."""
        unsent, self._unsent = self._unsent, []
        if unsent and self._transport is not None:
            self._transport.write(b"".join(unsent))

    def close(self) -> None:
        """Close the socket when everything has been sent."""
        self.flush()
        if self._transport is not None:
            self._transport.close()

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the event loop."""
        self._transport = cast("asyncio.Transport", transport)

    def get_buffer(self, sizehint: int) -> bytearray:  # noqa: ARG002 (the interface)
        """Called by the event loop."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Called by the event loop."""
        try:
            for header, payload in self._decoder.feed(bytes(memoryview(self._buffer)[:nbytes])):
                self._on_frame(header, payload)
        except Exception:  # a bug of ours: what follows may not mean what it says
            _log.exception("a message between the server's processes could not be handled")
            if self._transport is not None:
                self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (the interface)
        """Called by the event loop."""
        self._transport = None
        self._on_closed()

    def _flush_soon(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is there any more
            self._loop.call_soon(self.flush)
