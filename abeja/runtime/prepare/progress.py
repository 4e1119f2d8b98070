"""Shows that an environment is being built: one line that is overwritten on a terminal, else nothing."""

import shutil
import sys
import time
from typing import Self, TextIO

_FRAMES = "|/-\\"


class Progress:
    """The line on the terminal. Use as a context; it is wiped at the end.

    Args:
        what: what is being done.
        stream: where; nothing is written unless it is a terminal.
    """

    def __init__(self, what: str, stream: TextIO | None = None) -> None:
        self._what = what
        self._stream = stream or sys.stderr
        self._is_shown = self._stream.isatty()
        self._started = time.monotonic()
        self._count = 0

    def __enter__(self) -> Self:
        self.show("")
        return self

    def __exit__(self, *exc: object) -> None:
        self._write("")

    @property
    def seconds(self) -> float:
        """Since it began."""
        return time.monotonic() - self._started

    def show(self, detail: str) -> None:
        """Overwrite the line."""
        self._count += 1
        frame = _FRAMES[self._count % len(_FRAMES)]
        self._write(f"{frame} {self._what} ({self.seconds:.0f} s) {detail}")

    def _write(self, text: str) -> None:
        if self._is_shown:
            width = shutil.get_terminal_size().columns - 1
            self._stream.write(f"\r\x1b[K{text[:width]}")
            self._stream.flush()
