"""Why an input failed: what the report says of it, on one line."""

import logging

import pytest

from abeja.runtime import answers, logs
from abeja.runtime.batch.reasons import Reasons
from abeja.runtime.messages import Response

_FRAME = '  File "main.py", line 3, in handler\n    work()\n'
_BEGIN = "Traceback (most recent call last):\n"


def _reason(said: str) -> str:
    """Of a request about which the log said this."""
    record = logging.makeLogRecord({"name": logs.NAME, "levelno": logging.ERROR, "msg": said, "request_id": "r"})
    reasons = Reasons()
    reasons.handle(record)
    return reasons.of("r", Response(status=500, headers=(), body=answers.json_body({"status": "it failed"})))


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("worker-died: it was killed", "it failed: it was killed"),
        (f"no\n{_BEGIN}{_FRAME}ValueError: bad", "it failed: ValueError: bad"),
        (f"no\n{_BEGIN}{_FRAME}ValueError: first\nsecond\n\n  third", "it failed: ValueError: first second third"),
        (f"no\n{_BEGIN}{_FRAME}KeyError: 1\n\nDuring:\n\n{_BEGIN}{_FRAME}OSError: 2", "it failed: OSError: 2"),
        ("no\nSystemExit", "it failed: SystemExit"),
    ],
)
def test_reason_is_the_exception_with_all_of_its_message(said: str, expected: str) -> None:
    assert _reason(said) == expected


def test_reason_has_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_TOKEN", "hunter2-hunter2")

    assert _reason(f"no\n{_BEGIN}{_FRAME}ValueError: hunter2-hunter2 is wrong") == "it failed: ValueError: *** is wrong"
