"""The last things that happened, kept for whoever looks at the page: one append each, and nothing else until then."""

import itertools
import logging
import traceback
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any, Generic, TypeVar

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


class LogRing(logging.Handler):
    """Keeps records of the log.

    Attributes:
        ring: the records, which become text when somebody looks.
    """

    def __init__(self) -> None:
        super().__init__()
        self.ring: Ring[logging.LogRecord] = Ring(LOG_RECORDS)

    def emit(self, record: logging.LogRecord) -> None:
        """Called by logging."""
        if record.exc_info and not record.exc_text:
            # Its frames would keep alive what they refer to.
            record.exc_text = "".join(traceback.format_exception(*record.exc_info)).rstrip("\n")
        self.ring.append(record)


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


def log_fields(number: int, record: logging.LogRecord, *, secrets: Secrets) -> dict[str, Any]:
    """A record for the page, without secrets."""
    traces = (getattr(record, "traceback", ""), record.exc_text or "")
    text = secrets.hide("\n".join((record.getMessage(), *filter(None, traces))))
    members = getattr(record, "members", {})
    return {
        "number": number,
        "time_s": record.created,
        "level": logging.getLevelName(level_of(members) or record.levelno).lower(),
        "message": text if len(text) <= _TEXT_LIMIT else f"{text[:_TEXT_LIMIT]}…",
        "worker": getattr(record, "worker", None),
        "request_id": getattr(record, "request_id", ""),
    }
