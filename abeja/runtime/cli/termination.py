"""SIGTERM and SIGHUP outside an event loop: temporary files go, as they do after Ctrl-C."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

# What a shell reports for a process that a signal has ended, less the signal's number.
SIGNALLED = 128
_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def unwound_by_signals() -> Iterator[None]:
    """Have SIGTERM and SIGHUP end the program by way of every ``finally``."""
    before = {number: signal.signal(number, _leave) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _leave(number: int, _: FrameType | None) -> None:
    sys.exit(SIGNALLED + number)
