"""What a run has come to: counts, latencies, the first failures."""

import json
import math
import time
from collections import Counter
from typing import Any

from attrs import frozen

# Latencies are kept to one part in a hundred, so that a million of them take no more room than a hundred.
_STEP = math.log(1.01)
_LEAST_S = 1e-6
_PERCENTILES = (50, 90, 99)
_SHOWN_FAILURES = 10
_NO_STATUS = "none"


@frozen
class Failure:
    """One input that failed.

    Attributes:
        number: its place among the inputs, from 0.
        input: its name.
        status: of the answer; None if the input could not be read.
        error: why, on one line.
    """

    number: int
    input: str
    status: int | None
    error: str


class Latencies:
    """How long the handler took for each input: a histogram with steps of one percent."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()
        self._longest_s = 0.0

    def add(self, time_s: float) -> None:
        """One more."""
        self._counts[math.floor(math.log(max(time_s, _LEAST_S)) / _STEP)] += 1
        self._longest_s = max(self._longest_s, time_s)

    def percentile_s(self, percent: float) -> float:
        """The time in which so many percent of the inputs were done; 0 if there are none."""
        rank = math.ceil(self._counts.total() * percent / 100)
        for step in sorted(self._counts):
            rank -= self._counts[step]
            if rank <= 0:
                return min(math.exp((step + 0.5) * _STEP), self._longest_s)
        return 0.0

    def report_ms(self) -> dict[str, float]:
        """Percentiles and the longest, in milliseconds."""
        shown = {f"p{percent}": self.percentile_s(percent) for percent in _PERCENTILES}
        return {name: round(value * 1000, 3) for name, value in {**shown, "max": self._longest_s}.items()}


class Tally:
    """Counts what becomes of the inputs, those that were done earlier included."""

    def __init__(self) -> None:
        self._started_s = time.monotonic()
        self._latencies = Latencies()
        self._statuses: Counter[str] = Counter()
        self._failures: list[Failure] = []
        self.succeeded = self.failed = self.resumed = 0
        self.total: int | None = None

    @property
    def done(self) -> int:
        """How many inputs are done."""
        return self.succeeded + self.failed

    def add(self, *, number: int, name: str, status: int | None, time_s: float, error: str, is_earlier: bool) -> None:
        """One input is done.

        Args:
            number: its place among the inputs.
            name: of it.
            status: of the answer; None if the input could not be read.
            time_s: see `Result.time_s`.
            error: why it failed; empty if it did not.
            is_earlier: whether an earlier part of the run has done it.
        """
        self.resumed += is_earlier
        self._statuses[str(status or _NO_STATUS)] += 1
        if status is not None:
            self._latencies.add(time_s)
        if not error:
            self.succeeded += 1
            return
        self.failed += 1
        # They come nearly in order: with some more than are shown, the first are among them.
        self._failures.append(Failure(number, name, status, error))
        self._failures.sort(key=lambda failure: failure.number)
        del self._failures[_SHOWN_FAILURES:]

    def report(self, *, ending: str) -> dict[str, Any]:
        """The whole report, for JSON.

        Args:
            ending: ``complete``, or why it is not.
        """
        seconds = time.monotonic() - self._started_s
        return {
            "ending": ending,
            "total": self.total,
            "succeeded": self.succeeded,
            "failed": self.failed,
            "resumed": self.resumed,
            "seconds": round(seconds, 3),
            "rate": round((self.done - self.resumed) / max(seconds, _LEAST_S), 3),
            "latency_ms": self._latencies.report_ms(),
            "statuses": dict(sorted(self._statuses.items())),
            "first_failures": [
                {"input": failure.input, "status": failure.status, "error": failure.error} for failure in self._failures
            ],
        }


def text_of(report: dict[str, Any]) -> str:
    """The report for a person."""
    done = report["succeeded"] + report["failed"]
    of_total = f" of {report['total']}" if report["total"] not in (None, done) else ""
    earlier = f" ({report['resumed']} of them earlier)" if report["resumed"] else ""
    inputs = "input" if (report["total"] or done) == 1 else "inputs"
    latency = report["latency_ms"]
    lines = [
        f"{done}{of_total} {inputs} done{earlier} in {report['seconds']:.1f} s, {report['rate']:.1f}/s",
        f"{report['succeeded']} succeeded, {report['failed']} failed",
        "latency: " + ", ".join(f"{name} {value:.4g} ms" for name, value in latency.items()),
    ]
    failures = report["first_failures"]
    if failures:
        lines.append("failures:" if report["failed"] == len(failures) else f"first {len(failures)} failures:")
        lines += [
            f"  {shown(failure['input'])}: {failure['status'] or '-'} {shown(failure['error'])}" for failure in failures
        ]
    return "\n".join(lines)


def shown(name: str) -> str:
    """A text that a terminal can take: without control characters, and in its encoding."""
    text = name.encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(character if character.isprintable() else json.dumps(character)[1:-1] for character in text)
