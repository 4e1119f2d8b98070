"""The last things that happened, kept for whoever looks at the page: one append each, and nothing else until then."""

import itertools
import logging
import traceback
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from abeja.runtime.events import RequestRecord
from abeja.runtime.log_lines import level_of
from abeja.runtime.secrets import Secrets

_T = TypeVar("_T")

# As many as fit a page that somebody reads.
REQUESTS = 100
LOG_RECORDS = 500
# A traceback or a print of a MiB is not for a page.
_TEXT_LIMIT = 8 * 1024
_NAME_LIMIT = 256


class Ring(Generic[_T]):
    """The last items, each with its number.

    Args:
        size: how many are kept.

    Attributes:
        count: how many there have been, which is the number of the next.
    """

    def __init__(self, size: int) -> None:
        self._items: deque[_T] = deque(maxlen=size)
        self.count = 0

    def append(self, item: _T) -> None:
        """Keep an item; the oldest goes if there are too many."""
        self._items.append(item)
        self.count += 1

    def extend(self, records: Sequence[_T]) -> None:
        """Keep some."""
        self._items.extend(records)
        self.count += len(records)

    def since(self, number: int) -> Iterator[tuple[int, _T]]:
        """Those from a number on, with their numbers; all that are kept if the number is none of this ring's."""
        first = self.count - len(self._items)
        start = number if first <= number <= self.count else first
        return zip(itertools.count(start), itertools.islice(self._items, start - first, None), strict=False)


class LogEntry(NamedTuple):
    """A record of the log, without what it refers to.

    Attributes:
        time_s: in seconds since 1970.
        level: as `logging` names it.
        text: the message and the traceback; with secrets, unless it was too long.
        worker: the number of the worker; None if it is of none.
        request_id: of the request that it belongs to; empty if it belongs to none.
    """

    time_s: float
    level: str
    text: str
    worker: int | None
    request_id: str


class LogRing(logging.Handler):
    """Keeps records of the log.

    Args:
        secrets: are hidden.

    Attributes:
        ring: what is kept.
    """

    def __init__(self, secrets: Secrets) -> None:
        super().__init__()
        self._secrets = secrets
        self.ring: Ring[LogEntry] = Ring(LOG_RECORDS)

    def emit(self, record: logging.LogRecord) -> None:
        """Called by logging."""
        fields = record.__dict__
        text = record.getMessage()
        trace = fields.get("traceback") or record.exc_text or (record.exc_info and _trace(record.exc_info))
        # The message of a record that brings its own traceback may consist of it.
        if trace and trace not in text:
            text = f"{text}\n{trace}"
        if len(text) > _TEXT_LIMIT:
            text = f"{self._secrets.hide(text)[:_TEXT_LIMIT]}…"
        members = fields.get("members")
        level = logging.getLevelName((members and level_of(members)) or record.levelno)
        self.ring.append(LogEntry(record.created, level, text, fields.get("worker"), fields.get("request_id", "")))

    def since(self, number: int) -> list[dict[str, Any]]:
        """Those from a number on, for the page: see `Ring.since`."""
        hide = self._secrets.hide
        return [
            {**entry._asdict(), "number": at, "level": entry.level.lower(), "text": hide(entry.text)}
            for at, entry in self.ring.since(number)
        ]


def _trace(exc_info: Any) -> str:
    return "".join(traceback.format_exception(*exc_info)).rstrip("\n")


def request_fields(number: int, record: RequestRecord) -> dict[str, Any]:
    """A request for the page."""
    return {
        "number": number,
        "request_id": record.request_id,
        "time_s": record.time_s,
        "method": record.method[:_NAME_LIMIT],
        "path": record.path[:_NAME_LIMIT],
        "status": record.status,
        "error": record.error,
        "outcome": record.outcome,
        "content_type": record.content_type[:_NAME_LIMIT],
        "request_bytes": record.request_bytes,
        "response_bytes": record.response_bytes,
        "worker": record.worker,
        "ms": _ms(record.received_s, record.sent_s),
        "queue_ms": _ms(record.queued_s, record.leased_s),
        "handler_ms": _ms(record.leased_s, record.answered_s),
    }


def _ms(begin_s: float | None, end_s: float | None) -> float | None:
    return None if begin_s is None or end_s is None else round((end_s - begin_s) * 1000, 2)
