"""The log on stderr: lines for people, or JSON for machines."""

import contextlib
import logging
import os
import sys
from collections.abc import Mapping
from typing import TextIO

from abeja.runtime.colour import is_wanted
from abeja.runtime.log_lines import JsonLines, TextLines
from abeja.runtime.secrets import Secrets

NAME = "abeja.runtime"
_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
# Member of a JSON line -> the variable that it comes from, when that is set: as in the original.
_IDENTITY = {
    "model": "ABEJA_MODEL_ID",
    "model_version": "ABEJA_MODEL_VERSION",
    "service_id": "ABEJA_SERVICE_ID",
    "deployment_id": "ABEJA_DEPLOYMENT_ID",
    "organization_id": "ABEJA_ORGANIZATION_ID",
    "run_id": "ABEJA_RUN_ID",
    "training_job_id": "TRAINING_JOB_ID",
}


class Handler(logging.StreamHandler[TextIO]):
    """Writes the log; also the `Log` of a service.

    Args:
        stream: where to.
        is_json: whether each line is a JSON object.
    """

    def __init__(self, stream: TextIO, *, is_json: bool) -> None:
        super().__init__(stream)
        self.is_json = is_json
        secrets = Secrets.of(os.environ)
        self._lines = JsonLines(secrets) if is_json else TextLines(secrets, is_coloured=is_wanted(stream))
        self.setFormatter(self._lines)
        self.fields: Mapping[str, str] = {}

    def takes(self, level: str) -> bool:
        """See `Log`."""
        return logging.getLogger(NAME).isEnabledFor(_LEVELS[level])

    def hide(self, text: str) -> str:
        """See `Log`."""
        return self._lines.secrets.hide(text)

    def write(self, lines: str) -> None:
        """See `Log`."""
        with self.lock or contextlib.nullcontext(), contextlib.suppress(OSError, ValueError):
            self.stream.write(lines)
            self.flush()

    def describe(self, *, folder_name: str, environ: Mapping[str, str]) -> None:
        """From now on, lines say which model it is, and show none of its secrets.

        Args:
            folder_name: names a model that has no id.
            environ: of its workers.
        """
        named = {member: environ.get(variable, "") for member, variable in _IDENTITY.items()}
        self.fields = {"model": folder_name, **{member: value for member, value in named.items() if value}}
        self._lines.secrets = Secrets.of({**os.environ, **environ})
        if isinstance(self._lines, JsonLines):
            self._lines.fields = self.fields


def configure(level: str, *, stream: TextIO | None = None, is_json: bool = False) -> None:
    """Send the log of this package, and warnings of the libraries that it runs on, to `stream` (stderr).

    Args:
        level: debug, info, warning or error; anything else is info, as in the original.
        stream: another text stream, such as one that keeps the log of a quiet run.
        is_json: whether each line is a JSON object, rather than a text for people.
    """
    handler = Handler(stream or sys.stderr, is_json=is_json)
    for name, threshold in (
        (NAME, _LEVELS.get(level.lower(), logging.INFO)),
        ("tornado", logging.WARNING),
        ("asyncio", logging.WARNING),
    ):
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
