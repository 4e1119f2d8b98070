"""What the console keeps: the last of everything, and never more than it may."""

import logging
import sys

import pytest

from abeja.runtime.secrets import Secrets
from abeja.runtime.server.console.history import LOG_RECORDS, LogRing, Ring


@pytest.fixture
def kept() -> Ring[int]:
    """The last three of five."""
    ring: Ring[int] = Ring(3)
    ring.append(0)
    ring.extend((1, 2))
    ring.extend((3, 4))
    return ring


@pytest.mark.parametrize(
    ("number", "items"),
    [
        (-1, [(2, 2), (3, 3), (4, 4)]),
        (0, [(2, 2), (3, 3), (4, 4)]),
        (3, [(3, 3), (4, 4)]),
        (5, []),
        # Of a server before this one.
        (6, [(2, 2), (3, 3), (4, 4)]),
    ],
)
def test_ring_tells_what_it_keeps_from_a_number_on(kept: Ring[int], number: int, items: list[tuple[int, int]]) -> None:
    assert kept.count == 5
    assert list(kept.since(number)) == items


def test_ring_that_is_given_more_than_it_keeps_at_once_keeps_the_last() -> None:
    ring: Ring[int] = Ring(3)
    ring.extend(range(10))

    assert list(ring.since(-1)) == [(7, 7), (8, 8), (9, 9)]


@pytest.fixture
def log() -> LogRing:
    """The log of a server that has a secret."""
    return LogRing(Secrets(["hunter2-hunter2"]))


def test_log_keeps_no_more_of_a_record_than_a_person_reads(log: LogRing) -> None:
    for _ in range(LOG_RECORDS + 10):
        log.handle(_record("x" * 1_000_000))

    entries = log.since(-1)
    assert len(entries) == LOG_RECORDS
    assert sum(len(entry.text) for _, entry in log.ring.since(-1)) < LOG_RECORDS * 10_000


def test_log_hides_a_secret_also_where_a_record_is_cut(log: LogRing) -> None:
    for length in (10, 8180, 8190):
        log.handle(_record("x" * length + "hunter2-hunter2" + "y" * length))

    assert not [entry for entry in log.since(-1) if "hunter2" in entry["text"]]


def test_log_keeps_the_traceback_and_not_its_frames(log: LogRing) -> None:
    try:
        raise LookupError("nothing there")
    except LookupError:
        log.handle(_record("it failed", exc_info=sys.exc_info()))

    (entry,) = log.since(-1)
    assert entry["text"].startswith("it failed\nTraceback (most recent call last):\n")
    assert entry["text"].endswith("LookupError: nothing there")
    assert entry["level"] == "error"


def test_log_keeps_a_traceback_once_that_is_in_the_message_too(log: LogRing) -> None:
    trace = "Traceback (most recent call last):\n  ...\nLookupError: nothing there"
    log.handle(_record(f"it failed\n{trace}", summary="it failed", traceback=trace))

    assert log.since(-1)[0]["text"] == f"it failed\n{trace}"


def test_log_takes_the_level_that_a_handler_gave_its_record(log: LogRing) -> None:
    record = _record("from the handler")
    record.members = {"severity": "warn"}
    log.handle(record)

    assert log.since(-1)[0]["level"] == "warning"


def _record(message: str, **fields: object) -> logging.LogRecord:
    record = logging.makeLogRecord({"name": "abeja.runtime", "levelno": logging.ERROR, "levelname": "ERROR"})
    record.msg = message
    record.__dict__.update(fields)
    return record
