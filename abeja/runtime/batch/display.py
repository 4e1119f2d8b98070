"""Shows how far a run is: a bar on a terminal, a line now and then in a log, JSON for a program."""

import io
import json
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, TextIO

from abeja.runtime.batch.bar import Bar
from abeja.runtime.batch.duration import clock
from abeja.runtime.batch.progress import Standing

KINDS = ("auto", "tty", "plain", "json", "none")

_PLAIN_S = 5.0
_JSON_S = 1.0


class Display(Protocol):
    """Shows how far a run is.

    Attributes:
        every_s: how often it wants to be told.
    """

    every_s: float

    def show(self, standing: Standing) -> None:
        """Now it is so far."""

    def aside(self) -> AbstractContextManager[None]:
        """Make room for something else on the same terminal, for as long as this lasts. In any thread."""

    def close(self) -> None:
        """It is over."""


class Silent:
    """Shows nothing."""

    every_s = 1.0

    def show(self, standing: Standing) -> None:
        """See `Display`."""

    @contextmanager
    def aside(self) -> Iterator[None]:
        """See `Display`."""
        yield

    def close(self) -> None:
        """See `Display`."""


class Lines(Silent):
    """Writes a line every few seconds.

    Args:
        stream: where.
        every_s: see `Display`.
        text: makes the line.
    """

    def __init__(self, stream: TextIO, *, every_s: float, text: Callable[[Standing], str]) -> None:
        self._stream = stream
        self._text = text
        self.every_s = every_s

    def show(self, standing: Standing) -> None:
        """See `Display`."""
        self._stream.write(f"{self._text(standing)}\n")
        self._stream.flush()


class LogStream(io.StringIO):
    """Where the log goes while something is shown on the same terminal. It keeps nothing.

    Args:
        display: makes room.
        stream: the terminal, or whatever stderr is.
    """

    def __init__(self, display: Display, stream: TextIO) -> None:
        super().__init__()
        self._display = display
        self._stream = stream

    def write(self, text: str) -> int:
        """Write whole lines."""
        with self._display.aside():
            self._stream.write(text)
            self._stream.flush()
        return len(text)


def display_of(kind: str, stream: TextIO) -> Display:
    """The display of a kind.

    Args:
        kind: one of `KINDS`.
        stream: stderr.
    """
    if kind == "auto":
        kind = "tty" if stream.isatty() and os.environ.get("TERM") != "dumb" else "plain"
    if kind == "tty":
        return Bar(stream, is_coloured=not os.environ.get("NO_COLOR"))
    if kind == "none":
        return Silent()
    if kind == "json":
        return Lines(stream, every_s=_JSON_S, text=lambda standing: json.dumps({"progress": standing.report()}))
    return Lines(stream, every_s=_PLAIN_S, text=plain_line)


def plain_line(standing: Standing) -> str:
    """How far it is, as a line of a log."""
    tally = standing.tally
    of_total = f" of {tally.total}" if tally.total is not None else ""
    share = f" ({100 * tally.done // tally.total} %)" if tally.total else ""
    left = f", {clock(standing.left_s)} left" if standing.left_s is not None else ""
    streaming = standing.streaming
    results = f", {streaming[1]} results of {streaming[0]!r}" if streaming else ""
    return f"run: {tally.done}{of_total} done{share}, {tally.failed} failed, {standing.rate:.1f}/s{left}{results}"
