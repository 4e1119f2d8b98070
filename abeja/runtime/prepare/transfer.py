"""Says how far a download or an extraction is: a bar on a terminal, a line in the log now and then elsewhere."""

import logging
import sys
import time
from types import TracebackType
from typing import Self, TextIO

_log = logging.getLogger("abeja.runtime")

_BAR_WIDTH = 30
_REDRAW_S = 0.1
_LOG_S = 5.0
_MIB = 1024**2


class Transfer:
    """Something that is under way; call it with the bytes that are done and those that are expected.

    Args:
        verb: such as ``downloading``.
        name: of what.
        terminal: where a bar is drawn; None for lines in the log.
    """

    def __init__(self, verb: str, name: str, *, terminal: TextIO | None) -> None:
        self._what = f"{verb} {name}"
        self._terminal = terminal
        self._said_at = time.monotonic()
        self._width = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._terminal is not None and self._width:
            self._draw(self._terminal, "")
            self._terminal.write("\r")

    def __call__(self, done_bytes: int, total_bytes: int | None) -> None:
        """Say it, unless something has just been said."""
        now = time.monotonic()
        if now - self._said_at < (_REDRAW_S if self._terminal is not None else _LOG_S):
            return
        self._said_at = now
        amount = f"{done_bytes / _MIB:.1f} MiB"
        if total_bytes:
            amount += f" of {total_bytes / _MIB:.1f} MiB ({100 * done_bytes // total_bytes} %)"
        if self._terminal is None:
            _log.info("%s: %s", self._what, amount)
        else:
            self._draw(self._terminal, f"{self._what} {_bar(done_bytes, total_bytes)}{amount}")

    def _draw(self, terminal: TextIO, line: str) -> None:
        terminal.write(f"\r{line.ljust(self._width)}")
        terminal.flush()
        self._width = len(line)


def terminal() -> TextIO | None:
    """The terminal that stderr is, None if it is none."""
    return sys.stderr if sys.stderr.isatty() else None


def _bar(done_bytes: int, total_bytes: int | None) -> str:
    if not total_bytes:
        return ""
    filled = min(_BAR_WIDTH, _BAR_WIDTH * done_bytes // total_bytes)
    return f"[{'#' * filled}{' ' * (_BAR_WIDTH - filled)}] "
