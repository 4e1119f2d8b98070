"""The server's end of the socket to one worker."""

import asyncio
import logging
import socket
from collections.abc import Callable
from typing import Any, cast

from abeja.runtime.messages import Request, SpoolFile
from abeja.runtime.worker import frames

_log = logging.getLogger("abeja.runtime")


class Channel(asyncio.Protocol):
    """Frames over one connected socket, driven by the event loop.

    Args:
        on_frame: called with the header and the payload of each frame.
        on_closed: called once, with the error if the worker sent something that cannot be handled.
    """

    def __init__(
        self, *, on_frame: Callable[[frames.Header, bytes], None], on_closed: Callable[[Exception | None], None]
    ) -> None:
        self._on_frame = on_frame
        self._on_closed = on_closed
        self._decoder = frames.Decoder()
        self._transport: asyncio.Transport | None = None

    async def open(self, sock: socket.socket) -> None:
        """Take over the connected `sock`."""
        loop = asyncio.get_running_loop()
        await loop.create_unix_connection(lambda: self, sock=sock)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the event loop."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Called by the event loop."""
        try:
            for header, payload in self._decoder.feed(data):
                self._on_frame(header, payload)
        except frames.FrameError as error:
            self._break(error)
        except Exception as error:  # what a worker sends must not stop the server, whatever it is
            _log.exception("a message of a worker could not be handled")
            self._break(error)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the event loop."""
        self._on_closed(exc)

    def send(self, header: frames.Header, payload: bytes = b"") -> None:
        """Send one frame; it is buffered while the worker is busy.

        Raises:
            frames.FrameError: the frame is above the limits.
        """
        if self._transport is not None:
            self._transport.write(frames.encode(header, payload))

    def pause(self) -> None:
        """Read nothing until `resume`: the worker blocks when it has filled the socket."""
        if self._transport is not None and self._transport.is_reading():
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read again."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def close(self) -> None:
        """Close the socket, which tells an idle worker to end."""
        if self._transport is not None:
            self._transport.close()

    def _break(self, error: Exception) -> None:
        self.close()
        self._on_closed(error)


def request_frame(number: int, request: Request, *, timeout_s: float | None = None) -> tuple[frames.Header, bytes]:
    """The `request` frame for one request; its small bodies are the payload, in their order."""
    inline: list[bytes] = []
    contents: list[dict[str, Any]] = []
    for content in request.contents:
        fields: dict[str, Any] = {
            "content_type": content.content_type,
            "file_name": content.file_name,
            "form_name": content.form_name,
        }
        if isinstance(content.body, SpoolFile):
            fields.update(size=content.body.size_bytes, path=str(content.body.path))
        else:
            fields["size"] = len(content.body)
            inline.append(content.body)
        contents.append(fields)
    header = {
        "kind": "request",
        "id": number,
        "request_id": request.request_id,
        "method": request.method,
        "path": request.path,
        "query": request.query,
        "content_type": request.content_type,
        "headers": request.headers,
        "contents": contents,
        "client_ip": request.client_ip,
        "timeout_s": timeout_s,
    }
    return header, b"".join(inline)
