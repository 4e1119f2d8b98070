"""A progress bar on a terminal: one line, drawn over and over at the bottom.

It is written here rather than taken from a library, because all that it needs is a line that makes room for the log. A
library that does more costs a tenth of a second at the start, and more packages beside the server.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from abeja.runtime.batch.duration import clock
from abeja.runtime.batch.progress import Standing
from abeja.runtime.batch.report import shown

_GREEN, _RED, _DIM, _RESET = "\x1b[32m", "\x1b[31m", "\x1b[2m", "\x1b[0m"
_TO_START_AND_CLEAR = "\r\x1b[K"
_LEAST_WIDTH, _MOST_WIDTH = 10, 40
_DEFAULT_COLUMNS = 80


class Bar:
    """Draws the bar.

    Args:
        stream: a terminal.
        is_coloured: whether colours are wanted.
    """

    every_s = 0.1

    def __init__(self, stream: TextIO, *, is_coloured: bool) -> None:
        self._stream = stream
        self._is_coloured = is_coloured
        self._line = ""
        # Logs are written in any thread.
        self._lock = threading.RLock()
        self._full, self._empty = ("━", "─") if _can_write(stream, "━─") else ("#", "-")

    def show(self, standing: Standing) -> None:
        """See `Display`."""
        line = self.line(standing, columns=_columns(self._stream))
        with self._lock:
            if line != self._line:
                self._line = line
                self._write(f"{_TO_START_AND_CLEAR}{line}")

    @contextmanager
    def aside(self) -> Iterator[None]:
        """See `Display`."""
        with self._lock:
            if self._line:
                self._write(_TO_START_AND_CLEAR)
            yield
            if self._line:
                self._write(self._line)

    def close(self) -> None:
        """Leave the bar as it is, and the cursor below it."""
        with self._lock:
            if self._line:
                self._write("\n")
            self._line = ""

    def line(self, standing: Standing, *, columns: int) -> str:
        """What is drawn, not longer than a terminal of `columns` can show without a line break."""
        tally = standing.tally
        counts = f" {tally.done}/{tally.total}" if tally.total is not None else f" {tally.done} done"
        share = f" {100 * tally.done // tally.total:3} %" if tally.total else ""
        rate = f"  {standing.rate:.1f}/s"
        failures = f"  {tally.failed} failed" if tally.failed else ""
        left = f"  ETA {clock(standing.left_s)}" if standing.left_s is not None else f"  {clock(standing.elapsed_s)}"
        used = sum(map(len, (counts, share, rate, failures, left)))
        width = max(min(columns - 1 - used, _MOST_WIDTH), 0)
        detail = _cut(_detail(standing), columns - 1 - used - width)
        if width < _LEAST_WIDTH:
            return f"{counts}{share}{rate}{failures}{left}"[1:columns]
        done = width * tally.done // tally.total if tally.total else 0
        return "".join(
            (
                self._in(_GREEN, self._full * done),
                self._in(_DIM, self._empty * (width - done)),
                f"{counts}{share}{rate}",
                self._in(_RED, failures),
                left,
                self._in(_DIM, detail),
            )
        )

    def _in(self, colour: str, text: str) -> str:
        return f"{colour}{text}{_RESET}" if self._is_coloured and text else text

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


def _detail(standing: Standing) -> str:
    """What is being done."""
    if streaming := standing.streaming:
        name, results = streaming
        return f"  {shown(name)}: {results} results"
    return f"  {shown(standing.current)}" if standing.current else ""


def _cut(text: str, columns: int) -> str:
    # Letters of double width are rare in file names, but a line that breaks stays on the screen.
    return text if len(text.encode("utf-8", "replace")) <= columns else text[: max(columns // 2, 0)]


def _columns(stream: TextIO) -> int:
    try:
        return os.get_terminal_size(stream.fileno()).columns or _DEFAULT_COLUMNS
    except (OSError, ValueError):
        return _DEFAULT_COLUMNS


def _can_write(stream: TextIO, text: str) -> bool:
    try:
        text.encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
