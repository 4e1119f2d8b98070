"""Records of the log as lines: for people, and as JSON with the names of the vendor's runtime."""

import json
import logging
import os
import time
from collections.abc import Mapping
from typing import Any

from abeja.runtime.colour import dressed
from abeja.runtime.secrets import Secrets

# What a record may bring beside its message, as `extra`: these, `worker`, `origin` (its source if that is not ours),
# `members` (of a JSON object), and `summary` and `traceback` if its message consists of these two.
REQUEST_MEMBERS = ("request_id", "requester_id", "trace_id")
_LEVELS = {"DEBUG": "debug", "INFO": "info", "WARNING": "warning", "ERROR": "error", "CRITICAL": "fatal"}
# What others call them.
_LEVEL_WORDS = {"warn": "warning", "critical": "fatal", "err": "error", "notice": "info", "trace": "debug"}
# Members that only the server knows; what a handler says of them is left out.
_OURS = ("log_id", "log_type", "log_level", "worker", *REQUEST_MEMBERS)
_LEVEL_MEMBERS = ("log_level", "level", "levelname", "severity")


class TextLines(logging.Formatter):
    """``LEVEL: message``, as the original's, with the worker and the request.

    Args:
        secrets: are left out.
        is_coloured: whether a terminal shows them.
    """

    def __init__(self, secrets: Secrets, *, is_coloured: bool = False) -> None:
        super().__init__()
        self.secrets = secrets
        self._is_coloured = is_coloured

    def format(self, record: logging.LogRecord) -> str:
        """Called by the handler."""
        worker = getattr(record, "worker", None)
        request_id = getattr(record, "request_id", "")
        origin = f"[worker {worker}] " if worker is not None else ""
        suffix = f" [request {request_id}]" if request_id else ""
        # Of a line that a progress bar has drawn over, the last state, as on a terminal.
        first, *rest = [line.rstrip("\r").rpartition("\r")[2] for line in super().format(record).split("\n")]
        text = self.secrets.hide("\n".join([f"{record.levelname}: {origin}{first}{suffix}", *rest]))
        return dressed(text) if self._is_coloured else text


class JsonLines(logging.Formatter):
    """One JSON object for each record.

    Args:
        secrets: are left out.
    """

    def __init__(self, secrets: Secrets) -> None:
        super().__init__()
        self.secrets = secrets
        # Members that every line has.
        self.fields: Mapping[str, str] = {}
        self._process = os.urandom(6).hex()
        self._count = 0

    def format(self, record: logging.LogRecord) -> str:
        """Called by the handler."""
        self._count += 1
        theirs: Mapping[str, Any] = getattr(record, "members", {})
        trace = getattr(record, "traceback", "")
        if record.exc_info:
            trace = self.formatException(record.exc_info)
        line = {
            "log_id": f"{self._process}-{self._count}",
            "log_level": _LEVELS.get(logging.getLevelName(level_of(theirs) or record.levelno), "info"),
            "timestamp": _timestamp(record.created),
            "source": _source(record),
            "message": self.secrets.hide(getattr(record, "summary", "") or record.getMessage()),
            **self.secrets.hide_within(_usable(theirs)),
        }
        ours = {name: getattr(record, name, "") for name in ("worker", *REQUEST_MEMBERS)}
        line.update((name, self.secrets.hide_within(value)) for name, value in ours.items() if value)
        line.update(self.fields)
        if trace:
            line["exc_info"] = self.secrets.hide(trace)
        return json.dumps(line)


def parsed(text: str) -> dict[str, Any] | None:
    """The members of a line that is a JSON object; None if it is not one."""
    if not (text.startswith("{") and text.endswith("}")):
        return None
    try:
        value = json.loads(text, parse_constant=_not_json)
        # What can be read, such as an exponent that is too large, may still have no JSON.
        json.dumps(value, allow_nan=False)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def level_of(members: Mapping[str, Any]) -> int | None:
    """The level that a handler's own record names, for `logging`; None if it names none."""
    for name in _LEVEL_MEMBERS:
        word = members.get(name)
        if isinstance(word, str):
            word = _LEVEL_WORDS.get(word.lower(), word.lower())
            for known, shown in _LEVELS.items():
                if shown == word:
                    return logging.getLevelNamesMapping()[known]
    return None


def _usable(members: Mapping[str, Any]) -> dict[str, Any]:
    """Members of a record, but for those that say what only the server knows."""
    return {name: value for name, value in members.items() if name not in _OURS}


def _source(record: logging.LogRecord) -> str:
    """Where it was logged, as the vendor's runtime said it: ``runtime:run.main.26``."""
    if hasattr(record, "origin"):
        return str(record.origin)
    return f"{record.name}:{record.module}.{record.funcName}.{record.lineno}"


def _timestamp(time_s: float) -> str:
    """Such as ``2019-05-01T12:00:00.123+00:00``."""
    milliseconds = int(time_s * 1000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(milliseconds // 1000))}.{milliseconds % 1000:03d}+00:00"


def _not_json(word: str) -> None:
    raise ValueError(f"{word} is no JSON")
