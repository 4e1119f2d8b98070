"""What a worker prints: into the log line by line, with the worker and the request."""

import asyncio
import contextlib
import logging
import os
from collections import deque

_log = logging.getLogger("abeja.runtime.worker")

_READ_BYTES = 16 * 1024
# What a pipe holds on Linux.
_PIPE_BYTES = 64 * 1024
# As in the original: longer lines are cut here, so that a flood without newlines stays bounded.
LINE_LIMIT_BYTES = 250 * 1024
# How much of the end of its output is shown when a worker dies.
KEPT_LINES = 20


class Output:
    """Reads the pipe that is the worker's stdout and stderr.

    Args:
        worker: the worker's number, for the log.

    Attributes:
        request_id: the request that the worker has, for the log; empty between requests.
        last_lines: the end of the output.
    """

    def __init__(self, worker: int) -> None:
        self._worker = worker
        self._pending = b""
        self._reader: int | None = None
        self.request_id = ""
        self.last_lines: deque[str] = deque(maxlen=KEPT_LINES)

    def open(self) -> int:
        """Start reading a new pipe; returns its writing end, which the caller closes."""
        self._reader, writer = os.pipe()
        os.set_blocking(self._reader, False)
        asyncio.get_running_loop().add_reader(self._reader, self._read)
        return writer

    def drain(self) -> None:
        """Log what the worker has printed so far, so that it is counted to the right request.

        No more than a pipe holds: a handler's thread may print faster than anyone can read.
        """
        for _ in range(_PIPE_BYTES // _READ_BYTES):
            if not self._read():
                return

    def close(self) -> None:
        """Log what is left and stop reading."""
        if self._reader is None:
            return
        self.drain()
        if self._pending:
            self._emit(self._pending)
            self._pending = b""
        self._forget()

    def _read(self) -> bool:
        if self._reader is None:
            return False
        data: bytes | None = None
        with contextlib.suppress(BlockingIOError):
            data = os.read(self._reader, _READ_BYTES)
        if data is None:
            return False
        if not data:
            self._forget()
            return False
        *lines, self._pending = (self._pending + data).split(b"\n")
        for line in lines:
            self._emit(line)
        if len(self._pending) > LINE_LIMIT_BYTES:
            self._emit(self._pending)
            self._pending = b""
        return len(data) == _READ_BYTES

    def _emit(self, line: bytes) -> None:
        text = line.decode("utf-8", "replace").rstrip()
        if text:
            self.last_lines.append(text)
            _log.info("%s", text, extra={"worker": self._worker, "request_id": self.request_id})

    def _forget(self) -> None:
        if self._reader is not None:
            asyncio.get_running_loop().remove_reader(self._reader)
            os.close(self._reader)
            self._reader = None
