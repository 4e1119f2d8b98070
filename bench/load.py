"""What a load is, and what came of it."""

from dataclasses import dataclass


class LoadError(Exception):
    """The load could not be made, or nothing was answered; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Load:
    """What came of it.

    Attributes:
        requests: that were answered.
        seconds: in which they were.
        p50_ms: the median of their times.
        p99_ms: the 99th percentile of their times.
        errors: answers of 400 or above, broken connections and requests without an answer in time.
    """

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    errors: int


@dataclass(frozen=True, kw_only=True)
class Shape:
    """How it is made.

    Attributes:
        connections: that are open at any time, each with one request at a time.
        seconds: for which it is made.
        keep_alive: False for a new connection for every request.
    """

    connections: int
    seconds: float
    keep_alive: bool = True
