"""What Python code prints, labelled with the request that printed it.

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
from typing import Any, List

# PIPE_BUF of Linux: a pipe takes so much in one go, or nothing.
_PIECE_BYTES = 4096


class OneRequest(object):
    """Which request prints: the one that runs, in whatever thread.

    Attributes:
        request_id: the request; empty if there is none.
    """

    def __init__(self) -> None:
        self.request_id = ""

    def get(self) -> str:
        """The request; empty if there is none."""
        return self.request_id


def install(mark: bytes, current: Any) -> None:
    """Put labelling streams in the place of `sys.stdout` and `sys.stderr`.

    Args:
        mark: begins a label.
        current: says whose output it is, as `OneRequest` does.
    """
    # Also those that a handler may put back.
    sys.stdout = sys.__stdout__ = _labelled(sys.stdout, mark, current)  # type: ignore[misc] # final, says typeshed
    sys.stderr = sys.__stderr__ = _labelled(sys.stderr, mark, current)  # type: ignore[misc]
    _log[:] = [_LabelledFile(2, mark, "<stderr>", current)]


def log(line: str) -> None:
    """Write a line of ours, whatever the handler has made of the streams."""
    data = line.encode("utf-8", "replace") + b"\n"
    try:
        if _log:
            _log[0].write(data)
        else:
            os.write(2, data)
    except (OSError, ValueError):  # the handler may have closed it
        return


# One file, once the streams are labelled.
_log: List["_LabelledFile"] = []


def _labelled(stream: Any, mark: bytes, current: Any) -> Any:
    if stream is None:  # Python found the descriptor closed
        return None
    file = _LabelledFile(stream.fileno(), mark, stream.name, current)
    labelled: Any = io.TextIOWrapper(
        file,
        encoding=stream.encoding,
        errors=stream.errors,
        newline="\n",
        line_buffering=stream.line_buffering,
        write_through=True,  # what is not kept cannot be another thread's, nor another request's
    )
    labelled.mode = "w"  # as Python's own have it
    return labelled


class _LabelledFile(io.FileIO):
    """The binary layer: it labels what is written."""

    def __init__(self, fd: int, mark: bytes, name: str, current: Any) -> None:
        super(_LabelledFile, self).__init__(fd, "wb", closefd=False)
        self.name = name
        self._mark = mark
        self._current = current

    def write(self, data: Any) -> int:
        # Empty between requests: a label all the same, so that it is known to be Python's.
        request_id = self._current.get()
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
