"""The log on stderr: ``LEVEL: message``, as the original's, with the worker and the request."""

import logging
import sys
from typing import TextIO

from abeja.runtime.colour import dressed, is_wanted

NAME = "abeja.runtime"
_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


class _Formatter(logging.Formatter):
    def __init__(self, *, is_coloured: bool) -> None:
        super().__init__()
        self._is_coloured = is_coloured

    def format(self, record: logging.LogRecord) -> str:
        worker = getattr(record, "worker", None)
        request_id = getattr(record, "request_id", "")
        origin = f"[worker {worker}] " if worker is not None else ""
        suffix = f" [request {request_id}]" if request_id else ""
        first, *rest = super().format(record).split("\n")
        text = "\n".join([f"{record.levelname}: {origin}{first}{suffix}", *rest])
        return dressed(text) if self._is_coloured else text


def configure(level: str, *, stream: TextIO | None = None) -> None:
    """Send the log of this package, and warnings of tornado, to `stream` (stderr).

    Args:
        level: debug, info, warning or error; anything else is info, as in the original.
        stream: another text stream, such as one that keeps the log of a quiet run.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_Formatter(is_coloured=is_wanted(stream or sys.stderr)))
    for name, threshold in ((NAME, _LEVELS.get(level.lower(), logging.INFO)), ("tornado", logging.WARNING)):
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.setLevel(threshold)
        logger.propagate = False
