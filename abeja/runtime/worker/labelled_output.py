"""What Python code prints while several requests run, labelled with the request that printed it.

Each write becomes one or more pieces of the pipe that is stdout and stderr, in the form

::

    mark  length  0x00  request id  0x00  text

with the length in decimal. The mark is made for each worker at random, so that nothing that a
request brings can pass for one. A piece is never longer than what a pipe takes in one go, so pieces
of different threads, and of other programs on the same pipe, never mix. Nothing is kept here: no
lock that a forked child could find taken, no text that a crash could lose.
"""

import contextlib
import io
import os
import sys
from typing import Any

try:
    # A coroutine has the context of the request that it runs for, and so have the tasks that it starts.
    from contextvars import ContextVar
except ImportError:  # Python 3.6, where only the request's own thread is known
    from threading import local

    class ContextVar(local):  # type: ignore[no-redef] # the part of it that is used here
        """A value for each thread."""

        def __init__(self, name: str, *, default: str) -> None:
            self.name = name
            self._value = default

        def get(self) -> str:
            """The thread's value."""
            return self._value

        def set(self, value: str) -> None:
            """Change it for this thread."""
            self._value = value


# PIPE_BUF of Linux: a pipe takes so much in one go, or nothing.
_PIECE_BYTES = 4096

_request_id: Any = ContextVar("abeja_request_id", default="")


def begin(request_id: str) -> None:
    """Label what this thread prints from here on, and the coroutines that it awaits; nothing if it is empty."""
    _request_id.set(request_id)


def install(mark: bytes) -> None:
    """Put labelling streams in the place of `sys.stdout` and `sys.stderr`."""
    sys.stdout = _labelled(sys.stdout, mark)
    sys.stderr = _labelled(sys.stderr, mark)


def _labelled(stream: Any, mark: bytes) -> Any:
    if stream is None:  # Python found the descriptor closed
        return None
    file = _LabelledFile(stream.fileno(), mark, stream.name)
    return io.TextIOWrapper(
        file,
        encoding=stream.encoding,
        errors=stream.errors,
        newline="\n",
        line_buffering=stream.line_buffering,
        write_through=True,  # what is not kept cannot be another thread's
    )


class _LabelledFile(io.FileIO):
    """The binary layer: it labels what is written in a request, and nothing else."""

    def __init__(self, fd: int, mark: bytes, name: str) -> None:
        super(_LabelledFile, self).__init__(fd, "wb", closefd=False)
        self.name = name
        self._mark = mark

    def write(self, data: Any) -> int:
        request_id = _request_id.get()
        if not request_id:
            return int(super(_LabelledFile, self).write(data) or 0)
        view = memoryview(data).cast("B")
        fd = self.fileno()  # a ValueError if the stream was closed
        label = b"\0" + request_id.encode("utf-8", "replace") + b"\0"
        step = _PIECE_BYTES - len(self._mark) - len(label) - len(str(_PIECE_BYTES))
        for start in range(0, len(view), step):
            text = bytes(view[start : start + step])
            # Another program on the pipe may have made it non-blocking; as without labels, what does not fit is lost.
            with contextlib.suppress(BlockingIOError):
                os.write(fd, b"".join((self._mark, b"%d" % len(text), label, text)))
        return len(view)
