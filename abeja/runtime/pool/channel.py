"""The server's end of the socket to one worker."""

import asyncio
import logging
import socket
from collections import deque
from collections.abc import Callable

from abeja.runtime.engine import WorkerUnreachableError
from abeja.runtime.worker import frames

_log = logging.getLogger("abeja.runtime")

_READ_BYTES = 256 * 1024


class Channel:
    """Frames over one connected socket, driven by the event loop.

    It writes to the socket itself, rather than through a transport: so whoever sends a frame to a
    worker that is gone learns at once that nothing of it was handed over.

    Args:
        on_frame: called with the header and the payload of each frame.
        on_closed: called once, with the error if the worker sent something that cannot be handled.

    Attributes:
        is_reading: whether it is open, and not paused.
    """

    def __init__(
        self, *, on_frame: Callable[[frames.Header, bytes], None], on_closed: Callable[[Exception | None], None]
    ) -> None:
        self._on_frame = on_frame
        self._on_closed = on_closed
        self._decoder = frames.Decoder()
        # What is read lands here first: asking the system for so much memory each time costs more than copying.
        self._buffer = memoryview(bytearray(_READ_BYTES))
        self._socket: socket.socket | None = None
        self._unsent: deque[memoryview] = deque()
        self._takes_frames = False
        self.is_reading = False

    @property
    def is_open(self) -> bool:
        """Whether the worker can be sent anything, as far as is known."""
        return self._takes_frames

    def open(self, sock: socket.socket) -> None:
        """Take over the connected `sock`."""
        sock.setblocking(False)  # noqa: FBT003 (the standard library's signature)
        self._socket = sock
        self._takes_frames = True
        self.resume()

    def send(self, header: bytes, payload: bytes = b"") -> None:
        """Send one frame; what the socket does not take at once is kept and sent later.

        Args:
            header: encoded, see `frames.encode_json`.
            payload: the frame's.

        Raises:
            frames.FrameError: the frame is above the limits.
            WorkerUnreachableError: the worker is gone, and has not been given a byte of the frame.
        """
        head = frames.prefix(len(header), len(payload)) + header
        if self._socket is None or not self._takes_frames:
            raise WorkerUnreachableError("its connection is closed")
        if self._unsent:
            self._keep(head, payload)
            return
        try:
            sent = self._socket.sendmsg((head, payload))
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError as error:
            self._cannot_send(self._socket, error)
            raise WorkerUnreachableError(str(error)) from error
        if sent < len(head) + len(payload):
            self._keep(memoryview(head)[sent:], memoryview(payload)[max(0, sent - len(head)) :])
            asyncio.get_running_loop().add_writer(self._socket, self._send_kept)

    def pause(self) -> None:
        """Read nothing until `resume`: the worker blocks when it has filled the socket."""
        if self._socket is not None and self.is_reading:
            self.is_reading = False
            asyncio.get_running_loop().remove_reader(self._socket)

    def resume(self) -> None:
        """Read again."""
        if self._socket is not None and not self.is_reading:
            self.is_reading = True
            asyncio.get_running_loop().add_reader(self._socket, self._read)

    def close(self) -> None:
        """Close the socket, which tells an idle worker to end."""
        self._end(None)

    def _read(self) -> None:
        if self._socket is None:
            return
        try:
            size = self._socket.recv_into(self._buffer)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._end(error)
            return
        if not size:
            self._end(None)
            return
        try:
            for header, payload in self._decoder.feed(bytes(self._buffer[:size])):
                self._on_frame(header, payload)
        except frames.FrameError as error:
            self._end(error)
        except Exception as error:  # what a worker sends must not stop the server, whatever it is
            _log.exception("a message of a worker could not be handled")
            self._end(error)

    def _keep(self, *parts: bytes | memoryview) -> None:
        self._unsent.extend(memoryview(part) for part in parts if len(part))

    def _send_kept(self) -> None:
        if self._socket is None:
            return
        try:
            sent = self._socket.sendmsg(self._unsent)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._cannot_send(self._socket, error)
            return
        while self._unsent and sent >= len(self._unsent[0]):
            sent -= len(self._unsent.popleft())
        if self._unsent:
            self._unsent[0] = self._unsent[0][sent:]
        else:
            asyncio.get_running_loop().remove_writer(self._socket)

    def _cannot_send(self, sock: socket.socket, error: OSError) -> None:
        """Send no more; what the worker had sent before it went is still read, up to its end."""
        self._takes_frames = False
        self._unsent.clear()
        loop = asyncio.get_running_loop()
        loop.remove_writer(sock)
        if not isinstance(error, ConnectionError):
            loop.call_soon(self._end, error)  # not the worker's doing, so no end of file follows

    def _end(self, error: Exception | None) -> None:
        sock, self._socket = self._socket, None
        if sock is None:
            return
        self._takes_frames = self.is_reading = False
        self._unsent.clear()
        loop = asyncio.get_running_loop()
        loop.remove_reader(sock)
        loop.remove_writer(sock)
        sock.close()
        # Not from within the caller, who may be in the middle of handling the worker.
        loop.call_soon(self._on_closed, error)
