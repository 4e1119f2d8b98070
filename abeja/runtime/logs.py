"""The log on stderr: ``LEVEL: message``, as the original's, with the worker and the request."""

import contextlib
import logging
import sys
from collections.abc import Mapping
from typing import TextIO

NAME = "abeja.runtime"
_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


class _Formatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        worker = getattr(record, "worker", None)
        request_id = getattr(record, "request_id", "")
        origin = f"[worker {worker}] " if worker is not None else ""
        suffix = f" [request {request_id}]" if request_id else ""
        first, *rest = super().format(record).split("\n")
        return "\n".join([f"{record.levelname}: {origin}{first}{suffix}", *rest])


class Handler(logging.StreamHandler[TextIO]):
    """Writes the log; also the `Log` of a service.

    Args:
        stream: where to.
        is_json: whether each line is a JSON object.
    """

    def __init__(self, stream: TextIO, *, is_json: bool) -> None:
        super().__init__(stream)
        self.is_json = is_json
        self.fields: Mapping[str, str] = {}

    def takes(self, level: str) -> bool:
        """See `Log`."""
        return logging.getLogger(NAME).isEnabledFor(_LEVELS[level])

    def write(self, lines: str) -> None:
        """See `Log`."""
        with self.lock or contextlib.nullcontext(), contextlib.suppress(OSError, ValueError):
            self.stream.write(lines)
            self.flush()


def configure(level: str, *, stream: TextIO | None = None) -> None:
    """Send the log of this package, and warnings of tornado, to `stream` (stderr).

    Args:
        level: debug, info, warning or error; anything else is info, as in the original.
        stream: another text stream, such as one that keeps the log of a quiet run.
    """
    handler = Handler(stream or sys.stderr, is_json=False)
    handler.setFormatter(_Formatter())
    for name, threshold in ((NAME, _LEVELS.get(level.lower(), logging.INFO)), ("tornado", logging.WARNING)):
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.setLevel(threshold)
        logger.propagate = False


def current() -> Handler:
    """Where the log goes now; to stderr if it has not been configured."""
    for handler in logging.getLogger(NAME).handlers:
        if isinstance(handler, Handler):
            return handler
    return Handler(sys.stderr, is_json=False)
