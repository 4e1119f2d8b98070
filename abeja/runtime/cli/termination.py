"""SIGTERM before there is a server: temporary files go, as they do after Ctrl-C."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

# What a shell reports for a process that SIGTERM has ended.
_EXIT_CODE = 128 + signal.SIGTERM


@contextmanager
def unwound_by_sigterm() -> Iterator[None]:
    """Have SIGTERM end the program by way of every ``finally``."""
    before = signal.signal(signal.SIGTERM, _leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _leave(_: int, __: FrameType | None) -> None:
    sys.exit(_EXIT_CODE)
